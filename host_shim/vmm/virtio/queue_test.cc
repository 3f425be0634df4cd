// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/virtio/queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <array>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host_shim/vmm/virtio/testing.h"

namespace ravelin::vmm {
namespace {

using test::kBase;
using test::kIndirect;
using test::kMemoryBytes;
using test::kNext;
using test::kWrite;
using test::RawDescriptor;
using test::TestMemory;
using test::TestRing;
using test::UsedEntry;
using ::testing::HasSubstr;

constexpr std::uint16_t kSize = 8;
constexpr std::uint64_t kBuffer = Raw(kBase) + 8 * kPageSize;
constexpr std::uint64_t kTable = Raw(kBase) + 16 * kPageSize;
constexpr std::uint64_t kEnd = Raw(kBase) + kMemoryBytes;
constexpr std::uint64_t kAlias = std::uint64_t{1} << 35;

class VirtqueueTest : public ::testing::Test {
 protected:
  VirtqueueTest() { EXPECT_TRUE(queue_.Enable(kSize, ring_.addresses())); }

  // What Pop says about what the driver did.
  std::string ErrorOfPop() {
    const auto popped = queue_.Pop();
    if (!popped) return popped.error().text;
    return popped->has_value() ? "a chain" : "nothing";
  }

  // A chain that has to be there.
  Chain PopChain() { return PopChain(queue_); }

  static Chain PopChain(Virtqueue& queue) {
    auto popped = queue.Pop();
    std::optional<Chain> chain;
    if (popped) chain = std::move(*popped);
    EXPECT_TRUE(chain.has_value());
    return chain.value_or(Chain{});
  }

  void PutTable(const std::vector<RawDescriptor>& table) {
    for (std::size_t i = 0; i < table.size(); ++i) {
      memory_.Put(kTable + sizeof(RawDescriptor) * i, table[i]);
    }
  }

  static RawDescriptor IndirectTable(std::size_t entries) {
    const auto bytes = static_cast<std::uint32_t>(sizeof(RawDescriptor) * entries);
    return {.address = kTable, .length = bytes, .flags = kIndirect};
  }

