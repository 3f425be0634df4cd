// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Questions, and who may ask for what. Reasons against an operation are in
// specification_judge.cc, effects in specification_apply.cc.
#include "tests/model/specification.h"

#include <algorithm>

namespace ravelin::model {

Specification::Specification(const Layout& layout, Memory memory)
    : layout_(layout), pages_(memory.pages), frames_(memory.mappings) {
  for (const Frames& region : layout.ram) {
    ram_pages_ += region.count;
  }
  Invariant(pages_.size() >= PagesOf(layout), "the specification has memory for every page");
  for (const Frames& region : layout.mmio) {
    for (std::uint64_t i = 0; i < region.count; ++i) {
      PageAt(region.first + i).mmio = true;
    }
  }
  for (const Frames& range : layout.monitor) {
    SetOwner(range, Party::kMonitor);
  }
  for (const Frames& range : layout.secure) {
    SetOwner(range, Party::kSecure);
  }
}

void Specification::SetOwner(Frames range, Party owner) {
  for (std::uint64_t i = 0; i < range.count; ++i) {
    PageAt(range.first + i).owner = owner;
  }
}

std::uint64_t Specification::PagesOf(const Layout& layout) {
  std::uint64_t pages = 0;
  for (const Frames& region : layout.ram) {
    pages += region.count;
  }
  for (const Frames& region : layout.mmio) {
    pages += region.count;
  }
  return pages;
}

// The pages of all regions of RAM, then those of MMIO.
std::uint64_t Specification::IndexOf(std::uint64_t pfn) const {
  std::uint64_t before = 0;
  for (const Frames& region : layout_.ram) {
    if (region.Holds({pfn, 1})) {
      return before + (pfn - region.first);
    }
    before += region.count;
  }
  for (const Frames& region : layout_.mmio) {
    if (region.Holds({pfn, 1})) {
      return before + (pfn - region.first);
    }
    before += region.count;
  }
  return kNowhere;
}

Result<Frame> Specification::FrameAt(unsigned space, std::uint64_t frame) const {
  const FrameMap::Slot* const found =
      frame < FramesOf(space) ? frames_.Find(space, frame) : nullptr;
  if (found == nullptr) {
    return Failure{Error::kNotMapped};
  }
  return FrameMap::Unpack(found->value);
}

bool Specification::IsPage(unsigned space, std::uint64_t frame) const {
  const Result<Frame> found = FrameAt(space, frame);
  return found.has_value() && found->use == Use::kPage;
}

bool Specification::HostCanUse(std::uint64_t pfn) const {
  const Page& page = At(pfn);
  return page.owner == Party::kHost || page.lent_host;
}

std::uint64_t Specification::FramesOf(unsigned space) const {
  return std::uint64_t{1} << (layout_.spaces[space].ipa_bits - 12);
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

// --- Who may ask

bool Specification::Permitted(const Operation& operation) const {
  const Space& space = spaces_[operation.vm];
  const bool live = space.phase == Phase::kLive;
  const Scope scope = ArgumentsOf(operation.kind).scope;
  if (scope != Scope::kNone && !Covers(scope, layout_.spaces[operation.vm].kind)) {
    return false;
  }
  switch (operation.kind) {
    case Kind::kHostShareMonitor:
    case Kind::kHostUnshareMonitor:
    case Kind::kPinShared:
    case Kind::kUnpinShared:
    case Kind::kShareSecure:
    case Kind::kUnshareSecure:
      return true;
    case Kind::kMapHostMmio:
      return operation.pfn < std::uint64_t{1} << 52U;  // a fault address has no more
    case Kind::kHostWrite:
      return IsRam(operation.pfn) && HostCanUse(operation.pfn);
    case Kind::kGuestWrite:
    case Kind::kGuestTouch: {
      const Result<Frame> found = FrameAt(operation.vm, operation.gfn);
      const unsigned needed = operation.kind == Kind::kGuestWrite ? 2 : 1;
      return live && found.has_value() && found->use == Use::kPage && IsRam(found->pfn) &&
             (found->permissions & needed) != 0;
    }
    case Kind::kCreateVm:
      return space.phase == Phase::kAbsent &&
             operation.pfn % RootPages(layout_.spaces[operation.vm].ipa_bits) == 0;
    case Kind::kTearDown:
      return live && space.pages == 0;
    case Kind::kReturnMetadata:
      return PermittedReturn(operation);
    case Kind::kDonateMonitor:
    case Kind::kTopUp:
    case Kind::kShareVm:
    case Kind::kUnshareVm:
    case Kind::kSetPermissions:
    case Kind::kAge:
    case Kind::kDonateVm:
    case Kind::kReclaim:
    case Kind::kForceReclaim:
    case Kind::kVmShareHost:
    case Kind::kVmUnshareHost:
    case Kind::kVmRelinquish:
    case Kind::kGuardMmio:
    case Kind::kUnguardMmio:
    case Kind::kMapDevice:
    case Kind::kUnmapDevice:
    case Kind::kDonateDevice:
    case Kind::kReclaimDevice:
      break;
  }
  return live;
}

// Pages of tables only after the tables have gone.
bool Specification::PermittedReturn(const Operation& operation) const {
  const Space& space = spaces_[operation.vm];
  if (space.phase == Phase::kDying) {
    return true;
  }
  std::uint64_t pfn = space.last_metadata;
  for (std::uint64_t i = 0; i < std::min({operation.count, kMostInVisit, space.metadata}); ++i) {
    if (At(pfn).of_table) {
      return false;
    }
    pfn = At(pfn).place;
  }
  return true;
}

}  // namespace ravelin::model
