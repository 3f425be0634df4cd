// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/model/checked_ownership.h"

#include <algorithm>
#include <bit>
#include <memory>
#include <new>
#include <type_traits>

#include "hyp/base/invariant.h"
#include "tests/model/checked_machine.h"

namespace ravelin::model {
namespace {

// Of the world, each time that a VM has gone, and in one call of a test.
constexpr std::uint64_t kPagesAtFree = 2048;
constexpr std::uint64_t kPagesInPart = 16384;

std::uint64_t MappingsFor(std::uint64_t pages) { return std::bit_ceil(pages + pages / 2); }

constexpr std::uint64_t ToPages(std::uint64_t bytes) {
  return AlignUp(bytes, kPageSize) / kPageSize;
}

unsigned SpaceOf(Vmid holder) { return holder.raw() - 1U; }

template <typename Ranges>
void Copy(std::span<const PfnRange> from, Ranges& to) {
  for (const PfnRange& range : from) {
    to.Push({range.first.raw(), range.count.raw()});
  }
}

Layout LayoutFor(const stage2::Ownership::Config& config) {
  Layout layout;
  Copy(config.ram, layout.ram);
  Copy(config.mmio, layout.mmio);
  Copy(config.monitor, layout.monitor);
  Copy(config.secure, layout.secure);
  layout.host_ipa_bits = config.host_geometry.ipa_bits();
  layout.shares_with_secure = config.secure_sharing == stage2::Ownership::SecureSharing::kAllowed;
  for (unsigned i = 0; i < kMaxSpaces; ++i) {
    const bool device = i + 1 >= stage2::kFirstDomain.raw();
    layout.spaces.Push({.kind = device ? SpaceKind::kDevice : SpaceKind::kNormalVm,
                        .ipa_bits = kMaxAddressBits,
                        .holder = i + 1});
  }
  return layout;
}

Result<std::uint64_t> CountOf(const Result<void>& result) {
  RAVELIN_TRY(result);
  return std::uint64_t{1};
}
Result<std::uint64_t> CountOf(const Result<PageCount>& result) {
  RAVELIN_TRY(result);
  return result->raw();
}
Result<std::uint64_t> CountOf(const Result<stage2::Ownership::Aged>& result) {
  RAVELIN_TRY(result);
  return result->pages.raw();
}

}  // namespace

PageCount CheckedOwnership::MemoryFor(std::uint64_t pages_with_records) {
  return PageCount{ToPages(sizeof(Specification)) + ToPages(pages_with_records * sizeof(Page)) +
                   ToPages(MappingsFor(pages_with_records) * sizeof(FrameMap::Slot))};
}

Result<void> CheckedOwnership::Start(const Config& config) {
  const Layout layout = LayoutFor(config);
  const std::uint64_t pages = Specification::PagesOf(layout);
  const PageCount needed = MemoryFor(pages);
  Invariant(needed < config.host_tables.count, "the carve-out has room for the specification");
  Config rest = config;
  rest.host_tables.count = PageCount{config.host_tables.count.raw() - needed.raw()};
  RAVELIN_TRY(stage2::Ownership::Start(rest));
  const PfnRange own{rest.host_tables.end(), needed};
  std::byte* at = MemoryOf(own).data();
  std::byte* const place = at;
  at += ToPages(sizeof(Specification)) * kPageSize;
  // Zeros are pages of the host and empty slots.
  const std::span page_memory(reinterpret_cast<Page*>(at), pages);
  at += ToPages(pages * sizeof(Page)) * kPageSize;
  const std::span mappings(reinterpret_cast<FrameMap::Slot*>(at), MappingsFor(pages));
  specification_ = new (place) Specification(layout, {page_memory, mappings});
  return {};
}

// --- One operation

// A VM or device domain as the specification knows it: what kind it is shows in what it is asked
// for first.
unsigned CheckedOwnership::Meet(Kind kind, stage2::AddressSpace& space) {
  const unsigned number = SpaceOf(space.vmid());
  SpaceShape shape = specification_->ShapeOf(number);
  const Scope scope = ArgumentsOf(kind).scope;
  if (tables_[number] == nullptr) {
    shape.ipa_bits = space.table().geometry().ipa_bits();
    tables_[number] = &space.table();
  }
  if (specification_->SpaceAt(number).pages == 0 && specification_->SpaceAt(number).notes == 0 &&
      shape.kind != SpaceKind::kDevice) {
    shape.kind = scope == Scope::kProtectedVms ? SpaceKind::kProtectedVm : SpaceKind::kNormalVm;
  }
  specification_->SetShape(number, shape);
  return number;
}

CheckedOwnership::Asked CheckedOwnership::Ask(const Operation& operation,
                                              const stage2::PageTable* table) {
  ++operations_;
  differences_.NoteIf(!specification_->Permitted(operation),
                      "the monitor asks for what callers may not ask for", 0);
  return {.operation = operation,
          .touched = TouchedBy(*specification_, operation),
          .may_be_short = table != nullptr && ArgumentsOf(operation.kind).gfn &&
                          MayBeShort(*specification_, operation, table->pool())};
}

void CheckedOwnership::Answer(const Asked& asked, const Result<std::uint64_t>& answer) {
  const Operation& operation = asked.operation;
  CompareAnswer(*specification_, operation, answer, asked.may_be_short, differences_);
  ExpectAgreement(operation, answer);
  if (answer.has_value()) {
    specification_->Apply(operation, *answer);
  }
  for (const std::uint64_t pfn : asked.touched.pages) {
    ComparePage(*specification_, *this, pfn, differences_);
  }
  for (const std::uint64_t frame : asked.touched.frames) {
    CompareFrame(*specification_, TreeOf(*tables_[operation.vm]), operation.vm, frame,
                 differences_);
  }
  differences_.NoteIf(donated_pages().raw() != specification_->donated(), "donated_pages is wrong",
                      donated_pages().raw());
  ExpectAgreement(operation, answer);
}

void CheckedOwnership::ExpectAgreement(const Operation& operation,
                                       const Result<std::uint64_t>& answer) {
  if (!differences_.empty()) {
    ReportDisagreement(operation, answer, differences_);
  }
}

template <typename Carry>
auto CheckedOwnership::Check(const Operation& operation, stage2::AddressSpace* space,
                             const Carry& carry) {
  Operation named = operation;
  if (space != nullptr) {
    named.vm = Meet(operation.kind, *space);
  }
  const Asked asked = Ask(named, space == nullptr ? nullptr : &space->table());
  const auto result = carry();
  Answer(asked, CountOf(result));
  return result;
}

// --- Host <-> monitor

Result<void> CheckedOwnership::HostShareMonitor(Pfn pfn) {
  return Check({.kind = Kind::kHostShareMonitor, .pfn = pfn.raw()}, nullptr,
               [&] { return stage2::Ownership::HostShareMonitor(pfn); });
}

Result<void> CheckedOwnership::HostUnshareMonitor(Pfn pfn) {
  return Check({.kind = Kind::kHostUnshareMonitor, .pfn = pfn.raw()}, nullptr,
               [&] { return stage2::Ownership::HostUnshareMonitor(pfn); });
}

Result<void> CheckedOwnership::PinShared(Pfn pfn) {
  return Check({.kind = Kind::kPinShared, .pfn = pfn.raw()}, nullptr,
               [&] { return stage2::Ownership::PinShared(pfn); });
}

Result<void> CheckedOwnership::UnpinShared(Pfn pfn) {
  return Check({.kind = Kind::kUnpinShared, .pfn = pfn.raw()}, nullptr,
               [&] { return stage2::Ownership::UnpinShared(pfn); });
}

// The first donation makes a VM or device domain.
Result<void> CheckedOwnership::HostDonateMonitor(std::span<const PfnRange> ranges, Vmid holder,
                                                 stage2::MetadataList& list) {
  Operation operation{.kind = Kind::kDonateMonitor,
                      .vm = SpaceOf(holder),
                      .pfn = ranges[0].first.raw(),
                      .count = ranges[0].count.raw()};
  Invariant(ranges.size() <= 2, "the specification knows donations of two ranges");
  if (ranges.size() == 2) {
    operation.pfn2 = ranges[1].first.raw();
    operation.count2 = ranges[1].count.raw();
  }
  const bool first = list.count().raw() == 0;
  if (first) {
    specification_->Begin(operation.vm);
  }
  const auto result = Check(operation, nullptr, [&] {
    return stage2::Ownership::HostDonateMonitor(ranges, holder, list);
  });
  if (first && !result) {
    specification_->Forget(operation.vm);
  }
  return result;
}

Result<PageCount> CheckedOwnership::HostTopUp(stage2::AddressSpace& space, PfnRange range) {
  return Check({.kind = Kind::kTopUp, .pfn = range.first.raw(), .count = range.count.raw()}, &space,
               [&] { return stage2::Ownership::HostTopUp(space, range); });
}

// The first return comes after the end of the table.
Result<PageCount> CheckedOwnership::ReturnMetadata(stage2::MetadataList& list, PageCount limit) {
  const unsigned number = SpaceOf(list.holder());
  const Operation end{.kind = Kind::kTearDown, .vm = number};
  if (list.count().raw() != 0 && specification_->SpaceAt(number).phase == Phase::kLive) {
    differences_.NoteIf(!specification_->Permitted(end), "metadata returns before the VM's pages",
                        specification_->SpaceAt(number).pages);
    ExpectAgreement(end, std::uint64_t{1});
    specification_->Apply(end, 1);
    tables_[number] = nullptr;
  }
  const auto result =
      Check({.kind = Kind::kReturnMetadata, .vm = number, .count = limit.raw()}, nullptr,
            [&] { return stage2::Ownership::ReturnMetadata(list, limit); });
  if (list.count().raw() == 0) {
    CheckPart(kPagesAtFree);
    ExpectAgreement(end, std::uint64_t{1});
  }
  return result;
}

// --- Host <-> VM

Result<PageCount> CheckedOwnership::HostShareVm(stage2::VmMemory& vm, Gfn gfn, PfnRange range,
                                                stage2::Permissions permissions) {
  return Check({.kind = Kind::kShareVm,
                .pfn = range.first.raw(),
                .gfn = gfn.raw(),
                .count = range.count.raw(),
                .option = permissions.bits()},
               &vm, [&] { return stage2::Ownership::HostShareVm(vm, gfn, range, permissions); });
}

Result<PageCount> CheckedOwnership::HostUnshareVm(stage2::VmMemory& vm, Gfn gfn, PageCount count) {
  return Check({.kind = Kind::kUnshareVm, .gfn = gfn.raw(), .count = count.raw()}, &vm,
               [&] { return stage2::Ownership::HostUnshareVm(vm, gfn, count); });
}

Result<PageCount> CheckedOwnership::HostSetVmPermissions(stage2::VmMemory& vm, Gfn gfn,
                                                         PageCount count,
                                                         stage2::Permissions permissions) {
  return Check(
      {.kind = Kind::kSetPermissions,
       .gfn = gfn.raw(),
       .count = count.raw(),
       .option = permissions.bits()},
      &vm, [&] { return stage2::Ownership::HostSetVmPermissions(vm, gfn, count, permissions); });
}

Result<CheckedOwnership::Aged> CheckedOwnership::HostAgeVm(stage2::VmMemory& vm, Gfn gfn,
                                                           PageCount count) {
  return Check({.kind = Kind::kAge, .gfn = gfn.raw(), .count = count.raw()}, &vm,
               [&] { return stage2::Ownership::HostAgeVm(vm, gfn, count); });
}

Result<PageCount> CheckedOwnership::HostDonateVm(stage2::VmMemory& vm, Gfn gfn, PfnRange range,
                                                 stage2::Content content) {
  return Check({.kind = Kind::kDonateVm,
                .pfn = range.first.raw(),
                .gfn = gfn.raw(),
                .count = range.count.raw()},
               &vm, [&] { return stage2::Ownership::HostDonateVm(vm, gfn, range, content); });
}

Result<PageCount> CheckedOwnership::ReclaimFromVm(stage2::VmMemory& vm, PfnRange range) {
  return Check({.kind = Kind::kReclaim, .pfn = range.first.raw(), .count = range.count.raw()}, &vm,
               [&] { return stage2::Ownership::ReclaimFromVm(vm, range); });
}

Result<PageCount> CheckedOwnership::ForceReclaim(stage2::VmMemory& vm, Gfn gfn, PageCount count) {
  return Check({.kind = Kind::kForceReclaim, .gfn = gfn.raw(), .count = count.raw()}, &vm,
               [&] { return stage2::Ownership::ForceReclaim(vm, gfn, count); });
}

Result<void> CheckedOwnership::VmShareHost(stage2::VmMemory& vm, Gfn gfn, stage2::Content content) {
  return Check({.kind = Kind::kVmShareHost, .gfn = gfn.raw()}, &vm,
               [&] { return stage2::Ownership::VmShareHost(vm, gfn, content); });
}

Result<void> CheckedOwnership::VmUnshareHost(stage2::VmMemory& vm, Gfn gfn,
                                             stage2::Content content) {
  return Check({.kind = Kind::kVmUnshareHost, .gfn = gfn.raw()}, &vm,
               [&] { return CarryVmUnshareHost(*this, vm, gfn, content); });
}

Result<void> CheckedOwnership::VmRelinquish(stage2::VmMemory& vm, Gfn gfn) {
  return Check({.kind = Kind::kVmRelinquish, .gfn = gfn.raw()}, &vm,
               [&] { return stage2::Ownership::VmRelinquish(vm, gfn); });
}

Result<void> CheckedOwnership::VmGuardMmio(stage2::VmMemory& vm, Gfn gfn) {
  return Check({.kind = Kind::kGuardMmio, .gfn = gfn.raw()}, &vm,
               [&] { return stage2::Ownership::VmGuardMmio(vm, gfn); });
}

Result<void> CheckedOwnership::VmUnguardMmio(stage2::VmMemory& vm, Gfn gfn) {
  return Check({.kind = Kind::kUnguardMmio, .gfn = gfn.raw()}, &vm,
               [&] { return stage2::Ownership::VmUnguardMmio(vm, gfn); });
}

// --- Devices and the secure world

Result<PageCount> CheckedOwnership::HostMapDevice(stage2::DeviceDomain& domain, Gfn first,
                                                  PfnRange range, stage2::Permissions permissions) {
  return Check({.kind = Kind::kMapDevice,
                .pfn = range.first.raw(),
                .gfn = first.raw(),
                .count = range.count.raw(),
                .option = permissions.bits()},
               &domain,
               [&] { return stage2::Ownership::HostMapDevice(domain, first, range, permissions); });
}

Result<PageCount> CheckedOwnership::HostUnmapDevice(stage2::DeviceDomain& domain, Gfn first,
                                                    PageCount count) {
  return Check({.kind = Kind::kUnmapDevice, .gfn = first.raw(), .count = count.raw()}, &domain,
               [&] { return stage2::Ownership::HostUnmapDevice(domain, first, count); });
}

Result<PageCount> CheckedOwnership::HostDonateDevice(stage2::DeviceDomain& domain, Gfn first,
                                                     PfnRange range, stage2::Content content) {
  return Check({.kind = Kind::kDonateDevice,
                .pfn = range.first.raw(),
                .gfn = first.raw(),
                .count = range.count.raw()},
               &domain,
               [&] { return stage2::Ownership::HostDonateDevice(domain, first, range, content); });
}

Result<PageCount> CheckedOwnership::ReclaimFromDevice(stage2::DeviceDomain& domain,
                                                      PfnRange range) {
  return Check({.kind = Kind::kReclaimDevice, .pfn = range.first.raw(), .count = range.count.raw()},
               &domain, [&] { return stage2::Ownership::ReclaimFromDevice(domain, range); });
}

Result<PageCount> CheckedOwnership::HostShareSecure(PfnRange range) {
  return Check({.kind = Kind::kShareSecure, .pfn = range.first.raw(), .count = range.count.raw()},
               nullptr, [&] { return stage2::Ownership::HostShareSecure(range); });
}

Result<PageCount> CheckedOwnership::HostUnshareSecure(PfnRange range) {
  return Check({.kind = Kind::kUnshareSecure, .pfn = range.first.raw(), .count = range.count.raw()},
               nullptr, [&] { return stage2::Ownership::HostUnshareSecure(range); });
}

// --- Questions, faults, and the world as a whole

Result<stage2::HostAccessKind> CheckedOwnership::HostAccess(Pfn pfn) {
  const auto result = stage2::Ownership::HostAccess(pfn);
  const Operation question{.kind = Kind::kMapHostMmio, .pfn = pfn.raw()};
  differences_.NoteIf(result.has_value() != specification_->HasRecord(pfn.raw()),
                      "HostAccess knows other pages than the specification", pfn.raw());
  if (result.has_value()) {
    ComparePage(*specification_, *this, pfn.raw(), differences_);
  }
  ExpectAgreement(question, std::uint64_t{0});
  return result;
}

Result<void> CheckedOwnership::MapHostMmio(Ipa ipa) {
  return Check({.kind = Kind::kMapHostMmio, .pfn = ipa.raw() >> kPageShift}, nullptr,
               [&] { return stage2::Ownership::MapHostMmio(ipa); });
}

// The pages from next_page_ on. Each leads to its mapping if it has an owner other than the host.
void CheckedOwnership::CheckPart(std::uint64_t pages) {
  std::uint64_t index = 0;
  for (const Frames& region : specification_->layout().ram) {
    for (; next_page_ < index + region.count && pages > 0; --pages, ++next_page_) {
      const std::uint64_t pfn = region.first + (next_page_ - index);
      ComparePage(*specification_, *this, pfn, differences_);
      const Page& page = specification_->At(pfn);
      if (page.owner == Party::kVm || page.owner == Party::kDevice) {
        CompareFrame(*specification_, TreeOf(*tables_[page.space]), page.space, page.place,
                     differences_);
      }
    }
    index += region.count;
  }
  next_page_ = next_page_ >= index ? 0 : next_page_;
}

// The last part includes what VMs and devices borrow.
bool CheckedOwnership::CheckNextPart() {
  CheckPart(kPagesInPart);
  const bool last = next_page_ == 0;
  for (unsigned space = 0; last && space < kMaxSpaces; ++space) {
    if (tables_[space] == nullptr) {
      continue;
    }
    specification_->frames().ForEach(space, [&](std::uint64_t frame, const Frame& what) {
      if (what.use == Use::kPage) {
        CompareFrame(*specification_, TreeOf(*tables_[space]), space, frame, differences_);
      }
    });
  }
  ExpectAgreement({.kind = Kind::kTearDown}, std::uint64_t{0});
  return last;
}

}  // namespace ravelin::model
