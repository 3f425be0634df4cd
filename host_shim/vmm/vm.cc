// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/vm.h"

#include <linux/kvm.h>
#include <sys/ioctl.h>

#include <bit>

namespace ravelin::vmm {
namespace {

// Guest CPUs are started by PSCI 0.2 or later (DEN 0022), called by HVC.
constexpr std::uint32_t kVcpuFeatures = 1U << KVM_ARM_VCPU_PSCI_0_2;

Result<void> Initialize(const UniqueFd& vm, const UniqueFd& vcpu) {
  kvm_vcpu_init init{};
  if (::ioctl(vm.get(), KVM_ARM_PREFERRED_TARGET, &init) != 0) {
    return ErrnoFailure("cannot learn the CPU model");
  }
  init.features[0] |= kVcpuFeatures;
  if (::ioctl(vcpu.get(), KVM_ARM_VCPU_INIT, &init) != 0) {
    return ErrnoFailure("cannot initialize the CPU");
  }
  return {};
}

}  // namespace

Result<Vm> Vm::Create(const KvmSystem& system, VmKind kind, unsigned ipa_bits) {
  auto fd = system.CreateVm(kind, ipa_bits);
  if (!fd) return Failure{fd.error()};
  return Vm{std::move(*fd)};
}

Result<void> Vm::UseMemory(const GuestMemory& memory) const {
  kvm_userspace_memory_region region{};
  region.guest_phys_addr = Raw(memory.base());
  region.memory_size = memory.size();
  region.userspace_addr = std::bit_cast<std::uintptr_t>(memory.host_address());
  if (::ioctl(fd_.get(), KVM_SET_USER_MEMORY_REGION, &region) == 0) return {};
  const int error = errno;
  const std::string hint = error == ENOMEM ? " (the limit on locked memory may be too low)" : "";
  errno = error;
  return ErrnoFailure("cannot give the VM its memory" + hint);
}

Result<Vcpu> Vm::CreateVcpu(const KvmSystem& system) const {
  UniqueFd fd{::ioctl(fd_.get(), KVM_CREATE_VCPU, 0)};
  if (!fd.ok()) return ErrnoFailure("cannot create a CPU");
  if (auto initialized = Initialize(fd_, fd); !initialized) return Failure{initialized.error()};
  auto run = Mapping::OfFile(fd, system.run_bytes());
  if (!run) return Failure{run.error()};
  return Vcpu{std::move(fd), std::move(*run)};
}

}  // namespace ravelin::vmm
