// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// Writes a flattened device tree from its start to its end. The first thing that goes wrong is
// remembered and reported by Finish(); until then calls need no checks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host_shim/vmm/error.h"

namespace ravelin::vmm {

class FdtWriter {
 public:
  // Opens the root node.
  explicit FdtWriter(std::size_t most_bytes);

  // An open node; its properties come before its children. Closed at the end of its life.
  class Node {
   public:
    Node(FdtWriter& writer, const std::string& name) : writer_(&writer) { writer.Open(name); }
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;
    ~Node() { writer_->Close(); }

   private:
    FdtWriter* writer_;
  };

  void Flag(const char* name);
  void Text(const char* name, std::string_view text);
  void Texts(const char* name, std::initializer_list<std::string_view> texts);
  // Cells of 32 bits.
  void Cells(const char* name, std::initializer_list<std::uint32_t> cells);
  // Pairs of cells: addresses and sizes.
  void Wide(const char* name, std::initializer_list<std::uint64_t> values);
  void Bytes(const char* name, std::span<const std::byte> bytes);

  // Closes the root node; the tree, packed.
  Result<std::vector<std::byte>> Finish();

 private:
  void Open(const std::string& name);
  void Close();
  void Note(int status);

  std::vector<std::byte> tree_;
  int error_ = 0;
};

}  // namespace ravelin::vmm
