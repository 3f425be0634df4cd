// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// How a broadcast TLB invalidation is completed: the one place that knows the repeat-TLBI errata
// (hyp/arch/repeat_tlbi.h). A TLBI acts on all CPUs of the machine, so one affected CPU is enough
// for all to repeat.
#pragma once

#include <atomic>

#include "hyp/arch/aarch64/barrier.h"
#include "hyp/arch/aarch64/sysreg.h"
#include "hyp/arch/repeat_tlbi.h"

namespace ravelin::tlb {

inline constinit std::atomic<bool> repeats{false};

// On each CPU, before it runs anything but the monitor. All CPUs see the store before this one uses
// a translation that another one may revoke (tests/litmus/repeat_tlbi.litmus).
inline void AddThisCpu() {
  if (arch::NeedsRepeatedTlbi(sysreg::MidrEl1::Read())) {
    repeats.store(true, std::memory_order_relaxed);
    DsbIsh();
  }
}

// After broadcast TLBIs: when it returns, no CPU uses the forgotten translations, and every access
// that did has completed.
inline void CompleteBroadcast() {
  DsbIsh();
  if (repeats.load(std::memory_order_relaxed)) {
    asm volatile("tlbi vale1is, xzr" ::: "memory");
    DsbIsh();
  }
  Isb();
}

}  // namespace ravelin::tlb
