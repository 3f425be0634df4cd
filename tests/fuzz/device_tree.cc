// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as the bootloader's device tree, or any edits of a good one. Must hold: nothing is read
// behind the size that the header claims; what is accepted is what the rest of the boot relies on
// (sorted RAM, payloads in it); the carve-out lies in free RAM; the host's tree is well-formed and
// reserves it. Under AddressSanitizer the bytes behind the tree are poisoned.
#include "hyp/boot/device_tree.h"

#include <libfdt.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "hyp/boot/host_tree.h"
#include "hyp/boot/placement.h"
#include "hyp/boot/testing/tree.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/verdict.h"

extern "C" {
// Of AddressSanitizer's runtime; nothing without it.
[[gnu::weak]] void __asan_poison_memory_region(const volatile void* start, std::size_t size);
[[gnu::weak]] void __asan_unpoison_memory_region(const volatile void* start, std::size_t size);
}

namespace ravelin::fuzz {
namespace {

using boot::Carveout;
using boot::Machine;
using boot::Region;
using boot::ReservedList;
using boot::testing::Tree;

constexpr unsigned kMaxEdits = 24;
constexpr std::uint64_t kHeader = 40;
constexpr std::uint64_t kPerCpu = 0xc000;

// Memory of which only the tree can be read.
class Fence {
 public:
  Fence(const void* blob, std::uint64_t readable)
      : behind_(static_cast<const std::byte*>(blob) + readable),
        size_(std::min(boot::kMaxTreeSize - readable, kFenced)) {
    if (__asan_poison_memory_region != nullptr) {
      __asan_poison_memory_region(behind_, size_);
    }
  }
  ~Fence() {
    if (__asan_unpoison_memory_region != nullptr) {
      __asan_unpoison_memory_region(behind_, size_);
    }
  }
  Fence(const Fence&) = delete;
  Fence& operator=(const Fence&) = delete;

 private:
  static constexpr std::uint64_t kFenced = 0x1'0000;

