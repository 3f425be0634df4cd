// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/observer/invalidations.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include "tests/observer/descriptor.h"

namespace ravelin::observer {
namespace {

constexpr std::uint64_t Field(std::uint64_t word, unsigned high, unsigned low) {
  return word >> low & ((std::uint64_t{2} << (high - low)) - 1);
}

// Bytes from `first` to before `end`.
struct Bytes {
  std::uint64_t first = 0;
  std::uint64_t end = 0;
};

// IPAS2E1: Xt<35:0> is IPA<47:12> (C5.5).
Bytes OneAddress(std::uint64_t operand) {
  const std::uint64_t first = Field(operand, 35, 0) << kPageShift;
  return {first, first + kPageSize};
}

// RIPAS2E1: BaseADDR<36:0>, NUM<43:39>, SCALE<45:44>, 4 KiB granule.
Bytes AddressRange(std::uint64_t operand) {
  const std::uint64_t first = Field(operand, 36, 0) << kPageShift;
  const std::uint64_t pages = (Field(operand, 43, 39) + 1)
                              << (5 * static_cast<unsigned>(Field(operand, 45, 44)) + 1);
  return {first, first + (pages << kPageShift)};
}

// TTL<47:44> of the forms by one address: 0b01xx is the level of a 4 KiB granule, 0b00xx no hint.
bool HintFits(const Invalidation& invalidation, unsigned level) {
  if (invalidation.tlbi.target != TlbiTarget::kIpa) {
    return true;
  }
  const std::uint64_t hint = Field(invalidation.operand, 47, 44);
  return hint < 4 || hint == (4 | level);
}

std::string Describe(const Removed& removed) {
  std::ostringstream text;
  text << (removed.restricted ? "restricted " : "removed ") << (removed.table ? "table" : "leaf")
       << " level " << removed.level << " vmid " << removed.vmid.raw() << std::hex << " ipa 0x"
       << removed.ipa.raw() << " at pc 0x" << removed.place.pc.raw();
  return text.str();
}

}  // namespace

void Invalidations::Add(Removed removed) {
  for (const PfnRange& pages : removed.pages) {
    watched_->Add(pages);
  }
  pending_.push_back({.removed = std::move(removed)});
}

// A block is named by any address in it, an empty table by any address that a walk leads through
// it, and a table with entries by all addresses below it.
bool Invalidations::Names(const Invalidation& invalidation, const Removed& removed) {
  const TlbiTarget target = invalidation.tlbi.target;
  if (target != TlbiTarget::kIpa && target != TlbiTarget::kIpaRange) {
    return target != TlbiTarget::kOther;
  }
  const Bytes named = target == TlbiTarget::kIpa ? OneAddress(invalidation.operand)
                                                 : AddressRange(invalidation.operand);
  const std::uint64_t first = removed.ipa.raw();
  const std::uint64_t end = first + removed.span;
  if (removed.table && removed.populated) {
    return named.first <= first && end <= named.end;
  }
  return named.first < end && first < named.end && HintFits(invalidation, removed.level);
}

void Invalidations::Advance(Pending& pending, const Invalidation& invalidation) {
  const Tlbi& tlbi = invalidation.tlbi;
  if (!Names(invalidation, pending.removed)) {
    return;
  }
  const bool stage1 = tlbi.target == TlbiTarget::kStage1;
  if (stage1 && pending.stage < Stage::kStage2Issued) {
    return;
  }
  if (!tlbi.broadcast) {
    pending.attempts.scope = true;
  } else if (tlbi.target != TlbiTarget::kAll && invalidation.vmid != pending.removed.vmid) {
    pending.attempts.vmid = true;
  } else if (tlbi.last_level && pending.removed.table) {
    pending.attempts.level = true;
  } else if (pending.stage == Stage::kStored || (stage1 && pending.stage == Stage::kStage2Issued)) {
    pending.attempts.without_dsb = true;
  } else if (tlbi.target == TlbiTarget::kIpa || tlbi.target == TlbiTarget::kIpaRange) {
    pending.stage = std::max(pending.stage, Stage::kStage2Issued);
  } else {
    pending.stage = Stage::kIssued;
  }
}

void Invalidations::Observe(const Invalidation& invalidation) {
  for (Pending& pending : pending_) {
    if (pending.removed.place.cpu == invalidation.cpu) {
      Advance(pending, invalidation);
    }
  }
}

void Invalidations::Observe(CpuIndex cpu, const Dsb& dsb) {
  if (pending_.empty() || !dsb.shareable) {
    return;
  }
  for (Pending& pending : pending_) {
    if (pending.removed.place.cpu != cpu) {
      continue;
    }
    if (pending.stage == Stage::kStored && dsb.stores) {
      pending.stage = Stage::kVisible;
    } else if (pending.stage == Stage::kStage2Issued && dsb.all) {
      pending.stage = Stage::kStage2Done;
    } else if (pending.stage == Stage::kIssued && dsb.all) {
      pending.stage = Stage::kDone;
    }
  }
  Drop([](const Pending& pending) { return pending.stage == Stage::kDone; });
}

Rule Invalidations::Diagnose(const Pending& pending) {
  const Attempts& attempts = pending.attempts;
  if (pending.stage == Stage::kIssued || pending.stage == Stage::kStage2Issued) {
    return Rule::kDsbAfter;
  }
  if (attempts.scope) {
    return Rule::kTlbiScope;
  }
  if (attempts.vmid) {
    return Rule::kTlbiVmid;
  }
  if (attempts.level) {
    return Rule::kTlbiLevel;
  }
  if (attempts.without_dsb) {
    return Rule::kDsbBefore;
  }
  return pending.stage == Stage::kStage2Done ? Rule::kTlbiStage1 : Rule::kTlbiMissing;
}

void Invalidations::Finish(Place place) {
  for (const Pending& pending : pending_) {
    if (pending.removed.place.cpu == place.cpu) {
      report_->Add(Diagnose(pending), place, pending.removed.entry.raw(),
                   Describe(pending.removed));
    }
  }
  Drop([&](const Pending& pending) { return pending.removed.place.cpu == place.cpu; });
}

void Invalidations::Drop(const std::function<bool(const Pending&)>& done) {
  pending_.remove_if([&](const Pending& pending) {
    if (!done(pending)) {
      return false;
    }
    for (const PfnRange& pages : pending.removed.pages) {
      watched_->Remove(pages);
    }
    return true;
  });
}

bool Invalidations::IsPending(Pa entry) const {
  return std::ranges::any_of(pending_, [&](const Pending& p) { return p.removed.entry == entry; });
}

bool Invalidations::MayReach(PfnRange pages) const {
  return std::ranges::any_of(pending_, [&](const Pending& p) {
    return !p.removed.restricted && std::ranges::any_of(p.removed.pages, [&](const PfnRange& r) {
      return Overlap(r, pages);
    });
  });
}

bool Invalidations::MayReachBeside(PfnRange pages, Vmid vmid) const {
  return std::ranges::any_of(pending_, [&](const Pending& p) {
    return !p.removed.restricted && p.removed.vmid != vmid &&
           std::ranges::any_of(p.removed.pages,
                               [&](const PfnRange& r) { return Overlap(r, pages); });
  });
}

}  // namespace ravelin::observer
