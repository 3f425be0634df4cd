// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/arch/fake/cpu.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

#include "hyp/arch/fake/machine.h"
#include "hyp/arch/id_registers.h"
#include "hyp/arch/interrupts.h"
#include "hyp/arch/linear.h"
#include "hyp/arch/world.h"
#include "hyp/base/invariant.h"
#include "hyp/base/locked.h"

namespace ravelin {
namespace fake {
namespace {

// What EnterWorld puts away, and the last exit's syndrome.
struct Hidden {
  El1State host_el1{};
  FpState host_fp{};
  TimerState host_timer{};
  arch::Syndrome syndrome{};
};

thread_local Cpu cpu;
thread_local Hidden hidden;

// Registers that are live in the CPU have no meaning in memory.
template <typename State>
void Spoil(State& state) {
  std::memset(&state, 0xd5, sizeof(state));
}

GuestStep NextStep() {
  if (cpu.script.empty()) {
    return {.exit = arch::ExitKind::kIrq, .syndrome = {}, .acts = {}};
  }
  GuestStep step = std::move(cpu.script.front());
  cpu.script.pop_front();
  return step;
}

}  // namespace

Cpu& ThisCpu() { return cpu; }

void ResetCpu() {
  cpu = Cpu{};
  hidden = Hidden{};
}

}  // namespace fake

namespace arch {

using fake::cpu;
using fake::hidden;

Result<> EnterWorld(const GuestRegime& regime, GuestState& guest) {
  Invariant(!cpu.regime, "the host's world is left before another one is entered");
  if (cpu.host_streams) {
    return Failure{Error::kWrongState};
  }
  if (cpu.on_enter) {
    cpu.on_enter();
  }
  cpu.regime = regime;
  ++cpu.worlds_entered;
  hidden.host_el1 = std::exchange(cpu.el1, guest.el1);
  hidden.host_fp = std::exchange(cpu.fp, guest.fp);
  hidden.host_timer = std::exchange(cpu.timer, guest.timer);
  fake::Spoil(guest.el1);
  fake::Spoil(guest.fp);
  fake::Spoil(guest.timer);
  return {};
}

void LeaveWorld(GuestState& guest) {
  Invariant(cpu.regime.has_value(), "a world is left on the CPU that has entered it");
  Invariant(!cpu.timer_forwarded, "the timer's interrupt is the next guest's");
  Invariant(std::ranges::count(cpu.list, 0) == std::ssize(cpu.list), "no interrupt stays listed");
  if (cpu.on_leave) {
    cpu.on_leave();
  }
  cpu.regime.reset();
  guest.el1 = std::exchange(cpu.el1, hidden.host_el1);
  guest.fp = std::exchange(cpu.fp, hidden.host_fp);
  guest.timer = std::exchange(cpu.timer, hidden.host_timer);
}

ExitKind RunGuest(GuestState& guest) {
  Invariant(cpu.regime.has_value(), "a guest runs only in its world");
  Invariant(HeldRank() == Rank::kNone, "no lock is held while a guest runs");
  const fake::GuestStep step = fake::NextStep();
  if (step.acts) {
    step.acts(guest.registers);
  }
  if (step.exit == ExitKind::kSynchronous) {
    hidden.syndrome = step.syndrome;
  }
  return step.exit;
}

TimerState LiveTimer() {
  Invariant(cpu.regime.has_value(), "the guest's timer is live only in its world");
  if (cpu.timer_reads_to_fire > 0) {
    --cpu.timer_reads_to_fire;
    cpu.timer.ctl |= cpu.timer_reads_to_fire == 0 ? Bit(2) : 0;
  }
  return cpu.timer;
}

unsigned ListRegisters() { return cpu.list_registers; }

std::uint64_t ReadListRegister(unsigned index) {
  Invariant(cpu.regime.has_value() && index < cpu.list_registers, "a list register of the guest");
  return cpu.list.at(index);
}

void WriteListRegister(unsigned index, std::uint64_t value) {
  Invariant(cpu.regime.has_value() && index < cpu.list_registers, "a list register of the guest");
  cpu.list.at(index) = value;
}

std::uint64_t ReadListControl() { return cpu.list_control; }

void WriteListControl(std::uint64_t value) { cpu.list_control = value; }

std::uint64_t LivePriorityMask() { return cpu.priority_mask; }

// ICH_MISR_EL2 (IHI 0069, 12.4.5).
bool NeedsMaintenance() {
  bool ended = false;
  bool pending = false;
  unsigned valid = 0;
  for (unsigned i = 0; i < cpu.list_registers; ++i) {
    const std::uint64_t state = cpu.list.at(i) & (list_register::kPending | list_register::kActive);
    ended = ended || (state == 0 && (cpu.list.at(i) & list_register::kHardware) == 0 &&
                      (cpu.list.at(i) & list_register::kEoiMaintenance) != 0);
    pending = pending || (state & list_register::kPending) != 0;
    valid += state != 0 ? 1 : 0;
  }
  const auto asks = [](std::uint64_t bit) { return (cpu.list_control & bit) != 0; };
  return ended || (asks(list_control::kUnderflow) && valid <= 1) ||
         (asks(list_control::kNoPending) && !pending) ||
         (asks(list_control::kEndNotListed) && list_control::EndCount::Get(cpu.list_control) != 0);
}

void SetTimerForwarded(bool forwarded) {
  Invariant(cpu.timer_forwarded != forwarded, "the physical interrupt changes its state");
  cpu.timer_forwarded = forwarded;
}

void KickCpu(CpuIndex target) { cpu.kicks.push_back(target); }

bool TakeKick() { return std::exchange(cpu.kicked, false); }

CpuIndex ThisCpuIndex() { return cpu.index; }

std::uint64_t Counter() { return cpu.counter; }

Syndrome ReadSyndrome() { return hidden.syndrome; }

Result<Ipa> TranslateFault(std::uint64_t far) {
  const auto found = cpu.stage1.find(AlignDown(far, kPageSize));
  if (found == cpu.stage1.end()) {
    return Failure{Error::kNotMapped};
  }
  return found->second + far % kPageSize;
}

El1State ResetEl1() {
  El1State state{};
  state.sctlr = 0x30d00800;
  return state;
}

namespace el1 {

std::uint64_t Vbar() { return cpu.el1.vbar; }
std::uint64_t Sctlr() { return cpu.el1.sctlr; }
void SetSyndrome(std::uint64_t esr) { cpu.el1.esr = esr; }
void SetFaultAddress(std::uint64_t far) { cpu.el1.far = far; }
void SetReturn(ExecutionPoint from) {
  cpu.el1.elr = from.pc;
  cpu.el1.spsr = from.pstate;
}
bool HasTags() { return cpu.has_tags; }

}  // namespace el1

std::uint64_t ReadIdRegister(IdRegister id) {
  return cpu.id_registers.at(static_cast<std::size_t>(id));
}

void* LinearAddress(Pa pa) { return fake::MonitorBytes(pa); }

}  // namespace arch
}  // namespace ravelin
