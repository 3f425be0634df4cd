// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// One request to the ownership engine, as a plain value: what tests record, replay, shrink and
// print, and what the checked image compares. Numbers are raw and untrusted, as a host or a guest
// gives them. Freestanding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

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
  kSetPermissions,      // vm, gfn, count, option: permissions
  kAge,                 // vm, gfn, count
  kReclaim,             // vm, pfn, count
  kForceReclaim,        // vm, gfn, count
  kMapDevice,           // vm: the device domain, gfn: its address, pfn, count, option: permissions
  kUnmapDevice,         // vm: the device domain, gfn, count
  kDonateDevice,        // vm: the device domain, gfn, pfn, count, option: 1 = zeroed
  kReclaimDevice,       // vm: the device domain, pfn, count
  kShareSecure,         // pfn, count
  kUnshareSecure,       // pfn, count
  kVmShareHost,         // vm, gfn, option: 1 = wiped
  kVmUnshareHost,       // vm, gfn, option: 1 = wiped
  kVmRelinquish,        // vm, gfn
  kGuardMmio,           // vm, gfn
  kUnguardMmio,         // vm, gfn
  kMapHostMmio,         // pfn
  kHostWrite,           // pfn: the host changes a page that it can write
  kGuestWrite,          // vm, gfn: likewise a VM
  kGuestTouch,          // vm, gfn: a VM reads, after an access-flag fault if there is one
  kCreateVm,            // vm, pfn: of its root table
  kTearDown,            // vm: its table ends, its metadata can be returned
};
inline constexpr unsigned kKinds = 31;

struct Operation {
  Kind kind = Kind::kHostShareMonitor;
  unsigned vm = 0;  // of a VM or device domain: an index, from 0
  std::uint64_t pfn = 0;
  std::uint64_t gfn = 0;
  std::uint64_t count = 1;
  std::uint64_t pfn2 = 0;
  std::uint64_t count2 = 0;
  unsigned option = 0;
};

// An address space besides the host's.
enum class SpaceKind : std::uint8_t { kNormalVm, kProtectedVm, kDevice };

// What kinds of them an operation is for.
enum class Scope : std::uint8_t { kNone, kAll, kVms, kNormalVms, kProtectedVms, kDevices };
[[nodiscard]] constexpr bool Covers(Scope scope, SpaceKind kind) {
  return scope == Scope::kAll || (scope == Scope::kNormalVms && kind == SpaceKind::kNormalVm) ||
         (scope == Scope::kProtectedVms && kind == SpaceKind::kProtectedVm) ||
         (scope == Scope::kDevices && kind == SpaceKind::kDevice) ||
         (scope == Scope::kVms && kind != SpaceKind::kDevice);
}

// Which of the members count.
struct Arguments {
  Scope scope = Scope::kNone;  // of `vm`
  bool gfn = false;
  bool pfn = false;
  bool count = false;  // a range, of which the engine does the first part and says how much
  bool permissions = false;
  bool contents = false;
  bool mmio = false;  // MMIO pages take it too
};
[[nodiscard]] Arguments ArgumentsOf(Kind kind);

[[nodiscard]] const char* NameOf(Kind kind);

// As a person reads it, in one line, cut off where `to` ends.
[[nodiscard]] std::string_view Print(const Operation& operation, std::span<char> to);

}  // namespace ravelin::model
