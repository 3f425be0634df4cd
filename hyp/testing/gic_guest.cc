// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/testing/gic_guest.h"

#include "gtest/gtest.h"

namespace ravelin::gic::testing {

using ravelin::testing::DataAbort;
using ravelin::testing::Msr;

std::uint64_t GicGuest::Read(std::uint64_t ipa, unsigned size) {
  Next(DataAbort(ipa, {.size = size, .reg = 9}),
       [](GuestRegisters& registers) { registers.x[9] = 0x5555'5555'5555'5555; });
  NextIrq();
  EXPECT_EQ(Run().reason, RAVELIN_EXIT_IRQ);
  return x(9);
}

void GicGuest::Write(std::uint64_t ipa, std::uint64_t value, unsigned size) {
  Next(DataAbort(ipa, {.write = true, .size = size, .reg = 9}),
       [value](GuestRegisters& registers) { registers.x[9] = value; });
  NextIrq();
  EXPECT_EQ(Run().reason, RAVELIN_EXIT_IRQ);
}

void GicGuest::EnableAll() {
  for (std::uint32_t vcpu = 0; vcpu < 2; ++vcpu) {
    Write(Sgis(vcpu) + kSetEnable, ~0U);
    for (unsigned i = 0; i < 32; i += 4) {
      Write(Sgis(vcpu) + kPriority + i, 0xa0a0a0a0);
    }
  }
  for (unsigned intid = 32; intid < kIntids; intid += 4) {
    WriteDistributor(kPriority + intid, 0xa0a0a0a0);
  }
  for (std::uint64_t bank = 1; bank < kIntids / 32; ++bank) {
    WriteDistributor(kSetEnable + 4 * bank, ~0U);
  }
  WriteDistributor(kCtlr, 2);
}

void GicGuest::NextSgi(std::uint64_t value) {
  Next(Msr({.crn = 12, .crm = 11, .op2 = 5}, 9),
       [value](GuestRegisters& registers) { registers.x[9] = value; });
}

}  // namespace ravelin::gic::testing
