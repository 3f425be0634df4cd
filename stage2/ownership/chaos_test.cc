// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Random work of a host and two VMs. Only some pages are ever shared, so that for all others
// History knows that nobody may use them at the same time as another.
#include <array>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "stage2/testing/world.h"

namespace ravelin::stage2 {
namespace {

using ::testing::IsEmpty;
using testing::Pages;
using testing::World;

constexpr Gfn kGfn{0x80000};

class Chaos {
 public:
  Chaos(World& world, VmMemory& a, VmMemory& b, unsigned seed)
      : world_(world), vms_{&a, &b}, random_(seed) {}

  void Step() {
    VmMemory& vm = *vms_[Draw(2)];
    Ownership& ownership = world_.ownership();
    const Pfn own{World::kBlock.raw() + Draw(24)};
    const Pfn shareable = World::kFree + PageCount{Draw(8)};
    world_.AllowSharing(shareable);
    const Gfn gfn = kGfn + PageCount{Draw(40)};
    const PfnRange run = Pages(own, Draw(2) == 0 ? 1 : 1 + Draw(5));
    const PfnRange one = Pages(shareable, 1);
    switch (Draw(11)) {
      case 0:
        return Count(ownership.HostDonateVm(vm, gfn, run, Content::kZeroed));
      case 1:
        return Count(ownership.HostDonateVm(vm, gfn, one, Content::kKept));
      case 2:
        return Count(ownership.ReclaimFromVm(VmOf(own, vm), run));
      case 3:
        return Count(ownership.ReclaimFromVm(VmOf(shareable, vm), one));
      case 4:
        return Count(ownership.HostShareMonitor(shareable));
      case 5:
        return Count(ownership.HostUnshareMonitor(shareable));
      case 6:
        return Count(ownership.HostShareVm(vm, gfn, one, Permissions::kReadWrite));
      case 7:
        return Count(ownership.HostUnshareVm(vm, gfn, PageCount{1}));
      case 8:
        return Count(Share(vm, gfn));
      case 9:
        return Count(ownership.VmUnshareHost(vm, gfn, Content::kKept));
      default:
        return Count(Draw(2) == 0 ? ownership.VmGuardMmio(vm, gfn)
                                  : ownership.VmUnguardMmio(vm, gfn));
    }
  }

  [[nodiscard]] unsigned successes() const { return successes_; }

 private:
  // A VM shares only pages that may be shared in this test.
  Result<void> Share(VmMemory& vm, Gfn gfn) {
    RAVELIN_TRY_ASSIGN(pfn, vm.table().Resolve(gfn));
    if (World::kBlock <= pfn) {
      return Failure{Error::kNotSupported};
    }
    return world_.ownership().VmShareHost(vm, gfn, Content::kKept);
  }

  // Mostly the VM of the page, so that much succeeds.
  VmMemory& VmOf(Pfn pfn, VmMemory& other) {
    const Vmid holder = world_.RecordOf(pfn).holder();
    return holder == kHostVmid || Draw(4) == 0 ? other : *vms_[holder.raw() - 1U];
  }

  template <typename T>
  void Count(const Result<T>& result) {
    successes_ += result.has_value() ? 1U : 0U;
  }
  std::uint64_t Draw(std::uint64_t below) { return random_() % below; }

  World& world_;
  std::array<VmMemory*, 2> vms_;
  std::mt19937 random_;
  unsigned successes_ = 0;
};

TEST(OwnershipChaosTest, TablesStayFunctionsOfTheRecords) {
  for (unsigned seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(seed);
    World world;
    VmMemory& a = world.AddVm(1);
    VmMemory& b = world.AddVm(2);
    Chaos chaos(world, a, b, seed);
    for (int step = 0; step < 600; ++step) {
      chaos.Step();
      if (step % 50 == 0) {
        ASSERT_THAT(world.Inconsistencies(), IsEmpty());
      }
    }
    EXPECT_GT(chaos.successes(), 80U);
    EXPECT_THAT(world.Inconsistencies(), IsEmpty());
    EXPECT_THAT(world.Breaches(), IsEmpty());
  }
}

}  // namespace
}  // namespace ravelin::stage2
