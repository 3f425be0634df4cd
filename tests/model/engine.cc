// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/model/engine.h"

#include <array>

#include "hyp/arch/fake/machine.h"
#include "hyp/base/invariant.h"
#include "stage2/machine.h"

namespace ravelin::model {
namespace {

constexpr std::uint64_t kPoolOffset = 8;  // in the carve-out
constexpr std::array<std::uint64_t, 3> kSamples{0, 2056, 4088};

PfnRange ToRange(std::uint64_t first, std::uint64_t count) {
  return {Pfn{first}, PageCount{count}};
}

stage2::Permissions ToPermissions(unsigned bits) {
  const auto permissions = stage2::Permissions::FromBits(bits);
  Invariant(permissions.has_value(), "tests ask for permissions that exist");
  return *permissions;
}

// Handles and VMIDs: 0 is nobody's and the host's.
VmHandle HandleOf(unsigned vm) { return VmHandle{vm + 1}; }

}  // namespace

void FillPage(std::uint64_t pfn, std::uint64_t contents) {
  for (const std::uint64_t offset : kSamples) {
    fake::Poke(ToPa(Pfn{pfn}) + offset, contents);
  }
}

bool PageHolds(std::uint64_t pfn, std::uint64_t contents) {
  for (const std::uint64_t offset : kSamples) {
    if (fake::Peek(ToPa(Pfn{pfn}) + offset) != contents) {
      return false;
    }
  }
  return true;
}

Engine::Engine(const Layout& layout, std::uint64_t host_tables) : layout_(layout) {
  fake::Reset();
  std::vector<PfnRange> ram;
  std::uint64_t pages = 0;
  for (const Frames& region : layout.ram) {
    ram.push_back(ToRange(region.first, region.count));
    pages += region.count;
  }
  records_.resize(pages);
  vms_.resize(layout.vms.size());
  const stage2::Geometry geometry = *stage2::Geometry::ForIpaBits(layout.host_ipa_bits);
  host_tables_ =
      host_tables == kAdvised ? stage2::Ownership::HostTablesFor(ram, geometry).raw() : host_tables;
  const PfnRange monitor = ToRange(layout.carve_out.first, layout.carve_out.count);
  const PfnRange pool = ToRange(layout.carve_out.first + kPoolOffset, host_tables_);
  Invariant(pool.end() <= monitor.end(), "the carve-out of a test holds its pool");
  const Result<void> started = ownership_.Start({.ram = ram,
                                                 .monitor = {&monitor, 1},
                                                 .records = records_,
                                                 .host_geometry = geometry,
                                                 .host_root = ToPa(monitor.first),
                                                 .host_tables = pool});
  Invariant(started.has_value(), "the engine of a test starts");
}

Tree Engine::HostTree() const {
  return {ToPa(Pfn{layout_.carve_out.first}).raw(), layout_.host_ipa_bits};
}

Tree Engine::VmTree(unsigned vm) const {
  return {vms_[vm].memory->table().root().raw(), layout_.vms[vm].ipa_bits};
}

std::uint64_t Engine::MetadataCount(unsigned vm) const {
  const Slot& slot = vms_[vm];
  return slot.memory ? slot.memory->metadata().count().raw() : slot.rest.count().raw();
}

Result<std::uint64_t> Engine::Apply(const Operation& operation) {
  if (operation.kind == Kind::kReturnMetadata) {
    return ReturnMetadata(operation);
  }
  RAVELIN_TRY(Carry(operation));
  return std::uint64_t{0};
}

Result<void> Engine::Carry(const Operation& operation) {
  const Pfn pfn{operation.pfn};
  const Gfn gfn{operation.gfn};
  const PfnRange range = ToRange(operation.pfn, operation.count);
  const auto content =
      operation.option == 1 ? stage2::Content::kZeroed : stage2::Content::kMeasured;
  const auto vm = [&]() -> stage2::VmMemory& { return *vms_[operation.vm].memory; };
  switch (operation.kind) {
    case Kind::kHostShareMonitor:
      return ownership_.HostShareMonitor(pfn);
    case Kind::kHostUnshareMonitor:
      return ownership_.HostUnshareMonitor(pfn);
    case Kind::kPinShared:
      return ownership_.PinShared(pfn);
    case Kind::kUnpinShared:
      return ownership_.UnpinShared(pfn);
    case Kind::kDonateMonitor:
      return DonateMonitor(operation, vm());
    case Kind::kTopUp:
      return ownership_.HostTopUp(vm(), range);
    case Kind::kDonateVm:
      return ownership_.HostDonateVm(vm(), gfn, range, content);
    case Kind::kShareVm:
      return ownership_.HostShareVm(vm(), gfn, range, ToPermissions(operation.option));
    case Kind::kUnshareVm:
      return ownership_.HostUnshareVm(vm(), gfn, range.count);
    case Kind::kSetPermissions:
      return ownership_.HostSetVmPermissions(vm(), gfn, ToPermissions(operation.option));
    case Kind::kReclaim:
      return ownership_.ReclaimFromVm(vm(), range);
    case Kind::kVmShareHost:
      return ownership_.VmShareHost(vm(), gfn);
    case Kind::kVmUnshareHost:
      return ownership_.VmUnshareHost(vm(), gfn);
    case Kind::kGuardMmio:
      return ownership_.VmGuardMmio(vm(), gfn);
    case Kind::kUnguardMmio:
      return ownership_.VmUnguardMmio(vm(), gfn);
    case Kind::kMapHostMmio:
      return ownership_.MapHostMmio(Ipa{operation.pfn << kPageShift});
    case Kind::kHostWrite:
      return HostWrite(operation.pfn);
    case Kind::kGuestWrite:
      return GuestWrite(operation);
    case Kind::kCreateVm:
      return CreateVm(operation);
    case Kind::kTearDown:
      TearDown(operation.vm);
      break;
    case Kind::kReturnMetadata:
      break;
  }
  return {};
}

Result<void> Engine::DonateMonitor(const Operation& operation, stage2::VmMemory& vm) {
  std::vector<PfnRange> ranges{ToRange(operation.pfn, operation.count)};
  if (operation.count2 != 0) {
    ranges.push_back(ToRange(operation.pfn2, operation.count2));
  }
  RAVELIN_TRY(ownership_.HostDonateMonitor(ranges, vm.handle(), vm.metadata()));
  for (const PfnRange& range : ranges) {
    for (std::uint64_t i = 0; i < range.count.raw(); ++i) {
      const std::uint64_t pfn = range.first.raw() + i;
      FillPage(pfn, MonitorBytes(pfn));
    }
  }
  return {};
}

Result<void> Engine::CreateVm(const Operation& operation) {
  const unsigned bits = layout_.vms[operation.vm].ipa_bits;
  const PfnRange root = ToRange(operation.pfn, Specification::RootPages(bits));
  stage2::MetadataList list;
  RAVELIN_TRY(ownership_.HostDonateMonitor({&root, 1}, HandleOf(operation.vm), list));
  for (std::uint64_t i = 0; i < root.count.raw(); ++i) {
    machine::ZeroTablePage(ToPa(root.first + PageCount{i}));
  }
  vms_[operation.vm].memory = std::make_unique<stage2::VmMemory>(
      HandleOf(operation.vm), Vmid{static_cast<std::uint16_t>(operation.vm + 1)}, ToPa(root.first),
      *stage2::Geometry::ForIpaBits(bits), list);
  return {};
}

void Engine::TearDown(unsigned vm) {
  Slot& slot = vms_[vm];
  slot.memory->table().Disconnect();
  slot.rest = slot.memory->metadata();
  slot.memory.reset();
}

Result<std::uint64_t> Engine::ReturnMetadata(const Operation& operation) {
  Slot& slot = vms_[operation.vm];
  stage2::MetadataList& list = slot.memory ? slot.memory->metadata() : slot.rest;
  RAVELIN_TRY_ASSIGN(count, ownership_.ReturnMetadata(list, PageCount{operation.count}));
  return count.raw();
}

// The host and a VM write through their own tables, wherever those lead.
Result<void> Engine::HostWrite(std::uint64_t pfn) const {
  const View view = Walk(HostTree(), pfn);
  if (!view.mapped || !view.write) {
    return Failure{Error::kNotMapped};
  }
  FillPage(view.pfn, HostBytes(pfn));
  return {};
}

Result<void> Engine::GuestWrite(const Operation& operation) const {
  const View view = Walk(VmTree(operation.vm), operation.gfn);
  if (!view.mapped || !view.write) {
    return Failure{Error::kNotMapped};
  }
  FillPage(view.pfn, GuestBytes(operation.vm, view.pfn));
  return {};
}

}  // namespace ravelin::model
