// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/arch/aarch64/monitor_map.h"

#include <atomic>

#include "hyp/arch/aarch64/barrier.h"
#include "hyp/arch/aarch64/layout.h"
#include "hyp/arch/aarch64/linker.h"
#include "hyp/arch/aarch64/per_cpu.h"
#include "hyp/arch/aarch64/stage1.h"
#include "hyp/arch/aarch64/tlb.h"
#include "hyp/base/invariant.h"
#include "hyp/base/locked.h"
#include "stage2/machine.h"

namespace ravelin {
namespace {

constexpr unsigned kLeafLevel = 3;
constexpr unsigned kBlockLevel = 2;
constexpr std::uint64_t kBlock2M = std::uint64_t{2} << 20;

constinit Pa root_table;
// The leaf entries of the windows, in the order of CPUs: one table has room for all.
static_assert(stage1::Index(kWindowBase, kLeafLevel) == 0);
constinit std::uint64_t* window_entries = nullptr;
constinit std::uint64_t device_pages = 0;

std::uint64_t* Entries(std::uint64_t table) { return LinearPointer<std::uint64_t>(Pa{table}); }

void Store(std::uint64_t& entry, std::uint64_t descriptor) {
  std::atomic_ref(entry).store(descriptor, std::memory_order_relaxed);
}

Pa NewTable(boot::Arena& arena) {
  const Pa page = ToPa(arena.Take(PageCount{1}).first);
  machine::ZeroTablePage(page);
  return page;
}

// The entry for `va` at `level`, with the tables above it made if they are missing.
std::uint64_t& MakeEntry(std::uint64_t va, unsigned level, boot::Arena& arena) {
  std::uint64_t table = root_table.raw();
  for (unsigned at = 0; at < level; ++at) {
    std::uint64_t& entry = Entries(table)[stage1::Index(va, at)];
    if (entry == 0) {
      entry = NewTable(arena).raw() | stage1::kTable;
    }
    table = entry & stage1::kAddressMask;
  }
  return Entries(table)[stage1::Index(va, level)];
}

// The leaf entry for `va`, whose tables exist.
std::uint64_t& LeafEntry(std::uint64_t va) {
  std::uint64_t table = root_table.raw();
#pragma GCC unroll 3
  for (unsigned at = 0; at < kLeafLevel; ++at) {
    const std::uint64_t entry = Entries(table)[stage1::Index(va, at)];
    Invariant((entry & stage1::kTable) == stage1::kTable,
              "tables for all RAM and windows exist since boot; ownership admits only RAM");
    table = entry & stage1::kAddressMask;
  }
  return Entries(table)[stage1::Index(va, kLeafLevel)];
}

void MapPages(std::uint64_t va, Pa pa, std::uint64_t size, std::uint64_t attributes,
              boot::Arena& arena) {
  for (std::uint64_t done = 0; done < size; done += kPageSize) {
    MakeEntry(va + done, kLeafLevel, arena) = (pa.raw() + done) | attributes | stage1::kPage;
  }
}

std::uint64_t CodeAttributes() {
  const bool bti = Field<3, 0>::Get(sysreg::IdAa64Pfr1El1::Read()) != 0;
  return stage1::kCode | (bti ? stage1::kGuarded : 0);
}

void MapImage(Pa image, boot::Arena& arena) {
  const auto map = [&](const char* first, const char* end, std::uint64_t attributes) {
    const std::uint64_t va = reinterpret_cast<std::uint64_t>(first);
    const std::uint64_t size = AlignUp(reinterpret_cast<std::uint64_t>(end), kPageSize) - va;
    MapPages(va, image + (va - kImageBase), size, attributes, arena);
  };
  map(__text_start, __text_end, CodeAttributes());
  map(__text_end, __rodata_end, stage1::kDataRo);
  map(__rodata_end, __image_end, stage1::kDataRw);
  const Pa idmap = image + (reinterpret_cast<std::uint64_t>(__idmap_start) - kImageBase);
  MapPages(idmap.raw(), idmap, kPageSize, CodeAttributes(), arena);
}

// The carve-out behind the image, with blocks where they fit.
void MapCarveout(PfnRange carveout, Pa image_end, boot::Arena& arena) {
  const std::uint64_t end = ToPa(carveout.end()).raw();
  for (std::uint64_t pa = image_end.raw(); pa < end;) {
    const bool block = IsAligned(pa, kBlock2M) && pa + kBlock2M <= end;
    const std::uint64_t va = LinearVa(Pa{pa}).raw();
    MakeEntry(va, block ? kBlockLevel : kLeafLevel, arena) =
        pa | stage1::kDataRw | (block ? stage1::kBlock : stage1::kPage);
    pa += block ? kBlock2M : kPageSize;
  }
}

void PrepareRam(std::span<const PfnRange> ram, PfnRange carveout, boot::Arena& arena) {
  for (const PfnRange& region : ram) {
    const std::uint64_t end = ToPa(region.end()).raw();
    for (std::uint64_t pa = ToPa(region.first).raw(); pa < end;
         pa = AlignDown(pa, kBlock2M) + kBlock2M) {
      if (!carveout.Contains(ToPfn(Pa{pa}))) {
        static_cast<void>(MakeEntry(LinearVa(Pa{pa}).raw(), kLeafLevel, arena));
      }
    }
  }
}

std::uint64_t WindowVa(CpuIndex cpu) { return kWindowBase + cpu.raw() * kPageSize; }
std::uint64_t& WindowEntry(CpuIndex cpu) { return window_entries[cpu.raw()]; }

// Only this CPU has used the window: a local invalidation is enough.
void CloseWindow(CpuIndex cpu) {
  Store(WindowEntry(cpu), 0);
  const std::uint64_t page = WindowVa(cpu) >> kPageShift;
  asm volatile("dsb nshst; tlbi vae2, %0; dsb nsh; isb" : : "r"(page) : "memory");
}

// `change(page, its leaf entry)` for each page, with one walk for those of a table.
template <typename Change>
void ForEachLeaf(PfnRange pages, Change change) {
  std::uint64_t* entry = nullptr;
  for (Pfn page = pages.first; page < pages.end(); page = page + PageCount{1}) {
    const bool new_table = entry == nullptr || page.raw() % stage1::kEntries == 0;
    entry = new_table ? &LeafEntry(LinearVa(ToPa(page)).raw()) : entry + 1;
    change(page, *entry);
  }
}

// Leaf entries change under this lock; it protects no C++ object, only the order of changes.
struct LeafChanges {};
constinit Locked<LeafChanges, Rank::kMonitorMap> leaf_changes;

}  // namespace

void BuildMonitorMap(const MonitorMapPlan& plan, boot::Arena& arena) {
  root_table = NewTable(arena);
  MapImage(plan.image, arena);
  const std::uint64_t image_size =
      AlignUp(reinterpret_cast<std::uint64_t>(__image_end) - kImageBase, kPageSize);
  MapCarveout(plan.carveout, plan.image + image_size, arena);
  PrepareRam(plan.ram, plan.carveout, arena);
  Invariant(plan.cpus <= stage1::kEntries, "the device tree's reader admits far fewer CPUs");
  window_entries = &MakeEntry(WindowVa(CpuIndex{0}), kLeafLevel, arena);
}

Pa MonitorMapRoot() { return root_table; }

Va MapDevice(Pa page, boot::Arena& arena) {
  const std::uint64_t va = kDeviceBase + device_pages++ * kPageSize;
  MapPages(va, page, kPageSize, stage1::kMmio, arena);
  return Va{va};
}

Va StackTop(CpuIndex cpu) { return Va{kStackBase + (cpu.raw() + 1) * kStackSlot}; }

void MapStack(CpuIndex cpu, boot::Arena& arena) {
  const PageCount pages{kStackSlot / kPageSize - 1};
  const std::uint64_t size = pages.raw() * kPageSize;
  MapPages(StackTop(cpu).raw() - size, ToPa(arena.Take(pages).first), size, stage1::kDataRw, arena);
}

PageWindow::PageWindow(Pa page) : cpu_(ThisCpu().index), va_(WindowVa(cpu_)) {
  std::uint64_t& entry = WindowEntry(cpu_);
  Invariant(entry == 0, "one window per CPU at a time: no caller nests them");
  Store(entry, page.raw() | stage1::kDataRw | stage1::kPage);
  DsbNshst();
  Isb();
}

PageWindow::~PageWindow() { CloseWindow(cpu_); }

void AbandonWindow() { CloseWindow(ThisCpu().index); }

namespace machine {

// Tables for all of RAM exist since boot.
Result<void> ReserveMonitorMap(PfnRange) { return {}; }

void MapForMonitor(PfnRange pages) {
  const auto guard = leaf_changes.Lock();
  ForEachLeaf(pages, [](Pfn page, std::uint64_t& entry) {
    Invariant(entry == 0, "a page is mapped into the monitor once: its record says so");
    Store(entry, ToPa(page).raw() | stage1::kDataRw | stage1::kPage);
  });
  DsbIshst();
  Isb();
}

void UnmapFromMonitor(PfnRange pages) {
  const auto guard = leaf_changes.Lock();
  ForEachLeaf(pages, [](Pfn, std::uint64_t& entry) { Store(entry, 0); });
  DsbIshst();
  for (Pfn at = pages.first; at < pages.end(); at = at + PageCount{1}) {
    asm volatile("tlbi vae2is, %0" : : "r"(LinearVa(ToPa(at)).raw() >> kPageShift) : "memory");
  }
  tlb::CompleteBroadcast();
}

}  // namespace machine
}  // namespace ravelin
