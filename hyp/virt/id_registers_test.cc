// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// A guest sees the features of an allow-list and nothing else.
#include "hyp/virt/id_registers.h"

#include <algorithm>
#include <array>
#include <random>

#include "gtest/gtest.h"
#include "hyp/arch/fake/cpu.h"
#include "hyp/arch/id_registers.h"
#include "hyp/base/bits.h"
#include "hyp/testing/guest.h"
#include "hyp/testing/host.h"

namespace ravelin::virt {
namespace {

using enum arch::IdRegister;
using testing::Guest;
using testing::Host;
using testing::SystemRegister;

// Place of a register in the group, and the fields that a guest may see, all bits of each.
struct Known {
  arch::IdRegister source;
  unsigned crm, op2;
  std::uint64_t allowed;
};

constexpr std::uint64_t Nibbles(std::initializer_list<unsigned> lows) {
  std::uint64_t mask = 0;
  for (const unsigned low : lows) {
    mask |= std::uint64_t{0xf} << low;
  }
  return mask;
}

// Written once more by hand, from the Arm ARM: EL2, EL3, RAS, GIC, SVE, SEL2, MPAM, AMU, RME; MTE,
// SME, ...; TME, LS64, pointer authentication; VHE, ... are not here.
constexpr std::array kKnown = {
    Known{kPfr0, 4, 0, Nibbles({0, 4, 16, 20, 48, 56, 60})},
    Known{kPfr1, 4, 1, Nibbles({0, 4})},
    Known{kIsar0, 6, 0, Nibbles({4, 8, 12, 16, 20, 28, 32, 36, 40, 44, 48, 52, 56, 60})},
    Known{kIsar1, 6, 1, Nibbles({0, 12, 16, 20, 32, 36, 40, 44, 48, 52})},
    Known{kMmfr0, 7, 0, Nibbles({0, 4, 8, 12, 16, 20, 24, 28, 44})},
    Known{kMmfr1, 7, 1, Nibbles({0, 12, 20, 28, 36})},
    Known{kMmfr2, 7, 2, Nibbles({0, 4, 32, 36, 48, 52, 60})},
};

std::uint64_t Encoding(const SystemRegister& id) {
  return Esr{testing::Mrs(id, 0).esr}.system_register();
}

class IdRegistersTest : public ::testing::Test {
 protected:
  IdRegistersTest() { fake::ResetCpu(); }

