// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/arch/repeat_tlbi.h"

#include <gtest/gtest.h>

namespace ravelin::arch {
namespace {

constexpr std::uint64_t Midr(std::uint64_t implementer, std::uint64_t part,
                             std::uint64_t revision) {
  return implementer << 24 | std::uint64_t{0xf} << 16 | part << 4 | revision;
}

TEST(RepeatTlbiTest, EveryRevisionOfAListedModelRepeats) {
  for (const CpuModel& model : kRepeatTlbiModels) {
    EXPECT_TRUE(NeedsRepeatedTlbi(Midr(model.implementer, model.part, 0)));
    EXPECT_TRUE(NeedsRepeatedTlbi(Midr(model.implementer, model.part, 0xf) | 0xf << 20));
  }
}

TEST(RepeatTlbiTest, RealMidrValues) {
  EXPECT_TRUE(NeedsRepeatedTlbi(0x414fd0c1)) << "Neoverse-N1 r4p1";
  EXPECT_TRUE(NeedsRepeatedTlbi(0x410fd490)) << "Neoverse-N2 r0p0";
  EXPECT_FALSE(NeedsRepeatedTlbi(0x410fd034)) << "Cortex-A53 r0p4";
  EXPECT_FALSE(NeedsRepeatedTlbi(0x000f0510)) << "QEMU's max";
}

TEST(RepeatTlbiTest, TheImplementerCounts) {
  EXPECT_FALSE(NeedsRepeatedTlbi(Midr(0x51, 0xd0c, 0)));
  EXPECT_FALSE(NeedsRepeatedTlbi(Midr(0x41, 0x010, 0)));
}

}  // namespace
}  // namespace ravelin::arch
