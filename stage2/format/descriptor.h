// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// One 64-bit stage-2 descriptor as a value: VMSAv8-64, 4 KiB granule, 48-bit output addresses
// (Arm ARM D8.3; FEAT_LPA2 off). Pure functions of a word; what a descriptor means
// depends on the level at which it stands, so the level is always given. Invariant: no descriptor
// made here has a reserved encoding.
//
// Software has these bits for itself (D8.3): all of an invalid descriptor (bit 0 = 0), where 0 is
// "nothing here" and anything else an annotation; bits 11:2 of a table descriptor, which count the
// entries of the table that are not 0; bits 58:55 of a leaf, of which two say for how many levels
// below a block a table page is kept in reserve, so that it can be split.
#pragma once

#include <cstdint>

#include "hyp/base/bits.h"
#include "hyp/base/invariant.h"
#include "hyp/base/result.h"
#include "hyp/base/types.h"

namespace ravelin::stage2 {

// Levels of the walk: 3 holds pages, 2 blocks of 2 MiB, 1 blocks of 1 GiB, 0 tables only (D8.2).
inline constexpr unsigned kPageLevel = 3;
inline constexpr unsigned kBlock2MLevel = 2;
inline constexpr unsigned kBlock1GLevel = 1;
inline constexpr unsigned kEntriesPerTable = 512;
inline constexpr std::uint64_t kEntrySize = 8;

// What the lower exception level may do with a page: at least read it. The host ABI's
// RAVELIN_PERM_* have the same values.
class Permissions {
 public:
  constexpr Permissions() = default;

  // From untrusted bits: only known ones, and always readable (write-only memory would break
  // read-modify-write instructions and has no user).
  [[nodiscard]] static constexpr Result<Permissions> FromBits(std::uint64_t bits) {
    if (bits > kAllBits || (bits & kReadBit) == 0) {
      return Failure{Error::kInvalidArgument};
    }
    return Permissions{static_cast<std::uint8_t>(bits)};
  }

  [[nodiscard]] constexpr bool readable() const { return (bits_ & kReadBit) != 0; }
  [[nodiscard]] constexpr bool writable() const { return (bits_ & kWriteBit) != 0; }
  [[nodiscard]] constexpr bool executable() const { return (bits_ & kExecBit) != 0; }
  [[nodiscard]] constexpr std::uint8_t bits() const { return bits_; }

  [[nodiscard]] constexpr Permissions WithoutExecute() const {
    return Permissions{static_cast<std::uint8_t>(bits_ & ~kExecBit)};
  }
  // Whether `needed` is part of it.
  [[nodiscard]] constexpr bool Allow(Permissions needed) const {
    return (needed.bits_ & ~bits_) == 0;
  }

  friend constexpr bool operator==(Permissions, Permissions) = default;
  friend constexpr Permissions operator|(Permissions a, Permissions b) {
    return Permissions{static_cast<std::uint8_t>(a.bits_ | b.bits_)};
  }

  static const Permissions kRead;
  static const Permissions kReadWrite;
  static const Permissions kReadExecute;
  static const Permissions kAll;

 private:
  static constexpr std::uint8_t kReadBit = 1;
  static constexpr std::uint8_t kWriteBit = 2;
  static constexpr std::uint8_t kExecBit = 4;
  static constexpr std::uint8_t kAllBits = 7;

  constexpr explicit Permissions(std::uint8_t bits) : bits_(bits) {}

  std::uint8_t bits_ = kReadBit;
};

inline constexpr Permissions Permissions::kRead{kReadBit};
inline constexpr Permissions Permissions::kReadWrite{kReadBit | kWriteBit};
inline constexpr Permissions Permissions::kReadExecute{kReadBit | kExecBit};
inline constexpr Permissions Permissions::kAll{kAllBits};

// Stage 2 combines with stage 1 by "the weaker wins" (D8, "memory region attributes"): under
// kNormal the guest or host chooses by its own stage 1, under kNormalNonCacheable it chooses
// between non-cacheable and device, under kDevice it has device memory.
enum class MemoryType : std::uint8_t {
  kNormal,              // write-back, inner shareable: RAM
  kNormalNonCacheable,  // what is not RAM, for the host
  kDevice,              // Device-nGnRE: registers of a device, for a VM
};

struct Attributes {
  Permissions permissions;
  MemoryType memory = MemoryType::kNormal;

