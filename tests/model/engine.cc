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

template <typename Ranges>
std::vector<PfnRange> ToRanges(const Ranges& ranges) {
  std::vector<PfnRange> list;
  for (const Frames& range : ranges) {
    list.push_back(ToRange(range.first, range.count));
  }
  return list;
}

stage2::Permissions ToPermissions(unsigned bits) {
  const auto permissions = stage2::Permissions::FromBits(bits);
  Invariant(permissions.has_value(), "tests ask for permissions that exist");
  return *permissions;
}

stage2::Content ToContent(unsigned option) {
  return option == 1 ? stage2::Content::kZeroed : stage2::Content::kKept;
}

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
  const std::vector<PfnRange> ram = ToRanges(layout.ram);
  const std::vector<PfnRange> mmio = ToRanges(layout.mmio);
  const std::vector<PfnRange> monitor = ToRanges(layout.monitor);
  const std::vector<PfnRange> secure = ToRanges(layout.secure);
  records_.resize(Specification::PagesOf(layout));
  slots_.resize(layout.spaces.size());
  const stage2::Geometry geometry = *stage2::Geometry::ForIpaBits(layout.host_ipa_bits);
  std::vector<PfnRange> all = ram;
  all.insert(all.end(), mmio.begin(), mmio.end());
  host_tables_ =
      host_tables == kAdvised ? stage2::Ownership::HostTablesFor(all, geometry).raw() : host_tables;
  const PfnRange pool = {monitor.front().first + PageCount{kPoolOffset}, PageCount{host_tables_}};
  Invariant(pool.end() <= monitor.front().end(), "the carve-out of a test holds its pool");
  using Sharing = stage2::Ownership::SecureSharing;
  const Result<void> started = ownership_.Start(
      {.ram = ram,
       .mmio = mmio,
       .monitor = monitor,
       .secure = secure,
       .records = records_,
       .host_geometry = geometry,
       .host_root = ToPa(monitor.front().first),
       .host_tables = pool,
       .secure_sharing = layout.shares_with_secure ? Sharing::kAllowed : Sharing::kRefused});
  Invariant(started.has_value(), "the engine of a test starts");
}

Tree Engine::HostTree() const {
  return {layout_.monitor[0].first << kPageShift, layout_.host_ipa_bits};
}

stage2::AddressSpace* Engine::SpaceAt(unsigned space) const {
  const Slot& slot = slots_[space];
  return slot.vm ? static_cast<stage2::AddressSpace*>(slot.vm.get()) : slot.domain.get();
}

const stage2::PageTable* Engine::TableOf(unsigned space) const {
  stage2::AddressSpace* const found = SpaceAt(space);
  return found == nullptr ? nullptr : &found->table();
}

Tree Engine::TreeOf(unsigned space) const {
  return {TableOf(space)->root().raw(), layout_.spaces[space].ipa_bits};
}

std::uint64_t Engine::MetadataCount(unsigned space) const {
  stage2::AddressSpace* const found = SpaceAt(space);
  return (found == nullptr ? slots_[space].rest : found->metadata()).count().raw();
}

std::uint64_t Engine::PageCountOf(unsigned space) const {
  stage2::AddressSpace* const found = SpaceAt(space);
  return found == nullptr ? 0 : found->mapped_pages().raw();
}

Vmid Engine::HolderOf(unsigned space) const {
  return Vmid{static_cast<std::uint16_t>(layout_.spaces[space].holder)};
}

// Calls of the engine, in the order of Kind.
struct Engine::Calls {
  using Call = Result<PageCount> (*)(Engine& engine, const Operation& operation);

  static Result<PageCount> Once(const Result<void>& result) {
    RAVELIN_TRY(result);
    return PageCount{1};
  }
  static stage2::VmMemory& Vm(Engine& engine, const Operation& operation) {
    return *engine.slots_[operation.vm].vm;
  }
  static stage2::DeviceDomain& Domain(Engine& engine, const Operation& operation) {
    return *engine.slots_[operation.vm].domain;
  }
  static PfnRange Range(const Operation& operation) {
    return ToRange(operation.pfn, operation.count);
  }

