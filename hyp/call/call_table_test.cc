// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// What holds for every host call alike. The table below has one row per call: a call without a row
// fails to compile.
#include <array>
#include <ostream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "hyp/testing/host.h"

namespace ravelin::call {
namespace {

using testing::Answer;
using testing::Host;

constexpr std::uint64_t kUpperBit = std::uint64_t{1} << 32;

struct CallRow {
  const char* name;
  std::uint64_t number;
  unsigned arguments;           // x1 .. x`arguments`
  std::vector<unsigned> words;  // which of them are 32-bit numbers, handles and indices
  bool with_vms;                // exists only where VMs do
  // Arguments with which the call is well-formed: it fails, if at all, for another reason.
  std::array<std::uint64_t, 5> valid;

  friend void PrintTo(const CallRow& row, std::ostream* stream) { *stream << row.name; }
};

const std::array<CallRow, RAVELIN_HOST_CALL_COUNT> kCalls = {{
    {"Version", RAVELIN_HOST_VERSION, 0, {}, false, {}},
    {"Info", RAVELIN_HOST_INFO, 2, {}, false, {RAVELIN_INFO_ROOT_PAGES, 40}},
    {"PageShare", RAVELIN_HOST_PAGE_SHARE, 1, {}, true, {}},
    {"PageUnshare", RAVELIN_HOST_PAGE_UNSHARE, 1, {}, true, {}},
    {"PageQuery", RAVELIN_HOST_PAGE_QUERY, 1, {}, false, {}},
    {"VmCreate", RAVELIN_HOST_VM_CREATE, 4, {}, true, {RAVELIN_VM_NORMAL, 36, 1, 2}},
    {"VmTopup", RAVELIN_HOST_VM_TOPUP, 3, {1}, true, {0, 1, 1}},
    {"VcpuCreate", RAVELIN_HOST_VCPU_CREATE, 4, {1, 2}, true, {}},
    {"VcpuSetReg", RAVELIN_HOST_VCPU_SET_REG, 4, {1, 2}, true, {}},
    {"VcpuGetReg", RAVELIN_HOST_VCPU_GET_REG, 3, {1, 2}, true, {}},
    {"VmLaunch", RAVELIN_HOST_VM_LAUNCH, 1, {1}, true, {}},
    {"VcpuRun", RAVELIN_HOST_VCPU_RUN, 2, {1, 2}, true, {}},
    {"VmDonate", RAVELIN_HOST_VM_DONATE, 4, {1}, true, {0, 0, 0, 1}},
    {"VmShare", RAVELIN_HOST_VM_SHARE, 5, {1}, true, {0, 0, 0, 1, RAVELIN_PERM_READ}},
    {"VmUnshare", RAVELIN_HOST_VM_UNSHARE, 3, {1}, true, {0, 0, 1}},
    {"VmDestroy", RAVELIN_HOST_VM_DESTROY, 1, {1}, true, {}},
    {"VmReclaim", RAVELIN_HOST_VM_RECLAIM, 3, {1}, true, {0, 0, 1}},
    {"VmFree", RAVELIN_HOST_VM_FREE, 1, {1}, true, {}},
    {"VmSetPermissions",
     RAVELIN_HOST_VM_SET_PERMISSIONS,
     4,
     {1},
     true,
     {0, 0, 1, RAVELIN_PERM_READ}},
    {"VmAge", RAVELIN_HOST_VM_AGE, 3, {1}, true, {0, 0, 1}},
    {"VmForceReclaim", RAVELIN_HOST_VM_FORCE_RECLAIM, 3, {1}, true, {0, 0, 1}},
    {"VmSetGic", RAVELIN_HOST_VM_SET_GIC, 4, {1}, true, {0, 0, 0x10000, 64}},
    {"VmAllowIrq", RAVELIN_HOST_VM_ALLOW_IRQ, 3, {1, 3}, true, {0, 32, 1}},
    {"VmIrqLine", RAVELIN_HOST_VM_IRQ_LINE, 3, {1}, true, {0, 32, 1}},
    {"VcpuSetPower", RAVELIN_HOST_VCPU_SET_POWER, 3, {1, 2}, true, {}},
    {"VcpuGetPower", RAVELIN_HOST_VCPU_GET_POWER, 2, {1, 2}, true, {}},
}};

Registers RegistersOf(const CallRow& row) {
  Registers registers{RAVELIN_HOST_CALL_BASE + row.number};
  for (std::size_t i = 0; i < row.valid.size(); ++i) {
    registers[i + 1] = row.valid[i];
  }
  return registers;
}

class EveryCallTest : public ::testing::TestWithParam<CallRow> {
 protected:
  void Refused(const Registers& registers, std::int64_t status) {
    const Host::Snapshot before = host_.TakeSnapshot();
    EXPECT_EQ(host_.Dispatch(registers), (Answer{status, 0}));
    EXPECT_TRUE(host_.TakeSnapshot() == before);
  }

