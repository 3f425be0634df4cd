// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// What each operation does when it is allowed, and in which order other CPUs see it.
#include "stage2/ownership/ownership.h"

#include <algorithm>
#include <array>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "stage2/testing/world.h"

namespace ravelin::stage2 {
namespace {

using ::testing::IsEmpty;
using testing::kOne;
using testing::Pages;
using testing::World;
using Kind = fake::Event::Kind;

constexpr Gfn kGfn{0x80000};
constexpr std::uint64_t kSecret = 0x5ec2e7'5ec2e7;

class OwnershipTest : public ::testing::Test {
 protected:
  void TearDown() override {
    EXPECT_THAT(world_.Inconsistencies(), IsEmpty());
    EXPECT_THAT(world_.Breaches(), IsEmpty());
  }

  Ownership& ownership() { return world_.ownership(); }
  const PageTable& host() { return ownership().host_table(); }
  unsigned HostLevelAt(Pfn pfn) { return host().Lookup(Ipa{ToPa(pfn).raw()}).level; }
  Result<void> DonateWhole(VmMemory& vm, Gfn gfn, PfnRange range) {
    return testing::Whole(range, [&](PfnRange rest, PageCount done) {
      return ownership().HostDonateVm(vm, gfn + done, rest, Content::kZeroed);
    });
  }
  Result<void> ReclaimWhole(VmMemory& vm, PfnRange range) {
    return testing::Whole(
        range, [&](PfnRange rest, PageCount) { return ownership().ReclaimFromVm(vm, rest); });
  }
  Result<void> ShareWhole(VmMemory& vm, Gfn gfn, PfnRange range) {
    world_.AllowSharing(range);
    return testing::Whole(range, [&](PfnRange rest, PageCount done) {
      return ownership().HostShareVm(vm, gfn + done, rest, Permissions::kAll);
    });
  }
  static unsigned LevelAt(const AddressSpace& space, Gfn gfn) {
    return space.table().Lookup(ToIpa(gfn)).level;
  }
  bool HostMaps(Pfn pfn) { return host().Resolve(Gfn{pfn.raw()}).has_value(); }

  // Position of the first such event from `from` on.
  static std::size_t Find(const std::vector<fake::Event>& log, Kind kind, std::size_t from) {
    const auto begin = log.begin() + static_cast<std::ptrdiff_t>(from);
    const auto found =
        std::find_if(begin, log.end(), [&](const auto& e) { return e.kind == kind; });
    return static_cast<std::size_t>(found - log.begin());
  }

