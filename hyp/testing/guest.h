// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// A launched VM with one vCPU, and the exits that its guest can cause.
#pragma once

#include <cstdint>
#include <functional>

#include "hyp/abi/run_page.h"
#include "hyp/arch/world.h"
#include "hyp/base/types.h"
#include "hyp/testing/host.h"
#include "hyp/vm/context.h"
#include "hyp/vm/syndrome.h"
#include "hyp/vm/vcpu.h"

namespace ravelin::testing {

// PSTATE values.
inline constexpr std::uint64_t kEl0t = 0x0;
inline constexpr std::uint64_t kEl1t = 0x4;
inline constexpr std::uint64_t kEl1h = 0x5;
inline constexpr std::uint64_t kEl1hMasked = 0x3c5;
inline constexpr std::uint64_t kAarch32User = 0x10;

// Fault status codes at level 3 (Arm ARM, ESR_EL2, "ISS encoding for an exception from a Data
// Abort").
inline constexpr std::uint64_t kTranslationFault = 0x07;
inline constexpr std::uint64_t kAccessFlagFault = 0x0b;
inline constexpr std::uint64_t kPermissionFault = 0x0f;

struct Access {
  bool write = false;
  unsigned size = 8;  // bytes
  unsigned reg = 0;
  bool sign_extend = false;
  bool wide = true;
  bool decoded = true;
  bool stage1_walk = false;
  bool cache_maintenance = false;
  std::uint64_t status = kTranslationFault;
  std::uint64_t far = 0xffff'8000'0000'0000;  // of which the offset in the page is the IPA's
};

arch::Syndrome OfClass(unsigned ec, std::uint64_t iss = 0);
arch::Syndrome OfClass(ExceptionClass ec, std::uint64_t iss = 0);
arch::Syndrome DataAbort(std::uint64_t ipa, const Access& access = {});
arch::Syndrome InstructionAbort(std::uint64_t ipa, const Access& access = {});

// Op0, Op1, CRn, CRm, Op2 and the transfer register of MRS or MSR.
struct SystemRegister {
  unsigned op0 = 3, op1 = 0, crn = 0, crm = 0, op2 = 0;
};
arch::Syndrome Mrs(const SystemRegister& source, unsigned reg);
arch::Syndrome Msr(const SystemRegister& target, unsigned reg);

// The interrupt controller of a guest that has one, at the places of QEMU's virt machine.
inline constexpr std::uint64_t kDistributor = 0x0800'0000;
inline constexpr std::uint64_t kRedistributors = 0x080a'0000;

struct GuestPlan {
  std::uint32_t vcpus = 1;
  std::uint64_t intids = 0;       // 0: no interrupt controller
  std::uint32_t from_host = ~0U;  // of each 32 SPIs, those that the host may raise
};

class Guest {
 public:
  static constexpr std::uint64_t kPc = 0xffff'8000'0008'1000;
  static constexpr std::uint64_t kVectors = 0xffff'8000'0123'0000;

  using Acts = std::function<void(GuestRegisters&)>;

  Guest(Host& host, VmKind kind, const GuestPlan& plan = {});

  [[nodiscard]] VmHandle handle() const { return handle_; }
  [[nodiscard]] Vcpu& vcpu(std::uint32_t index = 0) { return host_.VcpuOf(handle_, index); }
  // While the vCPU does not run.
  [[nodiscard]] GuestRegisters& registers() { return vcpu().state().registers; }
  [[nodiscard]] std::uint64_t& x(unsigned index) { return registers().x[index]; }
  [[nodiscard]] El1State& el1() { return vcpu().state().el1; }
  [[nodiscard]] ravelin_run_page& run_page(std::uint32_t index = 0) {
    return host_.RunPageOf(handle_, index);
  }

  // The next exit of the guest, and what it does before.
  void Next(const arch::Syndrome& syndrome, Acts acts = {});
  void NextIrq(Acts acts = {});
  void NextSerror();

  // VCPU_RUN; expects that the whole script is played, and that x1 is the exit's reason.
  ravelin_exit Run(std::uint32_t index = 0);
  // A reply to the last exit, and VCPU_RUN.
  ravelin_exit Reply(std::uint64_t kind, std::uint64_t value = 0);

  // Memory of the VM: donated or lent by the host.
  Pfn GivePage(std::uint64_t ipa);
  // A protected guest's MMIO_GUARD_MAP.
  void Guard(std::uint64_t ipa);

  // Whether the guest has just taken the exception of an undefined instruction at `at`.
  [[nodiscard]] bool TookUndefined(ExecutionPoint at);
  [[nodiscard]] bool TookException(ExecutionPoint at, std::uint64_t esr);

 private:
  Host& host_;
  VmHandle handle_;
  bool protected_;
};

}  // namespace ravelin::testing
