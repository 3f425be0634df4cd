// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Runs all phases and powers off.
#include <array>
#include <cstddef>
#include <string_view>

#include "tests/storm/console.h"
#include "tests/storm/cpu.h"
#include "tests/storm/failure.h"
#include "tests/storm/monitor.h"
#include "tests/storm/phases.h"

extern "C" std::byte __scratch[];

namespace ravelin::storm {
namespace {

bool IsMonitorHere() {
  std::array<std::uint64_t, 4> out{};
  const Words in = {RAVELIN_CALL_UID};
  CallByHvc(in.data(), out.data());
  return out ==
         std::array<std::uint64_t, 4>{RAVELIN_UID_0, RAVELIN_UID_1, RAVELIN_UID_2, RAVELIN_UID_3};
}

// In this order: a phase needs what the earlier ones have shown.
struct Phase {
  std::string_view name;
  void (*run)(const Machine& machine);
};

constexpr auto kPhases = std::to_array<Phase>({
    {"address_sweep", [](const Machine&) { SweepAddresses(); }},
    {"address_sweep_with_vms", [](const Machine&) { SweepWithVms(); }},
    {"call_matrix", [](const Machine&) { CallMatrix(); }},
    {"model", [](const Machine& m) { RunModel(Cpus::kOne, m.calls / 10 * 6, m.seed); }},
    {"model_on_two_cpus", [](const Machine& m) { RunModel(Cpus::kTwo, m.calls, m.seed + 2); }},
    {"model_on_all_cpus", [](const Machine& m) { RunModel(Cpus::kAll, m.calls, m.seed + 1); }},
    {"chaos", [](const Machine& m) { RunChaos(Cpus::kOne, m.calls / 10 * 4, m.seed); }},
    {"chaos_on_two_cpus", [](const Machine& m) { RunChaos(Cpus::kTwo, m.calls, m.seed + 2); }},
    {"chaos_on_all_cpus", [](const Machine& m) { RunChaos(Cpus::kAll, m.calls, m.seed + 1); }},
    {"observer", [](const Machine& m) { ObservePage(m.calls); }},
    {"guests", [](const Machine& m) { RunGuests(m.calls, m.seed); }},
    {"address_sweep_at_end", [](const Machine&) { SweepAddresses(); }},
});

void RunPhases(const Machine& machine) {
  for (const Phase& phase : kPhases) {
    phase.run(machine);
    if (!Report(phase.name)) {
      return;
    }
  }
  Print("STORM passed\n");
}

}  // namespace

std::uint64_t ScratchPfn() { return reinterpret_cast<std::uint64_t>(__scratch) / kPageSize; }

extern "C" [[noreturn]] void StormMain(const void* tree) {
  Machine machine{};
  const bool usable = ReadMachine(tree, machine);
  SetConsole(machine.uart);
  SetMachine(machine);
  Print("\nstorm: seed ", machine.seed, ", calls ", machine.calls, ", seconds ", machine.seconds,
        ", CPUs ", std::uint64_t{machine.cpus}, "\n");
  if (!usable || !IsMonitorHere()) {
    Print("CHECK fail start: no device tree or no monitor\n");
    PowerOff();
  }
  ReadFacts();
  Report("start");
  RunPhases(machine);
  PowerOff();
}

}  // namespace ravelin::storm
