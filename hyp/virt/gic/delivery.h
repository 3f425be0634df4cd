// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// From the state of the interrupts to the list registers of a vCPU and back.
//
// Who changes the state of an interrupt sets `attention` of the vCPU that takes it, and then looks
// where that runs: elsewhere: it is kicked; nowhere, in WFI: the host is to wake it. A vCPU says
// first where it runs, or that it waits, and looks at `attention` then. Both are sequentially
// consistent, so that one of the two sees the other. What runs here looks at `attention` before it
// enters the guest.
#pragma once

#include <cstdint>
#include <optional>

#include "hyp/vm/vcpu.h"
#include "hyp/vm/vm.h"

namespace ravelin::gic {

// vCPUs that wait and have an interrupt now: a bit for each, for the host.
struct WakeSet {
  std::uint64_t vcpus = 0;

  void Add(VcpuIndex vcpu) { vcpus |= Bit(vcpu.raw()); }
};

// The state of an interrupt that `vcpu` takes has changed.
void Notify(Vcpu& vcpu, WakeSet& wakes);
// The same for SPIs of a bank; the VM's lock is held.
void NotifySpis(State& state, const SpiBank& bank, std::uint32_t bits, WakeSet& wakes);

// Takes the list registers back into the state, and fills them again. The VM's lock is held, the
// guest's world is entered.
void Fold(State& state, Vcpu& vcpu);
void Fill(State& state, const Layout& layout, Vcpu& vcpu);

// --- The run loop of a vCPU whose VM has an interrupt controller.

// The guest's world has been entered, is about to be left.
void Enter(Vcpu& vcpu);
void Leave(Vcpu& vcpu);
// Before the guest is entered, if it has `attention`. An interrupt of which the host is to hear
// that the guest has ended it.
std::optional<std::uint64_t> Refresh(Vcpu& vcpu);
// A physical interrupt ended the stay in the guest. True: it concerned this guest alone.
bool TakeInterrupt(Vcpu& vcpu);
// WFI: whether an interrupt is there already.
bool HasInterrupt(Vcpu& vcpu);
// After Leave: the host may let the vCPU wait until it is woken. False: it has an interrupt by now.
bool Park(Vcpu& vcpu);

// --- The timers of a vCPU.

// A value of the physical counter at which one of them fires; 0: never. One that had fired already
// when HasInterrupt looked wakes nobody; one that has fired since then is reported.
std::uint64_t TimerDeadline(Vcpu& vcpu);

}  // namespace ravelin::gic
