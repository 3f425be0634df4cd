// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/model/generator.h"

namespace ravelin::model {
namespace {

constexpr std::uint64_t kBlock = 512;

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
    Weight{Kind::kTopUp, 3},
    Weight{Kind::kDonateVm, 14},
    Weight{Kind::kShareVm, 16},
    Weight{Kind::kUnshareVm, 10},
    Weight{Kind::kSetPermissions, 5},
    Weight{Kind::kAge, 4},
    Weight{Kind::kReclaim, 10},
    Weight{Kind::kForceReclaim, 2},
    Weight{Kind::kMapDevice, 10},
    Weight{Kind::kUnmapDevice, 7},
    Weight{Kind::kDonateDevice, 4},
    Weight{Kind::kReclaimDevice, 4},
    Weight{Kind::kShareSecure, 3},
    Weight{Kind::kUnshareSecure, 3},
    Weight{Kind::kVmShareHost, 9},
    Weight{Kind::kVmUnshareHost, 7},
    Weight{Kind::kVmRelinquish, 4},
    Weight{Kind::kGuardMmio, 4},
    Weight{Kind::kUnguardMmio, 4},
    Weight{Kind::kMapHostMmio, 1},
    Weight{Kind::kHostWrite, 14},
    Weight{Kind::kGuestWrite, 10},
    Weight{Kind::kGuestTouch, 4},
    Weight{Kind::kCreateVm, 2},
    Weight{Kind::kTearDown, 2},
};
static_assert(kWeights.size() == kKinds);

constexpr unsigned TotalWeight() {
  unsigned total = 0;
  for (const Weight& weight : kWeights) {
    total += weight.parts;
  }
  return total;
}

// Names a page by a frame alone.
bool NamesFrameOnly(Kind kind) {
  const Arguments arguments = ArgumentsOf(kind);
  return arguments.gfn && !arguments.pfn;
}

bool MovesRange(Kind kind) { return ArgumentsOf(kind).count && kind != Kind::kReturnMetadata; }

bool Lends(Kind kind) {
  return kind == Kind::kHostShareMonitor || kind == Kind::kShareVm || kind == Kind::kVmShareHost ||
         kind == Kind::kMapDevice || kind == Kind::kShareSecure;
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
    return OneOf<std::uint64_t>({0, kMostInVisit, kMostInVisit + 1, kMostPages, kMostPages + 1,
                                 std::uint64_t{1} << 36U, std::uint64_t{1} << 52U,
                                 std::uint64_t{1} << 63U, ~std::uint64_t{0}});
  }
  if (OneIn(60)) {
    return 1 + Below(kBlock);
  }
  return OneIn(3) ? 1 + Below(8) : 1;
}

// Most of the time the operation's space and frame are those that some page has.
void Generator::AimAtState(const Specification& specification, Operation& operation) {
  if (NamesFrameOnly(operation.kind) && !OneIn(3)) {
    const Place& place = places_[Below(places_.size())];
    if (Covers(ArgumentsOf(operation.kind).scope, specification.ShapeOf(place.space).kind)) {
      operation.vm = place.space;
      operation.gfn = place.frame;
    }
    return;
  }
  if (!specification.HasRecord(operation.pfn) || OneIn(3)) {
    return;
  }
  const Page& page = specification.At(operation.pfn);
  if (page.metadata || page.owner == Party::kVm || page.owner == Party::kDevice) {
    operation.vm = page.space;
    operation.gfn = NamesFrameOnly(operation.kind) ? page.place : operation.gfn;
  }
}

void Generator::SetSpace(const Specification& specification, Operation& operation) {
  const unsigned spaces = specification.space_count();
  operation.vm = static_cast<unsigned>(Below(spaces));
  const Scope scope = ArgumentsOf(operation.kind).scope;
  for (unsigned i = 0; i < spaces && scope != Scope::kNone; ++i) {
    if (Covers(scope, specification.ShapeOf(operation.vm).kind)) {
      break;
    }
    operation.vm = (operation.vm + 1) % spaces;
  }
}

void Generator::SetOption(Operation& operation) {
  const Arguments arguments = ArgumentsOf(operation.kind);
  if (arguments.contents) {
    operation.option = static_cast<unsigned>(Below(2));
  } else if (operation.kind == Kind::kMapDevice) {
    operation.option = OneOf({1U, 3U});
  } else {
    operation.option = OneOf({1U, 3U, 5U, 7U});
  }
}

// A whole block, mostly where it can be one in the VM's table too, and mostly one with which the
// operation can begin.
void Generator::UseBlock(const Specification& specification, Operation& operation) {
  Frames block;
  for (int i = 0; i < 6; ++i) {
    block = playground_.blocks[Below(playground_.blocks.size())];
    const Page& page = specification.At(block.first);
    const bool owned = page.owner == Party::kVm || page.owner == Party::kDevice;
    if (ArgumentsOf(operation.kind).gfn ? page == Page{.contents = page.contents} : owned) {
      operation.vm = owned ? page.space : operation.vm;
      break;
    }
  }
  const std::uint64_t base = (playground_.guest_frames.first / kBlock + 8) * kBlock;
  operation.pfn = block.first;
  operation.count = block.count;
  operation.gfn = base + kBlock * (block.first / kBlock % 7) + (OneIn(4) ? Below(3) : 0);
}

// Leaves pages with an odd number to one party at a time.
void Generator::UseOnlyEven(const Specification& specification, Operation& operation) {
  operation.count = 1;
  operation.pfn &= ~std::uint64_t{1};
  if (operation.kind != Kind::kVmShareHost) {
    return;
  }
  const Result<Frame> found = specification.FrameAt(operation.vm, operation.gfn);
  if (found.has_value() && found->pfn % 2 == 1) {
    operation.kind = Kind::kVmUnshareHost;
  }
}

