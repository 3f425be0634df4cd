// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/virt/smccc.h"

#include "hyp/abi/guest_call.h"
#include "hyp/abi/run_page.h"

namespace ravelin::virt {
namespace {

constexpr std::uint64_t kSmcccVersion12 = 0x10002;
constexpr std::uint64_t kPsciVersion11 = 0x10001;
constexpr std::uint64_t kMigrationNotNeeded = 2;

bool IsServed(std::uint64_t function) {
  switch (function) {
    case RAVELIN_SMCCC_VERSION:
    case RAVELIN_PSCI_VERSION:
    case RAVELIN_PSCI_CPU_OFF:
    case RAVELIN_PSCI_MIGRATE_INFO_TYPE:
    case RAVELIN_PSCI_SYSTEM_OFF:
    case RAVELIN_PSCI_SYSTEM_RESET:
    case RAVELIN_PSCI_FEATURES:
      return true;
    default:
      return false;
  }
}

Disposition PowerDown(Vcpu& vcpu, std::uint64_t event) {
  vcpu.BecomeAfterExit(VcpuStatus::kOff);
  return vcpu.Exit({.reason = RAVELIN_EXIT_SYSTEM_EVENT, .event = event});
}

}  // namespace

Disposition Answer(Vcpu& vcpu, std::uint64_t x0, std::uint64_t x1, std::uint64_t x2,
                   std::uint64_t x3) {
  vcpu.SetX(0, x0);
  vcpu.SetX(1, x1);
  vcpu.SetX(2, x2);
  vcpu.SetX(3, x3);
  return Disposition::kResume;
}

Disposition AnswerNotSupported(Vcpu& vcpu) {
  return Answer(vcpu, static_cast<std::uint64_t>(RAVELIN_SMCCC_NOT_SUPPORTED));
}

std::optional<Disposition> ServeCommonCall(Vcpu& vcpu) {
  const std::uint64_t argument = vcpu.X(1);
  switch (vcpu.X(0)) {
    case RAVELIN_SMCCC_VERSION:
      return Answer(vcpu, kSmcccVersion12);
    case RAVELIN_SMCCC_ARCH_FEATURES:
    case RAVELIN_PSCI_FEATURES:
      return IsServed(argument) ? Answer(vcpu, RAVELIN_SMCCC_SUCCESS) : AnswerNotSupported(vcpu);
    case RAVELIN_PSCI_VERSION:
      return Answer(vcpu, kPsciVersion11);
    case RAVELIN_PSCI_MIGRATE_INFO_TYPE:
      return Answer(vcpu, kMigrationNotNeeded);
    case RAVELIN_PSCI_CPU_OFF:
      return PowerDown(vcpu, RAVELIN_EVENT_CPU_OFF);
    case RAVELIN_PSCI_SYSTEM_OFF:
      return PowerDown(vcpu, RAVELIN_EVENT_SHUTDOWN);
    case RAVELIN_PSCI_SYSTEM_RESET:
      return PowerDown(vcpu, RAVELIN_EVENT_RESET);
    default:
      return std::nullopt;
  }
}

}  // namespace ravelin::virt
