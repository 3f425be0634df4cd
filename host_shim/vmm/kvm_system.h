// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// /dev/kvm: what the host offers. Linux, Documentation/virt/kvm/api.rst, sections 4.1 to 4.5.
#pragma once

#include <cstddef>

#include "host_shim/vmm/error.h"
#include "host_shim/vmm/unique_fd.h"
#include "host_shim/vmm/vm_kind.h"

namespace ravelin::vmm {

class KvmSystem {
 public:
  // Opens /dev/kvm and checks that it is the API that this VMM speaks.
  static Result<KvmSystem> Open();

  // The file descriptor of a new VM.
  [[nodiscard]] Result<UniqueFd> CreateVm(VmKind kind, unsigned ipa_bits) const;

  [[nodiscard]] std::size_t run_bytes() const { return run_bytes_; }

 private:
  KvmSystem(UniqueFd fd, std::size_t run_bytes) : fd_(std::move(fd)), run_bytes_(run_bytes) {}

  UniqueFd fd_;
  std::size_t run_bytes_;  // size of the mapping of a vCPU's kvm_run
};

}  // namespace ravelin::vmm
