// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// The command line of ravelin-vmm.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "host_shim/vmm/error.h"
#include "host_shim/vmm/guest_memory.h"

namespace ravelin::vmm {

inline constexpr Ipa kDefaultBase{0x80000000};
inline constexpr unsigned kDefaultIpaBits = 36;
inline constexpr std::uint64_t kDefaultMemoryMib = 4;

struct Options {
  std::string image;
  std::string hold_until;  // a file's name; empty: the guest never waits
  std::uint64_t memory_bytes = kDefaultMemoryMib << 20;
  Ipa base = kDefaultBase;
  unsigned ipa_bits = kDefaultIpaBits;
  bool is_protected = false;
  bool verbose = false;
  bool help = false;
};

// `arguments`: without the program's name.
Result<Options> ParseOptions(std::span<const char* const> arguments);

std::string_view UsageText();

}  // namespace ravelin::vmm
