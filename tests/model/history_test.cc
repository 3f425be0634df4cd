// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Random sequences, replayed write by write: after each of them another CPU could have looked. No
// valid descriptor turns into another one without break and invalidation, and no page is usable by
// two at once, unless the specification says that it is lent.
#include "stage2/testing/history.h"

#include <iostream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "hyp/arch/fake/machine.h"
#include "tests/model/scenes.h"
#include "tests/model/text.h"

namespace ravelin::model {
namespace {

using ::testing::IsEmpty;

constexpr std::uint64_t kLength = 120;

struct Replayed {
  std::vector<Operation> operations;
  std::vector<std::string> breaches;
  std::size_t events = 0;
};

// What is lent now may be used by two.
void AllowLoans(const Specification& specification, stage2::testing::History& history) {
  for (const Frames& region : specification.layout().ram) {
    for (std::uint64_t pfn = region.first; pfn < region.first + region.count; ++pfn) {
      if (specification.At(pfn).IsLent()) {
        history.AllowSharing(Pfn{pfn});
      }
    }
  }
}

// Runs `operations`, or random ones if there are none, and replays what they did.
Replayed RunAndReplay(const Scene& scene, std::uint64_t seed, std::vector<Operation> operations) {
  Checker checker(scene.layout);
  checker.KeepLog();
  Playground playground = SmallPlayground();
  playground.odd_pages_exclusive = true;
  playground.blocks = {{0x40200, 512}};
  Generator generator(playground, seed);
  stage2::testing::History history;
  history.AddTable(checker.engine().ownership().host_table());
  Prepare(scene, checker);
  for (unsigned space = 0; space < checker.specification().space_count(); ++space) {
    history.AddTable(*checker.engine().TableOf(space));
  }
  const bool random = operations.empty();
  for (std::uint64_t i = 0; i < (random ? kLength : operations.size()); ++i) {
    if (random) {
      operations.push_back(generator.Next(checker.specification()));
    }
    EXPECT_EQ(checker.Step(operations[i]), std::nullopt);
    generator.Note(operations[i], checker.last_done());
    AllowLoans(checker.specification(), history);
  }
  const std::vector<fake::Event> log = fake::Log();
  return {std::move(operations), history.Replay(log), log.size()};
}

TEST(HistoryTest, EveryPrefixOfRandomSequencesIsSound) {
  const std::uint64_t seed = FromEnvironment("RAVELIN_SEED", 1);
  const std::uint64_t sequences = FromEnvironment("RAVELIN_OPERATIONS", 30'000) / kLength;
  const Scene scene = SmallScene();
  std::size_t events = 0;
  for (std::uint64_t i = 0; i < sequences && !HasFailure(); ++i) {
    const Replayed replayed = RunAndReplay(scene, seed * 1'000'003 + i, {});
    events += replayed.events;
    if (!replayed.breaches.empty()) {
      const auto fails = [&](const std::vector<Operation>& operations) {
        return !RunAndReplay(scene, 0, operations).breaches.empty();
      };
      const auto shortest = Shrink(replayed.operations, fails);
      EXPECT_THAT(RunAndReplay(scene, 0, shortest).breaches, IsEmpty())
          << "seed " << seed << ", sequence " << i << "\n"
          << ToString(shortest);
    }
  }
  std::cout << sequences << " sequences, " << events << " events replayed, seed " << seed << "\n";
}

}  // namespace
}  // namespace ravelin::model
