// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/arch/aarch64/psci_relay.h"

#include "hyp/arch/aarch64/barrier.h"
#include "hyp/arch/aarch64/cpus.h"
#include "hyp/arch/aarch64/linker.h"
#include "hyp/arch/aarch64/per_cpu.h"
#include "hyp/base/bits.h"
#include "hyp/vm/monitor.h"

namespace ravelin::psci {
namespace {

enum Function : std::uint64_t {
  kVersion = 0x84000000,
  kCpuOff = 0x84000002,
  kAffinityInfo = 0x84000004,
  kMigrateInfoType = 0x84000006,
  kSystemOff = 0x84000008,
  kSystemReset = 0x84000009,
  kFeatures = 0x8400000a,
  kSystemReset2 = 0x84000012,
  kCpuSuspend64 = 0xc4000001,
  kCpuOn64 = 0xc4000003,
  kAffinityInfo64 = 0xc4000004,
  kSystemSuspend64 = 0xc400000e,
  kSystemReset2_64 = 0xc4000012,
};

constexpr std::uint64_t kSuccess = 0;
constexpr auto kNotSupported = static_cast<std::uint64_t>(-1);
constexpr auto kInvalidParameters = static_cast<std::uint64_t>(-2);
constexpr auto kAlreadyOn = static_cast<std::uint64_t>(-4);
constexpr auto kOnPending = static_cast<std::uint64_t>(-5);

SmcResults Answer(std::uint64_t status) { return {status, 0, 0, 0}; }

std::uint64_t EntryPoint() { return PhysicalOf(reinterpret_cast<std::uint64_t>(&SecondaryEntry)); }

std::uint64_t BootArgument(PerCpu& cpu) {
  CleanInvalidate(reinterpret_cast<std::uint64_t>(&cpu.boot), sizeof(cpu.boot));
  return reinterpret_cast<std::uint64_t>(&cpu.boot) - kLinearBase;
}

PerCpu* FindCpu(std::uint64_t mpidr) {
  for (std::uint64_t i = 0; i < CpuCount(); ++i) {
    PerCpu& cpu = CpuAt(i);
    if (cpu.mpidr == mpidr) {
      return &cpu;
    }
  }
  return nullptr;
}

// CPU_ON(target, entry, context). One start per CPU at a time: the state is claimed by
// compare-and-swap, so that two callers cannot mix their entry points.
SmcResults CpuOn(const SmcArguments& call) {
  PerCpu* const cpu = FindCpu(call[1]);
  if (cpu == nullptr) {
    return Answer(kInvalidParameters);
  }
  auto expected = PowerState::kOff;
  if (!cpu->power.compare_exchange_strong(expected, PowerState::kStarting)) {
    return Answer(expected == PowerState::kOn ? kAlreadyOn : kOnPending);
  }
  cpu->host_entry = call[2];
  cpu->host_context = call[3];
  const SmcResults result = Smc({call[0], call[1], EntryPoint(), BootArgument(*cpu)});
  if (result[0] != kSuccess) {
    cpu->power.store(PowerState::kOff);
  }
  return result;
}

// The CPU is off for other callers before the firmware switches it off: whoever turns it on too
// early is told ALREADY_ON by the firmware itself.
SmcResults CpuOff(const SmcArguments& call) {
  ThisCpu().power.store(PowerState::kOff);
  const SmcResults result = Smc(call);
  ThisCpu().power.store(PowerState::kOn);  // denied: the call returns only then
  return result;
}

// CPU_SUSPEND(state, entry, context) and SYSTEM_SUSPEND(entry, context). A state that keeps the CPU
// powered returns; the other comes back through SecondaryEntry.
SmcResults Suspend(const SmcArguments& call, std::size_t entry_register) {
  PerCpu& cpu = ThisCpu();
  cpu.host_entry = call[entry_register];
  cpu.host_context = call[entry_register + 1];
  SmcArguments relayed = call;
  relayed[entry_register] = EntryPoint();
  relayed[entry_register + 1] = BootArgument(cpu);
  return Smc(relayed);
}

SmcResults StopMachine(const SmcArguments& call) {
  ScrubProtectedMemory();
  return Smc(call);
}

bool IsRelayed(std::uint64_t function) {
  switch (function) {
    case kVersion:
    case kCpuOff:
    case kAffinityInfo:
    case kAffinityInfo64:
    case kMigrateInfoType:
    case kSystemOff:
    case kSystemReset:
    case kSystemReset2:
    case kSystemReset2_64:
    case kFeatures:
    case kCpuSuspend64:
    case kCpuOn64:
    case kSystemSuspend64:
      return true;
    default:
      return false;
  }
}

}  // namespace

bool IsPsci(std::uint64_t function) {
  // Standard secure service calls 0x00 to 0x1f, 32- and 64-bit.
  return (function & ~std::uint64_t{0x4000001f}) == 0x84000000;
}

SmcResults Serve(const SmcArguments& call) {
  switch (call[0]) {
    case kCpuOn64:
      return CpuOn(call);
    case kCpuOff:
      return CpuOff(call);
    case kCpuSuspend64:
      return Suspend(call, 2);
    case kSystemSuspend64:
      return Suspend(call, 1);
    case kSystemOff:
    case kSystemReset:
    case kSystemReset2:
    case kSystemReset2_64:
      return StopMachine(call);
    case kFeatures:
      // What is not relayed does not exist for the host.
      return IsPsci(call[1]) && !IsRelayed(call[1]) ? Answer(kNotSupported) : Smc(call);
    default:
      return IsRelayed(call[0]) ? Smc(call) : Answer(kNotSupported);
  }
}

}  // namespace ravelin::psci
