// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/testing/guest.h"

#include <bit>
#include <utility>

#include "gtest/gtest.h"
#include "hyp/abi/guest_call.h"
#include "hyp/arch/fake/cpu.h"
#include "hyp/base/bits.h"

namespace ravelin::testing {
namespace {

std::uint64_t FaultAddress(std::uint64_t ipa, const Access& access) {
  return AlignDown(access.far, kPageSize) | ipa % kPageSize;
}

arch::Syndrome Abort(ExceptionClass ec, std::uint64_t ipa, std::uint64_t iss,
                     const Access& access) {
  iss |= access.status | (access.stage1_walk ? Bit(7) : 0);
  return {.esr = MakeEsr(ec, iss),
          .far = FaultAddress(ipa, access),
          .hpfar = Field<43, 4>::Make(ipa >> kPageShift)};
}

arch::Syndrome Transfer(const SystemRegister& id, unsigned reg, bool read) {
  return OfClass(ExceptionClass::kSystemRegister,
                 Field<21, 20>::Make(id.op0) | Field<19, 17>::Make(id.op2) |
                     Field<16, 14>::Make(id.op1) | Field<13, 10>::Make(id.crn) |
                     Field<9, 5>::Make(reg) | Field<4, 1>::Make(id.crm) | (read ? 1U : 0U));
}

}  // namespace

arch::Syndrome OfClass(unsigned ec, std::uint64_t iss) {
  return {.esr = MakeEsr(static_cast<ExceptionClass>(ec), iss), .far = 0, .hpfar = 0};
}

arch::Syndrome OfClass(ExceptionClass ec, std::uint64_t iss) {
  return OfClass(static_cast<unsigned>(ec), iss);
}

arch::Syndrome DataAbort(std::uint64_t ipa, const Access& access) {
  std::uint64_t iss = (access.write ? Bit(6) : 0) | (access.cache_maintenance ? Bit(8) : 0);
  if (access.decoded) {
    iss |= Bit(24) | Field<23, 22>::Make(static_cast<unsigned>(std::countr_zero(access.size))) |
           (access.sign_extend ? Bit(21) : 0) | Field<20, 16>::Make(access.reg) |
           (access.wide ? Bit(15) : 0);
  }
  return Abort(ExceptionClass::kDataAbort, ipa, iss, access);
}

arch::Syndrome InstructionAbort(std::uint64_t ipa, const Access& access) {
  return Abort(ExceptionClass::kInstructionAbort, ipa, 0, access);
}

arch::Syndrome Mrs(const SystemRegister& source, unsigned reg) {
  return Transfer(source, reg, true);
}

arch::Syndrome Msr(const SystemRegister& target, unsigned reg) {
  return Transfer(target, reg, false);
}

Guest::Guest(Host& host, VmKind kind, const GuestPlan& plan)
    : host_(host), handle_(host.CreateVm(kind)), protected_(kind == VmKind::kProtected) {
  for (std::uint32_t i = 0; i < plan.vcpus; ++i) {
    host_.CreateVcpu(handle_, i);
  }
  if (plan.intids != 0) {
    EXPECT_EQ(host_
                  .Call(RAVELIN_HOST_VM_SET_GIC, handle_.raw(), kDistributor, kRedistributors,
                        plan.intids)
                  .status,
              RAVELIN_SUCCESS);
  }
  for (std::uint64_t first = 32; first < plan.intids; first += 32) {
    EXPECT_EQ(host_.Call(RAVELIN_HOST_VM_ALLOW_IRQ, handle_.raw(), first, plan.from_host).status,
              RAVELIN_SUCCESS);
  }
  registers().pc = kPc;
  el1().vbar = kVectors;
  EXPECT_EQ(host_.Call(RAVELIN_HOST_VM_LAUNCH, handle_.raw()).status, RAVELIN_SUCCESS);
}

void Guest::Next(const arch::Syndrome& syndrome, Acts acts) {
  fake::ThisCpu().script.push_back(
      {.exit = arch::ExitKind::kSynchronous, .syndrome = syndrome, .acts = std::move(acts)});
}

void Guest::NextIrq(Acts acts) {
  fake::ThisCpu().script.push_back(
      {.exit = arch::ExitKind::kIrq, .syndrome = {}, .acts = std::move(acts)});
}

void Guest::NextSerror() {
  fake::ThisCpu().script.push_back({.exit = arch::ExitKind::kSerror, .syndrome = {}, .acts = {}});
}

ravelin_exit Guest::Run(std::uint32_t index) {
  const Answer ran = host_.Call(RAVELIN_HOST_VCPU_RUN, handle_.raw(), index);
  EXPECT_EQ(ran.status, RAVELIN_SUCCESS);
  EXPECT_TRUE(fake::ThisCpu().script.empty()) << "the guest exits to the host too early";
  EXPECT_EQ(run_page(index).exit.reason, ran.value);
  return run_page(index).exit;
}

ravelin_exit Guest::Reply(std::uint64_t kind, std::uint64_t value) {
  run_page().reply = {.kind = kind, .values = {value, 0, 0, 0}};
  return Run();
}

Pfn Guest::GivePage(std::uint64_t ipa) {
  const Pfn pfn = host_.Take();
  const std::uint64_t gfn = ipa >> kPageShift;
  const Answer given = protected_
                           ? host_.Call(RAVELIN_HOST_VM_DONATE, handle_.raw(), gfn, pfn.raw(), 1U)
                           : host_.Call(RAVELIN_HOST_VM_SHARE, handle_.raw(), gfn, pfn.raw(), 1U,
                                        RAVELIN_PERM_READ | RAVELIN_PERM_WRITE | RAVELIN_PERM_EXEC);
  EXPECT_EQ(given.status, RAVELIN_SUCCESS);
  return pfn;
}

void Guest::Guard(std::uint64_t ipa) {
  Next(OfClass(ExceptionClass::kHvc),
       [ipa](GuestRegisters& registers) { registers.x = {RAVELIN_GUEST_MMIO_GUARD_MAP, ipa}; });
  NextIrq();
  EXPECT_EQ(Run().reason, RAVELIN_EXIT_IRQ);
  EXPECT_EQ(x(0), 0U);
}

bool Guest::TookUndefined(ExecutionPoint at) {
  return TookException(at, MakeEsr(ExceptionClass::kUnknown, 0));
}

bool Guest::TookException(ExecutionPoint at, std::uint64_t esr) {
  const bool from_el1 = Field<3, 2>::Get(at.pstate) == 1;
  const std::uint64_t offset = !from_el1 ? 0x400 : (at.pstate & 1) != 0 ? 0x200 : 0;
  return registers().pc == kVectors + offset && (registers().pstate & 0x3ff) == kEl1hMasked &&
         el1().elr == at.pc && el1().spsr == at.pstate && el1().esr == esr;
}

}  // namespace ravelin::testing
