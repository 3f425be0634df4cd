// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// What the fake machine shows besides records and tables, and comparisons of whole tables.
#include <algorithm>

#include "hyp/arch/fake/machine.h"
#include "tests/model/checker.h"

namespace ravelin::model {
namespace {

constexpr std::uint64_t kBlock = 512;

bool IsMmio(const View& view, std::uint64_t frame) {
  return view.mapped && view.pfn == frame && view.permissions() == 3 &&
         view.memory == Memory::kNonCacheable;
}

}  // namespace

void Checker::CheckPage(std::uint64_t pfn) {
  ComparePage(specification_, engine_.ownership(), pfn, differences_);
  const Page& page = specification_.At(pfn);
  differences_.NoteIf(fake::IsMappedForMonitor(Pfn{pfn}) != (page.metadata || page.lent_monitor),
                      "the monitor's mapping is wrong for pfn", pfn);
  const bool of_monitor = page.owner == Party::kMonitor && (!page.metadata || page.of_table);
  if (!page.mmio && !of_monitor) {
    differences_.NoteIf(!PageHolds(pfn, page.contents), "contents are wrong of pfn", pfn);
  }
  if (page.owner == Party::kVm || page.owner == Party::kDevice) {
    CheckFrame(page.space, page.place);
  }
}

void Checker::CheckFrame(unsigned space, std::uint64_t frame) {
  if (specification_.SpaceAt(space).phase == Phase::kLive) {
    CompareFrame(specification_, engine_.TreeOf(space), space, frame, differences_);
  }
}

void Checker::CheckCounters() {
  for (unsigned number = 0; number < specification_.space_count(); ++number) {
    const Space& space = specification_.SpaceAt(number);
    differences_.NoteIf(engine_.MetadataCount(number) != space.metadata,
                        "the number of metadata pages is wrong of VM or device", number);
    const bool lives = engine_.TableOf(number) != nullptr;
    differences_.NoteIf(lives != (space.phase == Phase::kLive),
                        "the phase is wrong of VM or device", number);
    differences_.NoteIf(lives && engine_.PageCountOf(number) != space.pages,
                        "the number of mapped pages is wrong of VM or device", number);
  }
  differences_.NoteIf(engine_.ownership().donated_pages().raw() != specification_.donated(),
                      "donated_pages is wrong", engine_.ownership().donated_pages().raw());
}

std::optional<std::string> Checker::CheckAll() {
  ++statistics_.full_checks;
  for (const Frames& region : specification_.layout().ram) {
    for (std::uint64_t pfn = region.first; pfn < region.first + region.count; ++pfn) {
      CheckPage(pfn);
    }
  }
  for (const Frames& region : specification_.layout().mmio) {
    for (std::uint64_t pfn = region.first; pfn < region.first + region.count; ++pfn) {
      CheckPage(pfn);
    }
  }
  CheckCounters();
  CheckHostBlocks();
  CheckHostTable();
  for (unsigned space = 0; space < specification_.space_count(); ++space) {
    if (specification_.SpaceAt(space).phase == Phase::kLive) {
      CheckTable(space);
    }
  }
  return Outcome();
}

// What is the host's throughout is one block of 2 MiB at least.
void Checker::CheckHostBlocks() {
  for (const Frames& region : specification_.layout().ram) {
    const std::uint64_t end = region.first + region.count;
    for (std::uint64_t at = (region.first + kBlock - 1) / kBlock * kBlock; at + kBlock <= end;
         at += kBlock) {
      bool hosts = true;
      for (std::uint64_t pfn = at; pfn < at + kBlock && hosts; ++pfn) {
        hosts = specification_.At(pfn).owner == Party::kHost;
      }
      differences_.NoteIf(hosts && Walk(engine_.HostTree(), at).level > 2,
                          "a block of the host is in pieces, pfn", at);
    }
  }
}

// Pages with a record have been compared. Whatever else is there is MMIO, and every table page is
// accounted for.
void Checker::CheckHostTable() {
  const Layout& layout = specification_.layout();
  const std::uint64_t tables =
      VisitAll(engine_.HostTree(), [&](std::uint64_t frame, const View& view, std::uint64_t pages) {
        if (specification_.HasRecord(frame)) {
          return;
        }
        differences_.NoteIf(!IsMmio(view, frame),
                            "the host's table has a strange entry outside RAM, frame", frame);
        const auto covers = [&](const Frames& region) {
          return frame < region.first + region.count && region.first < frame + pages;
        };
        differences_.NoteIf(
            std::ranges::any_of(layout.ram, covers) || std::ranges::any_of(layout.mmio, covers),
            "an MMIO block of the host covers pages with records, frame", frame);
      });
  differences_.NoteIf(
      tables + engine_.ownership().host_pool().free_count().raw() != engine_.host_tables(),
      "table pages of the host are lost; in use", tables);
  for (const std::uint64_t frame : mmio_) {
    differences_.NoteIf(!IsMmio(Walk(engine_.HostTree(), frame), frame),
                        "the host has no MMIO at frame", frame);
  }
}

void Checker::CheckTable(unsigned number) {
  const Space& space = specification_.SpaceAt(number);
  const stage2::PagePool& pool = engine_.TableOf(number)->pool();
  std::uint64_t pages = 0;
  std::uint64_t notes = 0;
  std::uint64_t splits = 0;  // table pages with which every block of 2 MiB can be split
  const std::uint64_t tables = VisitAll(
      engine_.TreeOf(number), [&](std::uint64_t frame, const View& view, std::uint64_t size) {
        (view.mapped ? pages : notes) += view.mapped ? size : 1;
        splits += view.mapped && view.level < 3 ? 3 - view.level : 0;
        CheckFrame(number, frame);
        CheckFrame(number, frame + size - 1);
      });
  differences_.NoteIf(pages != space.pages || notes != space.notes,
                      "a table has another number of entries", pages);
  const bool is_protected = specification_.ShapeOf(number).kind == SpaceKind::kProtectedVm;
  specification_.frames().ForEach(number, [&](std::uint64_t frame, const Frame&) {
    CheckFrame(number, frame);
    if (is_protected && frame % kBlock == 0) {
      CheckBlock(number, frame);
    }
  });
  const std::uint64_t reserved = pool.reserved_count().raw();
  differences_.NoteIf(tables + pool.free_count().raw() + reserved != space.table_pages,
                      "table pages of a VM or device are lost; in use", tables);
  differences_.NoteIf(is_protected && reserved < splits, "too few table pages are in reserve",
                      reserved);
}

// 512 aligned frames of a protected VM with 512 aligned pages in the same order are a block, which
// can be split without asking the host.
void Checker::CheckBlock(unsigned number, std::uint64_t first) {
  const Result<Frame> start = specification_.FrameAt(number, first);
  const bool aligned = start.has_value() && first % kBlock == 0 && start->pfn % kBlock == 0;
  if (!aligned || start->use != Use::kPage || specification_.At(start->pfn).mmio) {
    return;
  }
  for (std::uint64_t i = 1; i < kBlock; ++i) {
    const Result<Frame> next = specification_.FrameAt(number, first + i);
    if (!next.has_value() || next->use != Use::kPage || next->pfn != start->pfn + i) {
      return;
    }
  }
  ++statistics_.whole_blocks;
  const unsigned level = Walk(engine_.TreeOf(number), first).level;
  differences_.NoteIf(level > 2, "a complete block of a protected VM is in pieces, gfn", first);
  const std::uint64_t reserved = engine_.TableOf(number)->pool().reserved_count().raw();
  differences_.NoteIf(reserved < 3 - level, "a block has no table page in reserve, gfn", first);
}

}  // namespace ravelin::model
