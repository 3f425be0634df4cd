// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/arch/fake/machine.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <limits>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_map>
#include <unordered_set>

#include "hyp/base/invariant.h"
#include "stage2/machine.h"

namespace ravelin {
namespace fake {
namespace {

// Memory comes in chunks of some pages, so that an object of more than one page is contiguous.
constexpr std::uint64_t kChunkSize = kContiguousPages * kPageSize;

struct Chunk {
  alignas(kPageSize) std::array<std::byte, kChunkSize> bytes{};
};

struct State {
  std::mutex mutex;
  std::unordered_map<std::uint64_t, std::unique_ptr<Chunk>> chunks;
  std::unordered_set<std::uint64_t> monitor;
  std::vector<Event> log;
  std::atomic<std::uint64_t> barriers{0};
  std::uint64_t reserves_left = std::numeric_limits<std::uint64_t>::max();
};

State& TheState() {
  static State state;
  return state;
}

// Stays valid: memory is never removed but by Reset.
std::byte* ByteAt(Pa address) {
  State& state = TheState();
  const std::lock_guard lock(state.mutex);
  std::unique_ptr<Chunk>& chunk = state.chunks[address.raw() / kChunkSize];
  if (!chunk) {
    chunk = std::make_unique<Chunk>();
  }
  return &chunk->bytes[address.raw() % kChunkSize];
}

std::atomic_ref<std::uint64_t> WordAt(Pa address) {
  Invariant(IsAligned(address.raw(), 8), "fake memory is accessed by aligned words");
  return std::atomic_ref(*reinterpret_cast<std::uint64_t*>(ByteAt(address)));
}

void Record(Event event) {
  State& state = TheState();
  const std::lock_guard lock(state.mutex);
  state.log.push_back(event);
}

// Orders this thread after all that other threads did before their last barrier. A
// read-modify-write instead of a fence, which ThreadSanitizer does not model.
void Barrier() { TheState().barriers.fetch_add(1, std::memory_order_seq_cst); }

void Zero(Pa page) {
  Invariant(IsAligned(page.raw(), kPageSize), "whole pages are zeroed");
  const std::span words(reinterpret_cast<std::uint64_t*>(ByteAt(page)), kPageSize / 8);
  for (std::uint64_t& word : words) {
    std::atomic_ref(word).store(0, std::memory_order_relaxed);
  }
}

void RequireNotMapped(Pa page) {
  Invariant(!IsMappedForMonitor(ToPfn(page)), "the window is for pages not mapped in the monitor");
}

}  // namespace

void Reset() {
  State& state = TheState();
  const std::lock_guard lock(state.mutex);
  state.chunks.clear();
  state.monitor.clear();
  state.log.clear();
  state.reserves_left = std::numeric_limits<std::uint64_t>::max();
}

std::vector<Event> Log() {
  State& state = TheState();
  const std::lock_guard lock(state.mutex);
  return state.log;
}

void ClearLog() {
  State& state = TheState();
  const std::lock_guard lock(state.mutex);
  state.log.clear();
}

std::uint64_t Peek(Pa address) { return WordAt(address).load(std::memory_order_relaxed); }

void Poke(Pa address, std::uint64_t value) {
  WordAt(address).store(value, std::memory_order_relaxed);
}

void* MonitorBytes(Pa address) {
  Invariant(IsMappedForMonitor(ToPfn(address)), "the monitor touches only pages that it maps");
  return ByteAt(address);
}

bool IsMappedForMonitor(Pfn pfn) {
  State& state = TheState();
  const std::lock_guard lock(state.mutex);
  return state.monitor.contains(pfn.raw());
}

void FailReserveAfter(std::uint64_t count) {
  State& state = TheState();
  const std::lock_guard lock(state.mutex);
  state.reserves_left = count;
}

}  // namespace fake

namespace machine {

using fake::Event;

std::uint64_t LoadEntry(Pa entry) { return fake::WordAt(entry).load(std::memory_order_relaxed); }

void StoreEntry(Pa entry, std::uint64_t descriptor) {
  fake::WordAt(entry).store(descriptor, std::memory_order_relaxed);
  fake::Record({Event::Kind::kStore, Vmid{0}, entry.raw(), descriptor});
}

void PublishEntries() {
  fake::Barrier();
  fake::Record({Event::Kind::kPublish});
}

void ZeroTablePage(Pa page) {
  fake::Zero(page);
  fake::Record({Event::Kind::kZeroTable, Vmid{0}, page.raw()});
}

void FillTablePage(Pa page, std::uint64_t first, std::uint64_t step) {
  for (std::uint64_t i = 0; i < kPageSize / 8; ++i) {
    StoreEntry(page + 8 * i, first + step * i);
  }
}

bool HoldsSequence(Pa page, std::uint64_t first, std::uint64_t step) {
  for (std::uint64_t i = 0; i < kPageSize / 8; ++i) {
    if (LoadEntry(page + 8 * i) != first + step * i) {
      return false;
    }
  }
  return true;
}

void WipeMonitorPage(Pa page) {
  fake::Zero(page);
  fake::Record({Event::Kind::kWipe, Vmid{0}, page.raw()});
}

void WipePage(Pa page) {
  fake::RequireNotMapped(page);
  fake::Zero(page);
  fake::Record({Event::Kind::kWipe, Vmid{0}, page.raw()});
}

void CleanPage(Pa page) {
  fake::RequireNotMapped(page);
  fake::Record({Event::Kind::kClean, Vmid{0}, page.raw()});
}

void InvalidateInstructions() { fake::Record({Event::Kind::kInvalidateInstructions}); }

void InvalidatePages(Vmid vmid, Ipa first, PageCount count) {
  fake::Barrier();
  fake::Record({Event::Kind::kInvalidatePages, vmid, first.raw(), count.raw()});
}

void InvalidateVm(Vmid vmid) {
  fake::Barrier();
  fake::Record({Event::Kind::kInvalidateVm, vmid});
}

void InvalidateDevicePages(Vmid domain, Ipa first, PageCount count) {
  InvalidatePages(domain, first, count);
}

void InvalidateDevice(Vmid domain) { InvalidateVm(domain); }

Result<void> ReserveMonitorMap(PfnRange) {
  fake::State& state = fake::TheState();
  const std::lock_guard lock(state.mutex);
  if (state.reserves_left == 0) {
    return Failure{Error::kNoMemory};
  }
  --state.reserves_left;
  return {};
}

void MapForMonitor(PfnRange pages) {
  fake::State& state = fake::TheState();
  {
    const std::lock_guard lock(state.mutex);
    for (Pfn pfn = pages.first; pfn < pages.end(); pfn = pfn + PageCount{1}) {
      Invariant(state.monitor.insert(pfn.raw()).second, "a page is mapped once in the monitor");
    }
  }
  fake::Record({Event::Kind::kMapMonitor, Vmid{0}, ToPa(pages.first).raw(), pages.count.raw()});
}

void UnmapFromMonitor(PfnRange pages) {
  fake::State& state = fake::TheState();
  {
    const std::lock_guard lock(state.mutex);
    for (Pfn pfn = pages.first; pfn < pages.end(); pfn = pfn + PageCount{1}) {
      Invariant(state.monitor.erase(pfn.raw()) == 1, "only a mapped page is unmapped");
    }
  }
  fake::Record({Event::Kind::kUnmapMonitor, Vmid{0}, ToPa(pages.first).raw(), pages.count.raw()});
}

}  // namespace machine
}  // namespace ravelin
