// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/vm/vm_table.h"

#include <array>
#include <new>

#include "hyp/arch/interrupts.h"
#include "hyp/arch/linear.h"
#include "hyp/base/bits.h"
#include "hyp/vm/monitor.h"
#include "stage2/machine.h"
#include "stage2/ownership/visit.h"

namespace ravelin {
namespace {

// Pages that one VM_FREE wipes at most: the bound of its stay in EL2.
constexpr PageCount kFreeBatch{stage2::visit::kPrepared / 2};
constexpr std::uint32_t kSlotBits = 8;
constexpr std::uint32_t kGenerations = 1u << (32 - kSlotBits);
static_assert(kMaxVms < (1u << kSlotBits), "a slot number and 1 fit, and an 8-bit VMID");
static_assert(kMaxVms < stage2::kFirstDomain.raw(), "VMIDs of VMs are not those of domains");

enum class SlotState : std::uint8_t { kEmpty, kReserved, kLive, kFreeing };

struct Slot {
  SlotState state = SlotState::kEmpty;
  std::uint32_t generation = 0;
  Vm* vm = nullptr;                // kLive
  stage2::MetadataList remaining;  // kFreeing: pages not yet given back
  std::atomic<std::uint32_t> references{0};
};

using Slots = std::array<Slot, kMaxVms>;
constinit Locked<Slots, Rank::kVmTable> vm_table;

VmHandle HandleOf(const Slot& slot, std::uint32_t index) {
  return VmHandle{(slot.generation % kGenerations) << kSlotBits | (index + 1)};
}

Vmid VmidOf(std::uint32_t index) { return Vmid{static_cast<std::uint16_t>(index + 1)}; }

// The slot that `handle` names, in whatever state.
Result<Slot*> FindSlot(Slots& slots, VmHandle handle) {
  const std::uint64_t number = handle.raw() & ((1u << kSlotBits) - 1);
  if (number == 0 || number > kMaxVms) {
    return Failure{Error::kNoSuchVm};
  }
  const std::uint64_t index = ClampIndex(number - 1, kMaxVms);
  Slot& slot = slots[index];
  if (slot.state == SlotState::kEmpty ||
      HandleOf(slot, static_cast<std::uint32_t>(index)) != handle) {
    return Failure{Error::kNoSuchVm};
  }
  return &slot;
}

Result<std::uint32_t> ReserveSlot() {
  const auto slots = vm_table.Lock();
  for (std::uint32_t i = 0; i < kMaxVms; ++i) {
    if ((*slots)[i].state == SlotState::kEmpty) {
      (*slots)[i].state = SlotState::kReserved;
      return i;
    }
  }
  return Failure{Error::kLimit};
}

void SetSlot(std::uint32_t index, SlotState state, Vm* vm) {
  const auto slots = vm_table.Lock();
  (*slots)[index].vm = vm;
  (*slots)[index].state = state;
}

// What is left of a VM that nobody can reach any more: its table is cut off, its run pages are
// free.
stage2::MetadataList Dismantle(Vm& vm) {
  const auto state = vm.state().Lock();
  state->memory.table().Disconnect();
  const auto pages = PageOwnership().Lock();
  for (Vcpu* const vcpu : state->vcpus) {
    if (vcpu != nullptr) {
      const auto unpinned = pages->UnpinShared(vcpu->run_pfn());
      Invariant(unpinned.has_value(), "a run page stays pinned as long as its vCPU exists");
    }
  }
  return state->memory.metadata();
}

Result<> CheckFreeable(Slot& slot) {
  const auto state = slot.vm->state().Lock();
  if (state->phase != VmPhase::kDying) {
    return Failure{Error::kWrongPhase};
  }
  const bool busy = state->memory.mapped_pages().raw() != 0 ||
                    slot.references.load(std::memory_order_acquire) != 0;
  return busy ? Result<>{Failure{Error::kBusy}} : Result<>{};
}

}  // namespace

Result<VmRef> FindVm(VmHandle handle) {
  const auto slots = vm_table.Lock();
  RAVELIN_TRY_ASSIGN(slot, FindSlot(*slots, handle));
  if (slot->state != SlotState::kLive) {
    return Failure{Error::kNoSuchVm};
  }
  slot->references.fetch_add(1, std::memory_order_relaxed);
  return VmRef(*slot->vm, slot->references);
}

Result<VmHandle> CreateVm(const VmRequest& request) {
  RAVELIN_TRY_ASSIGN(index, ReserveSlot());
  const VmHandle handle = HandleOf((*vm_table.Lock())[index], index);
  stage2::MetadataList metadata;
  const std::array<PfnRange, 2> ranges = {request.object, request.root};
  if (const auto donated =
          PageOwnership().Lock()->HostDonateMonitor(ranges, VmidOf(index), metadata);
      !donated) {
    SetSlot(index, SlotState::kEmpty, nullptr);
    return Failure{donated.error()};
  }
  for (std::uint64_t i = 0; i < request.root.count.raw(); ++i) {
    machine::ZeroTablePage(ToPa(request.root.first + PageCount{i}));
  }
  machine::PublishEntries();
  auto* const vm =
      new (arch::LinearAddress(ToPa(request.object.first))) Vm({.handle = handle,
                                                                .kind = request.kind,
                                                                .vmid = VmidOf(index),
                                                                .root = ToPa(request.root.first),
                                                                .geometry = request.geometry,
                                                                .metadata = metadata,
                                                                .created_at = arch::Counter()});
  SetSlot(index, SlotState::kLive, vm);
  return handle;
}

Result<Progress> FreeVm(VmHandle handle) {
  const auto slots = vm_table.Lock();
  RAVELIN_TRY_ASSIGN(slot, FindSlot(*slots, handle));
  if (slot->state == SlotState::kReserved) {
    return Failure{Error::kNoSuchVm};
  }
  if (slot->state == SlotState::kLive) {
    RAVELIN_TRY(CheckFreeable(*slot));
    slot->remaining = Dismantle(*slot->vm);
    slot->vm = nullptr;
    slot->state = SlotState::kFreeing;
  }
  const auto returned = PageOwnership().Lock()->ReturnMetadata(slot->remaining, kFreeBatch);
  Invariant(returned.has_value(), "metadata of a freed VM is the monitor's and can be returned");
  if (slot->remaining.count().raw() != 0) {
    return Progress::kMore;
  }
  ++slot->generation;
  slot->state = SlotState::kEmpty;
  return Progress::kDone;
}

std::uint32_t LiveVms() {
  const auto slots = vm_table.Lock();
  std::uint32_t live = 0;
  for (const Slot& slot : *slots) {
    live += slot.state == SlotState::kEmpty ? 0 : 1;
  }
  return live;
}

}  // namespace ravelin
