// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/mmio.h"

#include <gtest/gtest.h>

#include <mutex>

namespace ravelin::vmm {
namespace {

class RecordingDevice final : public MmioDevice {
 public:
  std::uint64_t Read(std::uint64_t offset, unsigned size) override { return offset * 16 + size; }
  void Write(std::uint64_t offset, unsigned /*size*/, std::uint64_t value) override {
    last_offset_ = offset;
    last_value_ = value;
  }

  std::uint64_t last_offset_ = 0;
  std::uint64_t last_value_ = 0;
};

constexpr Ipa kBase{0x1000};
constexpr std::uint64_t kSize = 0x1000;
constexpr std::uint64_t kNothing = ~std::uint64_t{0};

class MmioBusTest : public ::testing::Test {
 protected:
  MmioBusTest() { bus_.Attach(kBase, kSize, device_); }

  RecordingDevice device_;
  std::mutex lock_;
  MmioBus bus_{lock_};
};

TEST_F(MmioBusTest, GivesTheDeviceItsOffset) {
  EXPECT_EQ(bus_.Read(Ipa{0x1020}, 4), 0x204U);
  bus_.Write(Ipa{0x1ff8}, 8, 7);
  EXPECT_EQ(device_.last_offset_, 0xff8U);
  EXPECT_EQ(device_.last_value_, 7U);
}

TEST_F(MmioBusTest, ReadsAllOnesWhereNothingIs) {
  EXPECT_EQ(bus_.Read(Ipa{0xfff}, 1), kNothing);
  EXPECT_EQ(bus_.Read(Ipa{0x2000}, 1), kNothing);
  EXPECT_EQ(bus_.Read(Ipa{kNothing}, 8), kNothing);
}

TEST_F(MmioBusTest, RefusesAnAccessAcrossTheEnd) {
  EXPECT_EQ(bus_.Read(Ipa{0x1ffc}, 8), kNothing);
  bus_.Write(Ipa{0x1ffc}, 8, 7);
  EXPECT_EQ(device_.last_value_, 0U);
}

TEST_F(MmioBusTest, IgnoresWritesWhereNothingIs) {
  bus_.Write(Ipa{0}, 4, 7);
  EXPECT_EQ(device_.last_value_, 0U);
}

}  // namespace
}  // namespace ravelin::vmm
