// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// One virtual machine: its memory slot and its CPUs. Linux, Documentation/virt/kvm/api.rst,
// sections 4.7, 4.35, 4.82 and 4.83.
#pragma once

#include "host_shim/vmm/error.h"
#include "host_shim/vmm/guest_memory.h"
#include "host_shim/vmm/kvm_system.h"
#include "host_shim/vmm/unique_fd.h"
#include "host_shim/vmm/vcpu.h"

namespace ravelin::vmm {

class Vm {
 public:
  static Result<Vm> Create(const KvmSystem& system, VmKind kind, unsigned ipa_bits);

  // The VM's only memory. `memory` must outlive the VM.
  [[nodiscard]] Result<void> UseMemory(const GuestMemory& memory) const;

  // The VM's only CPU, off until it first runs.
  [[nodiscard]] Result<Vcpu> CreateVcpu(const KvmSystem& system) const;

 private:
  explicit Vm(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
};

}  // namespace ravelin::vmm
