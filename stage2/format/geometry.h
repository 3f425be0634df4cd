// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The shape of a stage-2 translation: how many levels an IPA space of a given width needs, and how
// many pages of tables are concatenated at its root (Arm ARM D8.2, "Concatenated translation
// tables", 4 KiB granule). Concatenation of up to 16 tables replaces a level, and the shape with
// the fewest levels is the one chosen: a walk is as short as the architecture allows. Pure values.
#pragma once

#include <array>
#include <cstdint>

#include "hyp/base/bits.h"
#include "hyp/base/result.h"
#include "hyp/base/types.h"
#include "stage2/format/descriptor.h"

namespace ravelin::stage2 {

inline constexpr unsigned kMinIpaBits = 32;
inline constexpr unsigned kMaxIpaBits = kMaxAddressBits;
inline constexpr unsigned kMaxRootPages = 16;

// The lowest bit of the index into a table of this level: 12, 21, 30, 39 for levels 3, 2, 1, 0.
constexpr unsigned LevelShift(unsigned level) { return kPageShift + 9 * (kPageLevel - level); }
// The bytes that one entry of this level maps.
constexpr std::uint64_t LevelSpan(unsigned level) { return std::uint64_t{1} << LevelShift(level); }
// The pages that one entry of this level maps.
constexpr std::uint64_t LevelPages(unsigned level) { return LevelSpan(level) >> kPageShift; }

class Geometry {
 public:
  // The narrowest space; a placeholder until assigned.
  constexpr Geometry() = default;

  // kInvalidArgument: not 32 to 48 bits.
  [[nodiscard]] static constexpr Result<Geometry> ForIpaBits(std::uint64_t bits) {
    if (bits < kMinIpaBits || bits > kMaxIpaBits) {
      return Failure{Error::kInvalidArgument};
    }
    return Geometry{static_cast<unsigned>(bits)};
  }

  [[nodiscard]] constexpr unsigned ipa_bits() const { return ipa_bits_; }
  [[nodiscard]] constexpr unsigned start_level() const { return start_level_; }
  [[nodiscard]] constexpr std::uint64_t root_entries() const { return root_entries_; }
  // Contiguous pages of the root table; it is aligned to its own size (D8.2).
  [[nodiscard]] constexpr PageCount root_pages() const {
    const std::uint64_t entries = root_entries();
    return PageCount{entries <= kEntriesPerTable ? 1 : entries / kEntriesPerTable};
  }
  [[nodiscard]] constexpr std::uint64_t root_alignment() const {
    return root_pages().raw() * kPageSize;
  }

  // The first frame beyond the space.
  [[nodiscard]] constexpr Gfn limit() const {
    return Gfn{std::uint64_t{1} << (ipa_bits_ - kPageShift)};
  }
  // Overflow-safe: any untrusted numbers may be asked about.
  [[nodiscard]] constexpr bool Contains(Gfn first, PageCount count) const {
    return first < limit() && count.raw() <= limit().raw() - first.raw();
  }
  [[nodiscard]] constexpr bool Contains(Ipa ipa) const { return (ipa.raw() >> ipa_bits_) == 0; }

  // The index into the table of `level` on the walk of `ipa`, which lies in the space. At the start
  // level it spans the concatenated tables. Masked at each level, so that under misspeculation an
  // address beyond the space stays within the root as well.
  [[nodiscard]] constexpr std::uint64_t Index(Ipa ipa, unsigned level) const {
    return level == start_level_ ? RootIndex(ipa) : IndexBelow(ipa, level);
  }
  [[nodiscard]] constexpr std::uint64_t RootIndex(Ipa ipa) const {
    return (ipa.raw() >> LevelShift(start_level_)) & (root_entries_ - 1);
  }
  // Below the start level.
  [[nodiscard]] static constexpr std::uint64_t IndexBelow(Ipa ipa, unsigned level) {
    return (ipa.raw() >> LevelShift(level)) & (kEntriesPerTable - 1);
  }

