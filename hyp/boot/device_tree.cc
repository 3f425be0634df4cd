// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/boot/device_tree.h"

#include <libfdt.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace ravelin::boot {
namespace {

// A property's bytes, or nothing.
struct Property {
  const unsigned char* data = nullptr;
  int size = 0;

  [[nodiscard]] bool exists() const { return data != nullptr; }
  // Up to the terminating zero, or to the end if there is none.
  [[nodiscard]] std::string_view text() const {
    const std::string_view all(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
    return data == nullptr ? std::string_view{} : all.substr(0, all.find('\0'));
  }
};

Property Find(const void* tree, int node, const char* name) {
  Property property;
  property.data = static_cast<const unsigned char*>(fdt_getprop(tree, node, name, &property.size));
  return property;
}

// A number of `cells` 32-bit big-endian cells (1 or 2).
std::uint64_t ReadCells(const unsigned char* data, int cells) {
  std::uint64_t value = 0;
  for (int i = 0; i < cells * 4; ++i) {
    value = (value << 8) | data[i];
  }
  return value;
}

struct RegLayout {
  int address_cells;
  int size_cells;

  [[nodiscard]] std::ptrdiff_t address_bytes() const { return std::ptrdiff_t{4} * address_cells; }
  [[nodiscard]] int entry_bytes() const { return (address_cells + size_cells) * 4; }
};

// QEMU's guest-loader leaves the cells of /chosen out and means those of the root; the defaults of
// the specification (2 and 1) are what nobody means.
Accepted<RegLayout> LayoutOf(const void* tree, int parent) {
  if (!Find(tree, parent, "#size-cells").exists()) {
    parent = 0;
  }
  const RegLayout layout{fdt_address_cells(tree, parent), fdt_size_cells(tree, parent)};
  if (layout.address_cells < 1 || layout.address_cells > 2 || layout.size_cells < 0 ||
      layout.size_cells > 2) {
    return Refusal("device tree: #address-cells or #size-cells out of range");
  }
  return layout;
}

// Its end does not wrap either.
bool IsAddressable(const Region& region) {
  constexpr std::uint64_t kLimit = std::uint64_t{1} << kMaxAddressBits;
  return region.first.raw() < kLimit && region.size <= kLimit - region.first.raw();
}

// Calls `add` with each region of a node's `reg`.
template <typename Add>
Accepted<std::uint64_t> ForEachReg(const void* tree, int node, Add add) {
  const int parent = fdt_parent_offset(tree, node);
  const auto layout = LayoutOf(tree, parent);
  if (!layout) {
    return Refusal(layout.error());
  }
  const Property reg = Find(tree, node, "reg");
  if (!reg.exists() || layout->size_cells == 0 || reg.size % layout->entry_bytes() != 0) {
    return Refusal("device tree: a node has no well-formed reg");
  }
  std::uint64_t count = 0;
  for (int at = 0; at < reg.size; at += layout->entry_bytes(), ++count) {
    const unsigned char* const address = reg.data + at;
    const unsigned char* const size = address + layout->address_bytes();
    const Region region{Pa{ReadCells(address, layout->address_cells)},
                        ReadCells(size, layout->size_cells)};
    if (!IsAddressable(region)) {
      return Refusal("device tree: a region lies above the 48-bit physical address space");
    }
    if (!add(region)) {
      return Refusal("device tree: more regions of memory than the monitor can record");
    }
  }
  return count;
}

Accepted<Region> SingleReg(const void* tree, int node) {
  Region found;
  const auto count = ForEachReg(tree, node, [&](const Region& region) {
    found = region;
    return true;
  });
  if (!count) {
    return Refusal(count.error());
  }
  if (*count != 1) {
    return Refusal("device tree: a payload or device has more than one region");
  }
  return found;
}

bool IsCompatible(const void* tree, int node, const char* compatible) {
  return fdt_node_check_compatible(tree, node, compatible) == 0;
}

Region WholePages(const Region& region) {
  const std::uint64_t first = AlignUp(region.first.raw(), kPageSize);
  const std::uint64_t end = AlignDown(region.end().raw(), kPageSize);
  return {Pa{first}, end > first ? end - first : 0};
}

// Memory for another world, such as the secure RAM of QEMU, is described but not enabled.
bool IsEnabled(const void* tree, int node) {
  const Property status = Find(tree, node, "status");
  return !status.exists() || status.text() == "okay" || status.text() == "ok";
}

Accepted<bool> ReadMemory(const void* tree, Machine& machine) {
  for (int node = fdt_node_offset_by_prop_value(tree, -1, "device_type", "memory", 7); node >= 0;
       node = fdt_node_offset_by_prop_value(tree, node, "device_type", "memory", 7)) {
    if (!IsEnabled(tree, node)) {
      continue;
    }
    const auto count = ForEachReg(tree, node, [&](const Region& region) {
      const Region pages = WholePages(region);
      return pages.size == 0 || machine.ram.Add(pages).has_value();
    });
    if (!count) {
      return Refusal(count.error());
    }
  }
  if (machine.ram.empty()) {
    return Refusal("device tree: no memory node");
  }
  std::sort(machine.ram.begin(), machine.ram.end(),
            [](const Region& a, const Region& b) { return a.first < b.first; });
  for (std::size_t i = 1; i < machine.ram.size(); ++i) {
    if (machine.ram[i - 1].Overlaps(machine.ram[i])) {
      return Refusal("device tree: memory regions overlap");
    }
  }
  return true;
}

Accepted<bool> ReadReserved(const void* tree, Machine& machine) {
  for (int i = 0; i < fdt_num_mem_rsv(tree); ++i) {
    std::uint64_t address = 0;
    std::uint64_t size = 0;
    if (fdt_get_mem_rsv(tree, i, &address, &size) != 0 || !IsAddressable({Pa{address}, size}) ||
        !machine.reserved.Add({Pa{address}, size})) {
      return Refusal("device tree: the memory reservation block is malformed or too long");
    }
  }
  const int parent = fdt_path_offset(tree, "/reserved-memory");
  for (int node = parent < 0 ? -1 : fdt_first_subnode(tree, parent); node >= 0;
       node = fdt_next_subnode(tree, node)) {
    if (!Find(tree, node, "reg").exists()) {
      continue;  // placed by Linux, not by the bootloader
    }
    const auto count = ForEachReg(
        tree, node, [&](const Region& region) { return machine.reserved.Add(region).has_value(); });
    if (!count) {
      return Refusal(count.error());
    }
  }
  return true;
}

Accepted<bool> ReadCpus(const void* tree, Machine& machine) {
  const int parent = fdt_path_offset(tree, "/cpus");
  if (parent < 0) {
    return Refusal("device tree: no /cpus");
  }
  const int cells = fdt_address_cells(tree, parent);
  for (int node = fdt_first_subnode(tree, parent); node >= 0; node = fdt_next_subnode(tree, node)) {
    if (Find(tree, node, "device_type").text() != "cpu") {
      continue;
    }
    const Property reg = Find(tree, node, "reg");
    if (!reg.exists() || cells < 1 || cells > 2 || reg.size != cells * 4) {
      return Refusal("device tree: a cpu node has no well-formed reg");
    }
    if (!machine.cpus.Add(ReadCells(reg.data, cells))) {
      return Refusal("device tree: more than 64 CPUs");
    }
  }
  if (machine.cpus.empty()) {
    return Refusal("device tree: no cpu node");
  }
  return true;
}

Accepted<bool> CheckFirmware(const void* tree) {
  if (fdt_node_offset_by_compatible(tree, -1, "arm,gic-v3") < 0) {
    return Refusal("no GICv3 (compatible arm,gic-v3) in the device tree; QEMU: gic-version=3");
  }
  int node = fdt_node_offset_by_compatible(tree, -1, "arm,psci-1.0");
  if (node < 0) {
    node = fdt_node_offset_by_compatible(tree, -1, "arm,psci-0.2");
  }
  if (node < 0) {
    return Refusal("no PSCI 0.2 or later in the device tree");
  }
  if (Find(tree, node, "method").text() != "smc") {
    return Refusal("PSCI is not called by SMC; QEMU: virtualization=on");
  }
  return true;
}

// `reg` has the distributor, the regions of redistributors, and what older CPU interfaces need.
// Without a redistributor the host can be served, so that none is no reason to refuse the machine.
void ReadRedistributors(const void* tree, Machine& machine) {
  const int node = fdt_node_offset_by_compatible(tree, -1, "arm,gic-v3");
  const Property number = Find(tree, node, "#redistributor-regions");
  const Property stride = Find(tree, node, "redistributor-stride");
  const std::uint64_t regions = number.size == 4 ? ReadCells(number.data, 1) : 1;
  std::uint64_t at = 0;
  const auto count = ForEachReg(tree, node, [&](const Region& region) {
    const bool is_redistributor = at >= 1 && at <= regions;
    ++at;
    return !is_redistributor || machine.redistributors.regions.Add(region).has_value();
  });
  if (!count) {
    machine.redistributors = {};
    return;
  }
  if (stride.exists() && (stride.size == 4 || stride.size == 8)) {
    machine.redistributors.stride = ReadCells(stride.data, stride.size / 4);
  }
}

std::optional<Pa> ReadUart(const void* tree) {
  const int chosen = fdt_path_offset(tree, "/chosen");
  if (chosen < 0) {
    return std::nullopt;
  }
  // The path ends at a colon, behind which are options of the line.
  const Property path = Find(tree, chosen, "stdout-path");
  if (!path.exists()) {
    return std::nullopt;
  }
  const std::size_t length = std::min(path.text().find(':'), path.text().size());
  const int node = fdt_path_offset_namelen(tree, reinterpret_cast<const char*>(path.data),
                                           static_cast<int>(length));
  if (node < 0 || !IsCompatible(tree, node, "arm,pl011")) {
    return std::nullopt;
  }
  const auto reg = SingleReg(tree, node);
  return reg ? std::optional(reg->first) : std::nullopt;
}

bool LiesInRam(const Machine& machine, const Region& region) {
  return region.size != 0 && std::any_of(machine.ram.begin(), machine.ram.end(),
                                         [&](const Region& ram) { return ram.Contains(region); });
}

Accepted<bool> ReadPayloads(const void* tree, Machine& machine) {
  const int chosen = fdt_path_offset(tree, "/chosen");
  bool has_kernel = false;
  for (int node = chosen < 0 ? -1 : fdt_first_subnode(tree, chosen); node >= 0;
       node = fdt_next_subnode(tree, node)) {
    if (!IsCompatible(tree, node, "multiboot,module")) {
      continue;
    }
    const auto region = SingleReg(tree, node);
    if (!region) {
      return Refusal(region.error());
    }
    if (!LiesInRam(machine, *region)) {
      return Refusal("a multiboot,module lies outside RAM or is empty");
    }
    if (IsCompatible(tree, node, "multiboot,kernel")) {
      if (has_kernel) {
        return Refusal("two multiboot,kernel modules: which one is the host?");
      }
      has_kernel = true;
      machine.kernel = *region;
      machine.bootargs = Find(tree, node, "bootargs").text();
    } else if (IsCompatible(tree, node, "multiboot,ramdisk")) {
      machine.ramdisk = *region;
    }
  }
  if (!has_kernel) {
    return Refusal("no host kernel: /chosen has no multiboot,kernel module (QEMU: guest-loader)");
  }
  if (machine.ramdisk && machine.ramdisk->Overlaps(machine.kernel)) {
    return Refusal("the host's kernel and ramdisk overlap");
  }
  return true;
}

}  // namespace

Accepted<std::uint64_t> TreeSize(const void* blob) {
  // libfdt reads whole words and leaves their alignment (Devicetree Specification 5.6) to the
  // caller.
  if (!IsAligned(reinterpret_cast<std::uintptr_t>(blob), 8) || fdt_check_header(blob) != 0) {
    return Refusal("no device tree where x0 points to");
  }
  if (!IsAligned(fdt_off_dt_struct(blob), 4) || !IsAligned(fdt_off_mem_rsvmap(blob), 8)) {
    return Refusal("device tree: malformed");
  }
  const std::uint64_t size = fdt_totalsize(blob);
  if (size > kMaxTreeSize) {
    return Refusal("device tree: larger than 2 MiB");
  }
  return size;
}

Accepted<Machine> ReadDeviceTree(const void* blob) {
  const auto size = TreeSize(blob);
  if (!size) {
    return Refusal(size.error());
  }
  if (fdt_check_full(blob, *size) != 0) {
    return Refusal("device tree: malformed");
  }
  Machine machine;
  for (const auto& step : {ReadMemory, ReadReserved, ReadCpus, ReadPayloads}) {
    if (const auto read = step(blob, machine); !read) {
      return Refusal(read.error());
    }
  }
  if (const auto firmware = CheckFirmware(blob); !firmware) {
    return Refusal(firmware.error());
  }
  ReadRedistributors(blob, machine);
  machine.uart = ReadUart(blob);
  return machine;
}

std::optional<std::string_view> FindOption(std::string_view bootargs, std::string_view name) {
  std::optional<std::string_view> found;
  while (!bootargs.empty()) {
    const std::size_t length = std::min(bootargs.find(' '), bootargs.size());
    std::string_view word = bootargs;
    word.remove_suffix(word.size() - length);
    if (word.size() > name.size() && word.starts_with(name) && word[name.size()] == '=') {
      word.remove_prefix(name.size() + 1);
      found = word;
    }
    bootargs.remove_prefix(std::min(length + 1, bootargs.size()));
  }
  return found;
}

Accepted<Mode> ReadMode(std::string_view bootargs) {
  const auto value = FindOption(bootargs, "ravelin.mode");
  if (!value) {
    return Mode::kProtected;
  }
  for (const Mode mode : {Mode::kProtected, Mode::kNvhe, Mode::kNone}) {
    if (*value == ModeName(mode)) {
      return mode;
    }
  }
  return Refusal("ravelin.mode= is not one of protected, nvhe, none");
}

std::string_view ModeName(Mode mode) {
  constexpr std::array<std::string_view, 3> kNames = {"protected", "nvhe", "none"};
  return kNames[static_cast<std::size_t>(mode)];
}

Accepted<KernelImage> ReadKernelHeader(const void* header, const Region& where) {
  constexpr std::uint64_t kHeaderSize = 64;
  constexpr std::uint64_t kAlignment = std::uint64_t{2} << 20;
  const auto* bytes = static_cast<const unsigned char*>(header);
  if (where.size < kHeaderSize) {
    return Refusal("the host kernel is shorter than an arm64 Image header");
  }
  if (bytes[0] == 0x1f && bytes[1] == 0x8b) {
    return Refusal("the host kernel is gzip-compressed; give it unpacked (arm64 Image)");
  }
  if (std::memcmp(bytes + 56, "ARM\x64", 4) != 0) {
    return Refusal("the host kernel is no arm64 Image (no magic ARM\\x64)");
  }
  const auto word = [&](unsigned at) {
    std::uint64_t value = 0;
    for (unsigned i = 8; i > 0; --i) {
      value = (value << 8) | bytes[at + i - 1];
    }
    return value;
  };
  if (!IsAligned(where.first.raw() - word(8), kAlignment)) {
    return Refusal("the host kernel is not loaded at a multiple of 2 MiB");
  }
  const std::uint64_t image_size = word(16);
  if (image_size == 0 || image_size > (std::uint64_t{1} << 32)) {
    return Refusal("the host kernel's header gives no plausible image size");
  }
  return KernelImage{std::max(image_size, where.size)};
}

}  // namespace ravelin::boot
