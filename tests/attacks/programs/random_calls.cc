// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// random-calls CALLER_GUEST CALLS SEED: makes random host calls and guest calls, on a monitor that
// compares each of them with the specification (//hyp:ravelin_checked), and compares once more what
// the host can see. With the same numbers it makes the same calls.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

#include "hyp/base/invariant.h"
#include "tests/attacks/programs/attack_device.h"
#include "tests/attacks/programs/random_world.h"
#include "tests/attacks/programs/raw_vm.h"
#include "tests/attacks/programs/report.h"

namespace ravelin::attacks {
namespace {

// Items of INFO that only the checked image has (hyp/vm/pages.h).
constexpr std::uint64_t kInfoCheckNextPart = 0x1000;
constexpr std::uint64_t kInfoCheckedOperations = 0x1001;
constexpr std::uint64_t kLifeEvery = 700;

// Compares the whole machine at EL2. False: the image has no such call.
bool CheckWorld(const AttackDevice& device) {
  constexpr int kMostParts = 10000;
  for (int i = 0; i < kMostParts; ++i) {
    const Answer answer = device.Call(RAVELIN_HOST_INFO, kInfoCheckNextPart);
    if (answer.status != RAVELIN_SUCCESS) return false;
    if (answer.value == 1) return true;
  }
  return false;
}

// Random calls until there were so many. What differs, empty if nothing does.
std::string Run(RandomWorld& world, std::uint64_t calls, std::uint64_t seed) {
  model::Generator generator(world.playground(), seed);
  std::mt19937_64 random(seed + 1);
  std::string wrong;
  for (unsigned vm = 0; vm < kVms && wrong.empty(); ++vm) wrong = world.ChangeLife(vm);
  const Figures& figures = world.figures();
  while (wrong.empty() && figures.host_calls + figures.guest_calls < calls) {
    if (random() % kLifeEvery == 0) {
      wrong = world.ChangeLife(static_cast<unsigned>(random() % kVms));
      continue;
    }
    const model::Operation operation = generator.Next(world.specification());
    std::uint64_t done = 0;
    wrong = world.Step(operation, done);
    generator.Note(operation, done);
  }
  return wrong;
}

void Print(const Figures& figures, std::uint64_t compared, std::uint64_t seed, double seconds) {
  std::printf("%llu host calls, %llu guest calls, %llu accesses, %llu VMs in %.1f s; ",
              static_cast<unsigned long long>(figures.host_calls),
              static_cast<unsigned long long>(figures.guest_calls),
              static_cast<unsigned long long>(figures.accesses),
              static_cast<unsigned long long>(figures.vms), seconds);
  std::printf("%llu succeed, %llu operations compared at EL2, seed %llu\n",
              static_cast<unsigned long long>(figures.successes),
              static_cast<unsigned long long>(compared), static_cast<unsigned long long>(seed));
  for (unsigned kind = 0; kind < model::kKinds; ++kind) {
    const std::uint64_t count = figures.by_kind.at(kind);
    if (count != 0) {
      std::printf("  %s: %llu\n", model::NameOf(static_cast<model::Kind>(kind)),
                  static_cast<unsigned long long>(count));
    }
  }
}

int Main(int argc, char** argv) {
  if (argc != 4) GiveUp("usage: random-calls CALLER_GUEST CALLS SEED");
  const std::uint64_t calls = std::strtoull(argv[2], nullptr, 0);
  const std::uint64_t seed = std::strtoull(argv[3], nullptr, 0);
  const AttackDevice device;
  Report report;
  const std::uint64_t donated = device.Info(RAVELIN_INFO_DONATED_PAGES);
  const std::uint64_t live = device.Info(RAVELIN_INFO_LIVE_VMS);
  const auto start = std::chrono::steady_clock::now();

  RandomWorld world(device, ReadImage(argv[1]));
  const std::string wrong = Run(world, calls, seed);
  report.Check("calls_agree", wrong.empty(), "seed " + std::to_string(seed) + ":\n" + wrong);
  report.Check("world_agrees", CheckWorld(device), "this image does not compare");
  const std::string left = wrong.empty() ? world.End() : "not tried";
  report.Check("all_came_back",
               left.empty() && device.Info(RAVELIN_INFO_DONATED_PAGES) == donated &&
                   device.Info(RAVELIN_INFO_LIVE_VMS) == live,
               left);

  const Answer compared = device.Call(RAVELIN_HOST_INFO, kInfoCheckedOperations);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  const Figures& figures = world.figures();
  Print(figures, compared.value, seed, elapsed.count());
  report.Check("every_call_compared",
               compared.status == RAVELIN_SUCCESS && compared.value >= figures.successes / 2,
               std::to_string(compared.value) + " operations compared");
  return report.exit_code();
}

}  // namespace
}  // namespace ravelin::attacks

namespace ravelin {

// A rule of the specification's own is broken (hyp/base/invariant.h).
void Panic(const char* rule) { attacks::GiveUp(rule); }

}  // namespace ravelin

int main(int argc, char** argv) { return ravelin::attacks::Main(argc, argv); }
