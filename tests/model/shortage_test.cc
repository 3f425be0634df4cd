// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Too little memory for tables, at every k: of the host's pool, of a VM's pool, and of the
// monitor's own map. An operation succeeds or finds no memory, and then everything is as it was.
#include <iostream>

#include "gtest/gtest.h"
#include "tests/model/scenes.h"

namespace ravelin::model {
namespace {

constexpr std::uint64_t kLength = 400;  // operations in one world
constexpr std::uint64_t kSeeds = 12;
constexpr std::uint64_t kBlockFrame = 0x80400;

Playground Crowd() {
  Playground playground = SmallPlayground();
  playground.pages.push_back({0x40200, 512});
  playground.pages.push_back({0x40400, 512});
  playground.blocks = {{0x40200, 512}, {0x40400, 512}};
  playground.guest_frames = {kBlockFrame - 2, 6};
  playground.boundary_values = true;
  return playground;
}

class ShortageTest : public ::testing::Test {
 protected:
  void TearDown() override {
    std::uint64_t refused = 0;
    for (unsigned i = 0; i < kKinds; ++i) {
      refused += statistics_.short_by_kind.at(i);
    }
    std::cout << statistics_.operations << " operations, of which " << refused
              << " find no memory\n";
  }

  void RunAll(const Scene& scene, const Playground& playground) {
    const std::uint64_t first = FromEnvironment("RAVELIN_SEED", 1) * 1'000'003;
    for (std::uint64_t seed = first; seed < first + kSeeds && !HasFailure(); ++seed) {
      const auto divergence = RunRandom(scene, playground, seed, kLength, statistics_);
      EXPECT_FALSE(divergence.has_value()) << Explain(scene, divergence);
    }
  }

  void ExpectShort(std::initializer_list<Kind> kinds) {
    for (const Kind kind : kinds) {
      EXPECT_GT(statistics_.short_by_kind.at(static_cast<std::size_t>(kind)), 0U) << NameOf(kind);
      EXPECT_GT(statistics_.done_by_kind.at(static_cast<std::size_t>(kind)), 0U) << NameOf(kind);
    }
  }

  Statistics statistics_;
};

// Pages that the host's table takes for the scene itself.
std::uint64_t TablesOf(const Scene& scene) {
  Checker checker(scene.layout);
  Prepare(scene, checker);
  return checker.engine().host_tables() -
         checker.engine().ownership().host_pool().free_count().raw();
}

TEST_F(ShortageTest, HostPoolAtEveryK) {
  Scene scene = SmallScene();
  scene.layout.host_ipa_bits = 45;  // MMIO elsewhere needs tables of level 1
  scene.full_check_every = 16;
  scene.shortage.host_tables = true;
  scene.set_up_may_fail = true;
  // Whole blocks that the host does not have, one of them with metadata: their tables have gone
  // too.
  scene.set_up.push_back(
      {.kind = Kind::kDonateVm, .vm = 0, .pfn = 0x40200, .gfn = kBlockFrame, .count = 512});
  scene.set_up.push_back(
      {.kind = Kind::kDonateVm, .vm = 0, .pfn = 0x40400, .gfn = kBlockFrame + 1024, .count = 511});
  scene.set_up.push_back({.kind = Kind::kDonateMonitor, .vm = 1, .pfn = 0x405ff});
  Playground playground = Crowd();
  playground.block_every = 3;
  const std::uint64_t needed = TablesOf(scene);
  for (std::uint64_t k = 0; k <= 6; ++k) {
    SCOPED_TRACE(k);
    scene.host_tables = needed + k;
    RunAll(scene, playground);
  }
  ExpectShort({Kind::kDonateMonitor, Kind::kTopUp, Kind::kDonateVm, Kind::kDonateDevice,
               Kind::kVmShareHost, Kind::kReclaim, Kind::kVmRelinquish, Kind::kReturnMetadata,
               Kind::kMapHostMmio});
}

TEST_F(ShortageTest, VmPoolAtEveryK) {
  for (const unsigned bits : {32U, 40U, 48U}) {
    for (std::uint64_t k = 0; k <= 7; ++k) {
      SCOPED_TRACE(k);
      Scene scene = SmallScene();
      scene.full_check_every = 16;
      for (SpaceShape& space : scene.layout.spaces) {
        space.ipa_bits = bits;
      }
      std::erase_if(scene.set_up, [&](const Operation& operation) {
        return operation.kind == Kind::kTopUp && k == 0;
      });
      for (Operation& operation : scene.set_up) {
        operation.count = operation.kind == Kind::kTopUp ? k : operation.count;
      }
      // A block, of which single frames are taken.
      const std::uint64_t block = bits == 32 ? kBlockFrame : std::uint64_t{1} << 27U;
      scene.set_up.push_back({.kind = Kind::kShareVm,
                              .vm = 1,
                              .pfn = 0x40400,
                              .gfn = block,
                              .count = 512,
                              .option = 3});
      scene.set_up_may_fail = true;
      Playground playground = Crowd();
      playground.guest_frames = {block - 2, 6};
      RunAll(scene, playground);
    }
  }
  ExpectShort({Kind::kDonateVm, Kind::kShareVm, Kind::kGuardMmio, Kind::kUnshareVm,
               Kind::kSetPermissions, Kind::kMapDevice, Kind::kDonateDevice});
}

TEST_F(ShortageTest, MonitorMapAtEveryK) {
  Scene scene = SmallScene();
  scene.full_check_every = 16;
  scene.shortage.monitor_map = true;
  for (std::uint64_t k = 0; k <= 12; ++k) {
    SCOPED_TRACE(k);
    scene.monitor_reserves = k;
    RunAll(scene, Crowd());
  }
  ExpectShort({Kind::kHostShareMonitor, Kind::kDonateMonitor, Kind::kTopUp});
}

}  // namespace
}  // namespace ravelin::model
