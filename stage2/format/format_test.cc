// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "gtest/gtest.h"
#include "hyp/abi/host_call.h"
#include "stage2/format/descriptor.h"
#include "stage2/format/geometry.h"

namespace ravelin::stage2 {
namespace {

constexpr std::array kPermissions{Permissions::kRead, Permissions::kReadWrite,
                                  Permissions::kReadExecute, Permissions::kAll};
constexpr std::array kMemory{MemoryType::kNormal, MemoryType::kNormalNonCacheable};

TEST(DescriptorTest, LeafSaysWhatItWasMadeOf) {
  for (unsigned level = kBlock1GLevel; level <= kPageLevel; ++level) {
    const Pa target{0x7f00'0000'0000 + 3 * LevelSpan(level)};
    for (const Permissions permissions : kPermissions) {
      for (const MemoryType memory : kMemory) {
        const Descriptor leaf = Descriptor::Leaf(level, target, {permissions, memory});
        EXPECT_TRUE(leaf.IsLeaf(level));
        EXPECT_FALSE(leaf.IsTable(level));
        EXPECT_EQ(leaf.output(), target);
        EXPECT_EQ(leaf.attributes(), (Attributes{permissions, memory}));
      }
    }
  }
}

TEST(DescriptorTest, LeafHasAccessFlagAndNoReservedBits) {
  constexpr std::uint64_t kReserved = ~(Bit(54) | Field<47, 12>::kMask | Field<10, 0>::kMask);
  for (const Permissions permissions : kPermissions) {
    const Descriptor leaf = Descriptor::Leaf(3, Pa{0xffff'ffff'f000}, {permissions, kMemory[0]});
    EXPECT_NE(leaf.word() & Bit(10), 0U);
    EXPECT_EQ(leaf.word() & kReserved, 0U);
  }
}

TEST(DescriptorTest, ExecuteNeverIsBit54AloneWithoutFeatXnx) {
  const Descriptor leaf =
      Descriptor::Leaf(3, Pa{0x1000}, {Permissions::kReadWrite, MemoryType::kNormal});
  EXPECT_EQ(leaf.word() & (Bit(54) | Bit(53)), Bit(54));
}

TEST(DescriptorTest, InvalidDescriptorsAreSoftwares) {
  EXPECT_TRUE(Descriptor{}.IsEmpty());
  EXPECT_EQ(Descriptor{}.annotation(), Annotation::kNone);
  for (const Annotation annotation : {Annotation::kMmioGuard, Annotation::kPoison}) {
    const Descriptor noted = Descriptor::Annotated(annotation);
    EXPECT_FALSE(noted.IsValid());
    EXPECT_FALSE(noted.IsEmpty());
    EXPECT_EQ(noted.annotation(), annotation);
  }
}

TEST(DescriptorDeathTest, ValidDescriptorHasNoAnnotation) {
  EXPECT_DEATH(static_cast<void>(Descriptor::Table(Pa{0x1000}).annotation()), "annotated");
}

TEST(PermissionsTest, UntrustedBitsAreKnownAndReadable) {
  for (std::uint64_t bits = 0; bits < 32; ++bits) {
    const bool legal = bits < 8 && (bits & RAVELIN_PERM_READ) != 0;
    EXPECT_EQ(Permissions::FromBits(bits).has_value(), legal) << bits;
  }
  EXPECT_FALSE(Permissions::FromBits(~std::uint64_t{0}));
  const Permissions all =
      *Permissions::FromBits(RAVELIN_PERM_READ | RAVELIN_PERM_WRITE | RAVELIN_PERM_EXEC);
  EXPECT_EQ(all, Permissions::kAll);
  EXPECT_FALSE(Permissions::FromBits(RAVELIN_PERM_READ)->writable());
  EXPECT_FALSE(Permissions::FromBits(RAVELIN_PERM_READ)->executable());
}

TEST(GeometryTest, EveryWidthIsCovered) {
  for (unsigned bits = kMinIpaBits; bits <= kMaxIpaBits; ++bits) {
    const Geometry geometry = *Geometry::ForIpaBits(bits);
    EXPECT_EQ(geometry.root_entries() * LevelSpan(geometry.start_level()),
              std::uint64_t{1} << bits);
    EXPECT_TRUE(IsAligned(geometry.root_alignment(), kPageSize));
    EXPECT_EQ(geometry.root_alignment() & (geometry.root_alignment() - 1), 0U);
  }
}

TEST(GeometryTest, WidthsOutsideTheArchitectureAreRefused) {
  for (const std::uint64_t bits :
       {std::uint64_t{0}, std::uint64_t{31}, std::uint64_t{49}, std::uint64_t{64},
        (std::uint64_t{1} << 32) + 40, ~std::uint64_t{0}}) {
    EXPECT_EQ(Geometry::ForIpaBits(bits).error(), Error::kInvalidArgument);
  }
}

TEST(GeometryTest, ContainsDoesNotOverflow) {
  const Geometry geometry = *Geometry::ForIpaBits(32);
  const std::uint64_t limit = geometry.limit().raw();
  EXPECT_TRUE(geometry.Contains(Gfn{0}, PageCount{limit}));
  EXPECT_TRUE(geometry.Contains(Gfn{limit - 1}, PageCount{1}));
  EXPECT_FALSE(geometry.Contains(Gfn{limit - 1}, PageCount{2}));
  EXPECT_FALSE(geometry.Contains(Gfn{limit}, PageCount{0}));
  EXPECT_FALSE(geometry.Contains(Gfn{1}, PageCount{~std::uint64_t{0}}));
  EXPECT_FALSE(geometry.Contains(Gfn{~std::uint64_t{0}}, PageCount{2}));
  EXPECT_FALSE(geometry.Contains(Gfn{std::uint64_t{1} << 52}, PageCount{1}));
}

}  // namespace
}  // namespace ravelin::stage2