  World world_;
};

TEST_F(OwnershipTest, StartMapsAllRamButTheCarveOutInBlocks) {
  EXPECT_FALSE(HostMaps(World::kCarveOut.first));
  EXPECT_FALSE(HostMaps(Pfn{World::kCarveOut.end().raw() - 1}));
  EXPECT_TRUE(HostMaps(World::kCarveOut.end()));
  EXPECT_EQ(HostLevelAt(World::kBlock), kBlock2MLevel);
  EXPECT_TRUE(HostMaps(World::kSecondRegion.first));
  EXPECT_FALSE(HostMaps(World::kSecondRegion.end()));
  EXPECT_EQ(*ownership().HostAccess(World::kCarveOut.first), HostAccessKind::kForeign);
  EXPECT_EQ(*ownership().HostAccess(World::kFree), HostAccessKind::kOwned);
  EXPECT_EQ(ownership().HostAccess(World::kNotRam).error(), Error::kNotRam);
}

TEST_F(OwnershipTest, SharedPageIsMappedInTheMonitorUntilUnshared) {
  world_.AllowSharing(World::kFree);
  ASSERT_TRUE(ownership().HostShareMonitor(World::kFree));
  EXPECT_TRUE(fake::IsMappedForMonitor(World::kFree));
  EXPECT_TRUE(HostMaps(World::kFree));
  EXPECT_EQ(*ownership().HostAccess(World::kFree), HostAccessKind::kLent);
  ASSERT_TRUE(ownership().PinShared(World::kFree));
  EXPECT_EQ(ownership().PinShared(World::kFree).error(), Error::kExists);
  EXPECT_EQ(ownership().HostUnshareMonitor(World::kFree).error(), Error::kBusy);
  ASSERT_TRUE(ownership().UnpinShared(World::kFree));
  ASSERT_TRUE(ownership().HostUnshareMonitor(World::kFree));
  EXPECT_FALSE(fake::IsMappedForMonitor(World::kFree));
}

TEST_F(OwnershipTest, MetadataGoesBackLastInFirstOutAndWiped) {
  VmMemory& vm = world_.AddVm(1, 4);
  const std::uint64_t donated = ownership().donated_pages().raw();
  ASSERT_TRUE(ownership().HostTopUp(vm, Pages(World::kFree, 3)));
  EXPECT_EQ(vm.pool().free_count(), PageCount{7});
  EXPECT_EQ(ownership().donated_pages().raw(), donated + 3);
  EXPECT_FALSE(HostMaps(World::kFree));
  fake::Poke(ToPa(World::kFree), kSecret);
  vm.table().Disconnect();
  EXPECT_EQ(*ownership().ReturnMetadata(vm.metadata(), PageCount{2}), PageCount{2});
  EXPECT_EQ(world_.StateOf(World::kFree), PageState::kVmMetadata) << "donated first, back last";
  EXPECT_EQ(*ownership().ReturnMetadata(vm.metadata(), PageCount{1}), PageCount{1});
  EXPECT_EQ(world_.StateOf(World::kFree), PageState::kHostOwned);
  EXPECT_EQ(fake::Peek(ToPa(World::kFree)), 0U);
  EXPECT_EQ(*ownership().ReturnMetadata(vm.metadata(), PageCount{1000}), PageCount{8})
      << "and no more at a time";
  EXPECT_EQ(ownership().donated_pages(), PageCount{0});
  EXPECT_EQ(*ownership().ReturnMetadata(vm.metadata(), PageCount{1}), PageCount{0});
}

TEST_F(OwnershipTest, DonationOfSeveralRangesIsAllOrNothing) {
  MetadataList list;
  const World::Snapshot before = world_.Take();
  const std::array overlapping{Pages(World::kFree, 3), Pages(World::kFree + PageCount{2}, 2)};
  EXPECT_EQ(ownership().HostDonateMonitor(overlapping, Vmid{1}, list).error(),
            Error::kInvalidArgument);
  const std::array foreign{Pages(World::kFree, 3), Pages(World::kCarveOut.first, 1)};
  EXPECT_EQ(ownership().HostDonateMonitor(foreign, Vmid{1}, list).error(), Error::kWrongOwner);
  EXPECT_EQ(world_.Take(), before);
  const std::array good{Pages(World::kFree, 3), Pages(World::kBlock, 32)};
  ASSERT_TRUE(ownership().HostDonateMonitor(good, Vmid{1}, list));
  EXPECT_EQ(list.count(), PageCount{35});
  EXPECT_TRUE(fake::IsMappedForMonitor(World::kBlock));
}

TEST_F(OwnershipTest, ZeroedDonationIsWipedBetweenHostAndVm) {
  VmMemory& vm = world_.AddVm(1);
  fake::Poke(ToPa(World::kFree), kSecret);
  const std::size_t start = fake::Log().size();
  ASSERT_TRUE(ownership().HostDonateVm(vm, kGfn, Pages(World::kFree, 1), Content::kZeroed));
  EXPECT_EQ(fake::Peek(ToPa(World::kFree)), 0U);
  EXPECT_EQ(vm.table().Resolve(kGfn), World::kFree);
  EXPECT_EQ(vm.mapped_pages(), PageCount{1});
  EXPECT_FALSE(HostMaps(World::kFree));
  const auto log = fake::Log();
  const std::size_t invalidated = Find(log, Kind::kInvalidatePages, start);
  const std::size_t wiped = Find(log, Kind::kWipe, start);
  const std::size_t fetched = Find(log, Kind::kInvalidateInstructions, start);
  const std::size_t mapped = Find(log, Kind::kStore, fetched);
  EXPECT_LT(invalidated, wiped);
  EXPECT_LT(wiped, fetched);
  EXPECT_LT(mapped, log.size()) << "the VM's entry comes last";
  EXPECT_EQ(log[invalidated].vmid, Vmid{0});
}

TEST_F(OwnershipTest, MeasuredDonationKeepsContentsAndCleansThem) {
  VmMemory& vm = world_.AddVm(1);
  fake::Poke(ToPa(World::kFree), kSecret);
  ASSERT_TRUE(ownership().HostDonateVm(vm, kGfn, Pages(World::kFree, 2), Content::kKept));
  EXPECT_EQ(fake::Peek(ToPa(World::kFree)), kSecret);
  const auto log = fake::Log();
  EXPECT_EQ(std::ranges::count(log, Kind::kClean, &fake::Event::kind), 2);
}

TEST_F(OwnershipTest, ReclaimWipesAndMakesBlocksWhole) {
  VmMemory& vm = world_.AddVm(1);
  const std::uint64_t tables = ownership().host_pool().free_count().raw();
  for (std::uint64_t i = 0; i < 4; ++i) {
    const PfnRange page = Pages(World::kBlock + PageCount{100 * i}, 1);
    ASSERT_TRUE(ownership().HostDonateVm(vm, kGfn + PageCount{7 * i}, page, Content::kKept));
    fake::Poke(ToPa(page.first), kSecret);
  }
  EXPECT_EQ(HostLevelAt(World::kBlock + PageCount{1}), kPageLevel);
  for (std::uint64_t i = 0; i < 4; ++i) {
    const PfnRange page = Pages(World::kBlock + PageCount{100 * i}, 1);
    ASSERT_TRUE(ownership().ReclaimFromVm(vm, page));
    EXPECT_EQ(fake::Peek(ToPa(page.first)), 0U);
    EXPECT_EQ(vm.table().Resolve(kGfn + PageCount{7 * i}).error(), Error::kNotMapped);
  }
  EXPECT_EQ(HostLevelAt(World::kBlock), kBlock2MLevel);
  EXPECT_EQ(ownership().host_pool().free_count().raw(), tables);
  EXPECT_EQ(vm.mapped_pages(), PageCount{0});
}

TEST_F(OwnershipTest, WholeBlockGoesAndComesWithoutTables) {
  VmMemory& vm = world_.AddVm(1);
  const PageCount tables = ownership().host_pool().free_count();
  ASSERT_TRUE(DonateWhole(vm, kGfn, Pages(World::kBlock, 512)));
  EXPECT_EQ(ownership().host_pool().free_count(), tables);
  ASSERT_TRUE(ReclaimWhole(vm, Pages(World::kBlock, 512)));
  EXPECT_EQ(HostLevelAt(World::kBlock), kBlock2MLevel);
}

TEST_F(OwnershipTest, ReclaimTakesAllKindsAtOnce) {
  VmMemory& vm = world_.AddVm(1);
  for (std::uint64_t i = 0; i < 24; ++i) {
    const PfnRange page = Pages(World::kBlock + PageCount{i}, 1);
    world_.AllowSharing(page.first);
    const Gfn gfn{kGfn.raw() + 100 - i};  // against the order of the frames
    fake::Poke(ToPa(page.first), kSecret);
    ASSERT_TRUE(ownership().HostDonateVm(vm, gfn, page, Content::kKept));
    if (i % 3 == 1) {
      ASSERT_TRUE(ownership().VmShareHost(vm, gfn, Content::kKept));
    }
  }
  ASSERT_TRUE(ReclaimWhole(vm, Pages(World::kBlock, 24)));
  for (std::uint64_t i = 0; i < 24; ++i) {
    EXPECT_EQ(fake::Peek(ToPa(World::kBlock + PageCount{i})), 0U);
  }
  EXPECT_EQ(HostLevelAt(World::kBlock), kBlock2MLevel);
  EXPECT_EQ(vm.mapped_pages(), PageCount{0});
}

// All 512 pages of a block, half of them shared by the VM: the host's table of the block vanishes
// with the shared ones and is made again.
TEST_F(OwnershipTest, ReclaimOfAFullBlockWithSharedPagesNeedsNoMemory) {
  VmMemory& vm = world_.AddVm(1);
  ASSERT_TRUE(DonateWhole(vm, kGfn, Pages(World::kBlock, 512)));
  for (std::uint64_t i = 256; i < 300; ++i) {
    world_.AllowSharing(World::kBlock + PageCount{i});
    ASSERT_TRUE(ownership().VmShareHost(vm, kGfn + PageCount{i}, Content::kKept));
  }
  ASSERT_TRUE(ReclaimWhole(vm, Pages(World::kBlock, 512)));
  EXPECT_EQ(HostLevelAt(World::kBlock), kBlock2MLevel);
}

TEST_F(OwnershipTest, VmSharesInPlaceAndTakesBack) {
  VmMemory& vm = world_.AddVm(1);
  world_.AllowSharing(World::kFree);
  ASSERT_TRUE(ownership().HostDonateVm(vm, kGfn, Pages(World::kFree, 1), Content::kZeroed));
  fake::Poke(ToPa(World::kFree), 42);
  ASSERT_TRUE(ownership().VmShareHost(vm, kGfn, Content::kKept));
  EXPECT_EQ(*ownership().HostAccess(World::kFree), HostAccessKind::kBorrowed);
  const Descriptor leaf = host().Lookup(Ipa{ToPa(World::kFree).raw()}).descriptor;
  EXPECT_EQ(leaf.permissions(), Permissions::kReadWrite) << "the host does not execute it";
  EXPECT_EQ(ownership().VmShareHost(vm, kGfn, Content::kKept).error(), Error::kWrongState);
  ASSERT_TRUE(ownership().VmUnshareHost(vm, kGfn, Content::kKept));
  EXPECT_FALSE(HostMaps(World::kFree));
  EXPECT_EQ(fake::Peek(ToPa(World::kFree)), 42U) << "contents are the guest's decision";
  EXPECT_EQ(ownership().VmUnshareHost(vm, kGfn, Content::kKept).error(), Error::kWrongState);
  EXPECT_EQ(ownership().VmShareHost(vm, kGfn + PageCount{1}, Content::kKept).error(),
            Error::kNotMapped);
}

TEST_F(OwnershipTest, LentPagesHaveManyBorrowersAndKeepTheirPermissions) {
  VmMemory& first = world_.AddVm(1);
  VmMemory& second = world_.AddVm(2);
  world_.AllowSharing(World::kFree);
  const PfnRange page = Pages(World::kFree, 1);
  ASSERT_TRUE(ownership().HostShareVm(first, kGfn, page, Permissions::kRead));
  EXPECT_TRUE(HostMaps(World::kFree));
  EXPECT_EQ(first.table().Lookup(ToIpa(kGfn)).descriptor.permissions(), Permissions::kRead);
  ASSERT_TRUE(ownership().HostShareVm(first, kGfn + PageCount{1}, page, Permissions::kRead));
  EXPECT_EQ(ownership().HostUnshareVm(second, kGfn, PageCount{1}).error(), Error::kNotMapped);
  ASSERT_TRUE(ownership().HostShareVm(second, kGfn, page, Permissions::kRead));
  EXPECT_EQ(world_.RecordOf(World::kFree).uses().loans, 3);
  ASSERT_TRUE(ownership().HostSetVmPermissions(first, kGfn, PageCount{2}, Permissions::kAll));
  EXPECT_EQ(first.table().Lookup(ToIpa(kGfn)).descriptor.permissions(), Permissions::kAll);
  EXPECT_EQ(second.table().Lookup(ToIpa(kGfn)).descriptor.permissions(), Permissions::kRead);
  ASSERT_TRUE(ownership().HostUnshareVm(first, kGfn, PageCount{2}));
  EXPECT_EQ(ownership().HostDonateVm(first, kGfn, page, Content::kKept).error(),
            Error::kWrongState);
  ASSERT_TRUE(ownership().HostUnshareVm(second, kGfn, PageCount{1}));
  EXPECT_EQ(world_.RecordOf(World::kFree), PageRecord{});
}

TEST_F(OwnershipTest, AlignedLoansAreBlocksAndPartsOfThemSplit) {
  VmMemory& vm = world_.AddVm(1, 1);
  const PfnRange block = Pages(World::kBlock, 512);
  world_.AllowSharing(block);
  EXPECT_EQ(*ownership().HostShareVm(vm, kGfn, Pages(World::kBlock, 600), Permissions::kRead),
            PageCount{512});
  EXPECT_EQ(LevelAt(vm, kGfn), kBlock2MLevel);
  EXPECT_EQ(vm.pool().free_count(), PageCount{1}) << "no table";
  EXPECT_EQ(*ownership().HostSetVmPermissions(vm, kGfn, PageCount{512}, Permissions::kReadWrite),
            PageCount{512});
  EXPECT_EQ(LevelAt(vm, kGfn), kBlock2MLevel);
  ASSERT_TRUE(
      ownership().HostSetVmPermissions(vm, kGfn + PageCount{9}, PageCount{1}, Permissions::kRead));
  EXPECT_EQ(LevelAt(vm, kGfn), kPageLevel);
  EXPECT_EQ(*ownership().HostUnshareVm(vm, kGfn, PageCount{512}), PageCount{32});
  ASSERT_TRUE(ownership().HostShareVm(vm, kGfn, Pages(World::kBlock, 4), Permissions::kRead));
  EXPECT_EQ(world_.StateOf(World::kBlock + PageCount{4}), PageState::kHostOwned);
}

TEST_F(OwnershipTest, APartOfABlockNeedsATable) {
  VmMemory& vm = world_.AddVm(1, 0);
  const PfnRange block = Pages(World::kBlock, 512);
  ASSERT_TRUE(ShareWhole(vm, kGfn, block));
  const World::Snapshot before = world_.Take();
  EXPECT_EQ(ownership().HostUnshareVm(vm, kGfn, PageCount{511}).error(), Error::kNoMemory);
  EXPECT_EQ(ownership()
                .HostSetVmPermissions(vm, kGfn + PageCount{5}, PageCount{1}, Permissions::kRead)
                .error(),
            Error::kNoMemory);
  EXPECT_EQ(world_.Take(), before);
  ASSERT_TRUE(ownership().HostSetVmPermissions(vm, kGfn, PageCount{1}, Permissions::kAll))
      << "nothing to change";
  EXPECT_EQ(*ownership().HostUnshareVm(vm, kGfn, PageCount{512}), PageCount{512});
}

TEST_F(OwnershipTest, AgeingFindsWhatWasUsed) {
  VmMemory& vm = world_.AddVm(1);
  ASSERT_TRUE(ShareWhole(vm, kGfn, Pages(World::kBlock, 512)));
  ASSERT_TRUE(ShareWhole(vm, kGfn + PageCount{512}, Pages(World::kFree, 40)));
  const auto age = [&](std::uint64_t first, std::uint64_t count) {
    const Result<Ownership::Aged> aged =
        ownership().HostAgeVm(vm, kGfn + PageCount{first}, PageCount{count});
    return std::pair{aged->pages.raw(), aged->young};
  };
  EXPECT_EQ(age(0, 1000), std::pair(512UL, 1UL));
  EXPECT_EQ(age(0, 1000), std::pair(512UL, 0UL));
  EXPECT_EQ(age(512, 40), std::pair(32UL, 32UL));
  vm.table().SetYoung(ToIpa(kGfn + PageCount{513}));
  EXPECT_EQ(age(512, 3), std::pair(3UL, 1UL));
  EXPECT_EQ(LevelAt(vm, kGfn), kBlock2MLevel) << "a part is asked of the whole block";
  EXPECT_EQ(ownership().HostAgeVm(vm, kGfn + PageCount{552}, kOne).error(), Error::kNotMapped);
}

// A protected VM's pages come in slices, become a block, and leave one by one without memory.
TEST_F(OwnershipTest, SlicesBecomeABlockThatCanAlwaysBeSplit) {
  VmMemory& vm = world_.AddVm(1, 1);
  ASSERT_TRUE(DonateWhole(vm, kGfn, Pages(World::kBlock, 512)));
  EXPECT_EQ(LevelAt(vm, kGfn), kBlock2MLevel);
  EXPECT_EQ(vm.pool().free_count(), PageCount{0});
  EXPECT_EQ(ownership()
                .HostDonateVm(vm, kGfn + PageCount{512}, Pages(World::kFree, 1), Content::kZeroed)
                .error(),
            Error::kNoMemory)
      << "the reserve is not for the host";
  ASSERT_TRUE(ownership().VmRelinquish(vm, kGfn + PageCount{77}));
  EXPECT_EQ(LevelAt(vm, kGfn), kPageLevel);
  EXPECT_EQ(world_.StateOf(World::kBlock + PageCount{77}), PageState::kHostOwned);
  ASSERT_TRUE(
      ownership().HostDonateVm(vm, kGfn + PageCount{77}, Pages(World::kFree, 1), Content::kZeroed));
}

TEST_F(OwnershipTest, RelinquishedPagesAreWipedAndTheirFrameIsEmpty) {
  VmMemory& vm = world_.AddVm(1);
  world_.AllowSharing(World::kFree);
  ASSERT_TRUE(ownership().HostDonateVm(vm, kGfn, Pages(World::kFree, 1), Content::kZeroed));
  fake::Poke(ToPa(World::kFree), kSecret);
  ASSERT_TRUE(ownership().VmShareHost(vm, kGfn, Content::kKept));
  EXPECT_EQ(ownership().VmRelinquish(vm, kGfn).error(), Error::kWrongState) << "unshare it first";
  ASSERT_TRUE(ownership().VmUnshareHost(vm, kGfn, Content::kKept));
  ASSERT_TRUE(ownership().VmRelinquish(vm, kGfn));
  EXPECT_EQ(fake::Peek(ToPa(World::kFree)), 0U);
  EXPECT_TRUE(HostMaps(World::kFree));
  EXPECT_EQ(ownership().VmRelinquish(vm, kGfn).error(), Error::kNotMapped);
  ASSERT_TRUE(ownership().HostDonateVm(vm, kGfn, Pages(World::kFree, 1), Content::kZeroed));
}

TEST_F(OwnershipTest, ContentsOfASharedPageAreWipedWhereAskedFor) {
  VmMemory& vm = world_.AddVm(1);
  world_.AllowSharing(World::kFree);
  ASSERT_TRUE(ownership().HostDonateVm(vm, kGfn, Pages(World::kFree, 1), Content::kZeroed));
  fake::Poke(ToPa(World::kFree), kSecret);
  ASSERT_TRUE(ownership().VmShareHost(vm, kGfn, Content::kZeroed));
  EXPECT_EQ(fake::Peek(ToPa(World::kFree)), 0U) << "the host sees nothing of the VM's";
  fake::Poke(ToPa(World::kFree), kSecret);
  ASSERT_TRUE(ownership().VmUnshareHost(vm, kGfn, Content::kZeroed));
  EXPECT_EQ(fake::Peek(ToPa(World::kFree)), 0U) << "the VM sees nothing of the host's";
}

TEST_F(OwnershipTest, PagesTakenByForceAreWipedAndLeavePoison) {
  VmMemory& vm = world_.AddVm(1, 1);
  ASSERT_TRUE(DonateWhole(vm, kGfn, Pages(World::kBlock, 512)));
  world_.AllowSharing(Pages(World::kBlock, 512));
  fake::Poke(ToPa(World::kBlock + PageCount{8}), kSecret);
  ASSERT_TRUE(ownership().VmShareHost(vm, kGfn + PageCount{9}, Content::kKept));
  EXPECT_EQ(*ownership().ForceReclaim(vm, kGfn + PageCount{8}, PageCount{100}), PageCount{8});
  EXPECT_EQ(fake::Peek(ToPa(World::kBlock + PageCount{8})), 0U);
  EXPECT_EQ(world_.StateOf(World::kBlock + PageCount{9}), PageState::kHostOwned);
  const Gfn gone = kGfn + PageCount{9};
  EXPECT_EQ(vm.table().AnnotationAt(ToIpa(gone)), Annotation::kPoison);
  const PfnRange page = Pages(World::kBlock + PageCount{9}, 1);
  EXPECT_EQ(ownership().HostDonateVm(vm, gone, page, Content::kZeroed).error(), Error::kExists);
  EXPECT_EQ(ownership().VmShareHost(vm, gone, Content::kKept).error(), Error::kNotMapped);
  EXPECT_EQ(ownership().VmGuardMmio(vm, gone).error(), Error::kExists);
  EXPECT_EQ(ownership().VmUnguardMmio(vm, gone).error(), Error::kNotMapped);
  EXPECT_EQ(ownership().ForceReclaim(vm, gone, kOne).error(), Error::kNotMapped);
  ASSERT_TRUE(ReclaimWhole(vm, Pages(World::kBlock, 8)));
}

TEST_F(OwnershipTest, ForceStopsWherePagesAreNoNeighbours) {
  VmMemory& vm = world_.AddVm(1);
  ASSERT_TRUE(ownership().HostDonateVm(vm, kGfn, Pages(World::kFree, 3), Content::kZeroed));
  ASSERT_TRUE(
      ownership().HostDonateVm(vm, kGfn + PageCount{3}, Pages(World::kBlock, 3), Content::kZeroed));
  EXPECT_EQ(*ownership().ForceReclaim(vm, kGfn, PageCount{6}), PageCount{3});
  EXPECT_EQ(world_.StateOf(World::kBlock), PageState::kVmOwned);
}

// --- Devices that are given away

TEST_F(OwnershipTest, MmioPagesAreLentAndDonatedAsDeviceMemory) {
  VmMemory& normal = world_.AddVm(1);
  VmMemory& guarded = world_.AddVm(2);
  const PfnRange page = Pages(World::kMmio.first, 1);
  world_.AllowSharing(page);
  ASSERT_TRUE(ownership().HostShareVm(normal, kGfn, page, Permissions::kAll));
  const Descriptor lent = normal.table().Lookup(ToIpa(kGfn)).descriptor;
  EXPECT_EQ(lent.attributes(), (Attributes{Permissions::kReadWrite, MemoryType::kDevice}));
  ASSERT_TRUE(ownership().HostSetVmPermissions(normal, kGfn, kOne, Permissions::kAll));
  EXPECT_FALSE(normal.table().Lookup(ToIpa(kGfn)).descriptor.permissions().executable());
  EXPECT_EQ(ownership().HostAgeVm(normal, kGfn, kOne).error(), Error::kNotRam);
  ASSERT_TRUE(ownership().HostUnshareVm(normal, kGfn, kOne));
  const std::size_t start = fake::Log().size();
  ASSERT_TRUE(ownership().HostDonateVm(guarded, kGfn, page, Content::kZeroed));
  EXPECT_FALSE(HostMaps(page.first));
  EXPECT_EQ(ownership().MapHostMmio(Ipa{ToPa(page.first).raw()}).error(), Error::kWrongOwner);
  EXPECT_EQ(ownership().VmShareHost(guarded, kGfn, Content::kKept).error(), Error::kNotRam);
  EXPECT_EQ(*ownership().ForceReclaim(guarded, kGfn, kOne), kOne);
  EXPECT_TRUE(HostMaps(page.first));
  const auto log = fake::Log();
  EXPECT_EQ(Find(log, Kind::kWipe, start), log.size()) << "registers are not wiped";
  EXPECT_EQ(Find(log, Kind::kClean, start), log.size());
}

TEST_F(OwnershipTest, OtherOperationsAreForRamOnly) {
  VmMemory& vm = world_.AddVm(1);
  DeviceDomain& domain = world_.AddDomain(129);
  const PfnRange page = Pages(World::kMmio.first, 1);
  const World::Snapshot before = world_.Take();
  EXPECT_EQ(ownership().HostShareMonitor(page.first).error(), Error::kNotRam);
  EXPECT_EQ(ownership().HostTopUp(vm, page).error(), Error::kNotRam);
  EXPECT_EQ(ownership().HostMapDevice(domain, kGfn, page, Permissions::kAll).error(),
            Error::kNotRam);
  EXPECT_EQ(ownership().HostDonateDevice(domain, kGfn, page, Content::kZeroed).error(),
            Error::kNotRam);
  EXPECT_EQ(ownership().HostShareSecure(page).error(), Error::kNotRam);
  const PfnRange monitors = Pages(World::kMonitorMmio.first, 1);
  EXPECT_EQ(ownership().HostShareVm(vm, kGfn, monitors, Permissions::kAll).error(),
            Error::kWrongOwner);
  EXPECT_EQ(world_.Take(), before);
}

// --- Device domains

TEST_F(OwnershipTest, DevicesKeepLentPagesFromBeingGivenAway) {
  VmMemory& vm = world_.AddVm(1);
  DeviceDomain& domain = world_.AddDomain(129);
  DeviceDomain& other = world_.AddDomain(130);
  const PfnRange block = Pages(World::kBlock, 512);
  world_.AllowSharing(block);
  EXPECT_EQ(*ownership().HostMapDevice(domain, kGfn, block, Permissions::kReadWrite),
            PageCount{512});
  ASSERT_TRUE(ownership().HostMapDevice(other, kGfn, Pages(World::kBlock, 1), Permissions::kRead));
  ASSERT_TRUE(ownership().HostShareVm(vm, kGfn, Pages(World::kBlock, 1), Permissions::kAll));
  EXPECT_EQ(world_.RecordOf(World::kBlock).uses(), (Uses{.loans = 1, .maps = 2}));
  EXPECT_EQ(ownership().HostTopUp(vm, Pages(World::kBlock, 1)).error(), Error::kBusy);
  ASSERT_TRUE(ownership().HostUnmapDevice(domain, kGfn, PageCount{512}));
  EXPECT_EQ(world_.StateOf(World::kBlock), PageState::kHostLentVmDevice);
  ASSERT_TRUE(ownership().HostUnmapDevice(other, kGfn, kOne));
  EXPECT_EQ(world_.StateOf(World::kBlock), PageState::kHostLentVm);
}

TEST_F(OwnershipTest, WhatADeviceOwnsIsWipedWhenItComesBack) {
  DeviceDomain& domain = world_.AddDomain(129);
  ASSERT_TRUE(ownership().HostDonateDevice(domain, kGfn, Pages(World::kFree, 4), Content::kZeroed));
  fake::Poke(ToPa(World::kFree), kSecret);
  EXPECT_FALSE(HostMaps(World::kFree));
  EXPECT_EQ(*ownership().HostAccess(World::kFree), HostAccessKind::kForeign);
  ASSERT_TRUE(ownership().ReclaimFromDevice(domain, Pages(World::kFree, 4)));
  EXPECT_EQ(fake::Peek(ToPa(World::kFree)), 0U);
  EXPECT_EQ(domain.mapped_pages(), PageCount{0});
}

// --- The secure world

TEST_F(OwnershipTest, PagesOfTheSecureWorldAreNeverTheHosts) {
  EXPECT_FALSE(HostMaps(World::kSecure.first));
  EXPECT_EQ(*ownership().HostAccess(World::kSecure.first), HostAccessKind::kForeign);
  ASSERT_TRUE(ownership().HostShareSecure(Pages(World::kFree, 2)));
  VmMemory& vm = world_.AddVm(1);
  EXPECT_EQ(ownership().HostDonateVm(vm, kGfn, Pages(World::kFree, 1), Content::kKept).error(),
            Error::kWrongState);
  ASSERT_TRUE(ownership().HostUnshareSecure(Pages(World::kFree, 2)));
}

TEST(SecurePolicyTest, SharingIsRefusedUnlessTheConfigurationAllowsIt) {
  World world(0x70, Ownership::SecureSharing::kRefused);
  EXPECT_EQ(world.ownership().HostShareSecure(Pages(World::kFree, 1)).error(),
            Error::kNotSupported);
  EXPECT_EQ(world.ownership().HostUnshareSecure(Pages(World::kFree, 1)).error(),
            Error::kNotSupported);
}

TEST_F(OwnershipTest, MmioGuardsAndPagesExcludeEachOther) {
  VmMemory& vm = world_.AddVm(1);
  ASSERT_TRUE(ownership().VmGuardMmio(vm, kGfn));
  ASSERT_TRUE(ownership().VmGuardMmio(vm, kGfn));
  EXPECT_EQ(vm.table().AnnotationAt(ToIpa(kGfn)), Annotation::kMmioGuard);
  const PfnRange page = Pages(World::kFree, 1);
  EXPECT_EQ(ownership().HostDonateVm(vm, kGfn, page, Content::kZeroed).error(), Error::kExists);
  ASSERT_TRUE(ownership().VmUnguardMmio(vm, kGfn));
  EXPECT_EQ(ownership().VmUnguardMmio(vm, kGfn).error(), Error::kNotMapped);
  ASSERT_TRUE(ownership().HostDonateVm(vm, kGfn, page, Content::kZeroed));
  EXPECT_EQ(ownership().VmGuardMmio(vm, kGfn).error(), Error::kExists);
}

TEST_F(OwnershipTest, MmioIsMappedInTheLargestBlockWithoutRam) {
  ASSERT_TRUE(ownership().MapHostMmio(Ipa{0x0900'0123}));
  EXPECT_EQ(host().Lookup(Ipa{0}).level, kBlock1GLevel);
  const Descriptor leaf = host().Lookup(Ipa{0x0900'0000}).descriptor;
  EXPECT_EQ(leaf.attributes(),
            (Attributes{Permissions::kReadWrite, MemoryType::kNormalNonCacheable}));
  ASSERT_TRUE(ownership().MapHostMmio(Ipa{0x0900'0123})) << "again is no error";
  ASSERT_TRUE(ownership().MapHostMmio(ToIpa(Gfn{0x50000})));
  EXPECT_EQ(host().Lookup(ToIpa(Gfn{0x50000})).level, kBlock2MLevel);
  ASSERT_TRUE(ownership().MapHostMmio(ToIpa(Gfn{0x80000})));
  EXPECT_EQ(host().Lookup(ToIpa(Gfn{0x80000})).level, kPageLevel);
  EXPECT_EQ(ownership().MapHostMmio(ToIpa(Gfn{World::kFree.raw()})).error(), Error::kWrongOwner);
  EXPECT_EQ(ownership().MapHostMmio(Ipa{ToPa(World::kCarveOut.first).raw()}).error(),
            Error::kWrongOwner);
  EXPECT_EQ(ownership().MapHostMmio(Ipa{std::uint64_t{1} << 36}).error(), Error::kInvalidArgument);
  EXPECT_EQ(ownership().MapHostMmio(Ipa{~std::uint64_t{0}}).error(), Error::kInvalidArgument);
}

// The tables of the VM are among what is wiped: a world of its own, which nobody uses afterwards.
TEST(ScrubTest, WipesWhatVmsOwnAndWhatHoldsTheirStateAndNothingElse) {
  World world;
  VmMemory& vm = world.AddVm(1);
  VmMemory& normal = world.AddVm(2);
  Ownership& ownership = world.ownership();
  const auto page = [](std::uint64_t i) { return World::kFree + PageCount{i}; };
  ASSERT_TRUE(ownership.HostDonateVm(vm, kGfn, Pages(page(0), 2), Content::kKept));
  ASSERT_TRUE(ownership.VmShareHost(vm, kGfn + PageCount{1}, Content::kKept));
  ASSERT_TRUE(ownership.HostShareVm(normal, kGfn, Pages(page(2), 1), Permissions::kAll));
  ASSERT_TRUE(ownership.HostShareMonitor(page(3)));
  DeviceDomain& domain = world.AddDomain(200);
  ASSERT_TRUE(ownership.HostDonateDevice(domain, kGfn, Pages(page(5), 1), Content::kKept));
  for (std::uint64_t i = 0; i < 6; ++i) {
    fake::Poke(ToPa(page(i)), kSecret);
  }
  ASSERT_NE(fake::Peek(vm.table().root() + (kGfn.raw() >> 9) * 8), 0U) << "a live table";
  ownership.ScrubForeign();
  EXPECT_EQ(fake::Peek(ToPa(page(0))), 0U) << "the VM's";
  EXPECT_EQ(fake::Peek(ToPa(page(1))), 0U) << "the VM's, shared";
  EXPECT_EQ(fake::Peek(ToPa(page(2))), kSecret) << "the host's, lent to a VM";
  EXPECT_EQ(fake::Peek(ToPa(page(3))), kSecret) << "the host's, lent to the monitor";
  EXPECT_EQ(fake::Peek(ToPa(page(4))), kSecret) << "the host's";
  EXPECT_EQ(fake::Peek(ToPa(page(5))), 0U) << "a device's";
  EXPECT_EQ(fake::Peek(vm.table().root() + (kGfn.raw() >> 9) * 8), 0U) << "metadata";
}

}  // namespace
}  // namespace ravelin::stage2
