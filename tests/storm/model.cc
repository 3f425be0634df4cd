// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Random sequences of host calls, each CPU on pages and VMs of its own, compared with a shadow
// (shadow.h).
#include "tests/storm/deadline.h"
#include "tests/storm/failure.h"
#include "tests/storm/monitor.h"
#include "tests/storm/phases.h"
#include "tests/storm/shadow.h"
#include "tests/storm/teardown.h"
#include "tests/support/cpu.h"

namespace ravelin::storm {
namespace {

std::uint64_t calls_of_cpu = 0;
std::uint64_t seed_of_run = 0;
Deadline deadline;
std::array<Shadow, PAYLOAD_MAX_CPUS> shadows;

void RunOne(std::size_t cpu) {
  Shadow& shadow = shadows[cpu];
  shadow.Start(PfnOfCpu(cpu), seed_of_run * PAYLOAD_MAX_CPUS + cpu);
  while (shadow.calls() < calls_of_cpu && !HasFailed() && !deadline.IsOver()) {
    shadow.Step();
  }
  if (!HasFailed()) {
    shadow.Finish();
  }
}

}  // namespace

void RunModel(Cpus cpus, std::uint64_t calls, std::uint64_t seed) {
  const Counters before = ReadCounters();
  seed_of_run = seed;
  if (cpus == Cpus::kOne) {
    calls_of_cpu = calls;
    deadline.Never();
    RunOne(0);
  } else {
    calls_of_cpu = calls / TheMachine().cpus;
    deadline.Start();
    Require(RunOnCpus(cpus == Cpus::kTwo ? 2 : PAYLOAD_MAX_CPUS, &RunOne),
            "a CPU cannot be started");
  }
  if (!HasFailed()) {
    RequireOwned(PfnOfCpu(0), kPagesOfCpu * TheMachine().cpus);
    RequireCounters(before);
  }
}

}  // namespace ravelin::storm