  const std::byte* behind_;
  std::uint64_t size_;
};

std::vector<std::byte>& Blob() {
  static std::vector<std::byte> blob(boot::kMaxTreeSize);
  return blob;
}

std::vector<std::byte>& HostBlob() {
  static std::vector<std::byte> blob(boot::kHostTreeSpace);
  return blob;
}

constexpr std::array<const char*, 16> kPaths{"/",
                                             "/memory@40000000",
                                             "/cpus",
                                             "/cpus/cpu@0",
                                             "/chosen",
                                             "/reserved-memory",
                                             "/psci",
                                             "/timer",
                                             "/intc@8000000",
                                             "/chosen/module@50000000",
                                             "/chosen/module@58000000",
                                             "/reserved-memory/a@60000000",
                                             "/memory@80000000",
                                             "/cpus/cpu@9",
                                             "/hypervisor",
                                             "/pl011@9000000"};
constexpr std::array<const char*, 16> kNames{
    "reg",     "#address-cells",     "#size-cells", "device_type", "compatible", "status",
    "method",  "bootargs",           "stdout-path", "ranges",      "no-map",     "interrupt-names",
    "phandle", "linux,initrd-start", "interrupts",  "size"};
constexpr std::array<const char*, 16> kTexts{"memory",
                                             "cpu",
                                             "okay",
                                             "disabled",
                                             "multiboot,module",
                                             "multiboot,kernel",
                                             "multiboot,ramdisk",
                                             "smc",
                                             "hvc",
                                             "arm,gic-v3",
                                             "arm,psci-1.0",
                                             "/pl011@9000000:115200",
                                             "",
                                             "ravelin.mode=none ravelin.mode=protected",
                                             "ravelin.mode=",
                                             "arm,pl011"};
constexpr std::array<std::uint64_t, 12> kAddresses{
    0,           0x4000'0000,      0x4000'0001,      0x5000'0000,        0xbfff'f000,
    0xc000'0000, 0x8'0000'0000,    0xffff'ffff'f000, 0x1'0000'0000'0000, 0x1000,
    0x20'0000,   ~std::uint64_t{0}};

// A good tree, with some edits.
void Edit(Tree& tree, Input& input) {
  const char* const path = input.Pick(kPaths);
  const char* const name = input.Pick(kNames);
  switch (input.Byte() % 9) {
    case 0:
      tree.Node(path);
      break;
    case 1:
      tree.Text(path, name, input.Pick(kTexts));
      break;
    case 2:
      tree.Cells(path, name, {static_cast<std::uint32_t>(input.Number(4))});
      break;
    case 3:
      tree.Cells(path, name, {input.Byte(), static_cast<std::uint32_t>(input.Pick(kAddresses))});
      break;
    case 4:
    case 5:
      tree.Reg64(path, input.Pick(kAddresses), input.Pick(kAddresses));
      break;
    case 6:
      tree.Flag(path, name);
      break;
    case 7:
      tree.Reserve(input.Pick(kAddresses), input.Pick(kAddresses));
      break;
    default:
      if (boot::testing::HasNode(tree.blob(), path) && std::strlen(path) > 1) {
        tree.Remove(path);
      }
      break;
  }
}

// The tree's buffer is large and mostly unused: only its front changes and is put back.
void FromEdits(Input& input) {
  constexpr std::ptrdiff_t kFront = 0x1'0000;
  static Tree tree;
  static const std::vector<std::byte> good(tree.bytes().begin(), tree.bytes().begin() + kFront);
  std::ranges::copy(good, tree.bytes().begin());
  for (unsigned i = 0; i < kMaxEdits && !input.empty(); ++i) {
    Edit(tree, input);
  }
  fdt_pack(tree.bytes().data());
  std::copy_n(tree.bytes().begin(), kFront, Blob().begin());
}

void FromBytes(std::span<const std::uint8_t> bytes) {
  std::memcpy(Blob().data(), bytes.data(), std::min(bytes.size(), Blob().size()));
}

void CheckMachine(const Machine& machine) {
  const auto in_ram = [&](const Region& region) {
    return region.size != 0 && std::ranges::any_of(machine.ram, [&](const Region& ram) {
             return ram.Contains(region);
           });
  };
  Require(!machine.ram.empty() && !machine.cpus.empty(), "a machine without RAM or CPUs");
  std::uint64_t end = 0;
  for (const Region& ram : machine.ram) {
    Require(ram.first.raw() >= end && ram.size != 0, "RAM is not sorted and disjoint");
    Require(ram.first.raw() % kPageSize == 0 && ram.size % kPageSize == 0, "not whole pages");
    end = ram.end().raw();
    Require(end > ram.first.raw() && end >> 48 <= 1, "RAM beyond 48 bits");
  }
  Require(in_ram(machine.kernel), "the kernel is not in RAM");
  Require(!machine.ramdisk || in_ram(*machine.ramdisk), "the ramdisk is not in RAM");
}

void CheckCarveout(const Machine& machine, const ReservedList& occupied, const Carveout& carveout,
                   std::uint64_t size) {
  const Region whole{carveout.host_tree.first, boot::kHostTreeSpace + size};
  Require(carveout.host_tree.end() == carveout.monitor.first && carveout.monitor.size == size &&
              carveout.host_tree.first.raw() % boot::kCarveoutAlignment == 0,
          "the shape of the carve-out");
  Require(std::ranges::any_of(machine.ram, [&](const Region& r) { return r.Contains(whole); }),
          "a carve-out outside RAM");
  for (const auto* const list : {&machine.reserved, &occupied}) {
    for (const Region& region : *list) {
      Require(region.size == 0 || !region.Overlaps(whole), "a carve-out in what is taken");
    }
  }
}

void CheckHostTree(const void* source, const Machine& machine, const Carveout& carveout) {
  const auto size =
      boot::WriteHostTree(source, HostBlob(), {.machine = &machine, .carveout = carveout.monitor});
  if (!size) {
    return Require(!size.error().empty(), "a refusal without a reason");
  }
  const void* const tree = HostBlob().data();
  Require(fdt_check_full(tree, *size) == 0, "the host's tree is malformed");
  const auto reg = boot::testing::PropertyCells(tree, "/reserved-memory/ravelin-monitor", "reg");
  const std::uint64_t first = carveout.monitor.first.raw();
  const std::uint64_t bytes = carveout.monitor.size;
  const std::vector<std::uint32_t> wide{
      static_cast<std::uint32_t>(first >> 32), static_cast<std::uint32_t>(first),
      static_cast<std::uint32_t>(bytes >> 32), static_cast<std::uint32_t>(bytes)};
  Require(reg == wide || reg == std::vector{wide[1], wide[3]} ||
              reg == std::vector{wide[0], wide[1], wide[3]} ||
              reg == std::vector{wide[1], wide[2], wide[3]},
          "the host's tree does not reserve the carve-out");
}

void Boot(const void* blob) {
  const auto size = [&] {
    const Fence fence(blob, kHeader);
    return boot::TreeSize(blob);
  }();
  if (!size) {
    return Require(!boot::ReadDeviceTree(blob), "a tree without a header is accepted");
  }
  const Fence fence(blob, std::max(*size, kHeader));
  const auto machine = boot::ReadDeviceTree(blob);
  if (!machine) {
    return Require(!machine.error().empty(), "a refusal without a reason");
  }
  CheckMachine(*machine);
  const auto mode = boot::ReadMode(machine->bootargs);
  Require(mode || !mode.error().empty(), "a refusal without a reason");
  ReservedList occupied;
  Require(occupied.Add(machine->kernel).has_value(), "room for the kernel");
  if (const auto& ramdisk = machine->ramdisk) {
    Require(occupied.Add(*ramdisk).has_value(), "room for the ramdisk");
  }
  const std::uint64_t bytes = boot::CarveoutSize(*machine, kPerCpu);
  if (const auto carveout = boot::PlaceCarveout(*machine, occupied, bytes)) {
    CheckCarveout(*machine, occupied, *carveout, bytes);
    CheckHostTree(blob, *machine, *carveout);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::array<std::uint8_t, 4> kMagic{0xd0, 0x0d, 0xfe, 0xed};
  const bool is_tree = size >= kMagic.size() && std::equal(kMagic.begin(), kMagic.end(), data);
  Input input(data, size);
  if (is_tree) {
    FromBytes({data, size});
  } else {
    FromEdits(input);
  }
  Boot(Blob().data());
  return 0;
}

}  // namespace ravelin::fuzz