  template <auto kMember>
  static Result<PageCount> OfPage(Engine& engine, const Operation& operation) {
    return Once((engine.ownership_.*kMember)(Pfn{operation.pfn}));
  }
  template <auto kMember>
  static Result<PageCount> OfRange(Engine& engine, const Operation& operation) {
    return (engine.ownership_.*kMember)(Range(operation));
  }
  template <auto kMember>
  static Result<PageCount> OfFrames(Engine& engine, const Operation& operation) {
    return (engine.ownership_.*kMember)(Vm(engine, operation), Gfn{operation.gfn},
                                        PageCount{operation.count});
  }
  template <auto kMember>
  static Result<PageCount> OfFrame(Engine& engine, const Operation& operation) {
    return Once((engine.ownership_.*kMember)(Vm(engine, operation), Gfn{operation.gfn}));
  }
  template <auto kMember>
  static Result<PageCount> Loan(Engine& engine, const Operation& operation) {
    return Once((engine.ownership_.*kMember)(Vm(engine, operation), Gfn{operation.gfn},
                                             ToContent(operation.option)));
  }
  template <auto kMember>
  static Result<PageCount> Own(Engine& engine, const Operation& operation) {
    return Once((engine.*kMember)(operation));
  }
  template <auto kMember>
  static Result<PageCount> OwnRange(Engine& engine, const Operation& operation) {
    return (engine.*kMember)(operation);
  }

  static Result<PageCount> TopUp(Engine& engine, const Operation& operation) {
    return engine.ownership_.HostTopUp(*engine.SpaceAt(operation.vm), Range(operation));
  }
  static Result<PageCount> DonateVm(Engine& engine, const Operation& operation) {
    return engine.ownership_.HostDonateVm(Vm(engine, operation), Gfn{operation.gfn},
                                          Range(operation), ToContent(operation.option));
  }
  static Result<PageCount> ShareVm(Engine& engine, const Operation& operation) {
    return engine.ownership_.HostShareVm(Vm(engine, operation), Gfn{operation.gfn},
                                         Range(operation), ToPermissions(operation.option));
  }
  static Result<PageCount> SetPermissions(Engine& engine, const Operation& operation) {
    return engine.ownership_.HostSetVmPermissions(Vm(engine, operation), Gfn{operation.gfn},
                                                  PageCount{operation.count},
                                                  ToPermissions(operation.option));
  }
  static Result<PageCount> Reclaim(Engine& engine, const Operation& operation) {
    return engine.ownership_.ReclaimFromVm(Vm(engine, operation), Range(operation));
  }
  static Result<PageCount> MapDevice(Engine& engine, const Operation& operation) {
    return engine.ownership_.HostMapDevice(Domain(engine, operation), Gfn{operation.gfn},
                                           Range(operation), ToPermissions(operation.option));
  }
  static Result<PageCount> UnmapDevice(Engine& engine, const Operation& operation) {
    return engine.ownership_.HostUnmapDevice(Domain(engine, operation), Gfn{operation.gfn},
                                             PageCount{operation.count});
  }
  static Result<PageCount> DonateDevice(Engine& engine, const Operation& operation) {
    return engine.ownership_.HostDonateDevice(Domain(engine, operation), Gfn{operation.gfn},
                                              Range(operation), ToContent(operation.option));
  }
  static Result<PageCount> ReclaimDevice(Engine& engine, const Operation& operation) {
    return engine.ownership_.ReclaimFromDevice(Domain(engine, operation), Range(operation));
  }
  static Result<PageCount> MapHostMmio(Engine& engine, const Operation& operation) {
    return Once(engine.ownership_.MapHostMmio(Ipa{operation.pfn << kPageShift}));
  }

  static const std::array<Call, kKinds> kTable;
};

const std::array<Engine::Calls::Call, kKinds> Engine::Calls::kTable{
    &OfPage<&stage2::Ownership::HostShareMonitor>,
    &OfPage<&stage2::Ownership::HostUnshareMonitor>,
    &OfPage<&stage2::Ownership::PinShared>,
    &OfPage<&stage2::Ownership::UnpinShared>,
    &Own<&Engine::DonateMonitor>,
    &OwnRange<&Engine::ReturnMetadata>,
    &TopUp,
    &DonateVm,
    &ShareVm,
    &OfFrames<&stage2::Ownership::HostUnshareVm>,
    &SetPermissions,
    &OwnRange<&Engine::Age>,
    &Reclaim,
    &OfFrames<&stage2::Ownership::ForceReclaim>,
    &MapDevice,
    &UnmapDevice,
    &DonateDevice,
    &ReclaimDevice,
    &OfRange<&stage2::Ownership::HostShareSecure>,
    &OfRange<&stage2::Ownership::HostUnshareSecure>,
    &Loan<&stage2::Ownership::VmShareHost>,
    &Loan<&stage2::Ownership::VmUnshareHost>,
    &OfFrame<&stage2::Ownership::VmRelinquish>,
    &OfFrame<&stage2::Ownership::VmGuardMmio>,
    &OfFrame<&stage2::Ownership::VmUnguardMmio>,
    &MapHostMmio,
    &Own<&Engine::HostWrite>,
    &Own<&Engine::GuestUse>,
    &Own<&Engine::GuestUse>,
    &Own<&Engine::CreateSpace>,
    &Own<&Engine::TearDown>,
};

