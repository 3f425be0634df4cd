// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// VMSAv8-64 descriptors with the 4 KiB granule as the architecture defines them (Arm ARM D8.3). On
// purpose not stage2/format: the observer shares no code with what it observes. Pure values.
#pragma once

#include <cstdint>

#include "hyp/base/types.h"

namespace ravelin::observer {

inline constexpr unsigned kLastLevel = 3;
inline constexpr std::uint64_t kEntries = 512;
inline constexpr std::uint64_t kEntryBytes = 8;

// What one entry of a level maps.
constexpr std::uint64_t Span(unsigned level) {
  return std::uint64_t{1} << (kPageShift + 9 * (kLastLevel - level));
}

class Descriptor {
 public:
  constexpr explicit Descriptor(std::uint64_t word) : word_(word) {}

  [[nodiscard]] constexpr std::uint64_t word() const { return word_; }
  [[nodiscard]] constexpr bool valid() const { return (word_ & 1) != 0; }
  [[nodiscard]] constexpr bool table(unsigned level) const {
    return level < kLastLevel && (word_ & 3) == 3;
  }
  [[nodiscard]] constexpr bool leaf(unsigned level) const { return valid() && !table(level); }
  // The next table, or what a leaf maps.
  [[nodiscard]] constexpr Pa output(unsigned level) const {
    const std::uint64_t size = table(level) ? kPageSize : Span(level);
    return Pa{word_ & 0x0000'ffff'ffff'f000 & ~(size - 1)};
  }

  // Whether a TLB may hold it: not a leaf whose access flag is clear (D8, "The Access flag").
  [[nodiscard]] constexpr bool cached(unsigned level) const {
    return table(level) || (valid() && (word_ & kAccessFlag) != 0);
  }

  // Differs from `other` in permissions, access flag and bits that hardware ignores at most: no
  // break-before-make is needed for that (D8, "Using break-before-make").
  [[nodiscard]] constexpr bool SameTranslation(Descriptor other, unsigned level) const {
    const std::uint64_t free =
        table(level) && other.table(level) ? kIgnoredInTable : kPermissionBits | kIgnoredInLeaf;
    return ((word_ ^ other.word_) & ~free) == 0;
  }
  // Allows something that `next` does not.
  [[nodiscard]] constexpr bool Allows(Descriptor next) const {
    const std::uint64_t lost = word_ & ~next.word_ & (kS2Ap | kAccessFlag);
    const std::uint64_t gained = next.word_ & ~word_ & kXn;
    return (lost | gained) != 0;
  }

 private:
  static constexpr std::uint64_t kS2Ap = 0x3ULL << 6;
  static constexpr std::uint64_t kAccessFlag = 1ULL << 10;
  static constexpr std::uint64_t kDirtyModifier = 1ULL << 51;
  static constexpr std::uint64_t kXn = 0x3ULL << 53;
  static constexpr std::uint64_t kPermissionBits = kS2Ap | kAccessFlag | kDirtyModifier | kXn;
  static constexpr std::uint64_t kIgnoredInLeaf = 0xfULL << 55;
  static constexpr std::uint64_t kIgnoredInTable = 0xffULL << 51 | 0x3ffULL << 2;

  std::uint64_t word_;
};

// Where a stage-2 walk starts, from VTCR_EL2 (D24.2, "VTCR_EL2"; 4 KiB granule).
struct Geometry {
  unsigned ipa_bits = 0;
  unsigned start_level = 0;
  std::uint64_t root_pages = 0;

  [[nodiscard]] static constexpr Geometry FromVtcr(std::uint64_t vtcr) {
    const unsigned ipa_bits = 64 - static_cast<unsigned>(vtcr & 0x3f);
    const unsigned start = 2 - static_cast<unsigned>(vtcr >> 6 & 3);
    const unsigned resolved = kPageShift + 9 * (kLastLevel - start) + 9;
    const std::uint64_t pages = ipa_bits > resolved ? std::uint64_t{1} << (ipa_bits - resolved) : 1;
    return {.ipa_bits = ipa_bits, .start_level = start, .root_pages = pages};
  }
};

constexpr Vmid VmidOf(std::uint64_t vttbr) { return Vmid{static_cast<std::uint16_t>(vttbr >> 48)}; }
constexpr Pa RootOf(std::uint64_t vttbr) { return Pa{vttbr & 0x0000'ffff'ffff'fffe}; }

constexpr PfnRange PagesOf(Pa first, std::uint64_t size) {
  return {ToPfn(first), PageCount{size >> kPageShift}};
}
constexpr bool Overlap(const PfnRange& a, const PfnRange& b) {
  return a.first < b.end() && b.first < a.end();
}

static_assert(Geometry::FromVtcr(0x80000000 | 24 | 1 << 6).root_pages == 2);  // 40 bits
static_assert(Geometry::FromVtcr(32).root_pages == 4 && Geometry::FromVtcr(32).start_level == 2);
static_assert(Span(3) == kPageSize && Span(2) == 2U << 20);

}  // namespace ravelin::observer
