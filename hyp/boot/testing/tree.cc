// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/boot/testing/tree.h"

#include <libfdt.h>

#include "hyp/base/invariant.h"
#include "hyp/boot/device_tree.h"

namespace ravelin::boot::testing {
namespace {

void Require(int status) { Invariant(status >= 0, "libfdt edits the tree of a test"); }

int Offset(const void* tree, std::string_view path) {
  return fdt_path_offset_namelen(tree, path.data(), static_cast<int>(path.size()));
}

void AppendBigEndian(std::string& bytes, std::uint64_t value, int size) {
  for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<char>(value >> shift));
  }
}

}  // namespace

Tree::Tree() : bytes_(kMaxTreeSize) {
  Require(fdt_create_empty_tree(bytes_.data(), static_cast<int>(bytes_.size() / 2)));
  Cells("/", "#address-cells", {2}).Cells("/", "#size-cells", {2});
  Text("/memory@40000000", "device_type", "memory");
  Reg64("/memory@40000000", 0x4000'0000, 0x8000'0000);
  Cells("/cpus", "#address-cells", {1}).Cells("/cpus", "#size-cells", {0});
  for (const std::uint32_t i : {3U, 2U, 1U, 0U}) {  // libfdt puts a new node before the others
    const std::string cpu = "/cpus/cpu@" + std::to_string(i);
    Text(cpu, "device_type", "cpu").Cells(cpu, "reg", {i});
  }
  List("/psci", "compatible", {"arm,psci-1.0", "arm,psci-0.2", "arm,psci"});
  Text("/psci", "method", "smc");
  Text("/intc@8000000", "compatible", "arm,gic-v3");
  Text("/timer", "compatible", "arm,armv8-timer");
  Cells("/timer", "interrupts", {1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10, 4});
  List("/pl011@9000000", "compatible", {"arm,pl011", "arm,primecell"});
  Reg64("/pl011@9000000", 0x900'0000, 0x1000);
  Text("/chosen", "stdout-path", "/pl011@9000000");
  Module("/chosen/module@4a000000", "multiboot,kernel", 0x4a00'0000, 0x200'0000);
  Text("/chosen/module@4a000000", "bootargs", "console=ttyAMA0 root=/dev/vda");
  Module("/chosen/module@50000000", "multiboot,ramdisk", 0x5000'0000, 0x12'3456);
}

Tree& Tree::Node(std::string_view path) {
  Make(path);
  return *this;
}

int Tree::Make(std::string_view path) {
  if (const int found = Offset(bytes_.data(), path); found >= 0) {
    return found;
  }
  const std::size_t slash = path.rfind('/');
  const std::string_view name = path.substr(slash + 1);
  const int parent = Make(slash == 0 ? "/" : path.substr(0, slash));
  const int made =
      fdt_add_subnode_namelen(bytes_.data(), parent, name.data(), static_cast<int>(name.size()));
  Require(made);
  return made;
}

void Tree::Set(std::string_view path, const char* name, const void* value, std::size_t size) {
  Require(fdt_setprop(bytes_.data(), Make(path), name, value, static_cast<int>(size)));
}

Tree& Tree::Text(std::string_view path, const char* name, std::string_view text) {
  return List(path, name, {text});
}

Tree& Tree::List(std::string_view path, const char* name,
                 std::initializer_list<std::string_view> list) {
  std::string bytes;
  for (const std::string_view text : list) {
    bytes.append(text).push_back('\0');
  }
  Set(path, name, bytes.data(), bytes.size());
  return *this;
}

Tree& Tree::Cells(std::string_view path, const char* name,
                  std::initializer_list<std::uint32_t> cells) {
  std::string bytes;
  for (const std::uint32_t cell : cells) {
    AppendBigEndian(bytes, cell, 4);
  }
  Set(path, name, bytes.data(), bytes.size());
  return *this;
}

Tree& Tree::Reg64(std::string_view path, std::uint64_t address, std::uint64_t size) {
  std::string bytes;
  AppendBigEndian(bytes, address, 8);
  AppendBigEndian(bytes, size, 8);
  Set(path, "reg", bytes.data(), bytes.size());
  return *this;
}

Tree& Tree::Flag(std::string_view path, const char* name) {
  Set(path, name, nullptr, 0);
  return *this;
}

Tree& Tree::Remove(std::string_view path) {
  Require(fdt_del_node(bytes_.data(), Offset(bytes_.data(), path)));
  return *this;
}

Tree& Tree::RemoveProperty(std::string_view path, const char* name) {
  Require(fdt_delprop(bytes_.data(), Offset(bytes_.data(), path), name));
  return *this;
}

Tree& Tree::Reserve(std::uint64_t address, std::uint64_t size) {
  Require(fdt_add_mem_rsv(bytes_.data(), address, size));
  return *this;
}

Tree& Tree::Module(std::string_view path, std::string_view kind, std::uint64_t address,
                   std::uint64_t size) {
  return List(path, "compatible", {kind, "multiboot,module"}).Reg64(path, address, size);
}

std::size_t Tree::PackedSize() {
  Require(fdt_pack(bytes_.data()));
  return fdt_totalsize(bytes_.data());
}

bool HasNode(const void* tree, std::string_view path) { return Offset(tree, path) >= 0; }

std::string Property(const void* tree, std::string_view path, const char* name) {
  int size = 0;
  const void* const value = fdt_getprop(tree, Offset(tree, path), name, &size);
  return value == nullptr
             ? "<absent>"
             : std::string(static_cast<const char*>(value), static_cast<std::size_t>(size));
}

std::vector<std::uint32_t> PropertyCells(const void* tree, std::string_view path,
                                         const char* name) {
  const std::string bytes = Property(tree, path, name);
  std::vector<std::uint32_t> cells;
  for (std::size_t at = 0; at + 4 <= bytes.size(); at += 4) {
    std::uint32_t cell = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      cell = cell << 8 | static_cast<unsigned char>(bytes[at + i]);
    }
    cells.push_back(cell);
  }
  return cells;
}

}  // namespace ravelin::boot::testing
