// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Four threads as four CPUs: two per VM, with the locks as the monitor takes them, while two more
// threads walk the tables without any lock, as the hardware does. For ThreadSanitizer above all.
#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "hyp/base/locked.h"
#include "stage2/machine.h"
#include "stage2/testing/world.h"

namespace ravelin::stage2 {
namespace {

using testing::Pages;
using testing::World;

constexpr Gfn kGfn{0x80000};
constexpr int kSteps = 150;

// The host's and the VMs' locks around the objects of one World.
struct Locks {
  Locked<Ownership*, Rank::kOwnership> ownership;
  Locked<VmMemory*, Rank::kVm> first;
  Locked<VmMemory*, Rank::kVm> second;
};

bool Step(Ownership& ownership, VmMemory& vm, std::mt19937& random) {
  const PfnRange page = Pages(World::kBlock + PageCount{random() % 16}, 1);
  const Gfn gfn = kGfn + PageCount{random() % 16};
  switch (random() % 4) {
    case 0:
      return ownership.ReclaimFromVm(vm, page).has_value();
    case 1:
      return ownership.VmShareHost(vm, gfn, Content::kKept).has_value();
    case 2:
      return ownership.VmUnshareHost(vm, gfn, Content::kKept).has_value();
    default:
      return ownership.HostDonateVm(vm, gfn, page, Content::kZeroed).has_value();
  }
}

void Work(Locks& locks, Locked<VmMemory*, Rank::kVm>& locked_vm, unsigned seed) {
  std::mt19937 random(seed);
  int successes = 0;
  for (int step = 0; step < kSteps; ++step) {
    const auto vm = locked_vm.Lock();
    const auto ownership = locks.ownership.Lock();
    successes += Step(**ownership, **vm, random) ? 1 : 0;
  }
  EXPECT_GT(successes, 0);
}

// What a table walker of a CPU does: no lock, any moment.
void WalkHost(const PageTable& table, const std::atomic<bool>& stop) {
  while (!stop.load()) {
    for (std::uint64_t i = 0; i < 16; ++i) {
      const Gfn gfn{World::kBlock.raw() + i};
      const Translation found = table.Lookup(ToIpa(gfn));
      if (found.descriptor.IsLeaf(found.level)) {
        const std::uint64_t base = ToPfn(found.descriptor.output()).raw();
        EXPECT_EQ(base + gfn.raw() % LevelPages(found.level), gfn.raw());
      }
    }
    std::this_thread::yield();
  }
}

TEST(ConcurrentTest, FourCpusAndTwoWalkers) {
  World world;
  VmMemory& first = world.AddVm(1);
  VmMemory& second = world.AddVm(2);
  for (std::uint64_t i = 0; i < 16; ++i) {
    world.AllowSharing(World::kBlock + PageCount{i});
  }
  Locks locks{.ownership = Locked<Ownership*, Rank::kOwnership>(&world.ownership()),
              .first = Locked<VmMemory*, Rank::kVm>(&first),
              .second = Locked<VmMemory*, Rank::kVm>(&second)};
  std::atomic<bool> stop{false};
  std::vector<std::thread> walkers;
  walkers.reserve(2);
  for (int i = 0; i < 2; ++i) {
    walkers.emplace_back([&] { WalkHost(world.ownership().host_table(), stop); });
  }
  std::vector<std::thread> cpus;
  cpus.reserve(4);
  for (unsigned seed = 1; seed <= 4; ++seed) {
    auto& vm = seed % 2 == 0 ? locks.first : locks.second;
    cpus.emplace_back([&locks, &vm, seed] { Work(locks, vm, seed); });
  }
  for (std::thread& cpu : cpus) {
    cpu.join();
  }
  stop = true;
  for (std::thread& walker : walkers) {
    walker.join();
  }
  EXPECT_THAT(world.Inconsistencies(), ::testing::IsEmpty());
  EXPECT_THAT(world.Breaches(), ::testing::IsEmpty());
}

}  // namespace
}  // namespace ravelin::stage2
