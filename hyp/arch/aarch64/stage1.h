// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Descriptors and control registers of the monitor's own translation: EL2, one VA range of 48
// bits, 4 KiB granule, four levels (Arm ARM D8.3). Constants only: also used with the MMU off.
#pragma once

#include <cstdint>

#include "hyp/arch/aarch64/sysreg.h"
#include "hyp/base/bits.h"
#include "hyp/base/types.h"

namespace ravelin::stage1 {

inline constexpr unsigned kEntries = 512;

// MAIR_EL2 attribute indices.
inline constexpr std::uint64_t kDevice = 0;  // Device-nGnRnE
inline constexpr std::uint64_t kNormal = 1;  // write-back, inner shareable
inline constexpr std::uint64_t kMair = 0x00 | (std::uint64_t{0xff} << 8);

inline constexpr std::uint64_t kValid = Bit(0);
inline constexpr std::uint64_t kTable = Bit(0) | Bit(1);
inline constexpr std::uint64_t kPage = Bit(0) | Bit(1);
inline constexpr std::uint64_t kBlock = Bit(0);
inline constexpr std::uint64_t kAddressMask = Field<47, 12>::kMask;

using AttrIndex = Field<4, 2>;
inline constexpr std::uint64_t kAp1 = Bit(6);  // RES1 where one Exception level is translated
inline constexpr std::uint64_t kReadOnly = Bit(7);
inline constexpr std::uint64_t kInnerShareable = Field<9, 8>::Make(3);
inline constexpr std::uint64_t kAccessed = Bit(10);
inline constexpr std::uint64_t kGuarded = Bit(50);  // BTI applies to code of this page
inline constexpr std::uint64_t kNoExecute = Bit(54);

inline constexpr std::uint64_t kCommon = kAp1 | kInnerShareable | kAccessed;
inline constexpr std::uint64_t kDataRw = kCommon | AttrIndex::Make(kNormal) | kNoExecute;
inline constexpr std::uint64_t kDataRo = kDataRw | kReadOnly;
inline constexpr std::uint64_t kCode = kCommon | AttrIndex::Make(kNormal) | kReadOnly;
inline constexpr std::uint64_t kMmio = kCommon | AttrIndex::Make(kDevice) | kNoExecute;
// Only before the final tables exist: the loaded image is one block.
inline constexpr std::uint64_t kBootImage = kCommon | AttrIndex::Make(kNormal);

constexpr unsigned Index(std::uint64_t va, unsigned level) {
  return static_cast<unsigned>((va >> (39 - 9 * level)) & (kEntries - 1));
}

// TCR_EL2: 48-bit VA, walks write-back inner shareable, 4 KiB granule, the CPU's PA size (at most
// 48 bits). Bits 31 and 23 are RES1.
inline std::uint64_t Tcr() {
  const std::uint64_t range = sysreg::IdAa64Mmfr0El1::Read() & 0xf;
  const std::uint64_t size = range > 5 ? 5 : range;
  return Bit(31) | Bit(23) | Field<18, 16>::Make(size) | Field<13, 12>::Make(3) |
         Field<11, 10>::Make(1) | Field<9, 8>::Make(1) | Field<5, 0>::Make(16);
}

inline constexpr std::uint64_t kSctlrRes1 = 0x30c50830;
// MMU, data and instruction caches on, stack alignment checked.
inline constexpr std::uint64_t kSctlrBoot = kSctlrRes1 | Bit(0) | Bit(2) | Bit(3) | Bit(12);
// In addition: what is writable is never executable.
inline constexpr std::uint64_t kSctlr = kSctlrBoot | Bit(19);

}  // namespace ravelin::stage1
