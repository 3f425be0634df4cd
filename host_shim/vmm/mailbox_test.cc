// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/mailbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <array>
#include <cstring>
#include <span>
#include <string>
#include <vector>

namespace ravelin::vmm {
namespace {

using ::testing::ElementsAre;
using ::testing::StartsWith;

constexpr Ipa kBase{0x80000000};
constexpr std::uint64_t kBytes = 4 * kPageSize;
constexpr Ipa kPage{Raw(kBase) + kPageSize};

class MailboxTest : public ::testing::Test {
 protected:
  void PutMessage(const std::string& text) {
    ASSERT_TRUE(memory_.CopyIn(kPage, std::as_bytes(std::span{text.c_str(), text.size() + 1})));
  }

  void SendMessage(Ipa page) { mailbox_.Write(Mailbox::kMessageRegister, 8, Raw(page)); }

  std::string PageText() {
    std::array<char, 64> text{};
    EXPECT_TRUE(memory_.CopyOut(kPage, std::as_writable_bytes(std::span{text})));
    return text.data();
  }

  GuestMemory memory_ = *GuestMemory::Create(kBase, kBytes);
  std::vector<std::string> lines_;
  Command command_ = Command::kWait;
  Mailbox mailbox_{memory_, [this](std::string_view line) { lines_.emplace_back(line); },
                   [this] { return command_; }};
};

TEST_F(MailboxTest, PrintsTheMessageAndAnswersInThePage) {
  PutMessage("hello");
  SendMessage(kPage);
  EXPECT_THAT(lines_, ElementsAre("guest: hello"));
  EXPECT_EQ(PageText(), "The host heard 5 bytes");
}

TEST_F(MailboxTest, HidesControlCharacters) {
  PutMessage("a\x1b\nb");
  SendMessage(kPage);
  EXPECT_THAT(lines_, ElementsAre("guest: a..b"));
}

TEST_F(MailboxTest, RefusesAnAddressInsideAPage) {
  SendMessage(Ipa{Raw(kPage) + 8});
  EXPECT_THAT(lines_, ElementsAre(StartsWith("vmm: no message taken: address 0x80001008")));
}

TEST_F(MailboxTest, RefusesAnAddressOutsideTheSlot) {
  SendMessage(Ipa{Raw(kBase) + kBytes});
  SendMessage(Ipa{~std::uint64_t{0xfff}});
  EXPECT_THAT(lines_, ElementsAre(StartsWith("vmm: no message"), StartsWith("vmm: no message")));
}

TEST_F(MailboxTest, RefusesAMessageWithoutEnd) {
  std::vector<std::byte> full(kPageSize, std::byte{'x'});
  ASSERT_TRUE(memory_.CopyIn(kPage, full));
  SendMessage(kPage);
  EXPECT_THAT(lines_, ElementsAre("vmm: no message taken: the page holds no end of the message"));
}

TEST_F(MailboxTest, SurvivesAPageThatIsNotShared) {
  ASSERT_EQ(::mprotect(memory_.host_address() + kPageSize, kPageSize, PROT_NONE), 0);
  SendMessage(kPage);
  EXPECT_THAT(lines_, ElementsAre(StartsWith("vmm: no message taken: guest memory at 0x80001000")));
}

TEST_F(MailboxTest, SurvivesAPageThatCannotBeAnswered) {
  PutMessage("hello");
  ASSERT_EQ(::mprotect(memory_.host_address() + kPageSize, kPageSize, PROT_READ), 0);
  SendMessage(kPage);
  EXPECT_THAT(lines_, ElementsAre("guest: hello", StartsWith("vmm: no answer given")));
}

TEST_F(MailboxTest, HandsOutTheCommand) {
  EXPECT_EQ(mailbox_.Read(Mailbox::kCommandRegister, 8), 1U);
  command_ = Command::kFinish;
  EXPECT_EQ(mailbox_.Read(Mailbox::kCommandRegister, 8), 0U);
}

TEST_F(MailboxTest, RemembersTheGuestsVerdict) {
  EXPECT_EQ(mailbox_.status(), 0U);
  mailbox_.Write(Mailbox::kStatusRegister, 8, 7);
  EXPECT_EQ(mailbox_.status(), 7U);
}

TEST_F(MailboxTest, IgnoresPartialWritesAndOtherRegisters) {
  mailbox_.Write(Mailbox::kStatusRegister, 4, 7);
  mailbox_.Write(Mailbox::kStatusRegister + 8, 8, 7);
  EXPECT_EQ(mailbox_.status(), 0U);
  EXPECT_EQ(mailbox_.Read(Mailbox::kStatusRegister, 8), 0U);
}

}  // namespace
}  // namespace ravelin::vmm
