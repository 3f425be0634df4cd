// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/virt/gic/gic.h"

#include "hyp/abi/host_call.h"
#include "hyp/base/bits.h"
#include "hyp/virt/gic/bank.h"
#include "hyp/virt/gic/registers.h"

namespace ravelin::gic {
namespace {

constexpr unsigned kMinIntids = 2 * kBankSize;

std::uint32_t Redistributors(const VmState& state) {
  std::uint32_t count = 0;
  for (std::uint32_t i = 0; i < kMaxVcpus; ++i) {
    count = state.vcpus[i] != nullptr ? i + 1 : count;
  }
  return count;
}

bool FitsInto(const Vm& vm, Ipa frame, std::uint64_t bytes) {
  const std::uint64_t space = std::uint64_t{1} << vm.geometry().ipa_bits();
  return IsAligned(frame.raw(), kFrameBytes) && frame.raw() < space && bytes <= space - frame.raw();
}

bool IsPossible(const Vm& vm, const Layout& layout) {
  if (layout.intids < kMinIntids || layout.intids > kMaxIntids || layout.intids % kBankSize != 0) {
    return false;
  }
  if (!FitsInto(vm, layout.distributor, kFrameBytes) ||
      !FitsInto(vm, layout.redistributors, layout.redistributor_bytes())) {
    return false;
  }
  return layout.distributor + kFrameBytes <= layout.redistributors ||
         layout.redistributors + layout.redistributor_bytes() <= layout.distributor;
}

SpiBank* FindSpis(Vm& vm, State& state, std::uint64_t intid) {
  if (intid < kBankSize || intid >= vm.gic_layout().intids) {
    return nullptr;
  }
  return &state.spis[ClampIndex(intid / kBankSize - 1, kSpiBanks)];
}

}  // namespace

Result<> SetUp(Vm& vm, VmState& state, Ipa distributor, Ipa redistributors, std::uint64_t intids) {
  if (state.phase != VmPhase::kCreated || state.memory.mapped_pages().raw() != 0) {
    return Failure{Error::kWrongPhase};
  }
  if (vm.has_gic()) {
    return Failure{Error::kExists};
  }
  const Layout layout{.distributor = distributor,
                      .redistributors = redistributors,
                      .intids = static_cast<unsigned>(intids & 0xffff),
                      .vcpus = Redistributors(state)};
  if (layout.vcpus == 0) {
    return Failure{Error::kNoSuchVcpu};
  }
  if (intids > kMaxIntids || !IsPossible(vm, layout)) {
    return Failure{Error::kInvalidArgument};
  }
  const auto gic = vm.gic().Lock();
  ResetSpis(*gic);
  for (std::uint32_t i = 0; i < layout.vcpus; ++i) {
    ResetPrivate(gic->private_banks[i]);
    gic->vcpus[i] = state.vcpus[i];
    if (state.vcpus[i] != nullptr) {
      state.vcpus[i]->state().gic.present = true;
    }
  }
  vm.gic_layout() = layout;
  return {};
}

Result<> Allow(Vm& vm, const VmState& state, std::uint64_t first, std::uint32_t mask) {
  if (state.phase != VmPhase::kCreated) {
    return Failure{Error::kWrongPhase};
  }
  const auto gic = vm.gic().Lock();
  SpiBank* const bank = FindSpis(vm, *gic, first);
  if (bank == nullptr || first % kBankSize != 0) {
    return Failure{Error::kInvalidArgument};
  }
  bank->from_host = mask;
  return {};
}

Result<WakeSet> SetLevel(Vm& vm, std::uint64_t intid, std::uint64_t level) {
  const auto gic = vm.gic().Lock();
  SpiBank* const bank = FindSpis(vm, *gic, intid);
  if (bank == nullptr || level > RAVELIN_LINE_UNTIL_END) {
    return Failure{Error::kInvalidArgument};
  }
  const std::uint32_t bit = BitOf(static_cast<unsigned>(intid));
  if ((bank->from_host & bit) == 0) {
    return Failure{Error::kWrongOwner};
  }
  bank->notify = level == RAVELIN_LINE_UNTIL_END ? bank->notify | bit : bank->notify & ~bit;
  WakeSet wakes;
  const bool high = level != RAVELIN_LINE_LOW;
  bool changed = SetLine(*bank, bit, high);
  if (level == RAVELIN_LINE_PULSE) {
    changed = SetLine(*bank, bit, false) || changed;
  }
  if (changed) {
    NotifySpis(*gic, *bank, bit, wakes);
  }
  return wakes;
}

}  // namespace ravelin::gic
