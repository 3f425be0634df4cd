// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// What each operation does to the specified state.
#include "tests/model/specification.h"

namespace ravelin::model {

void Specification::Apply(const Operation& operation) {
  switch (operation.kind) {
    case Kind::kHostShareMonitor:
    case Kind::kHostUnshareMonitor:
    case Kind::kPinShared:
    case Kind::kUnpinShared:
    case Kind::kHostWrite:
    case Kind::kMapHostMmio:
      ApplyToPage(operation);
      break;
    case Kind::kDonateMonitor:
    case Kind::kTopUp:
    case Kind::kCreateVm:
    case Kind::kReturnMetadata:
    case Kind::kDonateVm:
    case Kind::kShareVm:
    case Kind::kUnshareVm:
    case Kind::kSetPermissions:
    case Kind::kReclaim:
    case Kind::kVmShareHost:
    case Kind::kVmUnshareHost:
    case Kind::kGuardMmio:
    case Kind::kUnguardMmio:
    case Kind::kGuestWrite:
    case Kind::kTearDown:
      ApplyToVm(operation);
      break;
  }
}

void Specification::ApplyToPage(const Operation& operation) {
  if (operation.kind == Kind::kMapHostMmio) {
    mmio_.insert(operation.pfn);
    return;
  }
  Page& page = PageAt(operation.pfn);
  if (operation.kind == Kind::kHostShareMonitor) {
    page.borrower = Party::kMonitor;
  } else if (operation.kind == Kind::kHostUnshareMonitor) {
    page.borrower = Party::kNobody;
  } else if (operation.kind == Kind::kHostWrite) {
    page.contents = HostBytes(operation.pfn);
  } else {
    page.pinned = operation.kind == Kind::kPinShared;
  }
}

void Specification::ApplyToVm(const Operation& operation) {
  Vm& vm = vms_[operation.vm];
  const Kind kind = operation.kind;
  if (kind == Kind::kDonateMonitor || kind == Kind::kTopUp) {
    Donate(operation, {operation.pfn, operation.count});
    Donate(operation, {operation.pfn2, operation.count2});
  } else if (kind == Kind::kCreateVm) {
    vm.phase = Phase::kLive;
    Donate(operation, {operation.pfn, RootPages(layout_.vms[operation.vm].ipa_bits)});
  } else if (kind == Kind::kReturnMetadata) {
    for (std::uint64_t left = ReturnCount(operation); left > 0; --left) {
      ReturnLast(vm);
    }
  } else if (kind == Kind::kDonateVm || kind == Kind::kShareVm) {
    Give(operation);
  } else if (kind == Kind::kUnshareVm) {
    for (std::uint64_t i = 0; i < operation.count; ++i) {
      TakeBack(vm, vm.pages.at(operation.gfn + i));
    }
  } else if (kind == Kind::kReclaim) {
    for (std::uint64_t i = 0; i < operation.count; ++i) {
      TakeBack(vm, operation.pfn + i);
    }
  } else if (kind == Kind::kSetPermissions) {
    PageOf(operation).permissions = operation.option;
  } else if (kind == Kind::kVmShareHost) {
    PageOf(operation).borrower = Party::kHost;
  } else if (kind == Kind::kVmUnshareHost) {
    PageOf(operation).borrower = Party::kNobody;
  } else if (kind == Kind::kGuestWrite) {
    PageOf(operation).contents = GuestBytes(operation.vm, vm.pages.at(operation.gfn));
  } else if (kind == Kind::kGuardMmio) {
    vm.guarded.insert(operation.gfn);
  } else if (kind == Kind::kUnguardMmio) {
    vm.guarded.erase(operation.gfn);
  } else {
    vm.phase = Phase::kDying;
    vm.guarded.clear();
    vm.table_pages = 0;
  }
}

Page& Specification::PageOf(const Operation& operation) {
  return PageAt(vms_[operation.vm].pages.at(operation.gfn));
}

// Metadata: the monitor's, and the monitor writes what it likes.
void Specification::Donate(const Operation& operation, Frames range) {
  Vm& vm = vms_[operation.vm];
  const bool of_table = operation.kind != Kind::kDonateMonitor;
  for (std::uint64_t pfn = range.first; pfn < range.first + range.count; ++pfn) {
    PageAt(pfn) = {.owner = Party::kMonitor,
                   .of_table = of_table,
                   .vm = operation.vm,
                   .contents = MonitorBytes(pfn)};
    vm.metadata.push_back(pfn);
  }
  vm.table_pages += operation.kind == Kind::kTopUp ? range.count : 0;
}

// To a VM. A donation after launch shows it zeros; what it gets otherwise is what the host left.
void Specification::Give(const Operation& operation) {
  Vm& vm = vms_[operation.vm];
  const bool donated = operation.kind == Kind::kDonateVm;
  for (std::uint64_t i = 0; i < operation.count; ++i) {
    Page& page = PageAt(operation.pfn + i);
    page.owner = donated ? Party::kVm : Party::kHost;
    page.borrower = donated ? Party::kNobody : Party::kVm;
    page.permissions = donated ? 0 : operation.option;
    page.vm = operation.vm;
    page.gfn = operation.gfn + i;
    if (donated && operation.option == 1) {
      page.contents = kZeros;
    }
    vm.pages[page.gfn] = operation.pfn + i;
  }
}

// The VM's own secrets do not come back with the page; on a page that was only lent there are none.
void Specification::TakeBack(Vm& vm, std::uint64_t pfn) {
  Page& page = PageAt(pfn);
  vm.pages.erase(page.gfn);
  const std::uint64_t contents = page.owner == Party::kVm ? kZeros : page.contents;
  page = {.contents = contents};
}

void Specification::ReturnLast(Vm& vm) {
  PageAt(vm.metadata.back()) = {};
  vm.metadata.pop_back();
  if (vm.metadata.empty()) {
    vm = {};
  }
}

}  // namespace ravelin::model
