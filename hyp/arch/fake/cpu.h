// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The build machine as a CPU with an EL1 and a guest, for tests: hyp/arch/world.h, linear.h and
// id_registers.h, so that the real run loop, exit tables and calls execute. A guest is a script:
// each entry into it plays the next step, which may change registers, and exits as the step says. A
// thread stands for a CPU. Entering and leaving the guest's world is checked: in pairs, no lock
// held while the guest runs, and no use of registers in memory while they are live in the CPU.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "hyp/arch/interrupts.h"
#include "hyp/arch/world.h"
#include "hyp/base/types.h"
#include "hyp/vm/context.h"

namespace ravelin::fake {

// One stay in the guest.
struct GuestStep {
  arch::ExitKind exit = arch::ExitKind::kSynchronous;
  arch::Syndrome syndrome{};
  // What the guest does before it exits; its EL1 registers are ThisCpu().el1. Also the place for
  // what other CPUs do meanwhile.
  std::function<void(GuestRegisters&)> acts;
};

struct Cpu {
  // --- For a test to set.

  std::deque<GuestStep> script;  // once it is empty, an IRQ of the host arrives at once
  std::array<std::uint64_t, 7> id_registers{};  // by arch::IdRegister
  std::map<std::uint64_t, Ipa> stage1;          // page of the guest's VA -> IPA, for TranslateFault
  bool has_tags = false;                        // FEAT_MTE2
  bool host_streams = false;                    // SME streaming mode
  std::function<void()> on_enter;               // during EnterWorld: what other CPUs do meanwhile
  std::function<void()> on_leave;               // the same during LeaveWorld

  // --- The registers of whoever runs: the host, or the guest between EnterWorld and LeaveWorld.

  El1State el1{};
  FpState fp{};
  TimerState timer{};
  unsigned timer_reads_to_fire = 0;  // the virtual timer fires with the last of so many looks at it

  // --- Interrupts (hyp/arch/interrupts.h).

  CpuIndex index{0};
  std::uint64_t counter = 0;
  std::array<std::uint64_t, arch::kMaxListRegisters> list{};
  std::uint64_t list_control = 0;
  std::uint64_t priority_mask = 0xf8;  // of the guest
  unsigned list_registers = 4;
  bool timer_forwarded = false;
  bool kicked = false;

  // --- For a test to look at.

  std::vector<CpuIndex> kicks;  // by this CPU

  std::optional<arch::GuestRegime> regime;  // while a guest's world is entered
  unsigned worlds_entered = 0;
};

Cpu& ThisCpu();

// A CPU just switched on: no script, all registers 0.
void ResetCpu();

}  // namespace ravelin::fake
