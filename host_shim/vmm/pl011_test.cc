// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/pl011.h"

#include <gtest/gtest.h>

#include <string>

#include "host_shim/vmm/pl031.h"

namespace ravelin::vmm {
namespace {

class FakeLine final : public InterruptLine {
 public:
  void Set(bool high) override { is_high = high; }

  bool is_high = false;
};

class Pl011Test : public ::testing::Test {
 protected:
  std::uint64_t Read(std::uint64_t offset) { return uart_.Read(offset, 4); }
  void Write(std::uint64_t offset, std::uint64_t value) { uart_.Write(offset, 4, value); }
  void Type(const std::string& text) { uart_.Take(std::as_bytes(std::span{text})); }

  std::string sent_;
  FakeLine line_;
  Pl011 uart_{[this](char character) { sent_.push_back(character); }, &line_};
};

TEST_F(Pl011Test, SendsTheLowByte) {
  Write(Pl011::kData, 0xffffff00 | 'a');
  Write(Pl011::kData, 'b');
  Write(Pl011::kData + 4, 'c');
  EXPECT_EQ(sent_, "ab");
}

TEST_F(Pl011Test, IsAlwaysReadyToSend) {
  Write(Pl011::kData, 'a');
  EXPECT_EQ(Read(Pl011::kFlags), Pl011::kSendEmpty | Pl011::kReceiveEmpty);
}

TEST_F(Pl011Test, ReceivesInOrder) {
  Type("xy");
  EXPECT_EQ(Read(Pl011::kFlags), Pl011::kSendEmpty);
  EXPECT_EQ(Read(Pl011::kData), std::uint64_t{'x'});
  EXPECT_EQ(Read(Pl011::kData), std::uint64_t{'y'});
  EXPECT_EQ(Read(Pl011::kFlags), Pl011::kSendEmpty | Pl011::kReceiveEmpty);
  EXPECT_EQ(Read(Pl011::kData), 0U);
}

TEST_F(Pl011Test, InterruptsWhileThereIsInput) {
  Write(Pl011::kInterruptMask, Pl011::kReceive);
  EXPECT_FALSE(line_.is_high);
  Type("x");
  EXPECT_TRUE(line_.is_high);
  Write(Pl011::kInterruptClear, Pl011::kReceive);
  EXPECT_TRUE(line_.is_high);
  EXPECT_EQ(Read(Pl011::kMaskedInterrupts), Pl011::kReceive);
  EXPECT_EQ(Read(Pl011::kData), std::uint64_t{'x'});
  EXPECT_FALSE(line_.is_high);
}

TEST_F(Pl011Test, TheSendInterruptComesAfterACharacterAndIsCleared) {
  Write(Pl011::kInterruptMask, Pl011::kSend);
  EXPECT_FALSE(line_.is_high);
  Write(Pl011::kData, 'a');
  EXPECT_TRUE(line_.is_high);
  Write(Pl011::kInterruptClear, Pl011::kSend);
  EXPECT_FALSE(line_.is_high);
}

TEST_F(Pl011Test, TheMaskHidesInterrupts) {
  Type("x");
  Write(Pl011::kData, 'a');
  EXPECT_FALSE(line_.is_high);
  EXPECT_EQ(Read(Pl011::kMaskedInterrupts), 0U);
  EXPECT_EQ(Read(Pl011::kRawInterrupts), Pl011::kReceive | Pl011::kReceiveTimeout | Pl011::kSend);
}

TEST_F(Pl011Test, KeepsWhatLinuxReadsBack) {
  Write(Pl011::kControl, 0x301);
  Write(Pl011::kLineControl, 0x70);
  EXPECT_EQ(Read(Pl011::kControl), 0x301U);
  EXPECT_EQ(Read(Pl011::kLineControl), 0x70U);
}

TEST_F(Pl011Test, HasTheIdentityOfAPl011) {
  EXPECT_EQ(Read(Pl011::kIdentification), 0x11U);
  EXPECT_EQ(Read(Pl011::kIdentification + 4), 0x10U);
  EXPECT_EQ(Read(0xffc), 0xb1U);
  EXPECT_EQ(Read(0xffd), 0U);
}

TEST_F(Pl011Test, HoldsABoundedInputAndSaysWhenThereIsRoom) {
  bool resumed = false;
  uart_.OnRoom([&] { resumed = true; });
  Type(std::string(Pl011::kInputBytes, 'x'));
  EXPECT_EQ(uart_.Room(), 0U);
  EXPECT_EQ(Read(Pl011::kData), std::uint64_t{'x'});
  EXPECT_EQ(uart_.Room(), 1U);
  EXPECT_TRUE(resumed);
}

TEST(Pl031Test, TellsTheTimeAndCannotBeSet) {
  Pl031 clock{[] { return 1'700'000'000U; }};
  EXPECT_EQ(clock.Read(Pl031::kData, 4), 1'700'000'000U);
  clock.Write(Pl031::kData + 8, 4, 5);
  EXPECT_EQ(clock.Read(Pl031::kData, 4), 1'700'000'000U);
  EXPECT_EQ(clock.Read(Pl031::kControl, 4), 1U);
  EXPECT_EQ(clock.Read(Pl031::kIdentification, 4), 0x31U);
  EXPECT_EQ(clock.Read(0xffc, 4), 0xb1U);
}

}  // namespace
}  // namespace ravelin::vmm
