// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// What each physical CPU has for itself. Reached through TPIDR_EL2; only its own CPU touches it,
// except for `power`, by which other CPUs start it, and `kicked`.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "hyp/arch/aarch64/cpu_boot.h"
#include "hyp/arch/aarch64/layout.h"
#include "hyp/arch/aarch64/sysreg.h"
#include "hyp/base/locked.h"
#include "hyp/base/types.h"
#include "hyp/vm/context.h"

namespace ravelin {

enum class PowerState : std::uint32_t { kOff, kStarting, kOn };

struct PerCpu {
  std::uint64_t panic_stack;  // first byte above it
  std::uint64_t stack;        // first byte above it
  GuestRegisters* guest;      // of the vCPU that runs

  CpuIndex index;
  std::uint64_t mpidr;  // affinity fields, as PSCI names the CPU
  Rank held;            // highest lock rank held

  CpuBoot boot;  // read with the MMU off when the CPU comes up

  std::atomic<PowerState> power;
  // Where the host wants this CPU to start: written by the CPU that starts it, or by itself before
  // it suspends.
  std::uint64_t host_entry;
  std::uint64_t host_context;

  // The page of its redistributor that has the SGIs and PPIs; 0: none was found.
  std::uint64_t redistributor;
  std::atomic<bool> kicked;  // another CPU wants it to leave its guest

  // The host while a guest runs: where it goes on, and its registers.
  ExecutionPoint host_point;
  El1State host_el1;
  ProfilingState host_profiling;
  union {
    FpState fp;
    SveState sve;
  } host_vectors;
};
static_assert(offsetof(PerCpu, panic_stack) == PERCPU_PANIC_STACK);
static_assert(offsetof(PerCpu, stack) == PERCPU_STACK);
static_assert(offsetof(PerCpu, guest) == PERCPU_GUEST);

inline PerCpu& ThisCpu() { return *reinterpret_cast<PerCpu*>(sysreg::TpidrEl2::Read()); }

}  // namespace ravelin
