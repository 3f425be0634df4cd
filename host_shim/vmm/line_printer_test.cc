// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/uart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ravelin::vmm {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class UartTest : public ::testing::Test {
 protected:
  void Send(std::string_view text) {
    for (const char character : text) {
      uart_.Write(Uart::kDataRegister, 1, static_cast<unsigned char>(character));
    }
  }

  std::vector<std::string> lines_;
  Uart uart_{[this](std::string_view line) { lines_.emplace_back(line); }};
};

TEST_F(UartTest, GivesWholeLines) {
  Send("one\ntwo\r\nthr");
  EXPECT_THAT(lines_, ElementsAre("one", "two"));
}

TEST_F(UartTest, FlushGivesTheRestOnce) {
  Send("rest");
  uart_.Flush();
  uart_.Flush();
  EXPECT_THAT(lines_, ElementsAre("rest"));
}

TEST_F(UartTest, KeepsEmptyLines) {
  Send("\n");
  EXPECT_THAT(lines_, ElementsAre(""));
}

TEST_F(UartTest, HidesControlCharacters) {
  Send("a\x1b[2J\x80z\n");
  EXPECT_THAT(lines_, ElementsAre("a.[2J.z"));
}

TEST_F(UartTest, CutsALineThatNeverEnds) {
  Send(std::string(3 * Uart::kLongestLine, 'x'));
  EXPECT_THAT(lines_, ElementsAre(SizeIs(Uart::kLongestLine), SizeIs(Uart::kLongestLine),
                                  SizeIs(Uart::kLongestLine)));
}

TEST_F(UartTest, UsesTheLowByteOfWiderWrites) {
  uart_.Write(Uart::kDataRegister, 4, 0xffffff00 | 'a');
  uart_.Flush();
  EXPECT_THAT(lines_, ElementsAre("a"));
}

TEST_F(UartTest, IsAlwaysReadyToSendAndHasNothingToReceive) {
  EXPECT_EQ(uart_.Read(Uart::kFlagRegister, 4), Uart::kReceiveEmpty | Uart::kSendEmpty);
  EXPECT_EQ(uart_.Read(Uart::kDataRegister, 4), 0U);
}

TEST_F(UartTest, IgnoresOtherRegisters) {
  uart_.Write(Uart::kDataRegister + 4, 4, 'a');
  uart_.Flush();
  EXPECT_THAT(lines_, IsEmpty());
}

}  // namespace
}  // namespace ravelin::vmm