  // VTCR_EL2.T0SZ and VTCR_EL2.SL0, in place (SL0 of the 4 KiB granule: 0b00 starts at
  // level 2, 0b01 at level 1, 0b10 at level 0).
  [[nodiscard]] constexpr std::uint64_t VtcrBits() const {
    return Field<5, 0>::Make(64 - ipa_bits_) | Field<7, 6>::Make(2 - start_level_);
  }

  friend constexpr bool operator==(const Geometry&, const Geometry&) = default;

 private:
  static constexpr unsigned kConcatenationBits = 4;  // 16 tables

  constexpr explicit Geometry(unsigned bits)
      : ipa_bits_(bits),
        start_level_(StartLevel(bits)),
        root_entries_(RootEntries(bits, start_level_)) {}

  static constexpr std::uint64_t RootEntries(unsigned bits, unsigned start_level) {
    const std::uint64_t last = (std::uint64_t{1} << bits) - 1;
    return (last >> LevelShift(start_level)) + 1;
  }

  // The lowest level whose 512 entries, 16 times concatenated, span the space.
  static constexpr unsigned StartLevel(unsigned bits) {
    unsigned level = kBlock2MLevel;
    while (LevelShift(level) + 9 + kConcatenationBits < bits) {
      --level;
    }
    return level;
  }

  unsigned ipa_bits_ = kMinIpaBits;
  unsigned start_level_ = StartLevel(kMinIpaBits);
  std::uint64_t root_entries_ = RootEntries(kMinIpaBits, StartLevel(kMinIpaBits));
};

// The whole table of supported widths, proved by the compiler.
namespace geometry_facts {

struct Fact {
  unsigned bits, start_level;
  std::uint64_t root_pages, t0sz, sl0;
};

// D8.2, "Concatenated translation tables", for the 4 KiB granule.
inline constexpr std::array<Fact, kMaxIpaBits - kMinIpaBits + 1> kFacts{{
    {32, 2, 4, 32, 0},
    {33, 2, 8, 31, 0},
    {34, 2, 16, 30, 0},
    {35, 1, 1, 29, 1},
    {36, 1, 1, 28, 1},
    {37, 1, 1, 27, 1},
    {38, 1, 1, 26, 1},
    {39, 1, 1, 25, 1},
    {40, 1, 2, 24, 1},
    {41, 1, 4, 23, 1},
    {42, 1, 8, 22, 1},
    {43, 1, 16, 21, 1},
    {44, 0, 1, 20, 2},
    {45, 0, 1, 19, 2},
    {46, 0, 1, 18, 2},
    {47, 0, 1, 17, 2},
    {48, 0, 1, 16, 2},
}};

consteval bool Holds(const Fact& fact) {
  const Geometry geometry = *Geometry::ForIpaBits(fact.bits);
  const Ipa last{(std::uint64_t{1} << fact.bits) - 1};
  return geometry.start_level() == fact.start_level &&
         geometry.root_pages().raw() == fact.root_pages &&
         geometry.root_pages().raw() <= kMaxRootPages &&
         geometry.VtcrBits() == (fact.sl0 << 6 | fact.t0sz) &&
         geometry.Index(last, fact.start_level) == geometry.root_entries() - 1 &&
         geometry.Contains(last) && !geometry.Contains(last + 1);
}

consteval bool AllHold() {
  unsigned bits = kMinIpaBits;
  for (const Fact& fact : kFacts) {
    if (fact.bits != bits++ || !Holds(fact)) {
      return false;
    }
  }
  return bits == kMaxIpaBits + 1;
}

static_assert(AllHold());
static_assert(LevelSpan(3) == 4096 && LevelSpan(2) == 2U << 20 && LevelSpan(1) == 1U << 30);
static_assert(!Geometry::ForIpaBits(31) && !Geometry::ForIpaBits(49));

}  // namespace geometry_facts

}  // namespace ravelin::stage2
