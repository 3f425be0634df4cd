// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// What a host or guest may try and must not get: each refusal leaves everything as it was, records,
// counters, pools, and not one write or maintenance operation in the log.
#include <functional>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "stage2/ownership/ownership.h"
#include "stage2/testing/world.h"

namespace ravelin::stage2 {
namespace {

using ::testing::IsEmpty;
using testing::kOne;
using testing::Pages;
using testing::World;

constexpr std::uint64_t kAllOnes = ~std::uint64_t{0};
constexpr Gfn kGfn{0x80000};

// Frames that are not RAM, among them such that alias RAM once they are shifted left by 12.
const std::vector<std::uint64_t> kBadFrames{
    0,
    0x40000 - 1,
    0x40500,
    0x50000,
    (std::uint64_t{1} << 36) - 1,
    std::uint64_t{1} << 36,
    (std::uint64_t{1} << 36) + 0x40100,
    (std::uint64_t{1} << 52) - 1,
    std::uint64_t{1} << 52,
    (std::uint64_t{1} << 52) + 0x40100,
    kAllOnes - 0x40100,
    kAllOnes - 1,
    kAllOnes,
};

const std::vector<std::uint64_t> kBadCounts{0,
                                            RAVELIN_MAX_RANGE + 1,
                                            std::uint64_t{1} << 36,
                                            std::uint64_t{1} << 52,
                                            kAllOnes - 0x400ff,
                                            kAllOnes};

class RefusalTest : public ::testing::Test {
 protected:
  RefusalTest() : vm_(world_.AddVm(1)) {}

  template <typename Attempt>
  void Refused(Attempt attempt, Error error) {
    const World::Snapshot before = world_.Take();
    const auto result = attempt();
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error(), error);
    EXPECT_EQ(world_.Take(), before);
  }

  // Every operation that takes physical frames.
  void AllRefuse(PfnRange range, Error error) {
    SCOPED_TRACE(::testing::Message()
                 << std::hex << "frame " << range.first.raw() << " count " << range.count.raw());
    Ownership& it = world_.ownership();
    Refused([&] { return it.HostDonateVm(vm_, kGfn, range, Content::kZeroed); }, error);
    Refused([&] { return it.HostDonateVm(vm_, kGfn, range, Content::kKept); }, error);
    Refused([&] { return it.HostShareVm(vm_, kGfn, range, Permissions::kRead); }, error);
    Refused([&] { return it.HostTopUp(vm_, range); }, error);
    Refused([&] { return it.ReclaimFromVm(vm_, range); }, error);
    MetadataList list;
    const std::array ranges{Pages(World::kFree + PageCount{9}, 1), range};
    const bool too_many = range.count.raw() > 32;
    Refused([&] { return it.HostDonateMonitor(ranges, Vmid{1}, list); },
            too_many ? Error::kInvalidArgument : error);
  }

