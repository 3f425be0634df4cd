// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/mapping.h"

#include <sys/mman.h>

#include <utility>

namespace ravelin::vmm {
namespace {

constexpr int kReadWrite = PROT_READ | PROT_WRITE;

}  // namespace

Result<Mapping> Mapping::Anonymous(std::size_t bytes) {
  void* data =
      ::mmap(nullptr, bytes, kReadWrite, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED) return ErrnoFailure("cannot map " + std::to_string(bytes) + " bytes");
  return Mapping{static_cast<std::byte*>(data), bytes};
}

Result<Mapping> Mapping::OfFile(const UniqueFd& file, std::size_t bytes) {
  void* data = ::mmap(nullptr, bytes, kReadWrite, MAP_SHARED, file.get(), 0);
  if (data == MAP_FAILED) return ErrnoFailure("cannot map " + std::to_string(bytes) + " bytes");
  return Mapping{static_cast<std::byte*>(data), bytes};
}

Mapping::Mapping(Mapping&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

Mapping::~Mapping() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

}  // namespace ravelin::vmm
