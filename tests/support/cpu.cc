// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/cpu.h"

#include <algorithm>
#include <array>

#include "hyp/abi/host_call.h"
#include "tests/support/console.h"

extern "C" void SecondaryEntry();

namespace ravelin {
namespace {

constexpr std::uint64_t kPsciCpuOff = 0x84000002;
constexpr std::uint64_t kPsciCpuOn = 0xc4000003;
constexpr std::uint64_t kPsciSystemOff = 0x84000008;
constexpr std::int64_t kAlreadyOn = -4;
constexpr std::int64_t kOnPending = -5;
constexpr std::uint64_t kStartSeconds = 20;

Machine the_machine;
void (*volatile current_job)(std::size_t cpu) = nullptr;
std::atomic<std::size_t> finished{0};

std::int64_t Smc(std::uint64_t function, std::uint64_t x1 = 0, std::uint64_t x2 = 0,
                 std::uint64_t x3 = 0) {
  const std::array<std::uint64_t, 7> in = {function, x1, x2, x3};
  std::array<std::uint64_t, 4> out{};
  CallBySmc(in.data(), out.data());
  return static_cast<std::int64_t>(out[0]);
}

// A CPU that has said that it finished may still be on its way off.
bool Start(std::size_t cpu) {
  const std::uint64_t deadline = Ticks() + kStartSeconds * TicksPerSecond();
  const auto entry = reinterpret_cast<std::uint64_t>(&SecondaryEntry);
  std::int64_t status = kAlreadyOn;
  while ((status == kAlreadyOn || status == kOnPending) && Ticks() < deadline) {
    status = Smc(kPsciCpuOn, the_machine.mpidr[cpu], entry, cpu);
  }
  return status == 0;
}

}  // namespace

void SetMachine(const Machine& machine) { the_machine = machine; }
const Machine& TheMachine() { return the_machine; }

std::size_t CpuIndex() {
  std::uint64_t index = 0;
  asm volatile("mrs %0, tpidrro_el0" : "=r"(index));
  return index % PAYLOAD_MAX_CPUS;
}

std::uint64_t Ticks() {
  std::uint64_t ticks = 0;
  asm volatile("isb\n\tmrs %0, cntpct_el0" : "=r"(ticks));
  return ticks;
}

std::uint64_t TicksPerSecond() {
  std::uint64_t frequency = 0;
  asm volatile("mrs %0, cntfrq_el0" : "=r"(frequency));
  return frequency;
}

bool RunOnCpus(std::size_t cpus, void (*job)(std::size_t cpu)) {
  cpus = std::min(cpus, the_machine.cpus);
  current_job = job;
  finished.store(0);
  for (std::size_t cpu = 1; cpu < cpus; ++cpu) {
    if (!Start(cpu)) {
      return false;
    }
  }
  job(0);
  while (finished.load() != cpus - 1) {
    asm volatile("yield");
  }
  return true;
}

bool IsMonitorHere() {
  const std::array<std::uint64_t, 7> in = {RAVELIN_CALL_UID};
  std::array<std::uint64_t, 4> out{};
  CallByHvc(in.data(), out.data());
  return out ==
         std::array<std::uint64_t, 4>{RAVELIN_UID_0, RAVELIN_UID_1, RAVELIN_UID_2, RAVELIN_UID_3};
}

void PowerOff() {
  Smc(kPsciSystemOff);
  for (;;) {
    asm volatile("wfi");
  }
}

void Barrier::Wait(std::size_t cpus) {
  const std::size_t round = round_.load();
  if (arrived_.fetch_add(1) + 1 == cpus) {
    arrived_.store(0);
    round_.store(round + 1);
    return;
  }
  while (round_.load() == round) {
    asm volatile("yield");
  }
}

extern "C" [[noreturn]] void SecondaryMain(std::size_t cpu) {
  current_job(cpu);
  finished.fetch_add(1);
  Smc(kPsciCpuOff);
  PowerOff();
}

extern "C" [[noreturn]] void UnexpectedException(std::uint64_t vector) {
  std::uint64_t esr = 0;
  std::uint64_t elr = 0;
  std::uint64_t far = 0;
  asm volatile("mrs %0, esr_el1\n\tmrs %1, elr_el1\n\tmrs %2, far_el1"
               : "=r"(esr), "=r"(elr), "=r"(far));
  Print("\nCHECK fail exception: cpu ", std::uint64_t{CpuIndex()}, " vector ", vector, " esr ",
        Hex{esr}, " elr ", Hex{elr}, " far ", Hex{far}, "\n");
  PowerOff();
}

}  // namespace ravelin