  Host host_;
};

TEST_P(EveryCallTest, ServesWellFormedArguments) {
  const Answer answer = host_.Dispatch(RegistersOf(GetParam()));
  EXPECT_NE(answer.status, RAVELIN_INVALID_ARGUMENT);
  EXPECT_NE(answer.status, RAVELIN_NOT_SUPPORTED);
}

TEST_P(EveryCallTest, RefusesReservedRegistersThatAreNotZero) {
  for (std::size_t reg = GetParam().arguments + 1; reg <= 6; ++reg) {
    for (const std::uint64_t value : {std::uint64_t{1}, kUpperBit, ~std::uint64_t{0}}) {
      SCOPED_TRACE(reg);
      Registers registers = RegistersOf(GetParam());
      registers[reg] = value;
      Refused(registers, RAVELIN_INVALID_ARGUMENT);
    }
  }
}

TEST_P(EveryCallTest, RefusesMoreThan32BitsWhereTheArgumentHasNoMore) {
  for (const unsigned reg : GetParam().words) {
    for (const std::uint64_t upper : {kUpperBit, std::uint64_t{1} << 63}) {
      SCOPED_TRACE(reg);
      Registers registers = RegistersOf(GetParam());
      registers[reg] |= upper;
      Refused(registers, RAVELIN_INVALID_ARGUMENT);
    }
  }
}

class EveryModeTest : public ::testing::TestWithParam<CallRow> {};

TEST_P(EveryModeTest, HasTheCallOrNot) {
  for (const Mode mode : {Mode::kProtected, Mode::kNvhe, Mode::kNone}) {
    Host host(mode);
    const std::int64_t status = host.Dispatch(RegistersOf(GetParam())).status;
    const bool exists = mode != Mode::kNone || !GetParam().with_vms;
    EXPECT_EQ(status != RAVELIN_NOT_SUPPORTED, exists);
  }
}

TEST_P(EveryCallTest, IsNotFoundUnderTheNumbersOfOtherConventions) {
  const std::uint64_t number = RAVELIN_HOST_CALL_BASE + GetParam().number;
  constexpr std::uint64_t kFast = std::uint64_t{1} << 31, k64Bit = std::uint64_t{1} << 30;
  for (const std::uint64_t other :
       {number | kUpperBit, number | std::uint64_t{1} << 63, number & ~kFast, number & ~k64Bit,
        number - 0x1000, GetParam().number, 0 - number}) {
    Registers registers = RegistersOf(GetParam());
    registers[0] = other;
    Refused(registers, RAVELIN_NOT_SUPPORTED);
  }
}

INSTANTIATE_TEST_SUITE_P(All, EveryModeTest, ::testing::ValuesIn(kCalls),
                         [](const auto& each) { return std::string(each.param.name); });

INSTANTIATE_TEST_SUITE_P(All, EveryCallTest, ::testing::ValuesIn(kCalls),
                         [](const auto& each) { return std::string(each.param.name); });

TEST(CallTableTest, TheRowsAreInTheOrderOfTheNumbers) {
  for (std::size_t i = 0; i < kCalls.size(); ++i) {
    EXPECT_EQ(kCalls[i].number, i);
  }
}

TEST(CallTableTest, WhatIsBesideTheTableIsNotSupported) {
  Host host;
  constexpr std::uint64_t kBase = RAVELIN_HOST_CALL_BASE;
  for (const std::uint64_t number :
       {kBase - 1, kBase + RAVELIN_HOST_CALL_COUNT, kBase + RAVELIN_HOST_CALL_COUNT + 1,
        std::uint64_t{0}, ~std::uint64_t{0}, kBase + (~std::uint64_t{0} >> 1),
        kBase ^ std::uint64_t{1} << 63, std::uint64_t{RAVELIN_CALL_UID} + 1,
        RAVELIN_CALL_UID | kUpperBit}) {
    const Host::Snapshot before = host.TakeSnapshot();
    EXPECT_EQ(host.Dispatch({number, 1, 2, 3, 4, 5, 6}), (Answer{RAVELIN_NOT_SUPPORTED, 0}));
    EXPECT_TRUE(host.TakeSnapshot() == before);
  }
}

TEST(CallTableTest, TheUidNamesTheMonitorInEveryMode) {
  for (const Mode mode : {Mode::kProtected, Mode::kNvhe, Mode::kNone}) {
    const Host host(mode);
    EXPECT_EQ(Dispatch({RAVELIN_CALL_UID}),
              (Results{RAVELIN_UID_0, RAVELIN_UID_1, RAVELIN_UID_2, RAVELIN_UID_3}));
  }
}

TEST(CallTableTest, OnlyX0AndX1CarryResults) {
  const Host host;
  EXPECT_EQ(Dispatch({RAVELIN_HOST_CALL_BASE}),
            (Results{RAVELIN_SUCCESS, RAVELIN_ABI_MAJOR << 16 | RAVELIN_ABI_MINOR, 0, 0}));
  EXPECT_EQ(Dispatch({RAVELIN_HOST_CALL_BASE + RAVELIN_HOST_VM_FREE, 77}),
            (Results{static_cast<std::uint64_t>(RAVELIN_NO_SUCH_VM), 0, 0, 0}));
}

// --- INFO

TEST(InfoTest, FactsOfTheMachine) {
  Host host;
  EXPECT_EQ(host.Info(RAVELIN_INFO_MODE), RAVELIN_MODE_PROTECTED);
  EXPECT_EQ(host.Info(RAVELIN_INFO_MAX_IPA_BITS), Host::kMachineIpaBits);
  EXPECT_EQ(host.Info(RAVELIN_INFO_MAX_VMS), 128U);
  EXPECT_EQ(host.Info(RAVELIN_INFO_MAX_VCPUS), 64U);
  EXPECT_EQ(host.Info(RAVELIN_INFO_CARVEOUT_PFN), Host::kCarveOut.first.raw());
  EXPECT_EQ(host.Info(RAVELIN_INFO_CARVEOUT_PAGES), Host::kCarveOut.count.raw());
  EXPECT_EQ(host.Info(RAVELIN_INFO_IMAGE_PAGES), 0x10U);
  EXPECT_EQ(host.Info(RAVELIN_INFO_BOOT_TICKS), 1234U);
}

TEST(InfoTest, TheModeIsThatOfTheCommandLine) {
  EXPECT_EQ(Host(Mode::kNvhe).Info(RAVELIN_INFO_MODE), RAVELIN_MODE_NVHE);
  EXPECT_EQ(Host(Mode::kNone).Info(RAVELIN_INFO_MODE), RAVELIN_MODE_NONE);
}

TEST(InfoTest, RootPagesDependOnTheIpaSpace) {
  Host host;
  const auto pages = [&](std::uint64_t bits) {
    return host.Call(RAVELIN_HOST_INFO, RAVELIN_INFO_ROOT_PAGES, bits);
  };
  EXPECT_EQ(pages(32), (Answer{RAVELIN_SUCCESS, 4}));
  EXPECT_EQ(pages(36), (Answer{RAVELIN_SUCCESS, 1}));
  EXPECT_EQ(pages(48), (Answer{RAVELIN_SUCCESS, 1}));
  for (const std::uint64_t bits : {std::uint64_t{0}, std::uint64_t{31}, std::uint64_t{49},
                                   kUpperBit | 40, ~std::uint64_t{0}}) {
    EXPECT_EQ(pages(bits), (Answer{RAVELIN_INVALID_ARGUMENT, 0}));
  }
}

TEST(InfoTest, OtherItemsTakeNoArgument) {
  Host host;
  for (std::uint64_t item = 0; item <= RAVELIN_INFO_DONATED_PAGES; ++item) {
    if (item != RAVELIN_INFO_ROOT_PAGES) {
      EXPECT_EQ(host.Call(RAVELIN_HOST_INFO, item).status, RAVELIN_SUCCESS) << item;
      EXPECT_EQ(host.Call(RAVELIN_HOST_INFO, item, 1U).status, RAVELIN_INVALID_ARGUMENT) << item;
    }
  }
}

TEST(InfoTest, ItemsThatDoNotExist) {
  Host host;
  for (const std::uint64_t item :
       {std::uint64_t{RAVELIN_INFO_DONATED_PAGES} + 1, kUpperBit, ~std::uint64_t{0}}) {
    EXPECT_EQ(host.Call(RAVELIN_HOST_INFO, item).status, RAVELIN_INVALID_ARGUMENT);
  }
}

}  // namespace
}  // namespace ravelin::call
