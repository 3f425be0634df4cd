// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// What the specification says of records, tables, contents and counters, held against the engine.
#include <string>

#include "hyp/arch/fake/machine.h"
#include "tests/model/checker.h"

namespace ravelin::model {
namespace {

using stage2::Borrower;
using stage2::Owner;

constexpr std::uint64_t kGuardNote = 2;  // what software leaves in the entry of a guarded frame

Owner ToOwner(Party party) {
  switch (party) {
    case Party::kMonitor:
      return Owner::kMonitor;
    case Party::kVm:
      return Owner::kVm;
    case Party::kHost:
    case Party::kNobody:
      break;
  }
  return Owner::kHost;
}

Borrower ToBorrower(Party party) {
  switch (party) {
    case Party::kHost:
      return Borrower::kHost;
    case Party::kMonitor:
      return Borrower::kMonitor;
    case Party::kVm:
      return Borrower::kVm;
    case Party::kNobody:
      break;
  }
  return Borrower::kNone;
}

stage2::HostAccessKind AccessOf(const Page& page) {
  if (page.owner == Party::kHost) {
    return page.borrower == Party::kNobody ? stage2::HostAccessKind::kOwned
                                           : stage2::HostAccessKind::kLent;
  }
  return page.borrower == Party::kHost ? stage2::HostAccessKind::kBorrowed
                                       : stage2::HostAccessKind::kForeign;
}

bool IsMetadata(const Page& page, const Layout& layout, std::uint64_t pfn) {
  const bool carved =
      pfn >= layout.carve_out.first && pfn - layout.carve_out.first < layout.carve_out.count;
  return page.owner == Party::kMonitor && !carved;
}

bool IsMmio(const View& view, std::uint64_t frame) {
  return view.pfn == frame && view.read && view.write && !view.execute && !view.write_back;
}

}  // namespace

void Checker::CheckPage(std::uint64_t pfn) {
  const Page& page = specification_.At(pfn);
  CheckRecord(pfn, page);
  CheckHostView(pfn, page);
  const bool metadata = IsMetadata(page, specification_.layout(), pfn);
  if (fake::IsMappedForMonitor(Pfn{pfn}) != (metadata || page.borrower == Party::kMonitor)) {
    Differs("the monitor's mapping is wrong for pfn", pfn);
  }
  const bool specified = page.owner != Party::kMonitor || (metadata && !page.of_table);
  if (specified && !PageHolds(pfn, page.contents)) {
    Differs("contents are wrong of pfn", pfn);
  }
  if (page.owner == Party::kVm || page.borrower == Party::kVm) {
    CheckGuestView(page.vm, page.gfn);
  }
}

void Checker::CheckRecord(std::uint64_t pfn, const Page& page) {
  const Result<stage2::PageRecord> record = engine_.ownership().RecordOf(Pfn{pfn});
  if (!record.has_value()) {
    Differs("there is no record of pfn", pfn);
    return;
  }
  const bool of_vm = page.owner == Party::kVm || page.borrower == Party::kVm;
  const bool has_vm = of_vm || IsMetadata(page, specification_.layout(), pfn);
  if (record->owner != ToOwner(page.owner) || record->borrower != ToBorrower(page.borrower)) {
    Differs("the record has another owner or borrower of pfn", pfn);
  }
  if (record->vm.raw() != (has_vm ? page.vm + 1 : 0)) {
    Differs("the record has another VM of pfn", pfn);
  }
  if (record->pins != (page.pinned ? 1 : 0)) {
    Differs("the record has other pins of pfn", pfn);
  }
  if (of_vm && record->frame != page.gfn) {
    Differs("the record has another guest frame of pfn", pfn);
  }
  if (engine_.ownership().HostAccess(Pfn{pfn}) != AccessOf(page)) {
    Differs("HostAccess is wrong for pfn", pfn);
  }
}

void Checker::CheckHostView(std::uint64_t pfn, const Page& page) {
  const View view = Walk(engine_.HostTree(), pfn);
  if (view.mapped != specification_.HostCanUse(pfn) || view.software != 0) {
    Differs(view.mapped ? "the host has a page that it must not have, pfn"
                        : "the host's table lacks a page, pfn",
            pfn);
  } else if (view.mapped) {
    const bool own = page.owner == Party::kHost;
    if (view.pfn != pfn || !view.read || !view.write || view.execute != own || !view.write_back) {
      Differs("the host's entry has other attributes, pfn", pfn);
    }
  }
}

void Checker::CheckGuestView(unsigned vm, std::uint64_t gfn) {
  const Vm& model = specification_.VmAt(vm);
  if (model.phase != Phase::kLive || gfn >= specification_.FramesOf(vm)) {
    return;
  }
  const View view = Walk(engine_.VmTree(vm), gfn);
  const auto found = model.pages.find(gfn);
  const std::uint64_t note = model.guarded.contains(gfn) ? kGuardNote : 0;
  if (view.mapped != (found != model.pages.end()) || view.software != note) {
    Differs("VM " + std::to_string(vm) + " has another view of gfn", gfn);
    return;
  }
  if (!view.mapped) {
    return;
  }
  const Page& page = specification_.At(found->second);
  const unsigned permissions = page.owner == Party::kVm ? 7 : page.permissions;
  const unsigned seen = (view.read ? 1U : 0U) | (view.write ? 2U : 0U) | (view.execute ? 4U : 0U);
  if (view.pfn != found->second || seen != permissions || !view.write_back) {
    Differs("VM " + std::to_string(vm) + " has another page or other rights at gfn", gfn);
  }
}

void Checker::CheckCounters() {
  for (unsigned vm = 0; vm < specification_.layout().vms.size(); ++vm) {
    const Vm& model = specification_.VmAt(vm);
    if (engine_.MetadataCount(vm) != model.metadata.size()) {
      Differs("the number of metadata pages is wrong of VM", vm);
    }
    const stage2::VmMemory* memory = engine_.vm(vm);
    if ((memory != nullptr) != (model.phase == Phase::kLive)) {
      Differs("the phase is wrong of VM", vm);
    } else if (memory != nullptr && memory->guest_pages().raw() != model.pages.size()) {
      Differs("guest_pages is wrong of VM", vm);
    }
  }
}

// Metadata is chained through the records, back from the page that was donated last.
void Checker::CheckMetadataChain(const Vm& model) {
  for (std::size_t i = 1; i < model.metadata.size(); ++i) {
    const auto record = engine_.ownership().RecordOf(Pfn{model.metadata[i]});
    if (!record.has_value() || record->frame != model.metadata[i - 1]) {
      Differs("the chain of metadata is broken at pfn", model.metadata[i]);
    }
  }
}

// --- Everything

std::optional<std::string> Checker::CheckAll() {
  ++statistics_.full_checks;
  for (const Frames& region : specification_.layout().ram) {
    for (std::uint64_t pfn = region.first; pfn < region.first + region.count; ++pfn) {
      CheckPage(pfn);
    }
  }
  CheckCounters();
  if (engine_.ownership().donated_pages().raw() != specification_.Donated()) {
    Differs("donated_pages is wrong", engine_.ownership().donated_pages().raw());
  }
  CheckBlocks();
  CheckHostTable();
  for (unsigned vm = 0; vm < specification_.layout().vms.size(); ++vm) {
    CheckMetadataChain(specification_.VmAt(vm));
    if (specification_.VmAt(vm).phase == Phase::kLive) {
      CheckVmTable(vm);
    }
  }
  return Outcome();
}

// What is the host's throughout is one block of 2 MiB at least.
void Checker::CheckBlocks() {
  constexpr std::uint64_t kBlock = 512;
  for (const Frames& region : specification_.layout().ram) {
    const std::uint64_t end = region.first + region.count;
    for (std::uint64_t at = (region.first + kBlock - 1) / kBlock * kBlock; at + kBlock <= end;
         at += kBlock) {
      bool hosts = true;
      for (std::uint64_t pfn = at; pfn < at + kBlock && hosts; ++pfn) {
        hosts = specification_.At(pfn).owner == Party::kHost;
      }
      if (hosts && Walk(engine_.HostTree(), at).level > 2) {
        Differs("a block of the host is in pieces, pfn", at);
      }
    }
  }
}

// RAM has been compared. Whatever else is there is MMIO, and every table page is accounted for.
void Checker::CheckHostTable() {
  const std::uint64_t tables =
      VisitAll(engine_.HostTree(), [&](std::uint64_t frame, const View& view, std::uint64_t pages) {
        if (specification_.IsRam(frame)) {
          return;
        }
        if (!view.mapped || !IsMmio(view, frame)) {
          Differs("the host's table has a strange entry outside RAM, frame", frame);
        }
        for (const Frames& region : specification_.layout().ram) {
          if (frame < region.first + region.count && region.first < frame + pages) {
            Differs("an MMIO block of the host covers RAM, frame", frame);
          }
        }
      });
  if (tables + engine_.ownership().host_pool().free_count().raw() != engine_.host_tables()) {
    Differs("table pages of the host are lost; in use", tables);
  }
  for (const std::uint64_t frame : specification_.mmio()) {
    if (!IsMmio(Walk(engine_.HostTree(), frame), frame)) {
      Differs("the host has no MMIO at frame", frame);
    }
  }
}

void Checker::CheckVmTable(unsigned vm) {
  const Vm& model = specification_.VmAt(vm);
  std::uint64_t entries = 0;
  const std::uint64_t tables =
      VisitAll(engine_.VmTree(vm), [&](std::uint64_t gfn, const View&, std::uint64_t pages) {
        ++entries;
        CheckGuestView(vm, gfn);
        if (pages != 1) {
          Differs("a VM's table has a block at gfn", gfn);
        }
      });
  if (entries != model.pages.size() + model.guarded.size()) {
    Differs("a VM's table has another number of entries", entries);
  }
  for (const auto& [gfn, pfn] : model.pages) {
    CheckGuestView(vm, gfn);
  }
  if (tables + engine_.vm(vm)->table().pool().free_count().raw() != model.table_pages) {
    Differs("table pages of a VM are lost; in use", tables);
  }
}

}  // namespace ravelin::model
