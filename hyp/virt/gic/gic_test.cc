// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// What the host may do to a VM's interrupt controller: set it up once, and raise what is allowed.
#include "hyp/virt/gic/gic.h"

#include "gtest/gtest.h"
#include "hyp/arch/fake/cpu.h"
#include "hyp/testing/gic_guest.h"

namespace ravelin::gic {
namespace {

using ravelin::testing::Host;
using ravelin::testing::kDistributor;
using ravelin::testing::kRedistributors;
using testing::GicGuest;

constexpr std::uint64_t kMemory = 0x8000'0000;

class HostSideTest : public ::testing::TestWithParam<VmKind> {
 protected:
  template <typename... Arguments>
  void Refused(std::int64_t status, std::uint64_t number, Arguments... arguments) {
    const Host::Snapshot before = host_.TakeSnapshot();
    EXPECT_EQ(host_.Call(number, arguments...).status, status) << number;
    EXPECT_TRUE(host_.TakeSnapshot() == before);
  }
  // A VM with two vCPUs that has not been launched.
  std::uint64_t Create() {
    const VmHandle vm = host_.CreateVm(GetParam());
    host_.CreateVcpu(vm, 0);
    host_.CreateVcpu(vm, 1);
    return vm.raw();
  }
  void Give(std::uint64_t vm, std::uint64_t ipa, std::int64_t status) {
    const std::uint64_t gfn = ipa >> kPageShift;
    const std::uint64_t pfn = host_.Take().raw();
    if (GetParam() == VmKind::kProtected) {
      EXPECT_EQ(host_.Call(RAVELIN_HOST_VM_DONATE, vm, gfn, pfn, 1U).status, status) << ipa;
    } else {
      EXPECT_EQ(host_.Call(RAVELIN_HOST_VM_SHARE, vm, gfn, pfn, 1U, RAVELIN_PERM_READ).status,
                status)
          << ipa;
    }
  }

