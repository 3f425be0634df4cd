// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// One virtual machine: its memory slot, its CPUs, its interrupts. Linux,
// Documentation/virt/kvm/api.rst, sections 4.7, 4.25, 4.35, 4.59, 4.82 and 4.83.
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

  // A CPU. Number 0 is on from the start, the others when the guest switches them on by PSCI.
  [[nodiscard]] Result<Vcpu> CreateVcpu(const KvmSystem& system, unsigned number) const;

  // A GICv3 for all CPUs that exist. No further ones can be created.
  [[nodiscard]] Result<UniqueFd> CreateGic(Ipa distributor, Ipa redistributors) const;

  // Sets the level of a shared peripheral interrupt, counted from 0.
  [[nodiscard]] Result<void> SetInterrupt(unsigned number, bool high) const;

  // Lets the kernel signal `event` when the guest writes `value` (32 bits) to `address`, instead of
  // ending KVM_RUN. False: the kernel cannot; the write arrives as an MMIO exit.
  [[nodiscard]] bool SignalOnWrite(Ipa address, std::uint32_t value, const UniqueFd& event) const;

 private:
  explicit Vm(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
};

}  // namespace ravelin::vmm