  friend constexpr bool operator==(const Attributes&, const Attributes&) = default;
};

// What software notes in an invalid descriptor.
enum class Annotation : std::uint8_t {
  kNone = 0,
  kMmioGuard = 1,  // the guest has declared the page to be MMIO of a host device
  kPoison = 2,     // the page was taken from a living VM: its next access is an external abort
};

class Descriptor {
 public:
  constexpr Descriptor() = default;
  constexpr explicit Descriptor(std::uint64_t word) : word_(word) {}

  // Points to the table of the next level, in which `entries` entries are not 0.
  [[nodiscard]] static constexpr Descriptor Table(Pa table, std::uint64_t entries = 0) {
    return Descriptor{kValid | kTableOrPage | Entries::Make(entries) |
                      Output::Make(table.raw() >> kPageShift)};
  }

  // Maps a page (level 3) or a block (levels 2 and 1). The access flag is set.
  [[nodiscard]] static constexpr Descriptor Leaf(unsigned level, Pa target, Attributes attributes) {
    const std::uint64_t type = level == kPageLevel ? kValid | kTableOrPage : kValid;
    return Descriptor{type | Output::Make(target.raw() >> kPageShift) | Encode(attributes)};
  }

  [[nodiscard]] static constexpr Descriptor Annotated(Annotation annotation) {
    return Descriptor{Note::Make(static_cast<std::uint64_t>(annotation))};
  }

  [[nodiscard]] constexpr std::uint64_t word() const { return word_; }

  [[nodiscard]] constexpr bool IsEmpty() const { return word_ == 0; }
  [[nodiscard]] constexpr bool IsValid() const { return (word_ & kValid) != 0; }
  [[nodiscard]] constexpr bool IsTable(unsigned level) const {
    return level < kPageLevel && (word_ & (kValid | kTableOrPage)) == (kValid | kTableOrPage);
  }
  // A block or a page.
  [[nodiscard]] constexpr bool IsLeaf(unsigned level) const { return IsValid() && !IsTable(level); }

  // Only for invalid descriptors.
  [[nodiscard]] constexpr Annotation annotation() const {
    Invariant(!IsValid(), "only an invalid descriptor is annotated");
    return static_cast<Annotation>(Note::Get(word_));
  }

  // Only for tables.
  [[nodiscard]] constexpr std::uint64_t entries() const { return Entries::Get(word_); }
  [[nodiscard]] constexpr Descriptor WithEntries(std::uint64_t entries) const {
    return Descriptor{Entries::Set(word_, entries)};
  }

  // The next table, or the first byte that a leaf maps.
  [[nodiscard]] constexpr Pa output() const { return Pa{Output::Get(word_) << kPageShift}; }

  // Only for leaves.
  [[nodiscard]] constexpr Permissions permissions() const {
    const std::uint64_t bits = S2Ap::Get(word_) | (Xn::Get(word_) == 0 ? 4U : 0U);
    return *Permissions::FromBits(bits | 1U);
  }
  [[nodiscard]] constexpr MemoryType memory() const {
    switch (MemAttr::Get(word_)) {
      case kMemAttrWriteBack:
        return MemoryType::kNormal;
      case kMemAttrNonCacheable:
        return MemoryType::kNormalNonCacheable;
      default:
        return MemoryType::kDevice;
    }
  }
  [[nodiscard]] constexpr Attributes attributes() const { return {permissions(), memory()}; }
  // The access flag: somebody may have used the mapping since it was cleared.
  [[nodiscard]] constexpr bool young() const { return Af::Get(word_) != 0; }
  [[nodiscard]] constexpr unsigned reserve() const {
    return static_cast<unsigned>(Reserve::Get(word_));
  }