  Host host_;
};

TEST_P(HostSideTest, FramesHaveToFit) {
  const std::uint64_t vm = Create();
  constexpr std::uint64_t kEnd = std::uint64_t{1} << Host::kVmIpaBits;
  const auto refused = [&](std::uint64_t gicd, std::uint64_t gicr, std::uint64_t intids) {
    Refused(RAVELIN_INVALID_ARGUMENT, RAVELIN_HOST_VM_SET_GIC, vm, gicd, gicr, intids);
  };
  refused(kDistributor + 0x1000, kRedistributors, 64);
  refused(kDistributor, kRedistributors + 0x8000, 64);
  refused(kDistributor, kDistributor, 64);
  refused(kDistributor, kDistributor - 0x30000, 64);
  refused(kEnd, kRedistributors, 64);
  refused(kDistributor, kEnd - 0x30000, 64);
  refused(kDistributor, ~std::uint64_t{0xffff}, 64);
  for (const std::uint64_t intids : {0ULL, 32ULL, 63ULL, 65ULL, 320ULL, 0x10040ULL}) {
    refused(kDistributor, kRedistributors, intids);
  }
  EXPECT_EQ(host_.Call(RAVELIN_HOST_VM_SET_GIC, vm, kDistributor, kEnd - 0x40000, 288U).status,
            RAVELIN_SUCCESS);
}

TEST_P(HostSideTest, OnceAndInTime) {
  const VmHandle empty = host_.CreateVm(GetParam());
  Refused(RAVELIN_NO_SUCH_VCPU, RAVELIN_HOST_VM_SET_GIC, empty.raw(), kDistributor, kRedistributors,
          64U);
  const std::uint64_t vm = Create();
  Refused(RAVELIN_INVALID_ARGUMENT, RAVELIN_HOST_VM_ALLOW_IRQ, vm, 32U, 1U);
  Refused(RAVELIN_INVALID_ARGUMENT, RAVELIN_HOST_VM_IRQ_LINE, vm, 32U, 1U);
  EXPECT_EQ(host_.Call(RAVELIN_HOST_VM_SET_GIC, vm, kDistributor, kRedistributors, 64U).status,
            RAVELIN_SUCCESS);
  Refused(RAVELIN_EXISTS, RAVELIN_HOST_VM_SET_GIC, vm, kDistributor, kRedistributors, 64U);
  Refused(RAVELIN_WRONG_PHASE, RAVELIN_HOST_VCPU_CREATE, vm, 2U, host_.Take(4, 4).raw(),
          host_.TakeShared().raw());
  EXPECT_EQ(host_.Call(RAVELIN_HOST_VM_LAUNCH, vm).status, RAVELIN_SUCCESS);
  Refused(RAVELIN_WRONG_PHASE, RAVELIN_HOST_VM_ALLOW_IRQ, vm, 32U, 1U);
  const std::uint64_t late = Create();
  Give(late, kMemory, RAVELIN_SUCCESS);
  Refused(RAVELIN_WRONG_PHASE, RAVELIN_HOST_VM_SET_GIC, late, kDistributor, kRedistributors, 64U);
  const std::uint64_t launched = Create();
  EXPECT_EQ(host_.Call(RAVELIN_HOST_VM_LAUNCH, launched).status, RAVELIN_SUCCESS);
  Refused(RAVELIN_WRONG_PHASE, RAVELIN_HOST_VM_SET_GIC, launched, kDistributor, kRedistributors,
          64U);
}

TEST_P(HostSideTest, RaisesOnlyWhatIsAllowed) {
  constexpr std::uint32_t kAllowed = 1U << (40 - 32) | 1U << 31;
  GicGuest guest(host_, GetParam(), 2, kAllowed);
  guest.EnableAll();
  const std::uint64_t vm = guest.handle().raw();
  for (std::uint64_t intid = 32; intid < GicGuest::kIntids; ++intid) {
    const bool allowed = (kAllowed >> (intid % 32) & 1) != 0;
    for (const std::uint64_t level : {RAVELIN_LINE_HIGH, RAVELIN_LINE_LOW, RAVELIN_LINE_PULSE,
                                      RAVELIN_LINE_UNTIL_END, RAVELIN_LINE_LOW}) {
      EXPECT_EQ(host_.Call(RAVELIN_HOST_VM_IRQ_LINE, vm, intid, level).status,
                allowed ? RAVELIN_SUCCESS : RAVELIN_WRONG_OWNER);
    }
  }
  guest.NextIrq([](GuestRegisters&) { EXPECT_EQ(fake::ThisCpu().list[0], 0U); });
  guest.Run();
}

TEST_P(HostSideTest, NeverAPrivateInterruptNorOneThatIsNotThere) {
  GicGuest guest(host_, GetParam());
  guest.EnableAll();
  const std::uint64_t vm = guest.handle().raw();
  for (const std::uint64_t intid : {0ULL, 15ULL, 16ULL, 27ULL, 31ULL, 96ULL, 255ULL, 256ULL,
                                    1023ULL, 8192ULL, 0x1'0000'0028ULL, ~0ULL}) {
    Refused(RAVELIN_INVALID_ARGUMENT, RAVELIN_HOST_VM_IRQ_LINE, vm, intid, RAVELIN_LINE_HIGH);
  }
  for (const std::uint64_t level : {4ULL, 0x1'0000'0001ULL, ~0ULL}) {
    Refused(RAVELIN_INVALID_ARGUMENT, RAVELIN_HOST_VM_IRQ_LINE, vm, 40U, level);
  }
  const std::uint64_t fresh = Create();
  EXPECT_EQ(host_.Call(RAVELIN_HOST_VM_SET_GIC, fresh, kDistributor, kRedistributors, 64U).status,
            RAVELIN_SUCCESS);
  for (const std::uint64_t first : {0ULL, 31ULL, 33ULL, 64ULL, 1ULL << 32}) {
    Refused(RAVELIN_INVALID_ARGUMENT, RAVELIN_HOST_VM_ALLOW_IRQ, fresh, first, ~0U);
  }
  guest.NextIrq([](GuestRegisters&) { EXPECT_EQ(fake::ThisCpu().list[0], 0U); });
  guest.Run();
}

TEST_P(HostSideTest, CannotPutMemoryOverTheFrames) {
  GicGuest guest(host_, GetParam());
  const std::uint64_t vm = guest.handle().raw();
  for (const std::uint64_t ipa : {kDistributor, kDistributor + 0xf000, kRedistributors,
                                  kRedistributors + 2 * kRedistributorBytes - 0x1000}) {
    Give(vm, ipa, RAVELIN_EXISTS);
  }
  Give(vm, kDistributor - 0x1000, RAVELIN_SUCCESS);
  Give(vm, kRedistributors + 2 * kRedistributorBytes, RAVELIN_SUCCESS);
}

TEST_P(HostSideTest, WithoutAControllerNothingIsThere) {
  ravelin::testing::Guest guest(host_, GetParam());
  const auto undefined = [&](const arch::Syndrome& syndrome) {
    const ExecutionPoint at = guest.vcpu().point();
    guest.Next(syndrome);
    guest.NextIrq();
    guest.Run();
    EXPECT_TRUE(guest.TookUndefined(at));
  };
  undefined(ravelin::testing::Msr({.crn = 12, .crm = 11, .op2 = 5}, 5));           // ICC_SGI1R
  undefined(ravelin::testing::Mrs({.crn = 12, .crm = 12, .op2 = 5}, 5));           // ICC_SRE
  undefined(ravelin::testing::Mrs({.op1 = 3, .crn = 14, .crm = 2, .op2 = 1}, 5));  // CNTP_CTL
  guest.Next(ravelin::testing::DataAbort(kDistributor));
  EXPECT_NE(guest.Run().reason, RAVELIN_EXIT_IRQ) << "the host's business";
}

INSTANTIATE_TEST_SUITE_P(Kinds, HostSideTest,
                         ::testing::Values(VmKind::kNormal, VmKind::kProtected),
                         [](const auto& each) {
                           return each.param == VmKind::kNormal ? "Normal" : "Protected";
                         });

}  // namespace
}  // namespace ravelin::gic
