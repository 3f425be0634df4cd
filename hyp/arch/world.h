// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The world switch, as hyp/vm sees it: a seam that hyp/arch/aarch64 implements on the CPU and
// hyp/arch/fake on the build machine. Between EnterWorld and LeaveWorld the guest's EL1 state is
// live in the CPU and the host's is in the monitor's memory; no instruction of the host runs in
// between. The two are called in pairs, on the same CPU.
#pragma once

#include <cstdint>

#include "hyp/base/result.h"
#include "hyp/base/types.h"
#include "hyp/vm/context.h"
#include "stage2/format/geometry.h"

namespace ravelin::arch {

// What the CPU needs to run a vCPU, apart from its registers.
struct GuestRegime {
  Pa root;  // of the stage-2 table
  Vmid vmid;
  stage2::Geometry geometry;
  std::uint64_t vmpidr = 0;
  std::uint64_t counter_offset = 0;  // of the virtual counter behind the physical one
};

struct GuestState {
  GuestRegisters registers;
  El1State el1;
  FpState fp;
  TimerState timer;
  GicContext gic;
};

enum class ExitKind : std::uint8_t { kSynchronous, kIrq, kSerror };

// Everything that the hardware tells about a synchronous exit.
struct Syndrome {
  std::uint64_t esr;
  std::uint64_t far;
  std::uint64_t hpfar;
};

// Puts the host's EL1 and FP state away and loads the guest's. kWrongState: the host is in SME
// streaming mode, which has to end first.
[[nodiscard]] Result<> EnterWorld(const GuestRegime& regime, GuestState& guest);

// The reverse. No register of the guest is in the CPU afterwards.
void LeaveWorld(GuestState& guest);

// Runs the guest until it exits. Only between EnterWorld and LeaveWorld.
ExitKind RunGuest(GuestState& guest);

// The guest's virtual timer. Only between EnterWorld and LeaveWorld.
TimerState LiveTimer();

// Of the last synchronous exit.
Syndrome ReadSyndrome();

// The IPA of a permission fault at `far`, for which HPFAR_EL2 says nothing: a stage-1 walk by the
// hardware (AT). kNotMapped: the walk fails by now, execute the instruction again.
Result<Ipa> TranslateFault(std::uint64_t far);

// Exception entry to EL1 of the world whose state is live (the host's, or the guest's between
// EnterWorld and LeaveWorld).
namespace el1 {
std::uint64_t Vbar();
std::uint64_t Sctlr();
void SetSyndrome(std::uint64_t esr);
void SetFaultAddress(std::uint64_t far);
void SetReturn(ExecutionPoint from);  // ELR_EL1, SPSR_EL1
bool HasTags();                       // FEAT_MTE2: PSTATE.TCO is set on entry
}  // namespace el1

// The first EL1 state of a vCPU: MMU and caches off, everything else 0.
El1State ResetEl1();

}  // namespace ravelin::arch
