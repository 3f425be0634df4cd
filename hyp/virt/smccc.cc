// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/virt/smccc.h"

#include "hyp/abi/guest_call.h"
#include "hyp/virt/psci.h"

namespace ravelin::virt {
namespace {

constexpr std::uint64_t kSmcccVersion12 = 0x10002;

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
  switch (vcpu.X(0)) {
    case RAVELIN_SMCCC_VERSION:
      return Answer(vcpu, kSmcccVersion12);
    case RAVELIN_SMCCC_ARCH_FEATURES:
      return vcpu.X(1) == RAVELIN_SMCCC_VERSION ? Answer(vcpu, RAVELIN_SMCCC_SUCCESS)
                                                : AnswerNotSupported(vcpu);
    default:
      return ServePsci(vcpu);
  }
}

}  // namespace ravelin::virt