Result<std::uint64_t> Engine::Apply(const Operation& operation) {
  RAVELIN_TRY_ASSIGN(done,
                     Calls::kTable[static_cast<std::size_t>(operation.kind)](*this, operation));
  return done.raw();
}

Result<void> Engine::DonateMonitor(const Operation& operation) {
  std::vector<PfnRange> ranges{ToRange(operation.pfn, operation.count)};
  if (operation.count2 != 0) {
    ranges.push_back(ToRange(operation.pfn2, operation.count2));
  }
  RAVELIN_TRY(ownership_.HostDonateMonitor(ranges, HolderOf(operation.vm),
                                           SpaceAt(operation.vm)->metadata()));
  for (const PfnRange& range : ranges) {
    for (std::uint64_t i = 0; i < range.count.raw(); ++i) {
      const std::uint64_t pfn = range.first.raw() + i;
      FillPage(pfn, MonitorBytes(pfn));
    }
  }
  return {};
}

Result<void> Engine::CreateSpace(const Operation& operation) {
  const SpaceShape& shape = layout_.spaces[operation.vm];
  const PfnRange root = ToRange(operation.pfn, Specification::RootPages(shape.ipa_bits));
  stage2::MetadataList list;
  RAVELIN_TRY(ownership_.HostDonateMonitor({&root, 1}, HolderOf(operation.vm), list));
  for (std::uint64_t i = 0; i < root.count.raw(); ++i) {
    machine::ZeroTablePage(ToPa(root.first + PageCount{i}));
  }
  const stage2::Geometry geometry = *stage2::Geometry::ForIpaBits(shape.ipa_bits);
  Slot& slot = slots_[operation.vm];
  if (shape.kind == SpaceKind::kDevice) {
    slot.domain = std::make_unique<stage2::DeviceDomain>(HolderOf(operation.vm), ToPa(root.first),
                                                         geometry, list);
  } else {
    slot.vm = std::make_unique<stage2::VmMemory>(HolderOf(operation.vm), ToPa(root.first), geometry,
                                                 list);
  }
  return {};
}

Result<void> Engine::TearDown(const Operation& operation) {
  Slot& slot = slots_[operation.vm];
  SpaceAt(operation.vm)->table().Disconnect();
  slot.rest = SpaceAt(operation.vm)->metadata();
  slot.vm.reset();
  slot.domain.reset();
  return {};
}

Result<PageCount> Engine::ReturnMetadata(const Operation& operation) {
  stage2::AddressSpace* const space = SpaceAt(operation.vm);
  stage2::MetadataList& list = space == nullptr ? slots_[operation.vm].rest : space->metadata();
  return ownership_.ReturnMetadata(list, PageCount{operation.count});
}

Result<PageCount> Engine::Age(const Operation& operation) {
  RAVELIN_TRY_ASSIGN(aged, ownership_.HostAgeVm(*slots_[operation.vm].vm, Gfn{operation.gfn},
                                                PageCount{operation.count}));
  last_young_ = aged.young;
  return aged.pages;
}

// The host and a VM use memory through their own tables, wherever those lead.
Result<void> Engine::HostWrite(const Operation& operation) const {
  const View view = Walk(HostTree(), operation.pfn);
  if (!view.mapped || !view.write) {
    return Failure{Error::kNotMapped};
  }
  FillPage(view.pfn, HostBytes(operation.pfn));
  return {};
}

// An access-flag fault first, where the flag is clear.
Result<void> Engine::GuestUse(const Operation& operation) {
  const bool writes = operation.kind == Kind::kGuestWrite;
  const View view = Walk(TreeOf(operation.vm), operation.gfn);
  if (!view.mapped || !view.read || (writes && !view.write)) {
    return Failure{Error::kNotMapped};
  }
  if (!view.young) {
    SpaceAt(operation.vm)->table().SetYoung(ToIpa(Gfn{operation.gfn}));
  }
  if (writes) {
    FillPage(view.pfn, GuestBytes(operation.vm, view.pfn));
  }
  return {};
}

}  // namespace ravelin::model
