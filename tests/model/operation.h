// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// One request to the ownership engine, as a plain value: what tests record, replay, shrink and
// print. Numbers are raw and untrusted, as a host or a guest gives them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ravelin::model {

enum class Kind : std::uint8_t {
  kHostShareMonitor,    // pfn
  kHostUnshareMonitor,  // pfn
  kPinShared,           // pfn
  kUnpinShared,         // pfn
  kDonateMonitor,       // vm, pfn, count, and a second range if count2 is not 0
  kReturnMetadata,      // vm, count: at most so many
  kTopUp,               // vm, pfn, count
  kDonateVm,            // vm, gfn, pfn, count, option: 1 = zeroed
  kShareVm,             // vm, gfn, pfn, count, option: permissions
  kUnshareVm,           // vm, gfn, count
  kSetPermissions,      // vm, gfn, option: permissions
  kReclaim,             // vm, pfn, count
  kVmShareHost,         // vm, gfn
  kVmUnshareHost,       // vm, gfn
  kGuardMmio,           // vm, gfn
  kUnguardMmio,         // vm, gfn
  kMapHostMmio,         // pfn
  kHostWrite,           // pfn: the host changes a page that it can write
  kGuestWrite,          // vm, gfn: likewise a VM
  kCreateVm,            // vm, pfn: of its root table
  kTearDown,            // vm: its table ends, its metadata can be returned
};
inline constexpr unsigned kKinds = 21;

struct Operation {
  Kind kind = Kind::kHostShareMonitor;
  unsigned vm = 0;  // an index, from 0
  std::uint64_t pfn = 0;
  std::uint64_t gfn = 0;
  std::uint64_t count = 1;
  std::uint64_t pfn2 = 0;
  std::uint64_t count2 = 0;
  unsigned option = 0;
};

[[nodiscard]] const char* NameOf(Kind kind);
// As a person reads it, in one line.
[[nodiscard]] std::string ToString(const Operation& operation);
[[nodiscard]] std::string ToString(const std::vector<Operation>& operations);

}  // namespace ravelin::model
