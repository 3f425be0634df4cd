// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/model/comparison.h"

#include <algorithm>

namespace ravelin::model {
namespace {

using stage2::PageState;

// What software leaves in the entry of a frame that is not mapped: the annotation from bit 1 on.
constexpr std::uint64_t kGuardNote = 1U << 1U;
constexpr std::uint64_t kPoisonNote = 2U << 1U;

PageState StateOfHosts(const Page& page) {
  if (page.lent_monitor) {
    return page.pinned ? PageState::kHostLentPinned : PageState::kHostLentMonitor;
  }
  if (page.lent_secure) {
    return PageState::kHostLentSecure;
  }
  if (page.loans != 0) {
    return page.maps != 0 ? PageState::kHostLentVmDevice : PageState::kHostLentVm;
  }
  return page.maps != 0 ? PageState::kHostLentDevice : PageState::kHostOwned;
}

stage2::HostAccessKind AccessOf(const Page& page) {
  if (page.owner == Party::kHost) {
    return page.IsLent() ? stage2::HostAccessKind::kLent : stage2::HostAccessKind::kOwned;
  }
  return page.lent_host ? stage2::HostAccessKind::kBorrowed : stage2::HostAccessKind::kForeign;
}

void CompareRecord(const Page& page, unsigned holder, stage2::PageRecord record, std::uint64_t pfn,
                   Differences& differences) {
  if (record.state() != StateOf(page)) {
    differences.Note("the record has another state of pfn", pfn);
    return;
  }
  const bool placed = page.metadata || page.owner == Party::kVm || page.owner == Party::kDevice;
  if (!placed) {
    const stage2::Uses uses = record.uses();
    differences.NoteIf(uses.loans != page.loans, "the record counts other loans of pfn", pfn);
    differences.NoteIf(uses.maps != page.maps, "the record counts other device maps of pfn", pfn);
    differences.NoteIf(uses.pins != (page.pinned ? 1 : 0), "the record has other pins of pfn", pfn);
    return;
  }
  differences.NoteIf(record.holder().raw() != holder, "the record has another holder of pfn", pfn);
  // The first page of a list of metadata has nothing before it.
  const bool has_place = !page.metadata || page.place != kNoPlace;
  differences.NoteIf(has_place && record.frame() != page.place,
                     "the record has another place of pfn", pfn);
}

void CompareHostView(const Page& page, const View& view, std::uint64_t pfn,
                     Differences& differences) {
  const bool own = page.owner == Party::kHost;
  if (view.mapped != (own || page.lent_host) || view.software != 0) {
    differences.Note(view.mapped ? "the host has a page that it must not have, pfn"
                                 : "the host's table lacks a page, pfn",
                     pfn);
    return;
  }
  if (!view.mapped) {
    return;
  }
  // Stage 2 takes nothing from the host's own RAM; what it borrows, and MMIO, is not executable.
  const unsigned permissions = own && !page.mmio ? 7 : 3;
  const Memory memory = page.mmio ? Memory::kNonCacheable : Memory::kWriteBack;
  differences.NoteIf(
      view.pfn != pfn || view.permissions() != permissions || view.memory != memory || !view.young,
      "the host's entry has other attributes, pfn", pfn);
}

// Spans of 512^n pages that the frames touch, for n of each table below the root: no more tables
// can be missing.
std::uint64_t TablesAtMost(unsigned ipa_bits, std::uint64_t gfn, std::uint64_t count) {
  const unsigned levels = 3 - walk::StartOf(ipa_bits);
  std::uint64_t tables = 0;
  for (unsigned level = 1; level <= levels; ++level) {
    const unsigned shift = 9 * level;
    tables += ((gfn + count - 1) >> shift) - (gfn >> shift) + 1;
  }
  return tables;
}

std::uint64_t NoteOf(const Result<Frame>& frame) {
  if (!frame.has_value() || frame->use == Use::kPage) {
    return 0;
  }
  return frame->use == Use::kGuard ? kGuardNote : kPoisonNote;
}

}  // namespace

std::uint64_t VisitOf(const Operation& operation) {
  const bool range = ArgumentsOf(operation.kind).count;
  return range ? std::clamp<std::uint64_t>(operation.count, 1, kMostInVisit) : 1;
}

Touched TouchedBy(const Specification& specification, const Operation& operation) {
  Touched touched;
  const auto touch_page = [&](std::uint64_t pfn) {
    const bool known = std::ranges::find(touched.pages, pfn) != touched.pages.end();
    if (!known && specification.HasRecord(pfn)) {
      touched.pages.Push(pfn);
    }
  };
  const auto touch_frame = [&](std::uint64_t frame) {
    if (std::ranges::find(touched.frames, frame) == touched.frames.end()) {
      touched.frames.Push(frame);
    }
    if (specification.IsPage(operation.vm, frame)) {
      touch_page(specification.FrameAt(operation.vm, frame)->pfn);
    }
  };
  const Arguments arguments = ArgumentsOf(operation.kind);
  const std::uint64_t count = VisitOf(operation);
  for (const std::uint64_t offset :
       {std::uint64_t{0} - 1, std::uint64_t{0}, std::uint64_t{1}, count / 2, count - 1, count}) {
    if (arguments.pfn) {
      touch_page(operation.pfn + offset);
    }
    if (arguments.gfn) {
      touch_frame(operation.gfn + offset);
    }
    const bool owned = operation.kind == Kind::kReclaim || operation.kind == Kind::kReclaimDevice;
    if (owned && specification.HasRecord(operation.pfn)) {
      touch_frame(specification.At(operation.pfn).place + offset);
    }
  }
  if (operation.kind == Kind::kReturnMetadata) {
    std::uint64_t pfn = specification.SpaceAt(operation.vm).last_metadata;
    for (unsigned i = 0; i < 3 && pfn != kNoPlace; ++i) {
      touch_page(pfn);
      pfn = specification.At(pfn).place;
    }
  }
  return touched;
}

bool MayBeShort(const Specification& specification, const Operation& operation,
                const stage2::PagePool& pool) {
  constexpr std::uint64_t kMostSplits = 4;  // both ends of a range can lie in blocks of 1 GiB
  const Arguments arguments = ArgumentsOf(operation.kind);
  const std::uint64_t free = pool.free_count().raw();
  if ((arguments.gfn && arguments.pfn) || operation.kind == Kind::kGuardMmio) {
    const unsigned bits = specification.ShapeOf(operation.vm).ipa_bits;
    return free < TablesAtMost(bits, operation.gfn, VisitOf(operation));
  }
  const bool splits = operation.kind == Kind::kUnshareVm ||
                      operation.kind == Kind::kSetPermissions ||
                      operation.kind == Kind::kUnmapDevice;
  return splits && free < kMostSplits;
}

stage2::PageState StateOf(const Page& page) {
  switch (page.owner) {
    case Party::kHost:
      return StateOfHosts(page);
    case Party::kMonitor:
      return page.metadata ? PageState::kVmMetadata : PageState::kMonitorOwned;
    case Party::kVm:
      return page.lent_host ? PageState::kVmLentHost : PageState::kVmOwned;
    case Party::kDevice:
      return PageState::kDeviceOwned;
    case Party::kSecure:
      break;
  }
  return PageState::kSecureOwned;
}

Tree TreeOf(const stage2::PageTable& table) {
  return {table.root().raw(), table.geometry().ipa_bits()};
}

void CompareAnswer(const Specification& specification, const Operation& operation,
                   const Result<std::uint64_t>& answer, bool may_be_short,
                   Differences& differences) {
  const Judgement judgement = specification.Judge(operation);
  if (!answer.has_value() && answer.error() == Error::kNoMemory) {
    differences.NoteIf(judgement.most == 0, "a call that is refused anyway asks for memory", 0);
    differences.NoteIf(!may_be_short, "no memory, although there is enough", 0);
    return;
  }
  if (judgement.Allows(answer)) {
    return;
  }
  if (answer.has_value()) {
    differences.Note(
        judgement.most == 0 ? "succeeds, and should fail; pages" : "does another number of pages",
        *answer);
  } else {
    differences.Note(judgement.must_succeed() ? "fails, and should succeed; error"
                                              : "fails for a reason that does not hold; error",
                     static_cast<std::uint64_t>(answer.error()));
  }
}

void ComparePage(const Specification& specification, const stage2::Ownership& ownership,
                 std::uint64_t pfn, Differences& differences) {
  const Page& page = specification.At(pfn);
  const Result<stage2::PageRecord> record = ownership.RecordOf(Pfn{pfn});
  if (!record.has_value()) {
    differences.Note("there is no record of pfn", pfn);
    return;
  }
  const unsigned holder = specification.ShapeOf(page.space).holder;
  CompareRecord(page, holder, *record, pfn, differences);
  differences.NoteIf(ownership.HostAccess(Pfn{pfn}) != AccessOf(page),
                     "HostAccess is wrong for pfn", pfn);
  CompareHostView(page, Walk(TreeOf(ownership.host_table()), pfn), pfn, differences);
}

void CompareFrame(const Specification& specification, const Tree& tree, unsigned space,
                  std::uint64_t frame, Differences& differences) {
  if (specification.SpaceAt(space).phase != Phase::kLive ||
      frame >= specification.FramesOf(space)) {
    return;
  }
  const View view = Walk(tree, frame);
  const Result<Frame> expected = specification.FrameAt(space, frame);
  if (view.mapped != specification.IsPage(space, frame) || view.software != NoteOf(expected)) {
    differences.Note("a VM or device has another view of frame", frame);
    return;
  }
  if (!view.mapped) {
    return;
  }
  const Memory memory =
      specification.At(expected->pfn).mmio ? Memory::kDeviceNGnRE : Memory::kWriteBack;
  differences.NoteIf(view.pfn != expected->pfn || view.permissions() != expected->permissions ||
                         view.memory != memory,
                     "a VM or device has another page or other rights at frame", frame);
}

}  // namespace ravelin::model