  TestMemory memory_;
  TestRing ring_{memory_, 0, kSize};
  Virtqueue queue_{DmaMemory{memory_.memory(), 0}};
};

TEST_F(VirtqueueTest, IsEmptyAtFirst) { EXPECT_EQ(ErrorOfPop(), "nothing"); }

TEST_F(VirtqueueTest, GivesAChainWithItsTwoParts) {
  ring_.OfferChain({{.address = kBuffer, .length = 16},
                    {.address = kBuffer + 100, .length = 4},
                    {.address = kBuffer + 512, .length = 512, .flags = kWrite}});
  const Chain chain = PopChain();
  EXPECT_EQ(chain.head, 0);
  EXPECT_EQ(chain.readable.bytes(), 20U);
  EXPECT_EQ(chain.writable.bytes(), 512U);
  EXPECT_EQ(ErrorOfPop(), "nothing");
}

TEST_F(VirtqueueTest, GivesChainsInTheOrderOfTheRing) {
  for (const std::uint16_t head : std::to_array<std::uint16_t>({3, 1, 7})) {
    ring_.OfferChain({{.address = kBuffer, .length = 1}}, head);
  }
  EXPECT_EQ(PopChain().head, 3);
  EXPECT_EQ(PopChain().head, 1);
  EXPECT_EQ(PopChain().head, 7);
}

TEST_F(VirtqueueTest, GoesRoundTheRingAndItsIndices) {
  for (unsigned i = 0; i < 70'000; ++i) {
    const auto head = static_cast<std::uint16_t>(i % kSize);
    ring_.OfferChain({{.address = kBuffer, .length = 1}}, head);
    const Chain chain = PopChain();
    ASSERT_TRUE(queue_.Push(chain, i));
    ASSERT_EQ(ring_.used_entry(i % kSize), (UsedEntry{.id = head, .length = i}));
    ASSERT_EQ(ring_.used_index(), static_cast<std::uint16_t>(i + 1));
  }
}

TEST_F(VirtqueueTest, FollowsAnIndirectTable) {
  PutTable({{.address = kBuffer, .length = 16, .flags = kNext, .next = 2},
            {},
            {.address = kBuffer, .length = 32, .flags = kWrite}});
  ring_.OfferChain({{.address = kBuffer, .length = 4}, IndirectTable(3)});
  const Chain chain = PopChain();
  EXPECT_EQ(chain.readable.bytes(), 20U);
  EXPECT_EQ(chain.writable.bytes(), 32U);
}

TEST_F(VirtqueueTest, StripsTheSharedAlias) {
  Virtqueue queue{DmaMemory{memory_.memory(), kAlias}};
  ASSERT_TRUE(queue.Enable(kSize, ring_.addresses(kAlias)));
  PutTable({{.address = kBuffer | kAlias, .length = 16}});
  RawDescriptor table = IndirectTable(1);
  table.address |= kAlias;
  ring_.OfferChain({table});
  const Chain chain = PopChain(queue);
  EXPECT_EQ(chain.readable.bytes(), 16U);
  EXPECT_TRUE(queue.Push(chain, 0));
}

TEST_F(VirtqueueTest, ANormalVmHasNoAlias) {
  EXPECT_FALSE(queue_.Enable(kSize, ring_.addresses(kAlias)));
  ring_.OfferChain({{.address = kBuffer | kAlias, .length = 16}});
  EXPECT_THAT(ErrorOfPop(), HasSubstr("outside guest memory"));
}

TEST_F(VirtqueueTest, ADisabledQueueHasNothing) {
  ring_.OfferChain({{.address = kBuffer, .length = 1}});
  queue_.Disable();
  EXPECT_FALSE(queue_.enabled());
  EXPECT_EQ(ErrorOfPop(), "nothing");
}

TEST_F(VirtqueueTest, EnablingStartsFromTheBeginning) {
  ring_.OfferChain({{.address = kBuffer, .length = 1}});
  ASSERT_EQ(ErrorOfPop(), "a chain");
  ASSERT_TRUE(queue_.Enable(kSize, ring_.addresses()));
  EXPECT_EQ(ErrorOfPop(), "a chain");
}

TEST_F(VirtqueueTest, RefusesSizesThatAreNoPowersOfTwo) {
  constexpr auto kSizes = std::to_array<std::uint16_t>({0, 3, 255, 257, 512, 32768, 65535});
  for (const std::uint16_t size : kSizes) {
    EXPECT_FALSE(queue_.Enable(size, ring_.addresses())) << size;
  }
  EXPECT_TRUE(queue_.Enable(1, ring_.addresses()));
}

TEST_F(VirtqueueTest, RefusesPartsThatAreNotAligned) {
  for (auto part :
       {&QueueAddresses::descriptors, &QueueAddresses::available, &QueueAddresses::used}) {
    QueueAddresses addresses = ring_.addresses();
    addresses.*part = DmaAddress{Raw(addresses.*part) + 1};
    EXPECT_FALSE(queue_.Enable(kSize, addresses));
  }
}

TEST_F(VirtqueueTest, RefusesPartsThatAreNotAllInMemory) {
  for (auto part :
       {&QueueAddresses::descriptors, &QueueAddresses::available, &QueueAddresses::used}) {
    for (const std::uint64_t address :
         {std::uint64_t{0}, kEnd, kEnd - 16, ~std::uint64_t{0xf}, kAlias | Raw(kBase)}) {
      QueueAddresses addresses = ring_.addresses();
      addresses.*part = DmaAddress{address};
      EXPECT_FALSE(queue_.Enable(kSize, addresses)) << address;
    }
  }
}

TEST_F(VirtqueueTest, RefusesMoreEntriesThanTheQueueHas) {
  ring_.OfferChain({{.address = kBuffer, .length = 1}});
  ring_.SetAvailableIndex(kSize);
  EXPECT_EQ(ErrorOfPop(), "a chain");
  ring_.SetAvailableIndex(kSize + 2);
  EXPECT_THAT(ErrorOfPop(), HasSubstr("offers 9"));
}

TEST_F(VirtqueueTest, RefusesAnIndexThatGoesBack) {
  ring_.SetAvailableIndex(std::numeric_limits<std::uint16_t>::max());
  EXPECT_THAT(ErrorOfPop(), HasSubstr("offers 65535"));
}

TEST_F(VirtqueueTest, RefusesAHeadThatDoesNotExist) {
  ring_.Offer(kSize);
  EXPECT_EQ(ErrorOfPop(), "descriptor 8 of 8 does not exist");
}

TEST_F(VirtqueueTest, RefusesALinkThatLeadsOut) {
  ring_.SetDescriptor(0, {.address = kBuffer, .length = 1, .flags = kNext, .next = 0xffff});
  ring_.Offer(0);
  EXPECT_EQ(ErrorOfPop(), "descriptor 65535 of 8 does not exist");
}

TEST_F(VirtqueueTest, RefusesALoop) {
  ring_.SetDescriptor(0, {.address = kBuffer, .length = 1, .flags = kNext, .next = 1});
  ring_.SetDescriptor(1, {.address = kBuffer, .length = 1, .flags = kNext, .next = 0});
  ring_.Offer(0);
  EXPECT_EQ(ErrorOfPop(), "a chain is longer than its queue");
}

TEST_F(VirtqueueTest, RefusesALoopInAnIndirectTable) {
  PutTable({{.address = kBuffer, .length = 1, .flags = kNext, .next = 0}});
  ring_.OfferChain({IndirectTable(1)});
  EXPECT_EQ(ErrorOfPop(), "a chain is longer than its queue");
}

TEST_F(VirtqueueTest, RefusesAChainThatIsLongerThanItsQueue) {
  std::vector<RawDescriptor> table(kSize, {.address = kBuffer, .length = 1, .flags = kNext});
  for (std::uint16_t next = 1; next <= kSize; ++next) table[next - 1U].next = next;
  table.back() = {.address = kBuffer, .length = 1};
  PutTable(table);
  ring_.OfferChain({IndirectTable(kSize)});
  EXPECT_EQ(PopChain().readable.bytes(), kSize);
  ring_.OfferChain({{.address = kBuffer, .length = 1}, IndirectTable(kSize)}, 1);
  EXPECT_EQ(ErrorOfPop(), "a chain is longer than its queue");
}

TEST_F(VirtqueueTest, AChainMayHaveAsManyBuffersAsTheQueue) {
  ring_.OfferChain(std::vector<RawDescriptor>(kSize, {.address = kBuffer, .length = 1}));
  const Chain chain = PopChain();
  EXPECT_EQ(chain.readable.bytes(), kSize);
}

TEST_F(VirtqueueTest, RefusesBuffersThatAreNotAllInMemory) {
  constexpr std::uint64_t kTop = std::numeric_limits<std::uint64_t>::max();
  const std::vector<RawDescriptor> wrong = {
      {.address = kEnd, .length = 1},           {.address = kEnd - 1, .length = 2},
      {.address = Raw(kBase) - 1, .length = 2}, {.address = kBuffer, .length = 0xffffffff},
      {.address = kTop, .length = 1},           {.address = kTop - 15, .length = 32},
      {.address = 0, .length = 0xffffffff},
  };
  for (const RawDescriptor& descriptor : wrong) {
    ASSERT_TRUE(queue_.Enable(kSize, ring_.addresses()));
    ring_.SetAvailableIndex(0);
    ring_.OfferChain({descriptor});
    EXPECT_THAT(ErrorOfPop(), HasSubstr("outside guest memory")) << descriptor.address;
  }
}

TEST_F(VirtqueueTest, RefusesAReadableBufferBehindAWritableOne) {
  ring_.OfferChain(
      {{.address = kBuffer, .length = 1, .flags = kWrite}, {.address = kBuffer, .length = 1}});
  EXPECT_EQ(ErrorOfPop(), "a chain has a readable buffer behind a writable one");
}

TEST_F(VirtqueueTest, RefusesAnIndirectTableInAnother) {
  PutTable({IndirectTable(1)});
  ring_.OfferChain({IndirectTable(1)});
  EXPECT_EQ(ErrorOfPop(), "an indirect table points to another one");
}

TEST_F(VirtqueueTest, RefusesAnIndirectTableThatIsNotTheLast) {
  ring_.OfferChain({IndirectTable(1), {.address = kBuffer, .length = 1}});
  EXPECT_EQ(ErrorOfPop(), "an indirect table is not the last");
}

TEST_F(VirtqueueTest, RefusesIndirectTablesOfWrongSize) {
  for (const std::uint32_t length : {0U, 8U, 17U, 16U * (kSize + 1), 0x10000U * 16U, ~0U}) {
    ASSERT_TRUE(queue_.Enable(kSize, ring_.addresses()));
    ring_.SetAvailableIndex(0);
    ring_.OfferChain({{.address = kTable, .length = length, .flags = kIndirect}});
    EXPECT_THAT(ErrorOfPop(), HasSubstr("an indirect table has")) << length;
  }
}

TEST_F(VirtqueueTest, RefusesAnIndirectTableOutsideMemory) {
  ring_.OfferChain({{.address = kEnd - 16, .length = 32, .flags = kIndirect}});
  EXPECT_THAT(ErrorOfPop(), HasSubstr("outside guest memory"));
}

// A page that a protected guest has not shared.
TEST_F(VirtqueueTest, ReportsARingThatIsNotAccessible) {
  std::byte* host = memory_.memory().host_address();
  ASSERT_EQ(::mprotect(host + kPageSize, kPageSize, PROT_NONE), 0);
  EXPECT_THAT(ErrorOfPop(), HasSubstr("not accessible"));
  ASSERT_EQ(::mprotect(host + kPageSize, kPageSize, PROT_READ | PROT_WRITE), 0);
  ring_.OfferChain({{.address = kBuffer, .length = 1}});
  const Chain chain = PopChain();
  ASSERT_EQ(::mprotect(host + 2 * kPageSize, kPageSize, PROT_NONE), 0);
  EXPECT_FALSE(queue_.Push(chain, 0));
}

TEST_F(VirtqueueTest, InterruptsOnceForWhatWasPushed) {
  EXPECT_FALSE(queue_.TakeInterrupt());
  ring_.OfferChain({{.address = kBuffer, .length = 1}});
  ASSERT_TRUE(queue_.Push(PopChain(), 0));
  EXPECT_TRUE(queue_.TakeInterrupt());
  EXPECT_FALSE(queue_.TakeInterrupt());
}

TEST_F(VirtqueueTest, HeedsThatTheDriverWantsNoInterrupt) {
  ring_.SetAvailableFlags(1);
  ring_.OfferChain({{.address = kBuffer, .length = 1}});
  ASSERT_TRUE(queue_.Push(PopChain(), 0));
  EXPECT_FALSE(queue_.TakeInterrupt());
}

TEST(SegmentsTest, AreTakenFromBothEnds) {
  std::array<std::byte, 64> bytes{};
  Segments segments;
  segments.Append({.iov_base = bytes.data(), .iov_len = 10});
  segments.Append({.iov_base = bytes.data() + 32, .iov_len = 0});
  segments.Append({.iov_base = bytes.data() + 32, .iov_len = 10});
  const Segments front = segments.TakeFront(12);
  const Segments back = segments.TakeBack(3);
  EXPECT_EQ(front.bytes(), 12U);
  ASSERT_EQ(front.ranges().size(), 2U);
  EXPECT_EQ(front.ranges()[1].iov_base, bytes.data() + 32);
  EXPECT_EQ(front.ranges()[1].iov_len, 2U);
  ASSERT_EQ(back.ranges().size(), 1U);
  EXPECT_EQ(back.ranges()[0].iov_base, bytes.data() + 39);
  EXPECT_EQ(segments.bytes(), 5U);
  EXPECT_EQ(segments.TakeFront(100).bytes(), 5U);
  EXPECT_EQ(segments.TakeBack(1).bytes(), 0U);
}

}  // namespace
}  // namespace ravelin::vmm
