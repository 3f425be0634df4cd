// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Runs all phases and powers off.
#include <array>
#include <cstddef>
#include <string_view>

#include "tests/storm/deadline.h"
#include "tests/storm/failure.h"
#include "tests/storm/monitor.h"
#include "tests/storm/phases.h"
#include "tests/support/console.h"
#include "tests/support/cpu.h"

extern "C" std::byte __scratch[];

namespace ravelin::storm {
namespace {

constexpr std::uint64_t kDefaultCalls = 3'200'000;
constexpr std::uint64_t kDefaultSeconds = 3;
constexpr std::uint64_t kDefaultSeed = 1;

struct Options {
  std::uint64_t calls;
  std::uint64_t seed;
  bool matrix;
};

// The one phase whose length nothing else sets.
constexpr std::string_view kMatrix = "call_matrix";

// In this order: a phase needs what the earlier ones have shown.
struct Phase {
  std::string_view name;
  void (*run)(const Options& options);
};

constexpr auto kPhases = std::to_array<Phase>({
    {"address_sweep", [](const Options&) { SweepAddresses(); }},
    {"address_sweep_with_vms", [](const Options&) { SweepWithVms(); }},
    {kMatrix, [](const Options&) { CallMatrix(); }},
    {"model", [](const Options& o) { RunModel(Cpus::kOne, o.calls / 10 * 6, o.seed); }},
    {"model_on_two_cpus", [](const Options& o) { RunModel(Cpus::kTwo, o.calls, o.seed + 2); }},
    {"model_on_all_cpus", [](const Options& o) { RunModel(Cpus::kAll, o.calls, o.seed + 1); }},
    {"chaos", [](const Options& o) { RunChaos(Cpus::kOne, o.calls / 10 * 4, o.seed); }},
    {"chaos_on_two_cpus", [](const Options& o) { RunChaos(Cpus::kTwo, o.calls, o.seed + 2); }},
    {"chaos_on_all_cpus", [](const Options& o) { RunChaos(Cpus::kAll, o.calls, o.seed + 1); }},
    {"observer", [](const Options& o) { ObservePage(o.calls); }},
    {"guests", [](const Options& o) { RunGuests(o.calls, o.seed); }},
    {"address_sweep_at_end", [](const Options&) { SweepAddresses(); }},
});

void RunPhases(const Options& options) {
  for (const Phase& phase : kPhases) {
    if (phase.name == kMatrix && !options.matrix) {
      continue;
    }
    phase.run(options);
    if (!Report(phase.name)) {
      return;
    }
  }
  Print("STORM passed\n");
}

}  // namespace

std::uint64_t ScratchPfn() { return reinterpret_cast<std::uint64_t>(__scratch) / kPageSize; }

extern "C" [[noreturn]] void PayloadMain(const void* tree) {
  Machine machine{};
  const bool usable = ReadMachine(tree, machine);
  SetConsole(machine.uart);
  SetMachine(machine);
  const std::string_view line = machine.command_line;
  const Options options{.calls = ReadOption(line, "storm.calls=", kDefaultCalls),
                        .seed = ReadOption(line, "storm.seed=", kDefaultSeed),
                        .matrix = ReadOption(line, "storm.matrix=", 1) != 0};
  seconds_of_phase = ReadOption(line, "storm.seconds=", kDefaultSeconds);
  Print("\nstorm: seed ", options.seed, ", calls ", options.calls, ", seconds ", seconds_of_phase,
        ", CPUs ", std::uint64_t{machine.cpus}, "\n");
  if (!usable || !IsMonitorHere()) {
    Print("CHECK fail start: no device tree or no monitor\n");
    PowerOff();
  }
  ReadFacts();
  Report("start");
  RunPhases(options);
  PowerOff();
}

}  // namespace ravelin::storm
