// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The type that keeps handlers of normal VMs out of the table of protected VMs.
#pragma once

#include "hyp/base/invariant.h"
#include "hyp/vm/vcpu.h"
#include "hyp/vm/vm.h"

namespace ravelin::pvm_handlers {

// A vCPU of a protected VM: the type that only handlers of protected VMs take.
class ProtectedGuest {
 public:
  explicit ProtectedGuest(Vcpu& vcpu) : vcpu_(vcpu) {
    Invariant(vcpu.vm().is_protected(), "hyp/call picks the table by the kind of the VM");
  }
  [[nodiscard]] Vcpu& vcpu() { return vcpu_; }

 private:
  Vcpu& vcpu_;
};

}  // namespace ravelin::pvm_handlers
