// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// A device tree for tests: begins as what QEMU's `virt` machine with guest-loader hands over, and
// is edited by path. Lies in a buffer of kMaxTreeSize bytes, so that a sanitizer sees whoever reads
// beyond what may be read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace ravelin::boot::testing {

class Tree {
 public:
  // 2 GiB of RAM from 1 GiB on, 4 CPUs, kernel and ramdisk.
  Tree();

  // A node, with the nodes above it. Returns the tree, to go on.
  Tree& Node(std::string_view path);
  // A property of a node, which is made if it is missing.
  Tree& Text(std::string_view path, const char* name, std::string_view text);
  Tree& List(std::string_view path, const char* name, std::initializer_list<std::string_view> list);
  Tree& Cells(std::string_view path, const char* name, std::initializer_list<std::uint32_t> cells);
  Tree& Reg64(std::string_view path, std::uint64_t address, std::uint64_t size);
  Tree& Flag(std::string_view path, const char* name);

  Tree& Remove(std::string_view path);
  Tree& RemoveProperty(std::string_view path, const char* name);
  Tree& Reserve(std::uint64_t address, std::uint64_t size);  // in the reservation block
  Tree& Module(std::string_view path, std::string_view kind, std::uint64_t address,
               std::uint64_t size);

  [[nodiscard]] const void* blob() const { return bytes_.data(); }
  [[nodiscard]] std::vector<std::byte>& bytes() { return bytes_; }
  // Its end, without what is free in the buffer.
  [[nodiscard]] std::size_t PackedSize();

 private:
  int Make(std::string_view path);
  void Set(std::string_view path, const char* name, const void* value, std::size_t size);

  std::vector<std::byte> bytes_;
};

// --- Reading a finished tree.

[[nodiscard]] bool HasNode(const void* tree, std::string_view path);
// The property's bytes; "<absent>" if there is no such node or property.
[[nodiscard]] std::string Property(const void* tree, std::string_view path, const char* name);
// As 32-bit cells.
[[nodiscard]] std::vector<std::uint32_t> PropertyCells(const void* tree, std::string_view path,
                                                       const char* name);

}  // namespace ravelin::boot::testing
