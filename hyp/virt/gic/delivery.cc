// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/virt/gic/delivery.h"

#include <algorithm>
#include <array>

#include "hyp/arch/interrupts.h"
#include "hyp/arch/world.h"
#include "hyp/base/bits.h"
#include "hyp/virt/gic/bank.h"

namespace ravelin::gic {
namespace {

namespace lr = arch::list_register;

constexpr unsigned kVirtualTimer = arch::kTimerIntid;
constexpr unsigned kPhysicalTimer = 30;

// CNT*_CTL_EL0
constexpr std::uint64_t kTimerEnable = Bit(0);
constexpr std::uint64_t kTimerMasked = Bit(1);
constexpr std::uint64_t kTimerFires = Bit(2);

constexpr bool IsArmed(std::uint64_t control) {
  return (control & (kTimerEnable | kTimerMasked)) == kTimerEnable;
}

bool VirtualTimerFires() {
  const std::uint64_t control = arch::LiveTimer().ctl;
  return IsArmed(control) && (control & kTimerFires) != 0;
}

bool PhysicalTimerFires(const Interface& interface) {
  return IsArmed(interface.physical_timer.control) &&
         arch::Counter() >= interface.physical_timer.compare;
}

Bank& BankOf(State& state, Vcpu& vcpu, unsigned intid) {
  return intid < kBankSize ? state.private_banks[vcpu.index().raw()]
                           : state.spis[ClampIndex(intid / kBankSize - 1, kSpiBanks)];
}

// The most urgent interrupts, as many as there are list registers: active ones first, because only
// their list register lets the guest end them, then by priority, then by number.
class Selection {
 public:
  void Add(unsigned intid, bool active, std::uint8_t priority) {
    const std::uint32_t key = (active ? 0 : kNotActive) | std::uint32_t{priority} << 16 | intid;
    const unsigned limit = arch::ListRegisters();
    overflow_ = overflow_ || size_ == limit;
    unsigned at = size_ == limit ? limit : size_++;
    for (; at > 0 && keys_[at - 1] > key; --at) {
      if (at < limit) {
        keys_[at] = keys_[at - 1];
      }
    }
    if (at < limit) {
      keys_[at] = key;
    }
  }

  [[nodiscard]] unsigned size() const { return size_; }
  [[nodiscard]] bool overflow() const { return overflow_; }
  [[nodiscard]] unsigned Intid(unsigned at) const { return keys_[at] & 0xffff; }

 private:
  static constexpr std::uint32_t kNotActive = 1u << 24;

