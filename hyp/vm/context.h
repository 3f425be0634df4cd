// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The register state of a world, the host's or a vCPU's, while it does not run. Plain data;
// hyp/arch moves it into and out of the CPU. The host can reach none of it: it lives in the
// monitor's pages.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace ravelin {

// What EnterGuest loads and every exit stores (offsets in hyp/arch/aarch64/layout.h).
struct GuestRegisters {
  std::array<std::uint64_t, 31> x;
  std::uint64_t pc;
  std::uint64_t pstate;
};

// Every EL1 and EL0 system register that both a host and a guest can change. What is not here is
// either trapped for guests or constant (world_switch.cc says which).
struct El1State {
  std::uint64_t sctlr, actlr, cpacr, ttbr0, ttbr1, tcr, esr, afsr0, afsr1, far, mair, amair, vbar;
  std::uint64_t contextidr, tpidr_el0, tpidrro_el0, tpidr_el1, cntkctl, par;
  std::uint64_t sp_el0, sp_el1, elr, spsr, csselr, mdscr;
};

struct alignas(16) FpState {
  std::array<std::uint64_t, 64> q;  // Q0..Q31
  std::uint64_t fpsr;
  std::uint64_t fpcr;
};

// Z0..Z31 at up to 2048 bits, P0..P15 and FFR, FPSR and FPCR (layout of fp.S).
struct alignas(16) SveState {
  std::array<std::uint64_t, 1024> z;
  std::array<std::uint64_t, 128> p;
  std::uint64_t fpsr;
  std::uint64_t fpcr;
};
static_assert(offsetof(SveState, p) == 8192 && offsetof(SveState, fpsr) == 8192 + 1024);

// The CPU interface of the virtual GIC, apart from its list registers (hyp/virt/gic).
struct GicContext {
  bool present;  // else every access of the guest to the CPU interface traps
  std::uint64_t vmcr;
  std::array<std::uint64_t, 4> ap0r;
  std::array<std::uint64_t, 4> ap1r;
};

// The virtual timer of a vCPU. The host does not use it (its device tree names the physical one).
struct TimerState {
  std::uint64_t ctl;
  std::uint64_t cval;
};

// The host's profiling and trace controls, off while a guest runs: they would sample it.
struct ProfilingState {
  std::uint64_t pmscr;  // SPE
  std::uint64_t trfcr;  // trace filter
};

// Where an exception is taken from, or execution goes on.
struct ExecutionPoint {
  std::uint64_t pc;
  std::uint64_t pstate;
};

}  // namespace ravelin
