// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/line_printer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace ravelin::vmm {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

class LinePrinterTest : public ::testing::Test {
 protected:
  void Send(std::string_view text) {
    for (const char character : text) printer_.Put(character);
  }

  std::vector<std::string> lines_;
  LinePrinter printer_{[this](std::string_view line) { lines_.emplace_back(line); }};
};

TEST_F(LinePrinterTest, GivesWholeLines) {
  Send("one\ntwo\r\nthr");
  EXPECT_THAT(lines_, ElementsAre("one", "two"));
}

TEST_F(LinePrinterTest, FlushGivesTheRestOnce) {
  Send("rest");
  printer_.Flush();
  printer_.Flush();
  EXPECT_THAT(lines_, ElementsAre("rest"));
}

TEST_F(LinePrinterTest, KeepsEmptyLines) {
  Send("\n");
  EXPECT_THAT(lines_, ElementsAre(""));
}

TEST_F(LinePrinterTest, HidesControlCharacters) {
  Send("a\x1b[2J\x80z\n");
  EXPECT_THAT(lines_, ElementsAre("a.[2J.z"));
}

TEST_F(LinePrinterTest, CutsALineThatNeverEnds) {
  constexpr std::size_t kLongest = LinePrinter::kLongestLine;
  Send(std::string(3 * kLongest, 'x'));
  EXPECT_THAT(lines_, ElementsAre(SizeIs(kLongest), SizeIs(kLongest), SizeIs(kLongest)));
}

}  // namespace
}  // namespace ravelin::vmm