  std::uint64_t& Cpu(arch::IdRegister id) {
    return fake::ThisCpu().id_registers.at(static_cast<std::size_t>(id));
  }
  // What a guest reads where the CPU has `value`.
  std::uint64_t Seen(arch::IdRegister id, std::uint64_t value) {
    Cpu(id) = value;
    for (const Known& known : kKnown) {
      if (known.source == id) {
        return ReadIdRegister(Encoding({.crm = known.crm, .op2 = known.op2})).value_or(~0ULL);
      }
    }
    return ~std::uint64_t{0};
  }
};

TEST_F(IdRegistersTest, UnknownFieldsAreZeroAndKnownOnesNotRaised) {
  std::mt19937_64 random(20262);
  for (const Known& known : kKnown) {
    for (int round = 0; round < 1000; ++round) {
      const std::uint64_t cpu = round == 0 ? ~std::uint64_t{0} : random();
      const std::uint64_t seen = Seen(known.source, cpu);
      ASSERT_EQ(seen & ~known.allowed, 0U) << std::hex << cpu;
      for (unsigned low = 0; low < 64; low += 4) {
        const std::uint64_t has = cpu >> low & 0xf;
        ASSERT_LE(seen >> low & 0xf, has) << std::hex << cpu << " field " << low;
      }
    }
  }
}

TEST_F(IdRegistersTest, ACpuWithoutFeaturesHasNone) {
  for (const Known& known : kKnown) {
    EXPECT_EQ(Seen(known.source, 0), 0U);
  }
}

TEST_F(IdRegistersTest, Aarch64OnlyAtEl0AndEl1) {
  EXPECT_EQ(Seen(kPfr0, 0x2222) & 0xffff, 0x0011U);
  EXPECT_EQ(Seen(kPfr0, 0x1111) & 0xffff, 0x0011U);
}

TEST_F(IdRegistersTest, NoFloatingPointStaysNone) {
  constexpr std::uint64_t kFp = Field<23, 16>::kMask;
  EXPECT_EQ(Seen(kPfr0, Field<23, 16>::Make(0xff)) & kFp, kFp);
  EXPECT_EQ(Seen(kPfr0, Field<23, 16>::Make(0x11)) & kFp, 0x11U << 16);
  EXPECT_EQ(Seen(kPfr0, Field<23, 16>::Make(0x00)) & kFp, 0U);
}

TEST_F(IdRegistersTest, GranulesThatAreMissingStayMissing) {
  constexpr std::uint64_t kGranules = Field<31, 24>::kMask;
  EXPECT_EQ(Seen(kMmfr0, Field<31, 24>::Make(0x00)) & kGranules, 0U);
  EXPECT_EQ(Seen(kMmfr0, Field<31, 24>::Make(0xff)) & kGranules, kGranules);
  EXPECT_EQ(Seen(kMmfr0, Field<31, 28>::Make(1)) & kGranules, 0U) << "52-bit addresses";
}

TEST_F(IdRegistersTest, PhysicalAddressesHaveAtMost48Bits) {
  EXPECT_EQ(Seen(kMmfr0, 6) & 0xf, 5U);
  EXPECT_EQ(Seen(kMmfr0, 7) & 0xf, 5U);
  EXPECT_EQ(Seen(kMmfr0, 2) & 0xf, 2U);
}

TEST_F(IdRegistersTest, WhatTrapsForGuestsIsNotThere) {
  EXPECT_EQ(Seen(kPfr0, Field<35, 32>::Make(1) | Field<31, 28>::Make(1)), 0U) << "SVE, RAS";
  EXPECT_EQ(Seen(kPfr0, Field<47, 44>::Make(1) | Field<43, 40>::Make(1)), 0U) << "AMU, MPAM";
  EXPECT_EQ(Seen(kPfr1, Field<11, 8>::Make(3) | Field<27, 24>::Make(2)), 0U) << "MTE, SME";
  EXPECT_EQ(Seen(kIsar1, Field<11, 4>::Make(0x55) | Field<31, 24>::Make(0x11)), 0U) << "PAuth";
}

TEST_F(IdRegistersTest, EveryOtherRegisterOfTheGroupIsZero) {
  fake::ThisCpu().id_registers.fill(~std::uint64_t{0});
  for (unsigned crm = 1; crm <= 7; ++crm) {
    for (unsigned op2 = 0; op2 <= 7; ++op2) {
      const bool known = std::any_of(kKnown.begin(), kKnown.end(), [&](const Known& each) {
        return each.crm == crm && each.op2 == op2;
      });
      const auto value = ReadIdRegister(Encoding({.crm = crm, .op2 = op2}));
      ASSERT_TRUE(value.has_value());
      const bool debug = crm == 5 && op2 == 0;
      EXPECT_EQ(value.value_or(0) != 0, known || debug) << crm << " " << op2;  // 1 to 3: AArch32
    }
  }
}

TEST_F(IdRegistersTest, DebugIsThatOfTheFirstArmv8AndHasNothing) {
  EXPECT_EQ(ReadIdRegister(Encoding({.crm = 5, .op2 = 0})), 6U);
}

TEST_F(IdRegistersTest, WhatIsBesideTheGroupIsNotServed) {
  for (const SystemRegister& id :
       {SystemRegister{.crm = 0}, SystemRegister{.crm = 8}, SystemRegister{.crm = 15},
        SystemRegister{.op0 = 2, .crm = 4}, SystemRegister{.op1 = 1, .crm = 4},
        SystemRegister{.op1 = 3, .crm = 4}, SystemRegister{.crn = 1, .crm = 4}}) {
    EXPECT_EQ(ReadIdRegister(Encoding(id)), std::nullopt);
  }
}

TEST_F(IdRegistersTest, AReadIsCompletedAndAWriteIsNot) {
  Host host;
  Guest guest(host, VmKind::kNormal);
  Cpu(kPfr1) = 1;
  Vcpu& vcpu = guest.vcpu();
  for (const unsigned reg : {0U, 30U, 31U}) {
    const std::uint64_t pc = guest.registers().pc;
    EXPECT_TRUE(ServeIdRegister(vcpu, Esr{testing::Mrs({.crm = 4, .op2 = 1}, reg).esr}));
    EXPECT_EQ(vcpu.X(reg), reg == 31 ? 0U : 1U);
    EXPECT_EQ(guest.registers().pc, pc + 4);
  }
  const std::uint64_t pc = guest.registers().pc;
  EXPECT_FALSE(ServeIdRegister(vcpu, Esr{testing::Msr({.crm = 4, .op2 = 1}, 5).esr}));
  EXPECT_FALSE(ServeIdRegister(vcpu, Esr{testing::Mrs({.crm = 0}, 5).esr}));
  EXPECT_EQ(guest.registers().pc, pc);
  EXPECT_EQ(vcpu.X(5), 0U);
}

}  // namespace
}  // namespace ravelin::virt