  std::array<std::uint32_t, arch::kMaxListRegisters> keys_{};
  unsigned size_ = 0;
  bool overflow_ = false;
};

// Of SPIs, those that this vCPU takes: it holds them, or nobody does and they are routed to it.
bool IsTakenBy(const SpiBank& bank, unsigned position, std::uint32_t vcpu) {
  const bool held = ((bank.listed | bank.active) >> position & 1) != 0;
  return (held ? bank.holder[position] : bank.target[position]) == vcpu;
}

void Collect(State& state, const Layout& layout, Vcpu& vcpu, Selection& selection) {
  const std::uint32_t index = vcpu.index().raw();
  const Bank& own = state.private_banks[index];
  ForEachBit(DeliverableIn(own, state.control) | own.active, [&](unsigned at) {
    selection.Add(at, (own.active >> at & 1) != 0, own.priority[at]);
  });
  for (unsigned i = 0; i + 1 < layout.intids / kBankSize; ++i) {
    const SpiBank& bank = state.spis[i];
    ForEachBit(DeliverableIn(bank, state.control) | bank.active, [&](unsigned at) {
      if (IsTakenBy(bank, at, index)) {
        selection.Add((i + 1) * kBankSize + at, (bank.active >> at & 1) != 0, bank.priority[at]);
      }
    });
  }
}

// The list register of an interrupt. An edge moves into it; a level is looked at again at its end.
std::uint64_t List(State& state, Vcpu& vcpu, unsigned intid) {
  Bank& bank = BankOf(state, vcpu, intid);
  const unsigned at = intid % kBankSize;
  const std::uint32_t bit = BitOf(intid);
  std::uint64_t value = lr::Intid::Make(intid) | lr::Priority::Make(bank.priority[at]);
  value |= (bank.group & bit) != 0 ? lr::kGroup1 : 0;
  value |= (bank.active & bit) != 0 ? lr::kActive : 0;
  value |= (DeliverableIn(bank, state.control) & bit) != 0 ? lr::kPending : 0;
  if (intid == kVirtualTimer) {
    value |= lr::kHardware | lr::PhysicalIntid::Make(kVirtualTimer);
  } else if ((bank.line & ~bank.edge & bit) != 0) {
    value |= lr::kEoiMaintenance;
  }
  if ((value & lr::kPending) != 0) {
    bank.latched &= ~(bank.edge & bit);
  }
  bank.listed |= bit;
  if (intid >= kBankSize) {
    state.spis[intid / kBankSize - 1].holder[at] = static_cast<std::uint8_t>(vcpu.index().raw());
  }
  return value;
}

// The interrupt is over: its line falls if the host has asked to hear of it.
void End(State& state, Vcpu& vcpu, Bank& bank, unsigned intid) {
  const std::uint32_t bit = BitOf(intid);
  if ((bank.notify & bit) != 0) {
    bank.notify &= ~bit;
    bank.line &= ~bit;
    state.ended[ClampIndex(intid / kBankSize - 1, kSpiBanks)] |= bit;
    vcpu.interrupts().attention.store(true);
  }
}

// What the guest has made of a list register.
void Unlist(State& state, Vcpu& vcpu, std::uint64_t value) {
  const auto intid = static_cast<unsigned>(lr::Intid::Get(value));
  Bank& bank = BankOf(state, vcpu, intid);
  const std::uint32_t bit = BitOf(intid);
  const bool pending = (value & lr::kPending) != 0;
  const bool active = (value & lr::kActive) != 0;
  bank.listed &= ~bit;
  bank.active = active ? bank.active | bit : bank.active & ~bit;
  if (pending) {
    bank.latched |= bank.edge & bit;
    return;
  }
  // Taken. A level that was made pending by a write is pending no more.
  bank.latched &= bank.edge | ~bit;
  if (!active) {
    End(state, vcpu, bank, intid);
  }
}

// Active interrupts of the bank for which this vCPU has no list register.
std::uint32_t UnlistedIn(const SpiBank& bank, std::uint32_t vcpu) {
  std::uint32_t mine = 0;
  ForEachBit(bank.active & ~bank.listed,
             [&](unsigned at) { mine |= bank.holder[at] == vcpu ? 1u << at : 0; });
  return mine;
}

// The guest has ended an interrupt for which there was no list register: the most urgent that is
// active.
void EndUnlisted(State& state, Vcpu& vcpu) {
  const std::uint32_t index = vcpu.index().raw();
  std::optional<unsigned> found;
  std::uint8_t best = 0xff;
  const auto look = [&](const Bank& bank, std::uint32_t bits, unsigned first) {
    ForEachBit(bits, [&](unsigned at) {
      if (!found || bank.priority[at] < best) {
        found = first + at;
        best = bank.priority[at];
      }
    });
  };
  const Bank& own = state.private_banks[index];
  look(own, own.active & ~own.listed, 0);
  for (unsigned i = 0; i < kSpiBanks; ++i) {
    look(state.spis[i], UnlistedIn(state.spis[i], index), (i + 1) * kBankSize);
  }
  if (found) {
    Bank& bank = BankOf(state, vcpu, *found);
    bank.active &= ~BitOf(*found);
    End(state, vcpu, bank, *found);
  }
}

// The levels of the timers as they are now.
void SampleTimers(State& state, Vcpu& vcpu) {
  Bank& own = state.private_banks[vcpu.index().raw()];
  SetLine(own, BitOf(kVirtualTimer), VirtualTimerFires());
  SetLine(own, BitOf(kPhysicalTimer), PhysicalTimerFires(vcpu.interrupts()));
  vcpu.interrupts().timer_lines = own.line;
}

// The physical interrupt stays silent while the timer's level is up or its interrupt is listed.
void ForwardTimer(Interface& interface, const Bank& own) {
  const bool forward = ((own.line | own.listed) & BitOf(kVirtualTimer)) != 0;
  if (forward != interface.timer_forwarded) {
    arch::SetTimerForwarded(forward);
    interface.timer_forwarded = forward;
  }
}

// An interrupt that the guest's priority mask lets through.
bool HasDeliverable(State& state, const Layout& layout, Vcpu& vcpu) {
  Selection selection;
  Collect(state, layout, vcpu, selection);
  const std::uint64_t mask = arch::LivePriorityMask();
  for (unsigned i = 0; i < selection.size(); ++i) {
    const unsigned intid = selection.Intid(i);
    const Bank& bank = BankOf(state, vcpu, intid);
    if ((DeliverableIn(bank, state.control) & BitOf(intid)) != 0 &&
        bank.priority[intid % kBankSize] < mask) {
      return true;
    }
  }
  return false;
}

std::optional<std::uint64_t> TakeEnded(State& state) {
  for (unsigned i = 0; i < kSpiBanks; ++i) {
    if (state.ended[i] != 0) {
      const auto at = static_cast<unsigned>(std::countr_zero(state.ended[i]));
      state.ended[i] &= state.ended[i] - 1;
      return (i + 1) * kBankSize + at;
    }
  }
  return std::nullopt;
}

// Nothing is listed, nothing has changed since the last look, and no timer fires.
bool IsQuiet(const Interface& interface) {
  return interface.used == 0 && !interface.attention.load() && interface.timer_lines == 0 &&
         !VirtualTimerFires() && !PhysicalTimerFires(interface);
}

// Lists what is there, with the timers as they were when they were last looked at.
void FillSampled(State& state, const Layout& layout, Vcpu& vcpu) {
  Interface& interface = vcpu.interrupts();
  Selection selection;
  Collect(state, layout, vcpu, selection);
  std::uint64_t any = 0;
  for (unsigned i = 0; i < selection.size(); ++i) {
    const std::uint64_t value = List(state, vcpu, selection.Intid(i));
    arch::WriteListRegister(i, value);
    any |= value;
  }
  interface.used = selection.size();
  std::uint64_t control = arch::list_control::kEnable;
  if (selection.overflow()) {
    control |= arch::list_control::kUnderflow | arch::list_control::kEndNotListed;
    control |= (any & lr::kPending) != 0 ? arch::list_control::kNoPending : 0;
  }
  arch::WriteListControl(control);
  ForwardTimer(interface, state.private_banks[vcpu.index().raw()]);
}

}  // namespace

void Notify(Vcpu& vcpu, WakeSet& wakes) {
  Interface& interface = vcpu.interrupts();
  interface.attention.store(true);
  const std::uint32_t cpu = interface.cpu.load();
  if (cpu == Interface::kNoCpu) {
    if (interface.waiting.exchange(false)) {
      wakes.Add(vcpu.index());
    }
    return;
  }
  if (cpu != arch::ThisCpuIndex().raw()) {
    arch::KickCpu(CpuIndex{cpu});
  }
}

void NotifySpis(State& state, const SpiBank& bank, std::uint32_t bits, WakeSet& wakes) {
  std::uint64_t vcpus = 0;
  ForEachBit(bits, [&](unsigned at) {
    const bool held = ((bank.listed | bank.active) >> at & 1) != 0;
    const std::uint8_t vcpu = held ? bank.holder[at] : bank.target[at];
    vcpus |= vcpu < kMaxVcpus ? Bit(vcpu) : 0;
  });
  for (; vcpus != 0; vcpus &= vcpus - 1) {
    if (Vcpu* const vcpu = state.vcpus[static_cast<unsigned>(std::countr_zero(vcpus))]) {
      Notify(*vcpu, wakes);
    }
  }
}

void Fold(State& state, Vcpu& vcpu) {
  Interface& interface = vcpu.interrupts();
  const std::uint64_t ends = arch::list_control::EndCount::Get(arch::ReadListControl());
  for (std::uint64_t i = 0; i < ends; ++i) {
    EndUnlisted(state, vcpu);
  }
  for (unsigned i = 0; i < interface.used; ++i) {
    Unlist(state, vcpu, arch::ReadListRegister(i));
    arch::WriteListRegister(i, 0);
  }
  interface.used = 0;
}

void Fill(State& state, const Layout& layout, Vcpu& vcpu) {
  SampleTimers(state, vcpu);
  FillSampled(state, layout, vcpu);
}

void Enter(Vcpu& vcpu) {
  Interface& interface = vcpu.interrupts();
  interface.waiting.store(false);
  interface.cpu.store(arch::ThisCpuIndex().raw());
  if (interface.rebuild || VirtualTimerFires() || PhysicalTimerFires(interface)) {
    interface.rebuild = false;
    interface.attention.store(true);
  }
}

void Leave(Vcpu& vcpu) {
  Interface& interface = vcpu.interrupts();
  if (interface.used != 0) {
    const auto state = vcpu.vm().gic().Lock();
    Fold(*state, vcpu);
    interface.rebuild = true;
  }
  if (interface.timer_forwarded) {
    arch::SetTimerForwarded(false);
    interface.timer_forwarded = false;
  }
  interface.cpu.store(Interface::kNoCpu);
}

std::optional<std::uint64_t> Refresh(Vcpu& vcpu) {
  vcpu.interrupts().attention.store(false);
  const auto state = vcpu.vm().gic().Lock();
  Fold(*state, vcpu);
  Fill(*state, vcpu.vm().gic_layout(), vcpu);
  const auto ended = TakeEnded(*state);
  if (ended) {
    vcpu.interrupts().attention.store(true);  // there may be more of them
  }
  return ended;
}

bool TakeInterrupt(Vcpu& vcpu) {
  Interface& interface = vcpu.interrupts();
  const bool kicked = arch::TakeKick();
  const bool maintenance = arch::NeedsMaintenance();
  const bool timer = !interface.timer_forwarded && VirtualTimerFires();
  if (maintenance || timer || PhysicalTimerFires(interface)) {
    interface.attention.store(true);
  }
  return kicked || maintenance || timer;
}

bool HasInterrupt(Vcpu& vcpu) {
  Interface& interface = vcpu.interrupts();
  if (IsQuiet(interface)) {
    return false;
  }
  interface.attention.store(false);
  const auto state = vcpu.vm().gic().Lock();
  Fold(*state, vcpu);
  SampleTimers(*state, vcpu);
  const Layout& layout = vcpu.vm().gic_layout();
  const bool found = HasDeliverable(*state, layout, vcpu);
  // What is active is listed again in either case.
  FillSampled(*state, layout, vcpu);
  return found || interface.attention.load();
}

bool Park(Vcpu& vcpu) {
  Interface& interface = vcpu.interrupts();
  interface.waiting.store(true);
  return !interface.attention.load() || !interface.waiting.exchange(false);
}

std::uint64_t TimerDeadline(Vcpu& vcpu) {
  const TimerState timer = arch::LiveTimer();
  const auto& physical = vcpu.interrupts().physical_timer;
  const std::uint32_t known = vcpu.interrupts().timer_lines;
  std::uint64_t deadline = ~std::uint64_t{0};
  if (IsArmed(timer.ctl) && (known & BitOf(kVirtualTimer)) == 0) {
    deadline = timer.cval + vcpu.vm().counter_offset();
  }
  if (IsArmed(physical.control) && (known & BitOf(kPhysicalTimer)) == 0) {
    deadline = std::min(deadline, physical.compare);
  }
  return deadline == ~std::uint64_t{0} ? 0 : std::max<std::uint64_t>(deadline, 1);
}

}  // namespace ravelin::gic
