// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/virtio/hostile_queue.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "host_shim/vmm/virtio/block.h"
#include "host_shim/vmm/virtio/testing.h"

namespace ravelin::vmm::test {
namespace {

constexpr std::uint16_t kEntries = 16;
constexpr std::size_t kDiskBytes = 16 * VirtioBlock::kSectorBytes;
constexpr unsigned kRounds = 4;

std::unique_ptr<VirtioBlock> MakeDisk() {
  const UniqueFd file{::memfd_create("disk", 0)};
  if (!file.ok() || ::ftruncate(file.get(), kDiskBytes) != 0) std::abort();
  const std::string path = "/proc/self/fd/" + std::to_string(file.get());
  auto disk = VirtioBlock::Open(path, DiskAccess::kReadWrite, "fuzz");
  if (!disk) std::abort();
  return std::move(*disk);
}

}  // namespace

void ServeHostileQueue(std::span<const std::byte> bytes) {
  static TestMemory& memory = *new TestMemory;
  static VirtioBlock& disk = *MakeDisk().release();
  const std::size_t used = std::min<std::size_t>(bytes.size(), kMemoryBytes);
  std::byte* start = memory.memory().host_address();
  std::copy_n(bytes.begin(), used, start);
  std::fill(start + used, start + kMemoryBytes, std::byte{0});

  // Small steps: short inputs reach all rings.
  const auto ring = [](std::uint64_t offset) { return DmaAddress{Raw(kBase) + offset}; };
  Virtqueue queue{DmaMemory{memory.memory(), std::uint64_t{1} << 35}};
  const auto enabled =
      queue.Enable(kEntries, {.descriptors = ring(64), .available = ring(0), .used = ring(512)});
  if (!enabled) std::abort();
  for (unsigned round = 0; round < kRounds; ++round) {
    if (!disk.Serve(0, std::span{&queue, 1})) return;
  }
}

}  // namespace ravelin::vmm::test
