// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Every reason that may hold against an operation.
#include <algorithm>

#include "tests/model/specification.h"

namespace ravelin::model {
namespace {

bool Overlap(Frames a, Frames b) {
  return a.first < b.first + b.count && b.first < a.first + a.count;
}

// A page that has to be the host's alone.
ErrorSet AgainstAlone(const Page& page) {
  if (page.owner != Party::kHost) {
    return {Error::kWrongOwner};
  }
  ErrorSet why;
  if (page.loans != 0 || page.lent_monitor || page.lent_secure) {
    why.Add(Error::kWrongState);
  }
  if (page.maps != 0) {
    why.Add(Error::kBusy);
  }
  return why;
}

// A page that the host lends to one party alone.
ErrorSet AgainstExclusive(const Page& page) {
  if (page.owner != Party::kHost) {
    return {Error::kWrongOwner};
  }
  return page.IsLent() ? ErrorSet{Error::kWrongState} : ErrorSet{};
}

// A page that the host lends once more.
ErrorSet AgainstUse(const Page& page, std::uint16_t uses) {
  if (page.owner != Party::kHost) {
    return {Error::kWrongOwner};
  }
  if (page.lent_monitor || page.lent_secure) {
    return {Error::kWrongState};
  }
  return uses == kMostUses ? ErrorSet{Error::kLimit} : ErrorSet{};
}

ErrorSet AgainstSecure(const Page& page) {
  if (page.owner != Party::kHost) {
    return {Error::kWrongOwner};
  }
  return page.lent_secure ? ErrorSet{} : ErrorSet{Error::kWrongState};
}

Judgement Once(ErrorSet errors) { return {.errors = errors, .most = errors.empty() ? 1U : 0U}; }

}  // namespace

Judgement Specification::Judge(const Operation& operation) const {
  switch (operation.kind) {
    case Kind::kHostShareMonitor:
    case Kind::kHostUnshareMonitor:
    case Kind::kPinShared:
    case Kind::kUnpinShared:
      return Once(AgainstPage(operation, operation.pfn));
    case Kind::kVmShareHost:
    case Kind::kVmUnshareHost:
    case Kind::kVmRelinquish:
      return Once(AgainstMapped(operation, operation.gfn));
    case Kind::kTopUp:
    case Kind::kDonateVm:
    case Kind::kShareVm:
    case Kind::kUnshareVm:
    case Kind::kSetPermissions:
    case Kind::kAge:
    case Kind::kReclaim:
    case Kind::kForceReclaim:
    case Kind::kMapDevice:
    case Kind::kUnmapDevice:
    case Kind::kDonateDevice:
    case Kind::kReclaimDevice:
    case Kind::kShareSecure:
    case Kind::kUnshareSecure:
      return JudgeRange(operation);
    case Kind::kDonateMonitor:
    case Kind::kCreateVm:
      return JudgeDonation(operation);
    case Kind::kGuardMmio:
    case Kind::kUnguardMmio:
      return JudgeGuard(operation);
    case Kind::kMapHostMmio:
      return JudgeMmio(operation);
    case Kind::kReturnMetadata:
      return {.errors = {}, .most = std::min(operation.count, spaces_[operation.vm].metadata)};
    case Kind::kHostWrite:
    case Kind::kGuestWrite:
    case Kind::kGuestTouch:
    case Kind::kTearDown:
      break;
  }
  return Once({});
}

// Whether the numbers as a whole are a range, and the policy allows the operation at all.
ErrorSet Specification::AgainstWhole(const Operation& operation) const {
  const Arguments arguments = ArgumentsOf(operation.kind);
  ErrorSet why;
  if (operation.count == 0 || operation.count > kMostPages) {
    why.Add(Error::kInvalidArgument);
  }
  const bool secure =
      operation.kind == Kind::kShareSecure || operation.kind == Kind::kUnshareSecure;
  if (secure && !layout_.shares_with_secure) {
    why.Add(Error::kNotSupported);
  }
  if (arguments.pfn) {
    const Frames range{operation.pfn, operation.count};
    const auto holds = [&](const Frames& region) { return region.Holds(range); };
    if (!std::ranges::any_of(layout_.ram, holds) && !std::ranges::any_of(layout_.mmio, holds)) {
      why.Add(Error::kNotRam);
    }
  }
  if (arguments.gfn) {
    if (!Frames{0, FramesOf(operation.vm)}.Holds({operation.gfn, operation.count})) {
      why.Add(Error::kInvalidArgument);
    }
  }
  return why;
}

// Reasons that hold for a page beyond what one visit can do do not count.
Judgement Specification::JudgeRange(const Operation& operation) const {
  const Arguments arguments = ArgumentsOf(operation.kind);
  Judgement judgement{.errors = AgainstWhole(operation), .most = 0};
  const bool counts = operation.count != 0 && operation.count <= kMostPages;
  const std::uint64_t visit = std::min(operation.count, kMostInVisit);
  bool possible = counts;
  for (std::uint64_t i = 0; i < visit; ++i) {
    ErrorSet why;
    if (arguments.pfn) {
      why.Add(AgainstPage(operation, operation.pfn + i));
    }
    if (arguments.gfn) {
      why.Add(arguments.pfn ? AgainstTarget(operation, operation.gfn + i)
                            : AgainstMapped(operation, operation.gfn + i));
    }
    possible = possible && why.empty();
    judgement.most += possible ? 1 : 0;
    judgement.errors.Add(why);
  }
  return judgement;
}

// A page that is named by its number.
ErrorSet Specification::AgainstPage(const Operation& operation, std::uint64_t pfn) const {
  if (!HasRecord(pfn) || (!IsRam(pfn) && !ArgumentsOf(operation.kind).mmio)) {
    return {Error::kNotRam};
  }
  const Page& page = At(pfn);
  const Kind kind = operation.kind;
  if (kind == Kind::kShareVm || kind == Kind::kMapDevice) {
    return AgainstUse(page, kind == Kind::kShareVm ? page.loans : page.maps);
  }
  if (kind == Kind::kReclaim || kind == Kind::kReclaimDevice) {
    const Party owner = kind == Kind::kReclaim ? Party::kVm : Party::kDevice;
    const bool own = page.owner == owner && page.space == operation.vm;
    return own ? ErrorSet{} : ErrorSet{Error::kWrongOwner};
  }
  if (kind == Kind::kShareSecure || kind == Kind::kUnshareSecure) {
    return AgainstSecureLoan(kind, page);
  }
  if (kind == Kind::kHostShareMonitor) {
    return AgainstExclusive(page);
  }
  if (kind == Kind::kHostUnshareMonitor || kind == Kind::kPinShared || kind == Kind::kUnpinShared) {
    return AgainstMonitorLoan(kind, page);
  }
  return AgainstAlone(page);
}

ErrorSet Specification::AgainstSecureLoan(Kind kind, const Page& page) const {
  if (!layout_.shares_with_secure) {
    return {Error::kNotSupported};
  }
  return kind == Kind::kShareSecure ? AgainstExclusive(page) : AgainstSecure(page);
}

ErrorSet Specification::AgainstMonitorLoan(Kind kind, const Page& page) {
  if (page.owner != Party::kHost) {
    return {Error::kWrongOwner};
  }
  if (!page.lent_monitor || (kind == Kind::kUnpinShared && !page.pinned)) {
    return {Error::kWrongState};
  }
  if (kind == Kind::kHostUnshareMonitor && page.pinned) {
    return {Error::kBusy};
  }
  return kind == Kind::kPinShared && page.pinned ? ErrorSet{Error::kExists} : ErrorSet{};
}

// A frame where a page shall be mapped.
ErrorSet Specification::AgainstTarget(const Operation& operation, std::uint64_t gfn) const {
  if (gfn >= FramesOf(operation.vm)) {
    return {Error::kInvalidArgument};
  }
  return FrameAt(operation.vm, gfn).has_value() ? ErrorSet{Error::kExists} : ErrorSet{};
}

// A frame where a page is mapped that shall change.
ErrorSet Specification::AgainstMapped(const Operation& operation, std::uint64_t gfn) const {
  if (gfn >= FramesOf(operation.vm)) {
    return {Error::kInvalidArgument};
  }
  const Result<Frame> found = FrameAt(operation.vm, gfn);
  if (!found.has_value() || found->use != Use::kPage) {
    return {Error::kNotMapped};
  }
  const Page& page = At(found->pfn);
  if (page.mmio && !ArgumentsOf(operation.kind).mmio) {
    return {Error::kNotRam};
  }
  const Kind kind = operation.kind;
  if (kind == Kind::kVmShareHost || kind == Kind::kVmRelinquish) {
    return page.lent_host ? ErrorSet{Error::kWrongState} : ErrorSet{};
  }
  if (kind == Kind::kVmUnshareHost) {
    return page.lent_host ? ErrorSet{} : ErrorSet{Error::kWrongState};
  }
  const bool foreign = kind == Kind::kUnmapDevice && page.owner != Party::kHost;
  return foreign ? ErrorSet{Error::kWrongOwner} : ErrorSet{};
}

Judgement Specification::JudgeDonation(const Operation& operation) const {
  Frames range{operation.pfn, operation.count};
  if (operation.kind == Kind::kCreateVm) {
    range.count = RootPages(layout_.spaces[operation.vm].ipa_bits);
  }
  ErrorSet why = AgainstDonation(operation, range);
  if (operation.kind == Kind::kDonateMonitor && operation.count2 != 0) {
    const Frames second{operation.pfn2, operation.count2};
    why.Add(AgainstDonation(operation, second));
    if (Overlap(range, second)) {
      why.Add(Error::kInvalidArgument);
    }
  }
  Judgement judgement = Once(why);
  if (std::max(range.count, operation.count2) > kMostOfObject) {
    judgement.errors.Add(Error::kInvalidArgument);
  }
  return judgement;
}

// Objects are all or nothing: no progress.
ErrorSet Specification::AgainstDonation(const Operation& operation, Frames range) const {
  Operation whole = operation;
  whole.kind = Kind::kTopUp;
  whole.pfn = range.first;
  whole.count = range.count;
  const Judgement judgement = JudgeRange(whole);
  ErrorSet why = judgement.errors;
  if (range.count > kMostInVisit) {
    why.Add(Error::kInvalidArgument);
  }
  return why;
}

Judgement Specification::JudgeGuard(const Operation& operation) const {
  if (operation.gfn >= FramesOf(operation.vm)) {
    return Once({Error::kInvalidArgument});
  }
  const Result<Frame> found = FrameAt(operation.vm, operation.gfn);
  const bool guarded = found.has_value() && found->use == Use::kGuard;
  if (operation.kind == Kind::kUnguardMmio) {
    return Once(guarded ? ErrorSet{} : ErrorSet{Error::kNotMapped});
  }
  return Once(found.has_value() && !guarded ? ErrorSet{Error::kExists} : ErrorSet{});
}

// What has a record is never mapped by a fault.
Judgement Specification::JudgeMmio(const Operation& operation) const {
  if (operation.pfn >= std::uint64_t{1} << (layout_.host_ipa_bits - 12)) {
    return Once({Error::kInvalidArgument});
  }
  return Once(HasRecord(operation.pfn) ? ErrorSet{Error::kWrongOwner} : ErrorSet{});
}

}  // namespace ravelin::model
