// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/model/generator.h"

#include <array>

namespace ravelin::model {
namespace {

struct Weight {
  Kind kind;
  unsigned parts;
};

constexpr std::array kWeights{
    Weight{Kind::kHostShareMonitor, 6},
    Weight{Kind::kHostUnshareMonitor, 6},
    Weight{Kind::kPinShared, 4},
    Weight{Kind::kUnpinShared, 4},
    Weight{Kind::kDonateMonitor, 4},
    Weight{Kind::kReturnMetadata, 5},
    Weight{Kind::kTopUp, 2},
    Weight{Kind::kDonateVm, 14},
    Weight{Kind::kShareVm, 12},
    Weight{Kind::kUnshareVm, 8},
    Weight{Kind::kSetPermissions, 4},
    Weight{Kind::kReclaim, 14},
    Weight{Kind::kVmShareHost, 9},
    Weight{Kind::kVmUnshareHost, 7},
    Weight{Kind::kGuardMmio, 4},
    Weight{Kind::kUnguardMmio, 4},
    Weight{Kind::kMapHostMmio, 1},
    Weight{Kind::kHostWrite, 14},
    Weight{Kind::kGuestWrite, 10},
    Weight{Kind::kCreateVm, 2},
    Weight{Kind::kTearDown, 2},
};

constexpr unsigned TotalWeight() {
  unsigned total = 0;
  for (const Weight& weight : kWeights) {
    total += weight.parts;
  }
  return total;
}

// Takes a page that is mapped in a VM, and not one that is named by number.
bool NamesFrameOnly(Kind kind) {
  return kind == Kind::kUnshareVm || kind == Kind::kSetPermissions || kind == Kind::kVmShareHost ||
         kind == Kind::kVmUnshareHost || kind == Kind::kGuardMmio || kind == Kind::kUnguardMmio ||
         kind == Kind::kGuestWrite;
}

bool MovesRange(Kind kind) {
  return kind == Kind::kDonateMonitor || kind == Kind::kTopUp || kind == Kind::kDonateVm ||
         kind == Kind::kShareVm || kind == Kind::kReclaim || kind == Kind::kUnshareVm;
}

bool Lends(Kind kind) {
  return kind == Kind::kHostShareMonitor || kind == Kind::kShareVm || kind == Kind::kVmShareHost;
}

}  // namespace

Kind Generator::PickKind() {
  std::uint64_t at = Below(TotalWeight());
  for (const Weight& weight : kWeights) {
    if (at < weight.parts) {
      const bool life = weight.kind == Kind::kCreateVm || weight.kind == Kind::kTearDown;
      return life && !playground_.life_cycle ? Kind::kHostWrite : weight.kind;
    }
    at -= weight.parts;
  }
  return Kind::kHostWrite;
}

std::uint64_t Generator::BoundaryFrame(std::uint64_t limit) {
  return OneOf<std::uint64_t>({0, 1, limit - 1, limit, limit + 1, std::uint64_t{1} << 36U,
                               (std::uint64_t{1} << 52U) - 1, std::uint64_t{1} << 52U,
                               std::uint64_t{1} << 63U, ~std::uint64_t{0} - 1, ~std::uint64_t{0}});
}

// Near the ends of a stretch more often than in its middle.
std::uint64_t Generator::PickPage() {
  const Frames& stretch = playground_.pages[Below(playground_.pages.size())];
  if (OneIn(4)) {
    return stretch.first + (OneIn(2) ? 0 : stretch.count - 1);
  }
  return stretch.first + Below(stretch.count);
}

std::uint64_t Generator::PickFrame() {
  return playground_.guest_frames.first + Below(playground_.guest_frames.count);
}

std::uint64_t Generator::PickCount() {
  if (playground_.boundary_values && OneIn(100)) {
    return OneOf<std::uint64_t>({0, 512, 513, std::uint64_t{1} << 36U, std::uint64_t{1} << 52U,
                                 std::uint64_t{1} << 63U, ~std::uint64_t{0}});
  }
  if (OneIn(60)) {
    return 1 + Below(512);
  }
  return OneIn(3) ? 1 + Below(8) : 1;
}

// Half of the time the operation's VM and frame are those that some page has.
void Generator::AimAtState(const Specification& specification, Operation& operation) {
  if (!specification.IsRam(operation.pfn) || OneIn(3)) {
    return;
  }
  const Page& page = specification.At(operation.pfn);
  const bool of_vm = page.owner == Party::kVm || page.borrower == Party::kVm;
  if (of_vm) {
    operation.vm = page.vm;
    operation.gfn = NamesFrameOnly(operation.kind) ? page.gfn : operation.gfn;
  }
}

void Generator::SetVm(const Specification& specification, Operation& operation) {
  const auto vms = static_cast<unsigned>(specification.layout().vms.size());
  operation.vm = static_cast<unsigned>(Below(vms));
  const bool donates = operation.kind == Kind::kDonateVm;
  for (unsigned i = 0; i < vms && (donates || operation.kind == Kind::kShareVm); ++i) {
    if (specification.layout().vms[operation.vm].is_protected == donates) {
      break;
    }
    operation.vm = (operation.vm + 1) % vms;
  }
}

void Generator::SetOption(Operation& operation) {
  operation.option =
      operation.kind == Kind::kDonateVm ? static_cast<unsigned>(Below(2)) : OneOf({1U, 3U, 5U, 7U});
}

void Generator::UseBlock(Operation& operation) {
  const Frames& block = playground_.blocks[Below(playground_.blocks.size())];
  operation.pfn = block.first;
  operation.count = block.count;
  operation.gfn = playground_.guest_frames.first + 4096 * (1 + block.first % 7);
}

// Leaves pages with an odd number to one party at a time.
void Generator::LendOnlyEven(const Specification& specification, Operation& operation) {
  operation.count = 1;
  operation.pfn &= ~std::uint64_t{1};
  const auto& pages = specification.VmAt(operation.vm).pages;
  const auto found = pages.find(operation.gfn);
  if (operation.kind == Kind::kVmShareHost && found != pages.end() && found->second % 2 == 1) {
    operation.kind = Kind::kVmUnshareHost;
  }
}

// What may succeed on a page as it is. Several times in a row it would lead anywhere.
Kind Generator::KindFor(const Page& page) {
  if (page.owner == Party::kMonitor) {
    return Kind::kReturnMetadata;
  }
  if (page.owner == Party::kVm) {
    const Kind loan = page.borrower == Party::kHost ? Kind::kVmUnshareHost : Kind::kVmShareHost;
    return OneOf({loan, loan, Kind::kReclaim, Kind::kGuestWrite});
  }
  if (page.borrower == Party::kVm) {
    return OneOf({Kind::kUnshareVm, Kind::kSetPermissions, Kind::kReclaim, Kind::kGuestWrite});
  }
  if (page.borrower == Party::kMonitor) {
    const Kind pin = page.pinned ? Kind::kUnpinShared : Kind::kPinShared;
    return OneOf({Kind::kHostUnshareMonitor, pin});
  }
  return OneOf({Kind::kHostShareMonitor, Kind::kDonateVm, Kind::kDonateVm, Kind::kShareVm,
                Kind::kDonateMonitor, Kind::kHostWrite});
}

// All pages of the VM come back, then its table ends, then its metadata returns.
Operation Generator::NextOfEnd(const Specification& specification) {
  const Vm& vm = specification.VmAt(ends_);
  Operation operation{.kind = Kind::kTearDown, .vm = ends_};
  if (vm.phase == Phase::kLive && !vm.pages.empty()) {
    operation.kind = Kind::kReclaim;
    operation.pfn = vm.pages.begin()->second;
  } else if (vm.phase == Phase::kDying) {
    operation.kind = Kind::kReturnMetadata;
    operation.count = 1 + Below(64);
  }
  ending_ = vm.phase != Phase::kAbsent;
  return operation;
}

Operation Generator::Next(const Specification& specification) {
  if (playground_.life_cycle && !ending_ && OneIn(3000)) {
    ending_ = true;
    ends_ = static_cast<unsigned>(Below(specification.layout().vms.size()));
  }
  if (ending_ && OneIn(2)) {
    return NextOfEnd(specification);
  }
  Operation operation{.kind = PickKind(), .pfn = PickPage(), .gfn = PickFrame()};
  if (specification.IsRam(operation.pfn) && OneIn(2)) {
    operation.kind = KindFor(specification.At(operation.pfn));
  }
  SetVm(specification, operation);
  SetOption(operation);
  if (MovesRange(operation.kind) || operation.kind == Kind::kReturnMetadata) {
    operation.count = PickCount();
  }
  AimAtState(specification, operation);
  if (MovesRange(operation.kind) && !playground_.blocks.empty() && OneIn(playground_.block_every)) {
    UseBlock(operation);
  }
  if (operation.kind == Kind::kDonateMonitor && OneIn(4)) {
    operation.pfn2 = PickPage();
    operation.count2 = 1 + Below(3);
  }
  if (operation.kind == Kind::kMapHostMmio) {
    const unsigned bits = specification.layout().host_ipa_bits;
    operation.pfn = OneIn(2) ? Below(std::uint64_t{2} << (bits - 12)) : PickPage() + Below(2048);
  }
  if (operation.kind == Kind::kCreateVm) {
    operation.pfn &= ~std::uint64_t{15};
  }
  if (playground_.boundary_values && OneIn(50)) {
    const auto& ram = specification.layout().ram;
    operation.pfn = BoundaryFrame(ram[Below(ram.size())].first);
  }
  if (playground_.boundary_values && OneIn(50)) {
    operation.gfn = BoundaryFrame(specification.FramesOf(operation.vm));
  }
  if (playground_.odd_pages_exclusive && Lends(operation.kind)) {
    LendOnlyEven(specification, operation);
  }
  if (NamesFrameOnly(operation.kind)) {
    operation.pfn = 0;
  }
  return operation;
}

}  // namespace ravelin::model
