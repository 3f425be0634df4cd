// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/vm.h"

#include <linux/kvm.h>
#include <sys/ioctl.h>

#include <bit>

namespace ravelin::vmm {
namespace {

constexpr std::uint32_t FeatureBit(unsigned feature) { return 1U << feature; }

// PSCI 0.2 or later (DEN 0022) starts all CPUs but the first.
std::uint32_t FeaturesOf(unsigned number) {
  const std::uint32_t power = number == 0 ? 0 : FeatureBit(KVM_ARM_VCPU_POWER_OFF);
  return FeatureBit(KVM_ARM_VCPU_PSCI_0_2) | power;
}

Result<void> Initialize(const UniqueFd& vm, const UniqueFd& vcpu, unsigned number) {
  kvm_vcpu_init init{};
  if (::ioctl(vm.get(), KVM_ARM_PREFERRED_TARGET, &init) != 0) {
    return ErrnoFailure("cannot learn the CPU model");
  }
  init.features[0] |= FeaturesOf(number);
  if (::ioctl(vcpu.get(), KVM_ARM_VCPU_INIT, &init) != 0) {
    return ErrnoFailure("cannot initialize CPU " + std::to_string(number));
  }
  return {};
}

// The GIC's interrupts: 32 private ones, the rest shared.
constexpr unsigned kPrivateInterrupts = 32;
constexpr std::uint32_t kInterrupts = 128;

Result<void> SetGicAttribute(const UniqueFd& gic, std::uint32_t group, std::uint64_t name,
                             const void* value) {
  kvm_device_attr attribute{};
  attribute.group = group;
  attribute.attr = name;
  attribute.addr = std::bit_cast<std::uintptr_t>(value);
  if (::ioctl(gic.get(), KVM_SET_DEVICE_ATTR, &attribute) == 0) return {};
  return ErrnoFailure("cannot set up the interrupt controller (group " + std::to_string(group) +
                      ", attribute " + std::to_string(name) + ")");
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

Result<Vcpu> Vm::CreateVcpu(const KvmSystem& system, unsigned number) const {
  UniqueFd fd{::ioctl(fd_.get(), KVM_CREATE_VCPU, number)};
  if (!fd.ok()) return ErrnoFailure("cannot create CPU " + std::to_string(number));
  if (auto initialized = Initialize(fd_, fd, number); !initialized) {
    return Failure{initialized.error()};
  }
  auto run = Mapping::OfFile(fd, system.run_bytes());
  if (!run) return Failure{run.error()};
  return Vcpu{std::move(fd), std::move(*run)};
}

// Linux, Documentation/virt/kvm/devices/arm-vgic-v3.rst.
Result<UniqueFd> Vm::CreateGic(Ipa distributor, Ipa redistributors) const {
  kvm_create_device create{};
  create.type = KVM_DEV_TYPE_ARM_VGIC_V3;
  if (::ioctl(fd_.get(), KVM_CREATE_DEVICE, &create) != 0) {
    return ErrnoFailure("cannot create the interrupt controller");
  }
  UniqueFd gic{static_cast<int>(create.fd)};
  const std::uint64_t distributor_address = Raw(distributor);
  const std::uint64_t redistributor_address = Raw(redistributors);
  auto set = SetGicAttribute(gic, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST,
                             &distributor_address);
  if (!set) return Failure{set.error()};
  set = SetGicAttribute(gic, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST,
                        &redistributor_address);
  if (!set) return Failure{set.error()};
  set = SetGicAttribute(gic, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &kInterrupts);
  if (!set) return Failure{set.error()};
  set = SetGicAttribute(gic, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, nullptr);
  if (!set) return Failure{set.error()};
  return gic;
}

Result<void> Vm::SetInterrupt(unsigned number, bool high) const {
  kvm_irq_level line{};
  line.irq = static_cast<std::uint32_t>(KVM_ARM_IRQ_TYPE_SPI) << KVM_ARM_IRQ_TYPE_SHIFT |
             (kPrivateInterrupts + number);
  line.level = high ? 1 : 0;
  if (::ioctl(fd_.get(), KVM_IRQ_LINE, &line) == 0) return {};
  return ErrnoFailure("cannot set interrupt " + std::to_string(number));
}

bool Vm::SignalOnWrite(Ipa address, std::uint32_t value, const UniqueFd& event) const {
  kvm_ioeventfd request{};
  request.datamatch = value;
  request.addr = Raw(address);
  request.len = sizeof(value);
  request.fd = event.get();
  request.flags = KVM_IOEVENTFD_FLAG_DATAMATCH;
  return ::ioctl(fd_.get(), KVM_IOEVENTFD, &request) == 0;
}

}  // namespace ravelin::vmm
