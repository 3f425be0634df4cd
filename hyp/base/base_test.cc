// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstdint>
#include <thread>
#include <type_traits>
#include <vector>

#include "gtest/gtest.h"
#include "hyp/base/bits.h"
#include "hyp/base/inline_vector.h"
#include "hyp/base/locked.h"
#include "hyp/base/result.h"
#include "hyp/base/types.h"

namespace ravelin {
namespace {

constexpr std::uint64_t kAllOnes = ~std::uint64_t{0};

// --- Bits

using Middle = Field<11, 4>;
using Whole = Field<63, 0>;

static_assert(Middle::kMask == 0xff0 && Middle::kMax == 0xff && Middle::kWidth == 8);
static_assert(Whole::kMask == kAllOnes && Field<63, 63>::kMask == std::uint64_t{1} << 63);

TEST(FieldTest, GetIsTheInverseOfMake) {
  EXPECT_EQ(Middle::Get(0x1234'5678), 0x67U);
  EXPECT_EQ(Middle::Make(0x67), 0x670U);
  EXPECT_EQ(Middle::Make(0xf67), 0x670U) << "what does not fit is cut off";
  EXPECT_EQ(Whole::Get(Whole::Make(kAllOnes)), kAllOnes);
}

TEST(FieldTest, SetChangesNothingElse) {
  EXPECT_EQ(Middle::Set(kAllOnes, 0), ~std::uint64_t{0xff0});
  EXPECT_EQ(Middle::Set(0, kAllOnes), 0xff0U);
}

TEST(ClampIndexTest, IsTheIndexBelowTheSizeAndElseZero) {
  for (const std::uint64_t size : {std::uint64_t{1}, std::uint64_t{18}, std::uint64_t{64}}) {
    for (std::uint64_t index = 0; index < size; ++index) {
      EXPECT_EQ(ClampIndex(index, size), index);
    }
    EXPECT_EQ(ClampIndex(size, size), 0U);
    EXPECT_EQ(ClampIndex(size + 1, size), 0U);
    EXPECT_EQ(ClampIndex(kAllOnes >> 1, size), 0U);
    EXPECT_EQ(ClampIndex((kAllOnes >> 1) + 1 + size, size), 0U);
    EXPECT_EQ(ClampIndex(kAllOnes, size), 0U);
  }
}

// --- Addresses

static_assert(!std::is_convertible_v<std::uint64_t, Pa>);
static_assert(!std::is_convertible_v<Pa, Ipa> && !std::is_convertible_v<Ipa, Pa>);
static_assert(!std::is_convertible_v<Pfn, Gfn> && !std::is_convertible_v<Pa, std::uint64_t>);

TEST(TypesTest, FramesAndAddresses) {
  EXPECT_EQ(ToPfn(Pa{0x1234'5fff}), Pfn{0x1'2345});
  EXPECT_EQ(ToPa(Pfn{0x1'2345}), Pa{0x1234'5000});
  EXPECT_EQ(ToGfn(Ipa{kAllOnes}), Gfn{kAllOnes >> 12});
}

TEST(TypesTest, Alignment) {
  EXPECT_EQ(AlignUp(0, 4096), 0U);
  EXPECT_EQ(AlignUp(1, 4096), 4096U);
  EXPECT_EQ(AlignUp(4096, 4096), 4096U);
  EXPECT_EQ(AlignDown(4095, 4096), 0U);
  EXPECT_TRUE(IsAligned(8192, 4096));
  EXPECT_FALSE(IsAligned(8200, 4096));
}

TEST(TypesTest, ARangeContainsItsFirstFrameAndNotItsEnd) {
  constexpr PfnRange kRange{Pfn{10}, PageCount{3}};
  EXPECT_FALSE(kRange.Contains(Pfn{9}));
  EXPECT_TRUE(kRange.Contains(Pfn{10}));
  EXPECT_TRUE(kRange.Contains(Pfn{12}));
  EXPECT_FALSE(kRange.Contains(Pfn{13}));
}

// --- InlineVector

TEST(InlineVectorTest, TakesAsMuchAsItsCapacity) {
  InlineVector<int, 2> list;
  EXPECT_TRUE(list.empty());
  EXPECT_TRUE(list.Add(5));
  EXPECT_TRUE(list.Add(6));
  EXPECT_EQ(list.Add(7).error(), Error::kLimit);
  EXPECT_EQ(std::vector(list.begin(), list.end()), (std::vector{5, 6}));
  EXPECT_EQ(list[1], 6);
}

TEST(InlineVectorDeathTest, IsReadWithinItsSize) {
  InlineVector<int, 2> list;
  EXPECT_TRUE(list.Add(5));
  EXPECT_DEATH(list[1] = 3, "a list is read within its size");
}

// --- Result

Result<int> Half(int value) {
  if (value % 2 != 0) {
    return Failure{Error::kInvalidArgument};
  }
  return value / 2;
}

Result<int> Quarter(int value) {
  RAVELIN_TRY_ASSIGN(half, Half(value));
  RAVELIN_TRY(Half(half));
  return *Half(half);
}

TEST(ResultTest, TheFirstErrorIsTheCallers) {
  EXPECT_EQ(Quarter(8), 2);
  EXPECT_EQ(Quarter(7).error(), Error::kInvalidArgument);
  EXPECT_EQ(Quarter(6).error(), Error::kInvalidArgument);
}

// --- Locks

TEST(LockedTest, OneHolderAtATime) {
  Locked<int, Rank::kVm> counter;
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 2000; ++round) {
        const auto guard = counter.Lock();
        const int before = *guard;
        *guard = before + 1;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(*counter.Lock(), 8000);
}

TEST(LockedTest, TheRankIsHeldAsLongAsTheGuardLives) {
  Locked<int, Rank::kVm> outer;
  Locked<int, Rank::kOwnership> inner;
  EXPECT_EQ(HeldRank(), Rank::kNone);
  {
    const auto first = outer.Lock();
    EXPECT_EQ(HeldRank(), Rank::kVm);
    {
      const auto second = inner.Lock();
      EXPECT_EQ(HeldRank(), Rank::kOwnership);
    }
    EXPECT_EQ(HeldRank(), Rank::kVm);
  }
  EXPECT_EQ(HeldRank(), Rank::kNone);
}

TEST(LockedDeathTest, ALowerOrTheSameRankIsNotTaken) {
  Locked<int, Rank::kVm> low;
  Locked<int, Rank::kOwnership> high;
  const auto held = high.Lock();
  EXPECT_DEATH(static_cast<void>(low.Lock()), "locks are taken in rising rank");
  Locked<int, Rank::kOwnership> another;
  EXPECT_DEATH(static_cast<void>(another.Lock()), "locks are taken in rising rank");
}

}  // namespace
}  // namespace ravelin
