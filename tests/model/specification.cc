// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/model/specification.h"

#include <algorithm>
#include <utility>

namespace ravelin::model {
namespace {

// What the ABI allows in one call.
constexpr std::uint64_t kMostPages = 512;

bool Overlap(Frames a, Frames b) {
  return a.first < b.first + b.count && b.first < a.first + a.count;
}

}  // namespace

Specification::Specification(Layout layout) : layout_(std::move(layout)) {
  std::uint64_t pages = 0;
  for (const Frames& region : layout_.ram) {
    first_index_.push_back(pages);
    pages += region.count;
  }
  pages_.resize(pages);
  vms_.resize(layout_.vms.size());
  for (std::uint64_t i = 0; i < layout_.carve_out.count; ++i) {
    PageAt(layout_.carve_out.first + i).owner = Party::kMonitor;
  }
}

// --- Questions

std::uint64_t Specification::IndexOf(std::uint64_t pfn) const {
  for (std::size_t i = 0; i < layout_.ram.size(); ++i) {
    if (pfn >= layout_.ram[i].first && pfn - layout_.ram[i].first < layout_.ram[i].count) {
      return first_index_[i] + (pfn - layout_.ram[i].first);
    }
  }
  return kNowhere;
}

bool Specification::HostCanUse(std::uint64_t pfn) const {
  const Page& page = At(pfn);
  return page.owner == Party::kHost || page.borrower == Party::kHost;
}

std::uint64_t Specification::Donated() const {
  std::uint64_t pages = 0;
  for (const Vm& vm : vms_) {
    pages += vm.metadata.size();
    for (const auto& [gfn, pfn] : vm.pages) {
      pages += At(pfn).owner == Party::kVm ? 1U : 0U;
    }
  }
  return pages;
}

std::uint64_t Specification::FramesOf(unsigned vm) const {
  return std::uint64_t{1} << (layout_.vms[vm].ipa_bits - 12);
}

// The architecture lets up to 16 tables stand side by side at the start of a walk, and so many are
// used that the walk has the fewest steps.
std::uint64_t Specification::RootPages(unsigned ipa_bits) {
  unsigned resolved = 12 + 9;  // bits that the last step and the page offset take
  while (resolved + 9 + 4 < ipa_bits) {
    resolved += 9;
  }
  return ipa_bits <= resolved + 9 ? 1 : std::uint64_t{1} << (ipa_bits - resolved - 9);
}

// Is the page in the VM's space, by right of the VM or by loan?
bool Specification::IsOf(const Page& page, unsigned vm) const {
  return (page.owner == Party::kVm || page.borrower == Party::kVm) && page.vm == vm;
}

// --- Who may ask

bool Specification::Permitted(const Operation& operation) const {
  const Vm& vm = vms_[operation.vm];
  const bool live = vm.phase == Phase::kLive;
  switch (operation.kind) {
    case Kind::kHostShareMonitor:
    case Kind::kHostUnshareMonitor:
    case Kind::kPinShared:
    case Kind::kUnpinShared:
      return true;
    case Kind::kMapHostMmio:
      return operation.pfn < std::uint64_t{1} << 52U;  // a fault address has no more
    case Kind::kHostWrite:
      return IsRam(operation.pfn) && HostCanUse(operation.pfn);
    case Kind::kGuestWrite: {
      const auto found = vm.pages.find(operation.gfn);
      return found != vm.pages.end() &&
             (At(found->second).owner == Party::kVm || (At(found->second).permissions & 2U) != 0);
    }
    case Kind::kCreateVm:
      return vm.phase == Phase::kAbsent &&
             operation.pfn % RootPages(layout_.vms[operation.vm].ipa_bits) == 0;
    case Kind::kTearDown:
      return live && vm.pages.empty();
    case Kind::kDonateVm:
      return live && layout_.vms[operation.vm].is_protected;
    case Kind::kShareVm:
      return live && !layout_.vms[operation.vm].is_protected;
    case Kind::kReturnMetadata: {
      const std::uint64_t count = ReturnCount(operation);
      return vm.phase == Phase::kDying ||
             std::none_of(vm.metadata.rbegin(),
                          vm.metadata.rbegin() + static_cast<std::ptrdiff_t>(count),
                          [&](std::uint64_t pfn) { return At(pfn).of_table; });
    }
    case Kind::kDonateMonitor:
    case Kind::kTopUp:
    case Kind::kUnshareVm:
    case Kind::kSetPermissions:
    case Kind::kReclaim:
    case Kind::kVmShareHost:
    case Kind::kVmUnshareHost:
    case Kind::kGuardMmio:
    case Kind::kUnguardMmio:
      break;
  }
  return live;
}

// --- Why not

ErrorSet Specification::Refusals(const Operation& operation) const {
  switch (operation.kind) {
    case Kind::kHostShareMonitor:
    case Kind::kHostUnshareMonitor:
    case Kind::kPinShared:
    case Kind::kUnpinShared:
      return ForMonitorLoan(operation);
    case Kind::kDonateMonitor:
    case Kind::kTopUp:
    case Kind::kCreateVm:
    case Kind::kDonateVm:
      return ForDonation(operation);
    case Kind::kShareVm:
      return ForLoan(operation);
    case Kind::kUnshareVm:
    case Kind::kSetPermissions:
      return ForLentPages(operation);
    case Kind::kReclaim:
      return ForReclaim(operation);
    case Kind::kVmShareHost:
    case Kind::kVmUnshareHost:
      return ForGuestLoan(operation);
    case Kind::kGuardMmio:
    case Kind::kUnguardMmio:
      return ForGuard(operation);
    case Kind::kMapHostMmio:
      return ForMmio(operation);
    case Kind::kReturnMetadata:
    case Kind::kHostWrite:
    case Kind::kGuestWrite:
    case Kind::kTearDown:
      break;
  }
  return {};
}

// Between 1 and 512 pages, all of them RAM in one region.
bool Specification::IsRange(Frames range, ErrorSet& why) const {
  if (range.count == 0 || range.count > kMostPages) {
    why.Add(Error::kInvalidArgument);
  }
  const auto holds = [&](const Frames& region) {
    return range.first >= region.first && range.first - region.first < region.count &&
           range.count <= region.count - (range.first - region.first);
  };
  if (std::none_of(layout_.ram.begin(), layout_.ram.end(), holds)) {
    why.Add(Error::kNotRam);
  }
  return why.empty();
}

bool Specification::IsGuestRange(const Operation& operation, ErrorSet& why) const {
  const std::uint64_t frames = FramesOf(operation.vm);
  const bool beyond = operation.gfn >= frames || operation.count > frames - operation.gfn;
  if (operation.count == 0 || operation.count > kMostPages || beyond) {
    why.Add(Error::kInvalidArgument);
    return false;
  }
  return true;
}

void Specification::NeedHostsAlone(Frames range, ErrorSet& why) const {
  ErrorSet here;
  if (IsRange(range, here)) {
    for (std::uint64_t i = 0; i < range.count; ++i) {
      const Page& page = At(range.first + i);
      if (page.owner != Party::kHost) {
        why.Add(Error::kWrongOwner);
      } else if (page.borrower != Party::kNobody) {
        why.Add(Error::kWrongState);
      }
    }
  }
  for (const Error error : {Error::kInvalidArgument, Error::kNotRam}) {
    if (here.Contains(error)) {
      why.Add(error);
    }
  }
}

void Specification::NeedFreeFrames(const Operation& operation, ErrorSet& why) const {
  const Vm& vm = vms_[operation.vm];
  if (!IsGuestRange(operation, why)) {
    return;
  }
  for (std::uint64_t gfn = operation.gfn; gfn < operation.gfn + operation.count; ++gfn) {
    if (vm.pages.contains(gfn) || vm.guarded.contains(gfn)) {
      why.Add(Error::kExists);
    }
  }
}

ErrorSet Specification::ForMonitorLoan(const Operation& operation) const {
  ErrorSet why;
  if (!IsRange({operation.pfn, 1}, why)) {
    return why;
  }
  const Page& page = At(operation.pfn);
  if (page.owner != Party::kHost) {
    why.Add(Error::kWrongOwner);
    return why;
  }
  // To begin a loan the page has to be the host's alone, for all else lent to the monitor.
  const Party expected =
      operation.kind == Kind::kHostShareMonitor ? Party::kNobody : Party::kMonitor;
  if (page.borrower != expected || (operation.kind == Kind::kUnpinShared && !page.pinned)) {
    why.Add(Error::kWrongState);
  } else if (operation.kind == Kind::kHostUnshareMonitor && page.pinned) {
    why.Add(Error::kBusy);
  } else if (operation.kind == Kind::kPinShared && page.pinned) {
    why.Add(Error::kExists);
  }
  return why;
}

ErrorSet Specification::ForDonation(const Operation& operation) const {
  ErrorSet why;
  Frames range{operation.pfn, operation.count};
  if (operation.kind == Kind::kCreateVm) {
    range.count = RootPages(layout_.vms[operation.vm].ipa_bits);
  }
  NeedHostsAlone(range, why);
  if (operation.kind == Kind::kDonateVm) {
    NeedFreeFrames(operation, why);
  }
  if (operation.kind == Kind::kDonateMonitor && operation.count2 != 0) {
    const Frames second{operation.pfn2, operation.count2};
    NeedHostsAlone(second, why);
    if (Overlap(range, second)) {
      why.Add(Error::kInvalidArgument);
    }
  }
  return why;
}

ErrorSet Specification::ForLoan(const Operation& operation) const {
  ErrorSet why;
  const Frames range{operation.pfn, operation.count};
  if (IsRange(range, why)) {
    for (std::uint64_t i = 0; i < range.count; ++i) {
      const Page& page = At(range.first + i);
      if (page.owner != Party::kHost) {
        why.Add(Error::kWrongOwner);
      } else if (page.borrower == Party::kVm) {
        why.Add(Error::kLimit);
      } else if (page.borrower != Party::kNobody) {
        why.Add(Error::kWrongState);
      }
    }
  }
  NeedFreeFrames(operation, why);
  return why;
}

ErrorSet Specification::ForLentPages(const Operation& operation) const {
  ErrorSet why;
  Operation asked = operation;
  asked.count = operation.kind == Kind::kSetPermissions ? 1 : operation.count;
  if (!IsGuestRange(asked, why)) {
    return why;
  }
  const Vm& vm = vms_[operation.vm];
  for (std::uint64_t gfn = asked.gfn; gfn < asked.gfn + asked.count; ++gfn) {
    const auto found = vm.pages.find(gfn);
    if (found == vm.pages.end()) {
      why.Add(Error::kNotMapped);
    } else if (At(found->second).owner != Party::kHost) {
      why.Add(Error::kWrongOwner);
    }
  }
  return why;
}

ErrorSet Specification::ForReclaim(const Operation& operation) const {
  ErrorSet why;
  if (IsRange({operation.pfn, operation.count}, why)) {
    for (std::uint64_t i = 0; i < operation.count; ++i) {
      if (!IsOf(At(operation.pfn + i), operation.vm)) {
        why.Add(Error::kWrongOwner);
      }
    }
  }
  return why;
}

ErrorSet Specification::ForGuestLoan(const Operation& operation) const {
  ErrorSet why;
  const Vm& vm = vms_[operation.vm];
  const auto found = vm.pages.find(operation.gfn);
  if (operation.gfn >= FramesOf(operation.vm)) {
    why.Add(Error::kInvalidArgument);
  } else if (found == vm.pages.end()) {
    why.Add(Error::kNotMapped);
  } else if (At(found->second).owner != Party::kVm) {
    why.Add(Error::kWrongOwner);
  } else if ((At(found->second).borrower == Party::kHost) ==
             (operation.kind == Kind::kVmShareHost)) {
    why.Add(Error::kWrongState);
  }
  return why;
}

ErrorSet Specification::ForGuard(const Operation& operation) const {
  ErrorSet why;
  const Vm& vm = vms_[operation.vm];
  if (operation.gfn >= FramesOf(operation.vm)) {
    why.Add(Error::kInvalidArgument);
  } else if (operation.kind == Kind::kGuardMmio && vm.pages.contains(operation.gfn)) {
    why.Add(Error::kExists);
  } else if (operation.kind == Kind::kUnguardMmio && !vm.guarded.contains(operation.gfn)) {
    why.Add(Error::kNotMapped);
  }
  return why;
}

ErrorSet Specification::ForMmio(const Operation& operation) const {
  ErrorSet why;
  if (operation.pfn >= std::uint64_t{1} << (layout_.host_ipa_bits - 12)) {
    why.Add(Error::kInvalidArgument);
  } else if (IsRam(operation.pfn)) {
    why.Add(Error::kWrongOwner);
  }
  return why;
}

std::uint64_t Specification::ReturnCount(const Operation& operation) const {
  return std::min({operation.count, kMostPages, vms_[operation.vm].metadata.size()});
}

}  // namespace ravelin::model
