// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// What each operation does to the specified state.
#include "tests/model/specification.h"

namespace ravelin::model {

void Specification::Apply(const Operation& operation, std::uint64_t done) {
  switch (operation.kind) {
    case Kind::kHostShareMonitor:
    case Kind::kHostUnshareMonitor:
    case Kind::kPinShared:
    case Kind::kUnpinShared:
    case Kind::kShareSecure:
    case Kind::kUnshareSecure:
    case Kind::kHostWrite:
      for (std::uint64_t i = 0; i < done; ++i) {
        ApplyToPage(operation.kind, operation.pfn + i);
      }
      break;
    case Kind::kDonateVm:
    case Kind::kShareVm:
    case Kind::kMapDevice:
    case Kind::kDonateDevice:
      for (std::uint64_t i = 0; i < done; ++i) {
        Give(operation, operation.pfn + i, operation.gfn + i);
      }
      break;
    case Kind::kReclaim:
    case Kind::kReclaimDevice:
      for (std::uint64_t i = 0; i < done; ++i) {
        TakeFromOwner(operation.pfn + i, true);
      }
      break;
    case Kind::kUnshareVm:
    case Kind::kSetPermissions:
    case Kind::kForceReclaim:
    case Kind::kUnmapDevice:
    case Kind::kVmShareHost:
    case Kind::kVmUnshareHost:
    case Kind::kVmRelinquish:
    case Kind::kGuestWrite:
      for (std::uint64_t i = 0; i < done; ++i) {
        ApplyToFrame(operation, operation.gfn + i);
      }
      break;
    case Kind::kDonateMonitor:
    case Kind::kReturnMetadata:
    case Kind::kTopUp:
    case Kind::kGuardMmio:
    case Kind::kUnguardMmio:
    case Kind::kCreateVm:
    case Kind::kTearDown:
      ApplyToSpace(operation, done);
      break;
    case Kind::kAge:
    case Kind::kMapHostMmio:
    case Kind::kGuestTouch:
      break;
  }
}

void Specification::ApplyToPage(Kind kind, std::uint64_t pfn) {
  Page& page = PageAt(pfn);
  if (kind == Kind::kHostWrite) {
    page.contents = HostBytes(pfn);
  } else if (kind == Kind::kShareSecure || kind == Kind::kUnshareSecure) {
    page.lent_secure = kind == Kind::kShareSecure;
  } else if (kind == Kind::kHostShareMonitor || kind == Kind::kHostUnshareMonitor) {
    page.lent_monitor = kind == Kind::kHostShareMonitor;
  } else {
    page.pinned = kind == Kind::kPinShared;
  }
}

// One page becomes a space's, or is lent to it. A donation after launch shows zeros; what a VM gets
// otherwise is what the host left. MMIO has no contents and holds no code.
void Specification::Give(const Operation& operation, std::uint64_t pfn, std::uint64_t gfn) {
  constexpr unsigned kAll = 7;
  constexpr unsigned kNoExecute = 3;
  Page& page = PageAt(pfn);
  unsigned permissions = operation.option;
  if (operation.kind == Kind::kShareVm) {
    ++page.loans;
  } else if (operation.kind == Kind::kMapDevice) {
    ++page.maps;
  } else {
    const bool to_vm = operation.kind == Kind::kDonateVm;
    page.owner = to_vm ? Party::kVm : Party::kDevice;
    page.space = static_cast<std::uint8_t>(operation.vm);
    page.place = gfn;
    permissions = kAll;
    ++donated_;
    if (operation.option == 1 && !page.mmio) {
      page.contents = kZeros;
    }
  }
  if (page.mmio) {
    permissions &= kNoExecute;
  }
  frames_.Set(operation.vm, gfn, {.pfn = pfn, .use = Use::kPage, .permissions = permissions});
  ++spaces_[operation.vm].pages;
}

// Secrets of a VM or device do not come back with the page.
void Specification::TakeFromOwner(std::uint64_t pfn, bool forget_frame) {
  Page& page = PageAt(pfn);
  if (forget_frame) {
    frames_.Erase(page.space, page.place);
  }
  --spaces_[page.space].pages;
  --donated_;
  page = {.mmio = page.mmio};
}

void Specification::ApplyToFrame(const Operation& operation, std::uint64_t gfn) {
  const unsigned space = operation.vm;
  const Frame frame = *FrameAt(space, gfn);
  Page& page = PageAt(frame.pfn);
  const Kind kind = operation.kind;
  if (kind == Kind::kUnshareVm || kind == Kind::kUnmapDevice) {
    --(kind == Kind::kUnshareVm ? page.loans : page.maps);
    --spaces_[space].pages;
    frames_.Erase(space, gfn);
  } else if (kind == Kind::kVmRelinquish) {
    TakeFromOwner(frame.pfn, true);
  } else if (kind == Kind::kForceReclaim) {
    TakeFromOwner(frame.pfn, false);
    frames_.Set(space, gfn, {.pfn = 0, .use = Use::kPoison, .permissions = 0});
    ++spaces_[space].notes;
  } else if (kind == Kind::kSetPermissions) {
    const unsigned granted = operation.option & (page.mmio ? 3U : 7U);
    frames_.Set(space, gfn, {.pfn = frame.pfn, .use = Use::kPage, .permissions = granted});
  } else if (kind == Kind::kGuestWrite) {
    page.contents = GuestBytes(space, frame.pfn);
  } else {
    page.lent_host = kind == Kind::kVmShareHost;
    page.contents = operation.option == 1 ? kZeros : page.contents;
  }
}

void Specification::ApplyToSpace(const Operation& operation, std::uint64_t done) {
  const unsigned number = operation.vm;
  Space& space = spaces_[number];
  const Kind kind = operation.kind;
  if (kind == Kind::kDonateMonitor) {
    Donate(operation, {operation.pfn, operation.count});
    Donate(operation, {operation.pfn2, operation.count2});
  } else if (kind == Kind::kTopUp) {
    Donate(operation, {operation.pfn, done});
    space.table_pages += done;
  } else if (kind == Kind::kCreateVm) {
    space.phase = Phase::kLive;
    Donate(operation, {operation.pfn, RootPages(layout_.spaces[number].ipa_bits)});
  } else if (kind == Kind::kReturnMetadata) {
    for (; done > 0; --done) {
      ReturnLast(space);
    }
  } else if (kind == Kind::kGuardMmio) {
    space.notes += FrameAt(number, operation.gfn).has_value() ? 0U : 1U;
    frames_.Set(number, operation.gfn, {.pfn = 0, .use = Use::kGuard, .permissions = 0});
  } else if (kind == Kind::kUnguardMmio) {
    frames_.Erase(number, operation.gfn);
    --space.notes;
  } else {
    frames_.Clear(number);
    space.phase = Phase::kDying;
    space.notes = 0;
    space.table_pages = 0;
  }
}

// Metadata: the monitor's, and the monitor writes what it likes.
void Specification::Donate(const Operation& operation, Frames range) {
  Space& space = spaces_[operation.vm];
  for (std::uint64_t pfn = range.first; pfn < range.first + range.count; ++pfn) {
    PageAt(pfn) = {.contents = MonitorBytes(pfn),
                   .place = space.last_metadata,
                   .space = static_cast<std::uint8_t>(operation.vm),
                   .owner = Party::kMonitor,
                   .metadata = true,
                   .of_table = operation.kind != Kind::kDonateMonitor};
    space.last_metadata = pfn;
    ++space.metadata;
  }
  donated_ += range.count;
}

void Specification::ReturnLast(Space& space) {
  Page& page = PageAt(space.last_metadata);
  space.last_metadata = page.place;
  --space.metadata;
  --donated_;
  page = {};
  if (space.metadata == 0) {
    space = {};
  }
}

}  // namespace ravelin::model
