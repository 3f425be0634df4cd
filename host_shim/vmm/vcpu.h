// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// One virtual CPU. Linux, Documentation/virt/kvm/api.rst, sections 4.10, 4.68 and 5.
#pragma once

#include <linux/kvm.h>

#include <atomic>
#include <cstdint>
#include <utility>

#include "host_shim/vmm/error.h"
#include "host_shim/vmm/guest_memory.h"
#include "host_shim/vmm/mapping.h"
#include "host_shim/vmm/unique_fd.h"

namespace ravelin::vmm {

class Vcpu {
 public:
  // `fd` and the mapping of its kvm_run come from Vm::CreateVcpu.
  Vcpu(UniqueFd fd, Mapping run) : fd_(std::move(fd)), run_(std::move(run)) {}

  // Where the CPU starts, and what it finds in x0.
  [[nodiscard]] Result<void> SetEntry(Ipa entry, std::uint64_t x0) const;

  // Runs the guest until it needs the VMM. False: a signal or RequestStop() came first.
  [[nodiscard]] Result<bool> Run() const;

  // Makes the next Run() return at once. For any thread and for signal handlers; to end a Run()
  // that is under way, its thread needs a signal as well.
  void RequestStop() const { std::atomic_ref{run().immediate_exit} = 1; }
  [[nodiscard]] bool IsStopRequested() const { return std::atomic_ref{run().immediate_exit} != 0; }

  // Why Run() returned, and where the VMM leaves what the guest reads.
  [[nodiscard]] kvm_run& run() const;

  [[nodiscard]] Result<std::uint64_t> GetCoreRegister(std::uint64_t offset) const;

 private:
  [[nodiscard]] Result<void> SetCoreRegister(std::uint64_t offset, std::uint64_t value) const;

  UniqueFd fd_;
  Mapping run_;
};

}  // namespace ravelin::vmm