  World world_;
  VmMemory& vm_;
};

TEST_F(RefusalTest, FramesThatAreNotRam) {
  for (const std::uint64_t frame : kBadFrames) {
    AllRefuse(Pages(Pfn{frame}, 1), Error::kNotRam);
    AllRefuse(Pages(Pfn{frame}, RAVELIN_MAX_RANGE), Error::kNotRam);
    Ownership& it = world_.ownership();
    const Pfn pfn{frame};
    Refused([&] { return it.HostShareMonitor(pfn); }, Error::kNotRam);
    Refused([&] { return it.HostUnshareMonitor(pfn); }, Error::kNotRam);
    Refused([&] { return it.PinShared(pfn); }, Error::kNotRam);
    Refused([&] { return it.UnpinShared(pfn); }, Error::kNotRam);
    EXPECT_EQ(it.HostAccess(pfn).error(), Error::kNotRam);
  }
}

TEST_F(RefusalTest, CountsOutOfRange) {
  for (const std::uint64_t count : kBadCounts) {
    AllRefuse(Pages(World::kFree, count), Error::kInvalidArgument);
    AllRefuse(Pages(Pfn{kAllOnes}, count), Error::kInvalidArgument);
    Ownership& it = world_.ownership();
    const PageCount pages{count};
    constexpr Error kError = Error::kInvalidArgument;
    Refused([&] { return it.HostUnshareVm(vm_, kGfn, pages); }, kError);
    Refused([&] { return it.HostSetVmPermissions(vm_, kGfn, pages, Permissions::kRead); }, kError);
    Refused([&] { return it.HostAgeVm(vm_, kGfn, pages); }, kError);
    Refused([&] { return it.ForceReclaim(vm_, kGfn, pages); }, kError);
  }
}

TEST_F(RefusalTest, RangesThatLeaveTheirRegion) {
  AllRefuse(Pages(Pfn{0x404ff}, 2), Error::kNotRam);
  AllRefuse(Pages(Pfn{0x3ffff}, 2), Error::kNotRam);
  AllRefuse(Pages(Pfn{World::kSecondRegion.end().raw() - 1}, 2), Error::kNotRam);
}

TEST_F(RefusalTest, GuestFramesBeyondTheSpace) {
  const std::uint64_t limit = vm_.table().geometry().limit().raw();
  const PfnRange two = Pages(World::kFree, 2);
  Ownership& it = world_.ownership();
  for (const std::uint64_t raw :
       {limit - 1, limit, std::uint64_t{1} << 36, std::uint64_t{1} << 52, kAllOnes - 1, kAllOnes}) {
    SCOPED_TRACE(raw);
    const Gfn gfn{raw};
    Refused([&] { return it.HostUnshareVm(vm_, gfn, PageCount{2}); },
            raw < limit ? Error::kNotMapped : Error::kInvalidArgument);
    const Error one = raw < limit ? Error::kNotMapped : Error::kInvalidArgument;
    Refused([&] { return it.VmShareHost(vm_, gfn, Content::kKept); }, one);
    Refused([&] { return it.VmUnshareHost(vm_, gfn, Content::kKept); }, one);
    Refused([&] { return it.VmUnguardMmio(vm_, gfn); }, one);
    Refused([&] { return it.HostSetVmPermissions(vm_, gfn, kOne, Permissions::kRead); }, one);
    Refused([&] { return it.HostAgeVm(vm_, gfn, kOne); }, one);
    Refused([&] { return it.ForceReclaim(vm_, gfn, kOne); }, one);
    Refused([&] { return it.VmRelinquish(vm_, gfn); }, one);
    if (raw >= limit) {
      Refused([&] { return it.HostDonateVm(vm_, gfn, two, Content::kZeroed); },
              Error::kInvalidArgument);
      Refused([&] { return it.HostShareVm(vm_, gfn, two, Permissions::kRead); },
              Error::kInvalidArgument);
      Refused([&] { return it.VmGuardMmio(vm_, gfn); }, Error::kInvalidArgument);
    }
  }
}

TEST_F(RefusalTest, OneBadPageSpoilsTheRange) {
  Ownership& it = world_.ownership();
  const Pfn bad = World::kFree + PageCount{5};
  world_.AllowSharing(bad);
  ASSERT_TRUE(it.HostShareMonitor(bad));
  const PfnRange range = Pages(World::kFree, 8);
  Refused([&] { return it.HostDonateVm(vm_, kGfn, range, Content::kZeroed); }, Error::kWrongState);
  Refused([&] { return it.HostShareVm(vm_, kGfn, range, Permissions::kRead); }, Error::kWrongState);
  Refused([&] { return it.HostTopUp(vm_, range); }, Error::kWrongState);
  ASSERT_TRUE(it.HostDonateVm(vm_, kGfn, Pages(World::kFree, 5), Content::kZeroed));
  Refused([&] { return it.ReclaimFromVm(vm_, Pages(World::kFree, 6)); }, Error::kWrongOwner);
  Refused([&] { return it.HostUnshareVm(vm_, kGfn, PageCount{5}); }, Error::kWrongOwner);
  Refused([&] { return it.HostUnshareVm(vm_, kGfn, PageCount{6}); }, Error::kWrongOwner);
}

TEST_F(RefusalTest, TakenGuestFrames) {
  Ownership& it = world_.ownership();
  const Gfn taken = kGfn + PageCount{8};
  ASSERT_TRUE(it.HostDonateVm(vm_, taken, Pages(World::kFree, 1), Content::kZeroed));
  const PfnRange two = Pages(World::kBlock, 2);
  const Gfn before{taken.raw() - 1};
  Refused([&] { return it.HostDonateVm(vm_, before, two, Content::kZeroed); }, Error::kExists);
  Refused([&] { return it.HostShareVm(vm_, before, two, Permissions::kRead); }, Error::kExists);
}

TEST_F(RefusalTest, TheMonitorsOwnPages) {
  for (const Pfn pfn : {World::kCarveOut.first, Pfn{World::kCarveOut.end().raw() - 1}}) {
    AllRefuse(Pages(pfn, 1), Error::kWrongOwner);
    Refused([&] { return world_.ownership().HostShareMonitor(pfn); }, Error::kWrongOwner);
  }
}

// --- Table memory: for every k that is too small, nothing happens.

TEST(ShortageTest, VmPoolAtEveryK) {
  for (std::uint64_t k = 0; k <= 3; ++k) {
    SCOPED_TRACE(k);
    World world;
    VmMemory& vm = world.AddVm(1, k, 48);
    const Gfn gfn{std::uint64_t{1} << 27};  // a table of each of three levels
    const World::Snapshot before = world.Take();
    const auto result =
        world.ownership().HostDonateVm(vm, gfn, Pages(World::kFree, 2), Content::kZeroed);
    EXPECT_EQ(result.has_value(), k == 3);
    if (!result) {
      EXPECT_EQ(result.error(), Error::kNoMemory);
      EXPECT_EQ(world.Take(), before);
      EXPECT_EQ(world.ownership()
                    .HostShareVm(vm, gfn, Pages(World::kFree, 2), Permissions::kRead)
                    .error(),
                Error::kNoMemory);
      EXPECT_EQ(world.Take(), before);
    }
    EXPECT_THAT(world.Inconsistencies(), IsEmpty());
    EXPECT_THAT(world.Breaches(), IsEmpty());
  }
}

// The host's pool holds exactly what Start needs, and then k pages.
std::uint64_t TablesOfStart() {
  World world;
  return 0x70 - world.ownership().host_pool().free_count().raw();
}

TEST(ShortageTest, HostPoolAtEveryK) {
  const std::uint64_t used = TablesOfStart();
  for (std::uint64_t k = 0; k <= 1; ++k) {
    SCOPED_TRACE(k);
    World world(used + k);
    VmMemory& vm = world.AddVm(1);
    const PfnRange page = Pages(World::kBlock, 1);
    const World::Snapshot before = world.Take();
    const auto result = world.ownership().HostDonateVm(vm, kGfn, page, Content::kZeroed);
    EXPECT_EQ(result.has_value(), k == 1);
    if (!result) {
      EXPECT_EQ(result.error(), Error::kNoMemory);
      EXPECT_EQ(world.ownership().HostTopUp(vm, page).error(), Error::kNoMemory);
      EXPECT_EQ(world.Take(), before);
    }
    EXPECT_THAT(world.Inconsistencies(), IsEmpty());
  }
}

// The only pages of the host in their 2 MiB: with the last one their table goes, and another block
// takes it.
constexpr PfnRange kLonely = Pages(Pfn{0x40400}, 0xf0);

TEST(ShortageTest, ReturnToTheHostWithoutTables) {
  World world(TablesOfStart());
  VmMemory& vm = world.AddVm(1);
  Ownership& it = world.ownership();
  ASSERT_TRUE(testing::Whole(kLonely, [&](PfnRange rest, PageCount done) {
    return it.HostDonateVm(vm, kGfn + done, rest, Content::kZeroed);
  }));
  const Gfn other = kGfn + PageCount{0x200};
  ASSERT_TRUE(it.HostDonateVm(vm, other, Pages(World::kBlock, 1), Content::kZeroed));
  const World::Snapshot before = world.Take();
  EXPECT_EQ(it.ReclaimFromVm(vm, kLonely).error(), Error::kNoMemory);
  EXPECT_EQ(it.ForceReclaim(vm, kGfn, kOne).error(), Error::kNoMemory);
  EXPECT_EQ(it.VmShareHost(vm, kGfn, Content::kKept).error(), Error::kNoMemory);
  EXPECT_EQ(it.VmRelinquish(vm, kGfn).error(), Error::kNoMemory);
  EXPECT_EQ(world.Take(), before);
  ASSERT_TRUE(it.ReclaimFromVm(vm, Pages(World::kBlock, 1)));
  EXPECT_TRUE(it.ReclaimFromVm(vm, kLonely));
  EXPECT_THAT(world.Inconsistencies(), IsEmpty());
}

TEST(ShortageTest, MetadataThatCannotReturnStaysListed) {
  World world(TablesOfStart());
  VmMemory& vm = world.AddVm(1, 0);
  Ownership& it = world.ownership();
  ASSERT_TRUE(
      testing::Whole(kLonely, [&](PfnRange rest, PageCount) { return it.HostTopUp(vm, rest); }));
  ASSERT_TRUE(it.HostDonateVm(vm, kGfn, Pages(World::kBlock, 1), Content::kZeroed));
  const World::Snapshot before = world.Take();
  EXPECT_EQ(it.ReturnMetadata(vm.metadata(), PageCount{1}).error(), Error::kNoMemory);
  EXPECT_EQ(world.Take(), before);
}

TEST(ShortageTest, MonitorMapWithoutTables) {
  World world;
  VmMemory& vm = world.AddVm(1);
  Ownership& it = world.ownership();
  const World::Snapshot before = world.Take();
  fake::FailReserveAfter(0);
  EXPECT_EQ(it.HostShareMonitor(World::kFree).error(), Error::kNoMemory);
  EXPECT_EQ(it.HostTopUp(vm, Pages(World::kFree, 1)).error(), Error::kNoMemory);
  fake::FailReserveAfter(1);
  MetadataList list;
  const std::array ranges{Pages(World::kFree, 1), Pages(World::kBlock, 1)};
  EXPECT_EQ(it.HostDonateMonitor(ranges, Vmid{1}, list).error(), Error::kNoMemory);
  EXPECT_EQ(world.Take(), before);
}

TEST(ShortageTest, AdvisedHostPoolSuffices) {
  const std::array ram{PfnRange{World::kRamFirst, World::kRamPages}, World::kSecondRegion,
                       World::kMmio};
  const PageCount advised = Ownership::HostTablesFor(ram, *Geometry::ForIpaBits(36));
  World world(advised.raw());
  VmMemory& vm = world.AddVm(1);
  Ownership& it = world.ownership();
  for (std::uint64_t gib = 0; gib < 64; ++gib) {
    for (const std::uint64_t offset : {0x0ULL, 0x0500'0000ULL, 0x3fff'f000ULL}) {
      const Result<void> mapped = it.MapHostMmio(Ipa{(gib << 30) + offset});
      EXPECT_TRUE(mapped || mapped.error() == Error::kWrongOwner);
    }
  }
  EXPECT_TRUE(it.MapHostMmio(ToIpa(Gfn{World::kSecondRegion.end().raw()})));
  EXPECT_TRUE(it.HostDonateVm(vm, kGfn, Pages(World::kBlock, 1), Content::kZeroed));
  EXPECT_TRUE(it.HostDonateVm(vm, kGfn + PageCount{1}, Pages(Pfn{0x40480}, 1), Content::kZeroed));
}

// Both ranges split the last block; it is split once.
TEST(ShortageTest, AdvisedHostPoolSufficesForTwoRangesInOneBlock) {
  const std::array ram{PfnRange{World::kRamFirst, World::kRamPages}, World::kSecondRegion,
                       World::kMmio};
  World world(Ownership::HostTablesFor(ram, *Geometry::ForIpaBits(36)).raw());
  MetadataList list;
  const std::array ranges{Pages(World::kBlock, 1), Pages(World::kBlock + PageCount{7}, 1)};
  EXPECT_TRUE(world.ownership().HostDonateMonitor(ranges, Vmid{1}, list));
  EXPECT_THAT(world.Inconsistencies(), IsEmpty());
}

// --- A start that cannot be

TEST(StartTest, RefusesWhatDoesNotFit) {
  const PfnRange ram = Pages(Pfn{0x1000}, 64);
  const PfnRange carve_out = Pages(Pfn{0x1000}, 8);
  std::vector<PageRecord> records(64);
  const auto start = [&](PfnRange region, std::vector<PfnRange> monitor, std::size_t count) {
    fake::Reset();
    records.assign(64, {});
    Ownership ownership;
    return ownership.Start({.ram = {&region, 1},
                            .mmio = {},
                            .monitor = monitor,
                            .secure = {},
                            .records = {records.data(), count},
                            .host_geometry = *Geometry::ForIpaBits(36),
                            .host_root = ToPa(Pfn{0x1000}),
                            .host_tables = Pages(Pfn{0x1001}, 7)});
  };
  EXPECT_TRUE(start(ram, {carve_out}, 64));
  EXPECT_EQ(start(ram, {carve_out}, 63).error(), Error::kInvalidArgument);
  EXPECT_EQ(start(ram, {carve_out, carve_out}, 64).error(), Error::kInvalidArgument);
  EXPECT_EQ(start(ram, {Pages(Pfn{0x2000}, 1)}, 64).error(), Error::kNotRam);
  EXPECT_EQ(start(Pages(Pfn{0}, 0), {}, 64).error(), Error::kInvalidArgument);
}

}  // namespace
}  // namespace ravelin::stage2
