// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// The one memory slot of a VM.
//
// The pages of a protected VM belong to it: this process gets SIGBUS where it touches one that the
// guest has not shared. After the first run the VMM therefore never follows a pointer into guest
// memory. It copies with the kernel's help (CopyOut, CopyIn), which reports such a page as an
// error, so that a guest that names the wrong page cannot kill its VMM.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "host_shim/vmm/error.h"
#include "host_shim/vmm/fault_safe_copier.h"
#include "host_shim/vmm/mapping.h"

namespace ravelin::vmm {

inline constexpr std::size_t kPageSize = 4096;

// An intermediate physical address: what the guest calls physical.
enum class Ipa : std::uint64_t {};

constexpr std::uint64_t Raw(Ipa ipa) { return std::to_underlying(ipa); }

class GuestMemory {
 public:
  // `bytes` and `base`: multiples of the page size; base + bytes does not wrap.
  static Result<GuestMemory> Create(Ipa base, std::uint64_t bytes);

  // Copies a file, or bytes, to an address. Only before the VM's first run.
  Result<void> LoadFile(const std::string& path, Ipa to) const;
  Result<void> LoadBytes(std::span<const std::byte> bytes, Ipa to) const;

  // Copies between guest memory and `host`. An error, and nothing else, if the range is not all
  // inside the slot or if a page of it is not accessible to the host.
  [[nodiscard]] Result<void> CopyOut(Ipa from, std::span<std::byte> host) const;
  [[nodiscard]] Result<void> CopyIn(Ipa to, std::span<const std::byte> host);

  // Where a range is in this process, if it is all inside the slot. After the VM's first run the
  // address is for system calls only.
  [[nodiscard]] Result<std::byte*> Locate(Ipa ipa, std::size_t bytes) const;

  // Copies by such an address.
  [[nodiscard]] FaultSafeCopier& copier() const { return *copier_; }

  [[nodiscard]] Ipa base() const { return base_; }
  [[nodiscard]] std::uint64_t size() const { return memory_.size(); }
  // For the kernel, and for tests that attack the guest.
  [[nodiscard]] std::byte* host_address() const { return memory_.data(); }

 private:
  GuestMemory(Ipa base, Mapping memory, std::unique_ptr<FaultSafeCopier> copier)
      : base_(base), memory_(std::move(memory)), copier_(std::move(copier)) {}

  Ipa base_;
  Mapping memory_;
  std::unique_ptr<FaultSafeCopier> copier_;
};

}  // namespace ravelin::vmm