  [[nodiscard]] constexpr Descriptor WithPermissions(Permissions permissions) const {
    const std::uint64_t word = Xn::Set(word_, permissions.executable() ? 0 : 1);
    return Descriptor{S2Ap::Set(word, permissions.bits() & 3U)};
  }
  [[nodiscard]] constexpr Descriptor WithAge(bool young) const {
    return Descriptor{Af::Set(word_, young ? 1 : 0)};
  }
  // The same mapping as the first of smaller leaves at `level`, or as a block at `level` that
  // begins with this one.
  [[nodiscard]] constexpr Descriptor AtLevel(unsigned level, unsigned reserve) const {
    const std::uint64_t word = level == kPageLevel ? word_ | kTableOrPage : word_ & ~kTableOrPage;
    return Descriptor{Reserve::Set(word, reserve)};
  }
  // The same memory with the same attributes but for permissions and age: no change between the two
  // needs a break (Arm ARM D8, "Using break-before-make").
  [[nodiscard]] constexpr bool DiffersOnlyInUse(Descriptor other) const {
    constexpr std::uint64_t kUse = Af::kMask | S2Ap::kMask | Xn::kMask;
    return ((word_ ^ other.word_) & ~kUse) == 0;
  }

  friend constexpr bool operator==(Descriptor, Descriptor) = default;

 private:
  // Stage-2 leaf, high bit first (D8.3, figure "stage 2 Block and Page descriptors").
  using Reserve = Field<56, 55>;  // software
  using Xn = Field<54, 54>;  // XN[1]; XN[0], bit 53, stays 0: the same with and without FEAT_XNX
  using Output = Field<47, 12>;  // output or next-level table address
  using Af = Field<10, 10>;      // access flag
  using Sh = Field<9, 8>;        // shareability
  using S2Ap = Field<7, 6>;      // bit 7 write, bit 6 read
  using MemAttr = Field<5, 2>;   // FWB = 0
  using Entries = Field<11, 2>;  // table descriptors only; software
  using Note = Field<4, 1>;      // invalid descriptors only; software

  static constexpr std::uint64_t kValid = Bit(0);
  static constexpr std::uint64_t kTableOrPage = Bit(1);
  static constexpr std::uint64_t kMemAttrWriteBack = 0b1111;     // outer and inner write-back
  static constexpr std::uint64_t kMemAttrNonCacheable = 0b0101;  // outer and inner non-cacheable
  static constexpr std::uint64_t kMemAttrDevice = 0b0001;        // Device-nGnRE
  static constexpr std::uint64_t kInnerShareable = 0b11;
  static constexpr std::uint64_t kOuterShareable = 0b10;  // what non-cacheable is treated as (D8)

  static constexpr std::uint64_t MemAttrOf(MemoryType memory) {
    switch (memory) {
      case MemoryType::kNormal:
        return kMemAttrWriteBack;
      case MemoryType::kNormalNonCacheable:
        return kMemAttrNonCacheable;
      case MemoryType::kDevice:
        break;
    }
    return kMemAttrDevice;
  }

  static constexpr std::uint64_t Encode(Attributes attributes) {
    const bool normal = attributes.memory == MemoryType::kNormal;
    const Permissions permissions = attributes.permissions;
    return Af::kMask | Sh::Make(normal ? kInnerShareable : kOuterShareable) |
           MemAttr::Make(MemAttrOf(attributes.memory)) | S2Ap::Make(permissions.bits() & 3U) |
           Xn::Make(permissions.executable() ? 0 : 1);
  }

  std::uint64_t word_ = 0;
};

static_assert(sizeof(Descriptor) == kEntrySize);
// Golden words, computed by hand from the figure.
static_assert(Descriptor::Table(Pa{0x4123'4000}).word() == 0x4123'4003);
static_assert(Descriptor::Leaf(3, Pa{0x4000'1000}, {Permissions::kAll, MemoryType::kNormal})
                  .word() == 0x4000'17ff);
static_assert(Descriptor::Leaf(2, Pa{0x4020'0000}, {Permissions::kAll, MemoryType::kNormal})
                  .word() == 0x4020'07fd);
static_assert(Descriptor::Leaf(1, Pa{0}, {Permissions::kReadWrite, MemoryType::kNormalNonCacheable})
                  .word() == 0x0040'0000'0000'06d5);
static_assert(Descriptor::Leaf(3, Pa{0x900'0000}, {Permissions::kReadWrite, MemoryType::kDevice})
                  .word() == 0x0040'0000'0900'06c7);
static_assert(Descriptor::Table(Pa{0x4123'4000}, 512).word() == 0x4123'4803);
static_assert(!Descriptor::Annotated(Annotation::kMmioGuard).IsValid());
static_assert(!Descriptor::Annotated(Annotation::kMmioGuard).IsEmpty());
static_assert(!Descriptor::Table(Pa{0}).IsTable(kPageLevel));

}  // namespace ravelin::stage2