// What may succeed on a page as it is. Several times in a row it would lead anywhere.
Kind Generator::KindFor(const Page& page) {
  if (page.owner == Party::kMonitor) {
    return Kind::kReturnMetadata;
  }
  if (page.owner == Party::kVm) {
    const Kind loan = page.lent_host ? Kind::kVmUnshareHost : Kind::kVmShareHost;
    return OneOf({loan, loan, Kind::kReclaim, Kind::kVmRelinquish, Kind::kGuestWrite});
  }
  if (page.owner == Party::kDevice) {
    return Kind::kReclaimDevice;
  }
  if (page.lent_secure) {
    return Kind::kUnshareSecure;
  }
  if (page.lent_monitor) {
    const Kind pin = page.pinned ? Kind::kUnpinShared : Kind::kPinShared;
    return OneOf({Kind::kHostUnshareMonitor, pin});
  }
  if (page.loans != 0 || page.maps != 0) {
    return OneOf({Kind::kShareVm, Kind::kMapDevice, Kind::kUnshareVm, Kind::kUnshareVm,
                  Kind::kUnmapDevice, Kind::kUnmapDevice, Kind::kHostWrite});
  }
  return OneOf({Kind::kHostShareMonitor, Kind::kDonateVm, Kind::kDonateVm, Kind::kShareVm,
                Kind::kDonateMonitor, Kind::kMapDevice, Kind::kDonateDevice, Kind::kShareSecure,
                Kind::kHostWrite});
}

// All pages of the VM or device domain come back, then its table ends, then its metadata returns.
Operation Generator::NextOfEnd(const Specification& specification) {
  const Space& space = specification.SpaceAt(ends_);
  Operation operation{.kind = Kind::kTearDown, .vm = ends_};
  if (space.phase == Phase::kLive && space.pages != 0) {
    bool owned = false;
    specification.frames().ForEach(ends_, [&](std::uint64_t frame, const Frame& what) {
      if (what.use == Use::kPage) {
        operation.gfn = frame;
        operation.pfn = what.pfn;
        owned = specification.At(what.pfn).owner == Party::kDevice;
      }
    });
    const SpaceKind kind = specification.ShapeOf(ends_).kind;
    operation.kind = kind == SpaceKind::kNormalVm      ? Kind::kUnshareVm
                     : kind == SpaceKind::kProtectedVm ? Kind::kReclaim
                     : owned                           ? Kind::kReclaimDevice
                                                       : Kind::kUnmapDevice;
    if (OneIn(2)) {
      operation.gfn -= operation.gfn % kBlock;
      operation.pfn -= operation.pfn % kBlock;
      operation.count = kBlock;
    }
  } else if (space.phase == Phase::kDying) {
    operation.kind = Kind::kReturnMetadata;
    operation.count = 1 + Below(64);
  }
  ending_ = space.phase != Phase::kAbsent;
  return operation;
}

void Generator::UseBoundaries(const Specification& specification, Operation& operation) {
  if (OneIn(50)) {
    const auto& ram = specification.layout().ram;
    operation.pfn = BoundaryFrame(ram[Below(ram.size())].first);
  }
  if (OneIn(50)) {
    operation.gfn = BoundaryFrame(specification.FramesOf(operation.vm));
  }
}

Operation Generator::Fresh(const Specification& specification) {
  Operation operation{.kind = PickKind(), .pfn = PickPage(), .gfn = PickFrame()};
  if (specification.HasRecord(operation.pfn) && OneIn(2)) {
    operation.kind = KindFor(specification.At(operation.pfn));
  }
  SetSpace(specification, operation);
  SetOption(operation);
  const Arguments arguments = ArgumentsOf(operation.kind);
  if (arguments.count) {
    operation.count = PickCount();
  }
  AimAtState(specification, operation);
  const bool takes_block = arguments.pfn && arguments.count && arguments.scope != Scope::kNone &&
                           arguments.scope != Scope::kAll;
  if (takes_block && !playground_.blocks.empty() && OneIn(playground_.block_every)) {
    UseBlock(specification, operation);
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
  if (playground_.boundary_values) {
    UseBoundaries(specification, operation);
  }
  if (playground_.odd_pages_exclusive && Lends(operation.kind)) {
    UseOnlyEven(specification, operation);
  }
  if (NamesFrameOnly(operation.kind)) {
    operation.pfn = 0;
  }
  return operation;
}

Operation Generator::Next(const Specification& specification) {
  if (rest_.count != 0 && !OneIn(rest_.count > 8 ? 200 : 12)) {
    return rest_;
  }
  rest_.count = 0;
  if (playground_.life_cycle && !ending_ && OneIn(playground_.end_every)) {
    ending_ = true;
    ends_ = static_cast<unsigned>(Below(specification.space_count()));
  }
  return ending_ && OneIn(2) ? NextOfEnd(specification) : Fresh(specification);
}

void Generator::Note(const Operation& operation, std::uint64_t done) {
  rest_.count = 0;
  if (done == 0) {
    return;
  }
  const Arguments arguments = ArgumentsOf(operation.kind);
  if (arguments.gfn && arguments.pfn) {
    places_[next_place_++ % places_.size()] = {operation.vm, operation.gfn};
  }
  if (MovesRange(operation.kind) && operation.kind != Kind::kDonateMonitor &&
      done < operation.count) {
    rest_ = operation;
    rest_.count -= done;
    rest_.gfn += arguments.gfn ? done : 0;
    rest_.pfn += arguments.pfn ? done : 0;
  }
}

}  // namespace ravelin::model
