// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// Four CPUs that wait for interrupts: of the timer, of each other, of a device by level and by
// edge. Each check that passes is told to the device.

#include <array>

#include "hyp/abi/guest_call.h"
#include "tests/guests/irq_device.h"
#include "tests/guests/runtime.h"

namespace ravelin::guest {
namespace {

using namespace irq_device;

constexpr std::uint64_t kTimerIntid = 27;
constexpr std::uint64_t kSpurious = 1020;
constexpr std::uint64_t kRingSgi = 1;  // goes round
constexpr std::uint64_t kWakeSgi = 2;
constexpr std::uint64_t kRounds = 100;
constexpr std::uint64_t kStackBytes = 16384;
constexpr std::uint64_t k64Bit = 1U << 30;

// Distributor and redistributor (GIC architecture, IHI 0069).
constexpr std::uint64_t kControl = 0x0;
constexpr std::uint64_t kSgiFrame = 0x10000;
constexpr std::uint64_t kRedistributorBytes = 0x20000;
constexpr std::uint64_t kGroup = 0x80;
constexpr std::uint64_t kSetEnable = 0x100;
constexpr std::uint64_t kPriority = 0x400;
constexpr std::uint64_t kConfiguration = 0xc00;
constexpr std::uint64_t kRoute = 0x6000;

volatile std::uint64_t timer_count = 0;
volatile std::uint64_t ring_count = 0;
volatile std::uint64_t level_count = 0;
volatile std::uint64_t resample_count = 0;
volatile std::uint64_t edge_count = 0;
volatile bool may_end = false;
std::array<SecondaryStart, kCpus> starts;
alignas(16) std::array<std::array<std::byte, kStackBytes>, kCpus> stacks;

// By instructions whose syndrome is valid: the compiler may choose others.
void Write8(std::uint64_t address, std::uint32_t value) {
  asm volatile("strb %w0, [%1]" : : "r"(value), "r"(address) : "memory");
}
void Write32(std::uint64_t address, std::uint32_t value) {
  asm volatile("str %w0, [%1]" : : "r"(value), "r"(address) : "memory");
}
void Write64(std::uint64_t address, std::uint64_t value) {
  asm volatile("str %0, [%1]" : : "r"(value), "r"(address) : "memory");
}

std::uint64_t ThisCpu() {
  std::uint64_t mpidr = 0;
  asm("mrs %0, mpidr_el1" : "=r"(mpidr));
  return mpidr & 0xff;
}

void Tell(std::uint64_t offset, std::uint64_t value) { Write64(kPage + offset, value); }

void Mask() { asm volatile("msr daifset, #2" ::: "memory"); }
void Unmask() { asm volatile("msr daifclr, #2; isb" ::: "memory"); }

// Waits with the condition checked while interrupts are masked: none can come between.
template <typename Condition>
void WaitUntil(Condition condition) {
  for (;;) {
    Mask();
    if (condition()) break;
    asm volatile("dsb sy; wfi" ::: "memory");
    Unmask();
  }
  Unmask();
}

void SetTimer(std::uint64_t ticks) {
  asm volatile("msr cntv_tval_el0, %0; msr cntv_ctl_el0, %1; isb" : : "r"(ticks), "r"(1ULL));
}

void StopTimer() { asm volatile("msr cntv_ctl_el0, %0; isb" : : "r"(2ULL)); }

void SendSgi(std::uint64_t intid, std::uint64_t cpu) {
  asm volatile("dsb ish; msr S3_0_C12_C11_5, %0; isb"
               :
               : "r"(intid << 24 | 1ULL << cpu)
               : "memory");
}

void Serve(std::uint64_t intid) {
  switch (intid) {
    case kTimerIntid:
      StopTimer();
      timer_count = timer_count + 1;
      break;
    case kRingSgi:
      ring_count = ring_count + 1;
      if (ring_count < kRounds * kCpus) {
        SendSgi(kRingSgi, (ThisCpu() + 1) % kCpus);
      } else {
        SendSgi(kWakeSgi, 0);
      }
      break;
    case kWakeSgi:
      break;
    case kLevelIntid:
      Tell(kLine, 0);
      level_count = level_count + 1;
      break;
    case kResampleIntid:
      resample_count = resample_count + 1;
      break;
    case kEdgeIntid:
      edge_count = edge_count + 1;
      break;
    default:
      Finish(100 + intid);
  }
}

void OnInterrupt() {
  std::uint64_t intid = 0;
  asm volatile("mrs %0, S3_0_C12_C12_0; dsb sy" : "=r"(intid) : : "memory");  // ICC_IAR1_EL1
  if (intid >= kSpurious) return;
  Serve(intid);
  asm volatile("msr S3_0_C12_C12_1, %0; isb" : : "r"(intid) : "memory");  // ICC_EOIR1_EL1
}

void StartInterface() {
  const std::uint64_t sgis = kRedistributors + ThisCpu() * kRedistributorBytes + kSgiFrame;
  Write32(sgis + kGroup, ~0U);
  for (std::uint64_t i = 0; i < 32; i += 4) Write32(sgis + kPriority + i, 0xa0a0a0a0);
  Write32(sgis + kSetEnable, 0xffff | 1U << kTimerIntid);
  std::uint64_t sre = 0;
  asm volatile("mrs %0, S3_0_C12_C12_5" : "=r"(sre));  // ICC_SRE_EL1
  if ((sre & 1) == 0) Finish(2);
  asm volatile(
      "msr S3_0_C4_C6_0, %0\n"    // ICC_PMR_EL1
      "msr S3_0_C12_C12_7, %1\n"  // ICC_IGRPEN1_EL1
      "isb"
      :
      : "r"(0xf0ULL), "r"(1ULL));
  Unmask();
}

void StartDistributor() {
  Write32(kDistributor + kControl, 1U << 4 | 1U << 1);
  for (const std::uint64_t intid : {kLevelIntid, kResampleIntid, kEdgeIntid}) {
    Write8(kDistributor + kPriority + intid, 0xa0);
    Write64(kDistributor + kRoute + 8 * intid, 0);
  }
  Write32(kDistributor + kConfiguration + 8, 2U << (2 * (kEdgeIntid - 32)));
  Write32(kDistributor + kGroup + 4, ~0U);
  Write32(kDistributor + kSetEnable + 4,
          1U << (kLevelIntid - 32) | 1U << (kResampleIntid - 32) | 1U << (kEdgeIntid - 32));
}

void RunSecondary(std::uint64_t /*argument*/) {
  StartInterface();
  WaitUntil([] { return may_end; });
  Hvc(RAVELIN_PSCI_CPU_OFF);
}

void StartCpu(std::uint64_t cpu) {
  starts[cpu] = {.stack_top = reinterpret_cast<std::uint64_t>(&stacks[cpu]) + kStackBytes,
                 .run = RunSecondary,
                 .argument = cpu};
  const auto start = reinterpret_cast<std::uint64_t>(&starts[cpu]);
  asm volatile("dc civac, %0; dc civac, %1; dsb sy" : : "r"(start), "r"(start + 16) : "memory");
  const auto entry = reinterpret_cast<std::uint64_t>(&SecondaryEntry);
  if (Hvc(RAVELIN_PSCI_CPU_ON | k64Bit, cpu, entry, start).status() != 0) Finish(3);
}

std::uint64_t PowerOf(std::uint64_t cpu) {
  return Hvc(RAVELIN_PSCI_AFFINITY_INFO | k64Bit, cpu, 0).values[0];
}

void CheckTimer() {
  for (std::uint64_t i = 1; i <= kRepeats; ++i) {
    SetTimer(i % 2 == 0 ? 20000 : 0);
    WaitUntil([i] { return timer_count == i; });
  }
  // One that fires while the CPU is busy.
  SetTimer(100000);
  while (timer_count == kRepeats) {
  }
  Tell(kPassed, kTimer);
}

void CheckIpi() {
  for (std::uint64_t cpu = 1; cpu < kCpus; ++cpu) StartCpu(cpu);
  SendSgi(kRingSgi, 0);
  WaitUntil([] { return ring_count == kRounds * kCpus; });
  Tell(kPassed, kIpi);
}

void CheckDevice() {
  for (std::uint64_t i = 1; i <= kRepeats; ++i) {
    Tell(kLine, 1);
    WaitUntil([i] { return level_count == i; });
  }
  Tell(kPassed, kLevel);
  Tell(kSignal, kRepeats);
  WaitUntil([] { return resample_count == kRepeats; });
  Tell(kPassed, kResample);
  for (std::uint64_t i = 1; i <= kRepeats; ++i) {
    Tell(kDoorbell, i);
    WaitUntil([i] { return edge_count == i; });
  }
  Tell(kPassed, kEdge);
}

void CheckCpuOff() {
  may_end = true;
  for (std::uint64_t cpu = 1; cpu < kCpus; ++cpu) {
    if (PowerOf(cpu) != 0) Finish(4);
    SendSgi(kWakeSgi, cpu);
    while (PowerOf(cpu) != 1) {
    }
  }
  Tell(kPassed, kCpuOff);
}

}  // namespace
}  // namespace ravelin::guest

extern "C" void GuestMain(std::uint64_t /*memory_bytes*/) {
  using namespace ravelin::guest;
  StartConsole();
  SetInterruptHandler(OnInterrupt);
  StartDistributor();
  StartInterface();
  CheckTimer();
  CheckIpi();
  CheckDevice();
  CheckCpuOff();
  Finish(0);
}
