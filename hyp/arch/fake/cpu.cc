// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/arch/fake/cpu.h"

#include <cstring>
#include <utility>

#include "hyp/arch/fake/machine.h"
#include "hyp/arch/id_registers.h"
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
  return cpu.timer;
}

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
