// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/linux/image_header.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <string>

namespace ravelin::vmm {
namespace {

class ImageHeaderTest : public ::testing::Test {
 protected:
  ImageHeaderTest() {
    Put(8, std::uint64_t{0x80000});
    Put(16, std::uint64_t{0x1900000});
    Put(24, std::uint64_t{0xa});
    Put(56, std::uint32_t{0x644d5241});
  }

  template <typename Value>
  void Put(std::size_t offset, Value value) {
    std::memcpy(&bytes_[offset], &value, sizeof(value));
  }

  std::string Error(std::size_t size = kImageHeaderBytes) {
    const auto header = ParseImageHeader(std::span{bytes_}.first(size));
    return header ? "no error" : header.error().text;
  }

  std::array<std::byte, kImageHeaderBytes> bytes_{};
};

TEST_F(ImageHeaderTest, TellsOffsetAndSize) {
  const auto header = ParseImageHeader(bytes_);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->text_offset, 0x80000U);
  EXPECT_EQ(header->image_size, 0x1900000U);
}

TEST_F(ImageHeaderTest, RefusesOtherFiles) {
  Put(56, std::uint32_t{0x644d5242});
  EXPECT_EQ(Error(), "it is no arm64 Image");
}

TEST_F(ImageHeaderTest, RefusesShortFiles) {
  EXPECT_EQ(Error(0), "it is too short for an arm64 Image");
  EXPECT_EQ(Error(kImageHeaderBytes - 1), "it is too short for an arm64 Image");
}

TEST_F(ImageHeaderTest, SaysThatAKernelIsCompressed) {
  Put(0, std::uint16_t{0x8b1f});
  EXPECT_EQ(Error(), "it is compressed: unpack it to an arm64 Image");
  EXPECT_EQ(Error(2), "it is compressed: unpack it to an arm64 Image");
  EXPECT_EQ(Error(1), "it is too short for an arm64 Image");
}

TEST_F(ImageHeaderTest, RefusesBigEndianKernels) {
  Put(24, std::uint64_t{1});
  EXPECT_EQ(Error(), "it is a big-endian Image");
}

TEST_F(ImageHeaderTest, RefusesHeadersWithoutSize) {
  Put(16, std::uint64_t{0});
  EXPECT_EQ(Error(), "its header does not tell its size");
}

TEST_F(ImageHeaderTest, RefusesSizesThatCannotBe) {
  Put(16, ~std::uint64_t{0});
  EXPECT_EQ(Error(), "its header has a size or an offset that cannot be");
  Put(16, std::uint64_t{0x1000});
  Put(8, kImageAlignment);
  EXPECT_EQ(Error(), "its header has a size or an offset that cannot be");
}

}  // namespace
}  // namespace ravelin::vmm
