// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// The command line of ravelin-vmm.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host_shim/vmm/error.h"
#include "host_shim/vmm/guest_memory.h"
#include "host_shim/vmm/vm_kind.h"

namespace ravelin::vmm {

inline constexpr Ipa kDefaultBase{0x80000000};
inline constexpr unsigned kDefaultIpaBits = 36;
inline constexpr std::uint64_t kDefaultMemoryMib = 4;  // of a raw image
inline constexpr std::uint64_t kDefaultLinuxMemoryMib = 256;
inline constexpr std::size_t kMostDisks = 8;

struct DiskOption {
  std::string path;
  bool is_read_only = false;
};

struct VsockOption {
  std::uint32_t cid = 0;
  std::string path;
};

struct Options {
  // What runs: exactly one of the two is not empty.
  std::string image;
  std::string kernel;

  VmKind kind = VmKind::kNormal;
  std::uint64_t memory_bytes = 0;
  unsigned ipa_bits = kDefaultIpaBits;

  // For a raw image.
  Ipa base = kDefaultBase;
  std::string hold_until;  // a file's name; empty: the guest never waits

  // For Linux.
  std::string initrd;
  std::string append;
  unsigned cpus = 1;
  std::string serial;   // where the UART's output goes: "stdio" or a file
  std::string console;  // the same for the virtio console; empty: there is none
  std::vector<DiskOption> disks;
  std::optional<VsockOption> vsock;
  bool rng = false;

  bool verbose = false;
  bool help = false;
};

// `arguments`: without the program's name.
Result<Options> ParseOptions(std::span<const char* const> arguments);

std::string_view UsageText();

}  // namespace ravelin::vmm
