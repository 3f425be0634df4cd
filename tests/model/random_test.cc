// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Long random runs on thousands of pages. RAVELIN_SEED and RAVELIN_OPERATIONS choose which and how
// long.
#include <iostream>

#include "gtest/gtest.h"
#include "tests/model/scenes.h"

namespace ravelin::model {
namespace {

constexpr std::uint64_t kOperations = kSanitized ? 500'000 : 10'000'000;
constexpr std::uint64_t kEpisode = 20'000;  // in one world

void Print(const Statistics& statistics, std::uint64_t seed) {
  std::cout << statistics.operations << " operations, of which " << statistics.successes
            << " succeed, seed " << seed << ", " << statistics.full_checks << " full checks, "
            << statistics.shared_blocks << " blocks lent whole, " << statistics.whole_blocks
            << " blocks of protected VMs checked\n";
  for (unsigned i = 0; i < kKinds; ++i) {
    std::cout << "  " << NameOf(static_cast<Kind>(i)) << ": " << statistics.by_kind.at(i) << ", "
              << statistics.done_by_kind.at(i) << " succeed, " << statistics.short_by_kind.at(i)
              << " find no memory\n";
  }
}

TEST(RandomTest, EngineAgreesWithTheSpecification) {
  const std::uint64_t seed = FromEnvironment("RAVELIN_SEED", 1);
  const std::uint64_t wanted = FromEnvironment("RAVELIN_OPERATIONS", kOperations);
  const Scene scene = LargeScene();
  Statistics statistics;
  for (std::uint64_t episode = 0; statistics.operations < wanted; ++episode) {
    // Blocks come together only where little else happens.
    const Playground& playground = episode % 4 == 3 ? BlockPlayground() : LargePlayground();
    const auto divergence =
        RunRandom(scene, playground, seed * 1'000'003 + episode, kEpisode, statistics);
    ASSERT_FALSE(divergence.has_value()) << "seed " << seed << ", episode " << episode << "\n"
                                         << Explain(scene, divergence);
  }
  Print(statistics, seed);
  EXPECT_GT(statistics.shared_blocks, 0U);
  EXPECT_GT(statistics.whole_blocks, 0U);
  for (unsigned i = 0; i < kKinds; ++i) {
    EXPECT_GT(statistics.done_by_kind.at(i), 0U) << NameOf(static_cast<Kind>(i));
  }
}

}  // namespace
}  // namespace ravelin::model
