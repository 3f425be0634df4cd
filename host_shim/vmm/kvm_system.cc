// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/kvm_system.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

namespace ravelin::vmm {
namespace {

constexpr const char* kDevice = "/dev/kvm";
// KVM_CREATE_VM: bits 7:0 of the type are the IPA width, bit 31 asks for a protected VM.
constexpr unsigned long kProtectedType = 1UL << 31;

Result<void> CheckVersion(const UniqueFd& fd) {
  const int version = ::ioctl(fd.get(), KVM_GET_API_VERSION, 0);
  if (version < 0) return ErrnoFailure("cannot ask for the version of /dev/kvm");
  if (version == KVM_API_VERSION) return {};
  return PlainFailure("/dev/kvm has API version " + std::to_string(version) + ", not " +
                      std::to_string(KVM_API_VERSION));
}

Result<void> CheckExtensions(const UniqueFd& fd) {
  for (const int extension : {KVM_CAP_USER_MEMORY, KVM_CAP_ONE_REG, KVM_CAP_ARM_PSCI_0_2}) {
    if (::ioctl(fd.get(), KVM_CHECK_EXTENSION, extension) > 0) continue;
    return PlainFailure("/dev/kvm lacks extension " + std::to_string(extension));
  }
  return {};
}

}  // namespace

Result<KvmSystem> KvmSystem::Open() {
  UniqueFd fd{::open(kDevice, O_RDWR | O_CLOEXEC)};
  if (!fd.ok()) return ErrnoFailure("cannot open /dev/kvm");
  if (auto checked = CheckVersion(fd); !checked) return Failure{checked.error()};
  if (auto checked = CheckExtensions(fd); !checked) return Failure{checked.error()};
  const int bytes = ::ioctl(fd.get(), KVM_GET_VCPU_MMAP_SIZE, 0);
  if (bytes < static_cast<int>(sizeof(kvm_run)))
    return ErrnoFailure("cannot size a CPU's run area");
  return KvmSystem{std::move(fd), static_cast<std::size_t>(bytes)};
}

Result<UniqueFd> KvmSystem::CreateVm(VmKind kind, unsigned ipa_bits) const {
  const unsigned long type = ipa_bits | (kind == VmKind::kProtected ? kProtectedType : 0);
  UniqueFd vm{::ioctl(fd_.get(), KVM_CREATE_VM, type)};
  if (vm.ok()) return vm;
  const std::string name = kind == VmKind::kProtected ? "a protected VM" : "a VM";
  return ErrnoFailure("cannot create " + name + " with " + std::to_string(ipa_bits) +
                      "-bit addresses");
}

}  // namespace ravelin::vmm
