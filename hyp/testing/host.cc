// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/testing/host.h"

#include <cstring>
#include <memory>
#include <ostream>

#include "gtest/gtest.h"
#include "hyp/arch/fake/cpu.h"
#include "hyp/arch/fake/machine.h"
#include "hyp/arch/linear.h"
#include "hyp/base/invariant.h"
#include "hyp/vm/monitor.h"
#include "hyp/vm/vm_table.h"
#include "stage2/ownership/ownership.h"

namespace ravelin::testing {
namespace {

// Objects of the monitor are contiguous in the stand-in's memory.
static_assert(sizeof(Vm) <= fake::kContiguousPages * kPageSize);
static_assert(sizeof(Vcpu) <= fake::kContiguousPages * kPageSize);

// In the carve-out: the root of the host's table at its start, then pages for the tables below.
constexpr PfnRange kHostTables{Host::kCarveOut.first + PageCount{0x10}, PageCount{0x80}};

// The monitor's globals, as they are before boot.
void Forget() {
  const auto ownership = PageOwnership().Lock();
  std::destroy_at(&*ownership);
  std::construct_at(&*ownership);
}

template <typename T>
void Append(std::vector<std::byte>& bytes, const T& value) {
  const auto* const first = reinterpret_cast<const std::byte*>(&value);
  bytes.insert(bytes.end(), first, first + sizeof(value));
}

}  // namespace

void PrintTo(const Answer& answer, std::ostream* stream) {
  *stream << "status " << answer.status << ", value 0x" << std::hex << answer.value << std::dec;
}

Host::Host(Mode mode) : records_(kRam.count.raw()) { Boot(mode); }

void Host::Boot(Mode mode) {
  fake::Reset();
  fake::ResetCpu();
  Forget();
  const Result<> started = PageOwnership().Lock()->Start({
      .ram = {&kRam, 1},
      .mmio = {},
      .monitor = {&kCarveOut, 1},
      .secure = {},
      .records = records_,
      .host_geometry = *stage2::Geometry::ForIpaBits(kMachineIpaBits),
      .host_root = ToPa(kCarveOut.first),
      .host_tables = kHostTables,
  });
  Invariant(started.has_value(), "the monitor of a test starts");
  Facts() = {.mode = mode,
             .carveout = kCarveOut,
             .image_pages = PageCount{0x10},
             .boot_ticks = 1234,
             .max_ipa_bits = kMachineIpaBits};
  free_pages_ = Info(RAVELIN_INFO_FREE_PAGES);
}

Host::~Host() {
  while (!vms_.empty()) {
    EndVm(VmHandle{*vms_.begin()});
  }
  EXPECT_EQ(Info(RAVELIN_INFO_LIVE_VMS), 0U);
  EXPECT_EQ(Info(RAVELIN_INFO_DONATED_PAGES), 0U);
  EXPECT_EQ(Info(RAVELIN_INFO_FREE_PAGES), free_pages_);
  EXPECT_FALSE(fake::ThisCpu().regime.has_value()) << "a guest's world is left behind";
}

Answer Host::Dispatch(const call::Registers& registers) {
  const call::Results results = call::Dispatch(registers);
  const Answer answer{static_cast<std::int64_t>(results[0]), results[1], results[2]};
  if (registers[0] == RAVELIN_HOST_CALL_BASE + RAVELIN_HOST_VM_CREATE &&
      answer.status == RAVELIN_SUCCESS) {
    vms_.insert(static_cast<std::uint32_t>(answer.value));
  }
  if (registers[0] == RAVELIN_HOST_CALL_BASE + RAVELIN_HOST_VM_FREE &&
      answer.status == RAVELIN_SUCCESS) {
    vms_.erase(static_cast<std::uint32_t>(registers[1]));
  }
  return answer;
}

Pfn Host::Take(std::uint64_t count, std::uint64_t alignment) {
  const std::uint64_t first = AlignUp(kCarveOut.end().raw() + taken_, alignment);
  taken_ = first + count - kCarveOut.end().raw();
  Invariant(Pfn{first} + PageCount{count} <= kRam.end(), "the RAM of a test suffices");
  return Pfn{first};
}

Pfn Host::TakeShared() {
  const Pfn pfn = Take();
  EXPECT_EQ(Call(RAVELIN_HOST_PAGE_SHARE, pfn.raw()).status, RAVELIN_SUCCESS);
  return pfn;
}

std::uint64_t Host::Info(std::uint64_t item) {
  const Answer answer = Call(RAVELIN_HOST_INFO, item);
  EXPECT_EQ(answer.status, RAVELIN_SUCCESS);
  return answer.value;
}

stage2::PageState Host::StateOf(Pfn pfn) const {
  return records_[pfn.raw() - kRam.first.raw()].state();
}

VmHandle Host::CreateVm(VmKind kind, std::uint64_t tables) {
  const std::uint64_t pages = Info(RAVELIN_INFO_VM_PAGES);
  const Pfn object = Take(pages, fake::kContiguousPages);
  const std::uint64_t abi_kind =
      kind == VmKind::kProtected ? RAVELIN_VM_PROTECTED : RAVELIN_VM_NORMAL;
  const Answer created =
      Call(RAVELIN_HOST_VM_CREATE, abi_kind, kVmIpaBits, object.raw(), Take().raw());
  EXPECT_EQ(created.status, RAVELIN_SUCCESS);
  if (tables != 0) {
    Whole({Take(tables), PageCount{tables}}, [&](PfnRange rest) {
      return Call(RAVELIN_HOST_VM_TOPUP, created.value, rest.first.raw(), rest.count.raw());
    });
  }
  return VmHandle{static_cast<std::uint32_t>(created.value)};
}

void Host::CreateVcpu(VmHandle vm, std::uint32_t index) {
  const Pfn object = Take(Info(RAVELIN_INFO_VCPU_PAGES), fake::kContiguousPages);
  const Answer created =
      Call(RAVELIN_HOST_VCPU_CREATE, vm.raw(), index, object.raw(), TakeShared().raw());
  EXPECT_EQ(created.status, RAVELIN_SUCCESS);
}

void Host::EndVm(VmHandle vm) {
  const std::int64_t destroyed = Call(RAVELIN_HOST_VM_DESTROY, vm.raw()).status;
  if (destroyed != RAVELIN_NO_SUCH_VM) {  // else VM_FREE has begun already
    TakeAllBack(vm);
  }
  Answer freed;
  do {
    freed = Call(RAVELIN_HOST_VM_FREE, vm.raw());
  } while (freed.status == RAVELIN_INCOMPLETE);
  EXPECT_EQ(freed.status, RAVELIN_SUCCESS);
  vms_.erase(vm.raw());
}

std::vector<PfnRange> Host::MappedPages(VmHandle vm) {
  std::vector<PfnRange> runs;
  const auto found = FindVm(vm);
  if (!found) {
    return runs;
  }
  const auto state = (*found)->state().Lock();
  const stage2::PageTable& table = state->memory.table();
  for (Gfn gfn{0}; gfn < table.geometry().limit();) {
    const stage2::Translation leaf = table.Lookup(ToIpa(gfn));
    const PageCount pages{stage2::LevelPages(leaf.level)};
    if (leaf.descriptor.IsValid()) {
      const Pfn pfn = ToPfn(leaf.descriptor.output());
      runs.push_back((*found)->is_protected() ? PfnRange{pfn, pages}
                                              : PfnRange{Pfn{gfn.raw()}, pages});
    }
    gfn = gfn + pages;
  }
  return runs;
}

void Host::TakeAllBack(VmHandle vm) {
  const auto found = FindVm(vm);
  const std::uint64_t call = found.has_value() && (*found)->is_protected()
                                 ? RAVELIN_HOST_VM_RECLAIM
                                 : RAVELIN_HOST_VM_UNSHARE;
  for (const PfnRange& run : MappedPages(vm)) {
    Whole(run,
          [&](PfnRange rest) { return Call(call, vm.raw(), rest.first.raw(), rest.count.raw()); });
  }
}

Vcpu& Host::VcpuOf(VmHandle vm, std::uint32_t index) {
  const auto found = FindVm(vm);
  Invariant(found.has_value(), "the VM of a test exists");
  Vcpu* const vcpu = (*found)->state().Lock()->vcpus.at(index);
  Invariant(vcpu != nullptr, "the vCPU of a test exists");
  return *vcpu;
}

ravelin_run_page& Host::RunPageOf(VmHandle vm, std::uint32_t index) {
  const Pfn pfn = VcpuOf(vm, index).run_pfn();
  return *static_cast<ravelin_run_page*>(arch::LinearAddress(ToPa(pfn)));
}

Host::Snapshot Host::TakeSnapshot() {
  Snapshot snapshot{.records = records_, .words = {fake::Log().size()}, .registers = {}};
  {
    const auto pages = PageOwnership().Lock();
    snapshot.words.push_back(pages->donated_pages().raw());
    snapshot.words.push_back(pages->host_pool().free_count().raw());
  }
  snapshot.words.push_back(LiveVms());
  for (const std::uint32_t vm : vms_) {
    SnapshotVm(VmHandle{vm}, snapshot);
  }
  return snapshot;
}

void Host::SnapshotVm(VmHandle handle, Snapshot& snapshot) {
  const auto found = FindVm(handle);
  if (!found) {
    return;  // VM_FREE has begun
  }
  const auto state = (*found)->state().Lock();
  snapshot.words.insert(
      snapshot.words.end(),
      {handle.raw(), static_cast<std::uint64_t>(state->phase), state->running,
       state->memory.mapped_pages().raw(), state->memory.pool().free_count().raw(),
       state->memory.metadata().count().raw()});
  Append(snapshot.registers, (*found)->gic_layout());
  Append(snapshot.registers, *(*found)->gic().Lock());
  for (Vcpu* const vcpu : state->vcpus) {
    snapshot.words.push_back(vcpu != nullptr ? 1 : 0);
    if (vcpu == nullptr) {
      continue;
    }
    snapshot.words.push_back(static_cast<std::uint64_t>(vcpu->status().load()));
    Append(snapshot.registers, vcpu->state());
    std::array<std::byte, kPageSize> run_page{};
    std::memcpy(run_page.data(), arch::LinearAddress(ToPa(vcpu->run_pfn())), run_page.size());
    Append(snapshot.registers, run_page);
  }
}

}  // namespace ravelin::testing
