// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/vcpu.h"

#include <sys/ioctl.h>

#include <bit>
#include <cstddef>

namespace ravelin::vmm {
namespace {

// `offset`: of a 64-bit register inside struct kvm_regs.
kvm_one_reg CoreRegister(std::uint64_t offset, std::uint64_t& value) {
  return {
      .id = KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | offset / sizeof(std::uint32_t),
      .addr = std::bit_cast<std::uintptr_t>(&value),
  };
}

}  // namespace

kvm_run& Vcpu::run() const { return *reinterpret_cast<kvm_run*>(run_.data()); }

Result<void> Vcpu::SetCoreRegister(std::uint64_t offset, std::uint64_t value) const {
  const kvm_one_reg reg = CoreRegister(offset, value);
  if (::ioctl(fd_.get(), KVM_SET_ONE_REG, &reg) == 0) return {};
  return ErrnoFailure("cannot set a register of the CPU");
}

Result<std::uint64_t> Vcpu::GetCoreRegister(std::uint64_t offset) const {
  std::uint64_t value = 0;
  const kvm_one_reg reg = CoreRegister(offset, value);
  if (::ioctl(fd_.get(), KVM_GET_ONE_REG, &reg) == 0) return value;
  return ErrnoFailure("cannot read a register of the CPU");
}

Result<void> Vcpu::SetEntry(Ipa entry, std::uint64_t x0) const {
  if (auto set = SetCoreRegister(offsetof(kvm_regs, regs.pc), Raw(entry)); !set) return set;
  return SetCoreRegister(offsetof(kvm_regs, regs.regs[0]), x0);
}

Result<bool> Vcpu::Run() const {
  if (::ioctl(fd_.get(), KVM_RUN, 0) == 0) return true;
  if (errno == EINTR || errno == EAGAIN) return false;
  return ErrnoFailure("cannot run the CPU");
}

}  // namespace ravelin::vmm
