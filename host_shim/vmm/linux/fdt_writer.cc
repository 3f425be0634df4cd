// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/linux/fdt_writer.h"

#include <libfdt.h>

#include <bit>

namespace ravelin::vmm {
namespace {

template <typename Word>
std::vector<std::byte> BigEndian(std::initializer_list<Word> words) {
  std::vector<std::byte> bytes;
  for (const Word word : words) {
    for (std::size_t i = sizeof(Word); i-- > 0;) {
      bytes.push_back(static_cast<std::byte>(word >> (8 * i)));
    }
  }
  return bytes;
}

}  // namespace

FdtWriter::FdtWriter(std::size_t most_bytes) : tree_(most_bytes) {
  Note(fdt_create(tree_.data(), static_cast<int>(tree_.size())));
  Note(fdt_finish_reservemap(tree_.data()));
  Open("");
}

void FdtWriter::Note(int status) {
  if (error_ == 0) error_ = status;
}

void FdtWriter::Open(const std::string& name) { Note(fdt_begin_node(tree_.data(), name.c_str())); }

void FdtWriter::Close() { Note(fdt_end_node(tree_.data())); }

// libfdt copies from the pointer also where there is nothing to copy: it must not be null.
void FdtWriter::Bytes(const char* name, std::span<const std::byte> bytes) {
  const void* const source = bytes.empty() ? name : static_cast<const void*>(bytes.data());
  Note(fdt_property(tree_.data(), name, source, static_cast<int>(bytes.size())));
}

void FdtWriter::Flag(const char* name) { Bytes(name, {}); }

void FdtWriter::Text(const char* name, std::string_view text) { Texts(name, {text}); }

void FdtWriter::Texts(const char* name, std::initializer_list<std::string_view> texts) {
  std::string joined;
  for (const std::string_view text : texts) joined.append(text).push_back('\0');
  Bytes(name, std::as_bytes(std::span{joined}));
}

void FdtWriter::Cells(const char* name, std::initializer_list<std::uint32_t> cells) {
  Bytes(name, BigEndian(cells));
}

void FdtWriter::Wide(const char* name, std::initializer_list<std::uint64_t> values) {
  Bytes(name, BigEndian(values));
}

Result<std::vector<std::byte>> FdtWriter::Finish() {
  Close();
  Note(fdt_finish(tree_.data()));
  if (error_ != 0) {
    return PlainFailure("cannot write the device tree: " + std::string{fdt_strerror(error_)});
  }
  tree_.resize(fdt_totalsize(tree_.data()));
  return std::move(tree_);
}

}  // namespace ravelin::vmm
