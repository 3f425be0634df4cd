// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <string>
#include <vector>

#include "host_shim/vmm/virtio/console.h"
#include "host_shim/vmm/virtio/entropy.h"
#include "host_shim/vmm/virtio/testing.h"

namespace ravelin::vmm {
namespace {

using test::kBase;
using test::kMemoryBytes;
using test::kWrite;
using test::TestMemory;
using test::TestRing;
using ::testing::Each;
using ::testing::ElementsAre;

constexpr std::uint64_t kData = Raw(kBase) + 8 * kPageSize;

class ConsoleTest : public ::testing::Test {
 protected:
  ConsoleTest() {
    EXPECT_TRUE(queues_[0].Enable(8, receive_.addresses()));
    EXPECT_TRUE(queues_[1].Enable(8, send_.addresses()));
    console_.OnRequest([this](std::size_t index) { served_ = Serve(index); });
  }

  bool Serve(std::size_t index) { return console_.Serve(index, queues_).has_value(); }

  void Type(const std::string& text) { console_.Take(std::as_bytes(std::span{text})); }

  TestMemory memory_;
  TestRing receive_{memory_, 0, 8};
  TestRing send_{memory_, 3, 8};
  std::vector<Virtqueue> queues_{2, Virtqueue{DmaMemory{memory_.memory(), 0}}};
  std::string printed_;
  bool served_ = true;
  VirtioConsole console_{[this](std::span<const std::byte> bytes) {
    for (const std::byte byte : bytes) printed_.push_back(static_cast<char>(byte));
  }};
};

TEST_F(ConsoleTest, PrintsWhatTheGuestSends) {
  memory_.PutText(kData, "hello");
  send_.OfferChain({{.address = kData, .length = 2}, {.address = kData + 2, .length = 3}});
  ASSERT_TRUE(Serve(VirtioConsole::kSendQueue));
  EXPECT_EQ(printed_, "hello");
  EXPECT_EQ(send_.used_index(), 1);
}

TEST_F(ConsoleTest, PrintsLongBuffersWhole) {
  constexpr std::size_t kLong = 10'000;
  memory_.PutText(kData, std::string(kLong, 'x'));
  send_.OfferChain({{.address = kData, .length = kLong}});
  ASSERT_TRUE(Serve(VirtioConsole::kSendQueue));
  EXPECT_EQ(printed_, std::string(kLong, 'x'));
}

TEST_F(ConsoleTest, ABufferThatIsNotSharedIsAnError) {
  std::byte* page = memory_.memory().host_address() + (kData - Raw(kBase));
  ASSERT_EQ(::mprotect(page, kPageSize, PROT_NONE), 0);
  send_.OfferChain({{.address = kData, .length = 2}});
  EXPECT_FALSE(Serve(VirtioConsole::kSendQueue));
}

TEST_F(ConsoleTest, InputWaitsForTheGuestsBuffers) {
  Type("abcdef");
  EXPECT_EQ(receive_.used_index(), 0);
  EXPECT_EQ(console_.Room(), VirtioConsole::kInputBytes - 6);
  receive_.OfferChain({{.address = kData, .length = 4, .flags = kWrite}});
  ASSERT_TRUE(Serve(VirtioConsole::kReceiveQueue));
  EXPECT_EQ(memory_.GetText(kData, 4), "abcd");
  EXPECT_EQ(receive_.used_entry(0).length, 4U);
  receive_.OfferChain({{.address = kData, .length = 4, .flags = kWrite}}, 1);
  ASSERT_TRUE(Serve(VirtioConsole::kReceiveQueue));
  EXPECT_EQ(receive_.used_entry(1).length, 2U);
  EXPECT_EQ(console_.Room(), VirtioConsole::kInputBytes);
}

TEST_F(ConsoleTest, SaysWhenThereIsRoomAgain) {
  bool resumed = false;
  console_.OnRoom([&] { resumed = true; });
  receive_.OfferChain({{.address = kData, .length = 4, .flags = kWrite}});
  Type("ab");
  EXPECT_TRUE(served_);
  EXPECT_TRUE(resumed);
}

// A driver that rings a queue which it has not set up must not keep the thread busy.
TEST_F(ConsoleTest, AQueueThatIsNotSetUpIsLeftAlone) {
  int requests = 0;
  console_.OnRequest([&](std::size_t) { ++requests; });
  queues_[0].Disable();
  queues_[1].Disable();
  Type("a");
  EXPECT_EQ(requests, 1);
  EXPECT_TRUE(Serve(VirtioConsole::kReceiveQueue));
  EXPECT_TRUE(Serve(VirtioConsole::kSendQueue));
  EXPECT_EQ(requests, 1);
}

TEST_F(ConsoleTest, ServesABoundedNumberOfRequestsAtOnce) {
  std::vector<std::size_t> requests;
  console_.OnRequest([&](std::size_t index) { requests.push_back(index); });
  for (std::uint16_t i = 0; i < send_.size(); ++i) {
    send_.OfferChain({{.address = kData, .length = 1}}, i);
  }
  EXPECT_TRUE(Serve(VirtioConsole::kSendQueue));
  EXPECT_EQ(send_.used_index(), send_.size());
  EXPECT_THAT(requests, ElementsAre(VirtioConsole::kSendQueue));
}

class EntropyTest : public ::testing::Test {
 protected:
  EntropyTest() { EXPECT_TRUE(queue_.Enable(8, ring_.addresses())); }

  bool Serve() { return entropy_.Serve(0, std::span{&queue_, 1}).has_value(); }

  TestMemory memory_;
  TestRing ring_{memory_, 0, 8};
  Virtqueue queue_{DmaMemory{memory_.memory(), 0}};
  VirtioEntropy entropy_;
};

TEST_F(EntropyTest, FillsTheBuffer) {
  ring_.OfferChain({{.address = kData, .length = 600, .flags = kWrite}});
  ASSERT_TRUE(Serve());
  EXPECT_EQ(ring_.used_entry(0).length, 600U);
  EXPECT_NE(memory_.GetText(kData, 300), memory_.GetText(kData + 300, 300));
  EXPECT_THAT(memory_.GetText(kData + 600, 64), Each('\0'));
}

TEST_F(EntropyTest, GivesABoundedNumberOfBytes) {
  constexpr std::uint32_t kLong = kMemoryBytes - 8 * kPageSize;
  ring_.OfferChain({{.address = kData, .length = kLong, .flags = kWrite}});
  ASSERT_TRUE(Serve());
  EXPECT_EQ(ring_.used_entry(0).length, VirtioEntropy::kMostBytes);
}

TEST_F(EntropyTest, GivesNothingToARequestWithoutRoom) {
  ring_.OfferChain({{.address = kData, .length = 16}});
  ASSERT_TRUE(Serve());
  EXPECT_EQ(ring_.used_entry(0).length, 0U);
}

}  // namespace
}  // namespace ravelin::vmm
