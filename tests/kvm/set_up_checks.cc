// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/kvm/set_up_checks.h"

#include <array>
#include <cerrno>
#include <string>

#include "tests/kvm/check.h"
#include "tests/kvm/kvm.h"

namespace ravelin::kvm {
namespace {

constexpr unsigned long kUnknownIoctl = _IO(KVMIO, 0xff);
constexpr std::uint64_t kMib = 1 << 20;

// An ioctl that belongs to an extension.
struct Denied {
  unsigned extension;
  const Fd& fd;
  unsigned long request;
};

void CheckSystem(const Fd& kvm) {
  Check check{"system_ioctls"};
  check.Equal("API version", Ioctl(kvm, KVM_GET_API_VERSION), 12);
  check.Equal("API version with an argument", Ioctl(kvm, KVM_GET_API_VERSION, 1), -EINVAL);
  check.Equal("mmap size", Ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE), kPageSize);
  check.Equal("an unknown ioctl", Ioctl(kvm, kUnknownIoctl), -EINVAL);
  check.Equal("a VM's ioctl", Ioctl(kvm, KVM_CREATE_VCPU, 0), -EINVAL);
}

// What is offered, and that the ioctls of what is not offered do not work.
void CheckExtensions(const Fd& kvm) {
  Check check{"extensions"};
  for (const int extension :
       {KVM_CAP_USER_MEMORY, KVM_CAP_DESTROY_MEMORY_REGION_WORKS, KVM_CAP_CHECK_EXTENSION_VM,
        KVM_CAP_ONE_REG, KVM_CAP_ARM_PSCI, KVM_CAP_ARM_PSCI_0_2, KVM_CAP_IMMEDIATE_EXIT,
        KVM_CAP_NR_MEMSLOTS, KVM_CAP_NR_VCPUS, KVM_CAP_MAX_VCPUS, KVM_CAP_ARM_VM_IPA_SIZE,
        KVM_CAP_IRQCHIP, KVM_CAP_DEVICE_CTRL, KVM_CAP_IRQFD, KVM_CAP_IRQFD_RESAMPLE,
        KVM_CAP_IOEVENTFD, KVM_CAP_MP_STATE}) {
    check.True("extension " + std::to_string(extension) + " is offered",
               Ioctl(kvm, KVM_CHECK_EXTENSION, static_cast<unsigned>(extension)) > 0);
  }
  check.Equal("an unknown extension", Ioctl(kvm, KVM_CHECK_EXTENSION, 0xffff), 0);

  const Vm vm{Kind::kNormal};
  const Vcpu vcpu{vm.fd(), 0};
  std::array<std::byte, 4096> room{};
  const std::array denied{
      Denied{KVM_CAP_IRQ_ROUTING, vm.fd(), KVM_SET_GSI_ROUTING},
      Denied{KVM_CAP_SIGNAL_MSI, vm.fd(), KVM_SIGNAL_MSI},
      Denied{KVM_CAP_COALESCED_MMIO, vm.fd(), KVM_REGISTER_COALESCED_MMIO},
      Denied{KVM_CAP_ENABLE_CAP_VM, vm.fd(), KVM_ENABLE_CAP},
      Denied{KVM_CAP_VCPU_EVENTS, vcpu.fd(), KVM_GET_VCPU_EVENTS},
      Denied{KVM_CAP_SET_GUEST_DEBUG, vcpu.fd(), KVM_SET_GUEST_DEBUG},
  };
  for (const Denied& pair : denied) {
    if (Ioctl(vm.fd(), KVM_CHECK_EXTENSION, pair.extension) != 0) continue;
    check.True("what extension " + std::to_string(pair.extension) + " denies does not work",
               Ioctl(pair.fd, pair.request, room.data()) < 0);
  }
}

void CheckTypes(const Fd& kvm) {
  Check check{"vm_types"};
  const auto widest =
      static_cast<unsigned long>(Ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_VM_IPA_SIZE));
  for (const unsigned long kind : {0UL, kProtectedType}) {
    check.Equal("default width", TryType(kvm, kind), 0);
    check.Equal("least width", TryType(kvm, kind | 32), 0);
    check.Equal("most width", TryType(kvm, kind | widest), 0);
    check.Equal("too little width", TryType(kvm, kind | 31), -EINVAL);
    check.Equal("too much width", TryType(kvm, kind | (widest + 1)), -EINVAL);
    check.Equal("bit 8", TryType(kvm, kind | 1UL << 8), -EINVAL);
    check.Equal("bit 30", TryType(kvm, kind | 1UL << 30), -EINVAL);
    check.Equal("bit 32", TryType(kvm, kind | 1UL << 32), -EINVAL);
  }
}

void CheckSlots(Kind kind, const char* name) {
  Check check{name};
  const Vm vm{kind};
  const Mapping memory{2};
  const std::uint64_t host = memory.address();
  const std::uint64_t far = std::uint64_t{1} << 40;
  const auto most = static_cast<unsigned>(Ioctl(vm.fd(), KVM_CHECK_EXTENSION, KVM_CAP_NR_MEMSLOTS));

  check.Equal("no argument", Ioctl(vm.fd(), KVM_SET_USER_MEMORY_REGION), -EFAULT);
  check.Equal("odd size", vm.SetSlot(0, kGuestBase, 0x800, host), -EINVAL);
  check.Equal("odd guest address", vm.SetSlot(0, kGuestBase + 8, kPageSize, host), -EINVAL);
  check.Equal("odd host address", vm.SetSlot(0, kGuestBase, kPageSize, host + 8), -EINVAL);
  check.Equal("kernel address", vm.SetSlot(0, kGuestBase, kPageSize, ~0UL << 40), -EINVAL);
  check.Equal("unknown flag", vm.SetSlot(0, kGuestBase, kPageSize, host, 1U << 31), -EINVAL);
  check.Equal("slot number", vm.SetSlot(most, kGuestBase, kPageSize, host), -EINVAL);
  check.Equal("beyond the IPA space", vm.SetSlot(0, far, kPageSize, host), -EFAULT);
  check.Equal("across its end", vm.SetSlot(0, far - kPageSize, 2 * kPageSize, host), -EFAULT);
  check.Equal("wrapping", vm.SetSlot(0, ~0UL << 12, 2 * kPageSize, host), -EINVAL);
  check.Equal("deleting nothing", vm.SetSlot(0, kGuestBase, 0, host), -EINVAL);

  check.Equal("a slot", vm.SetSlot(0, kGuestBase, 2 * kPageSize, host), 0);
  check.Equal("the same again", vm.SetSlot(0, kGuestBase, 2 * kPageSize, host), 0);
  check.Equal("overlap", vm.SetSlot(1, kGuestBase + kPageSize, kPageSize, host), -EEXIST);
  check.Equal("another size", vm.SetSlot(0, kGuestBase, kPageSize, host), -EINVAL);
  check.Equal("a neighbour", vm.SetSlot(1, kGuestBase + 2 * kPageSize, kPageSize, host), 0);
  check.Equal("moving onto it", vm.SetSlot(0, kGuestBase + kPageSize, 2 * kPageSize, host),
              -EEXIST);
  check.Equal("moving", vm.SetSlot(0, kGuestBase + kMib, 2 * kPageSize, host), 0);
  check.Equal("deleting", vm.SetSlot(0, 0, 0, 0), 0);
  check.Equal("the highest number", vm.SetSlot(most - 1, kGuestBase, kPageSize, host), 0);
}

void CheckVcpus(Kind kind, const char* name) {
  Check check{name};
  const Vm vm{kind};
  const auto most =
      static_cast<std::uint64_t>(Ioctl(vm.fd(), KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPU_ID));
  check.Equal("unknown ioctl of a VM", Ioctl(vm.fd(), kUnknownIoctl), -EINVAL);
  check.Equal("vCPU number", Ioctl(vm.fd(), KVM_CREATE_VCPU, most), -EINVAL);
  check.Equal("wide vCPU number", Ioctl(vm.fd(), KVM_CREATE_VCPU, 1UL << 32), -EINVAL);

  const Vcpu vcpu{vm.fd(), 0};
  const Vcpu last{vm.fd(), static_cast<unsigned>(most - 1)};
  check.Equal("the same vCPU again", Ioctl(vm.fd(), KVM_CREATE_VCPU, 0), -EEXIST);
  check.Equal("unknown ioctl of a vCPU", Ioctl(vcpu.fd(), kUnknownIoctl), -EINVAL);
  check.Equal("KVM_RUN before init", vcpu.Run(), -ENOEXEC);
  check.Equal("register before init", vcpu.Set(kPc, 0), -ENOEXEC);
  kvm_reg_list list{};
  check.Equal("register list before init", Ioctl(vcpu.fd(), KVM_GET_REG_LIST, &list), -ENOEXEC);

  kvm_vcpu_init init{.target = KVM_ARM_TARGET_CORTEX_A57, .features = {}};
  check.Equal("another target", Ioctl(vcpu.fd(), KVM_ARM_VCPU_INIT, &init), -EINVAL);
  check.Equal("preferred target", Ioctl(vm.fd(), KVM_ARM_PREFERRED_TARGET, &init), 0);
  check.Equal("it is generic", init.target, KVM_ARM_TARGET_GENERIC_V8);
  check.Equal("init with it", Ioctl(vcpu.fd(), KVM_ARM_VCPU_INIT, &init), 0);
  check.Equal("32-bit guest", vcpu.Init(1U << KVM_ARM_VCPU_EL1_32BIT), -EINVAL);
  check.Equal("unknown feature", vcpu.Init(1U << 31), -ENOENT);
  init.features[1] = 1;
  check.Equal("a far feature", Ioctl(vcpu.fd(), KVM_ARM_VCPU_INIT, &init), -ENOENT);
  check.Equal("init again", vcpu.Init(1U << KVM_ARM_VCPU_PSCI_0_2), 0);
  check.Equal("KVM_RUN with an argument", Ioctl(vcpu.fd(), KVM_RUN, 1), -EINVAL);
  vcpu.run().immediate_exit = 1;
  check.Equal("immediate exit", vcpu.Run(), -EINTR);
}

void CheckRunMapping() {
  Check check{"run_mapping"};
  const Vm vm{Kind::kNormal};
  const Vcpu vcpu{vm.fd(), 0};
  void* again = ::mmap(nullptr, kPageSize, PROT_READ, MAP_SHARED, vcpu.fd().get(), 0);
  check.True("a second mapping is possible", again != MAP_FAILED);
  if (again == MAP_FAILED) return;
  vcpu.run().immediate_exit = 1;
  check.Equal("both are the same page", static_cast<kvm_run*>(again)->immediate_exit, 1);
  ::munmap(again, kPageSize);
}

// What no VM has under these identifiers.
void CheckForeignRegisters(Check& check, const Vcpu& vcpu) {
  const std::uint64_t narrow = (kPc & ~KVM_REG_SIZE_MASK) | KVM_REG_SIZE_U32;
  const std::uint64_t x86 = (kPc & ~KVM_REG_ARCH_MASK) | KVM_REG_X86;
  const std::uint64_t system = ARM64_SYS_REG(3, 0, 1, 0, 0);  // SCTLR_EL1
  check.Equal("a narrow PC", vcpu.Set(narrow, 0), -EINVAL);
  check.Equal("another architecture", vcpu.Set(x86, 0), -EINVAL);
  check.Equal("beyond struct kvm_regs", vcpu.Set(CoreRegister(0xfff), 0), -ENOENT);
  check.True("system registers are refused", vcpu.Set(system, 0) < 0);
}

void CheckNormalRegisters() {
  Check check{"normal_registers"};
  const Vm vm{Kind::kNormal};
  const Vcpu vcpu{vm.fd(), 0};
  check.Equal("init", vcpu.Init(), 0);
  std::uint64_t value = 0;
  for (unsigned number = 0; number <= 30; ++number) {
    check.Equal("setting a register", vcpu.Set(GeneralRegister(number), 0x1234567800 + number), 0);
  }
  check.Equal("setting PC", vcpu.Set(kPc, kGuestBase), 0);
  check.Equal("setting SP", vcpu.Set(kSp, 77), 0);
  for (unsigned number = 0; number <= 30; ++number) {
    check.Equal("getting a register", vcpu.Get(GeneralRegister(number), value), 0);
    check.Equal("its value", static_cast<std::int64_t>(value), 0x1234567800 + number);
  }
  check.Equal("getting PC", vcpu.Get(kPc, value), 0);
  check.Equal("the PC", static_cast<std::int64_t>(value), kGuestBase);

  check.Equal("EL1h", vcpu.Set(kPstate, 5), 0);
  check.Equal("EL2", vcpu.Set(kPstate, 9), -EINVAL);
  check.Equal("EL3", vcpu.Set(kPstate, 13), -EINVAL);
  check.Equal("AArch32", vcpu.Set(kPstate, 0x13), -EINVAL);
  kvm_one_reg nowhere{.id = kPc, .addr = 8};
  check.Equal("a bad address", Ioctl(vcpu.fd(), KVM_SET_ONE_REG, &nowhere), -EFAULT);
  CheckForeignRegisters(check, vcpu);
}

void CheckProtectedRegisters() {
  Check check{"protected_registers"};
  const Vm vm{Kind::kProtected};
  const Vcpu vcpu{vm.fd(), 0};
  check.Equal("init", vcpu.Init(), 0);
  std::uint64_t value = 0;
  for (unsigned number = 0; number <= 3; ++number) {
    check.Equal("setting an argument", vcpu.Set(GeneralRegister(number), number), 0);
    check.Equal("getting it", vcpu.Get(GeneralRegister(number), value), -EPERM);
  }
  check.Equal("setting PC", vcpu.Set(kPc, kGuestBase), 0);
  check.Equal("getting PC", vcpu.Get(kPc, value), -EPERM);
  for (unsigned number = 4; number <= 30; ++number) {
    check.Equal("setting another register", vcpu.Set(GeneralRegister(number), 1), -EPERM);
  }
  check.Equal("setting SP", vcpu.Set(kSp, 1), -EPERM);
  check.Equal("setting PSTATE", vcpu.Set(kPstate, 5), -EPERM);
  CheckForeignRegisters(check, vcpu);
}

// struct kvm_reg_list with room.
struct RegisterList {
  std::uint64_t n;
  std::array<std::uint64_t, 512> ids;
};

// Every register of the list can be set.
void CheckRegisterList(Kind kind, const char* name) {
  Check check{name};
  const Vm vm{kind};
  const Vcpu vcpu{vm.fd(), 0};
  check.Equal("init", vcpu.Init(), 0);
  RegisterList list{};
  check.Equal("a short list", Ioctl(vcpu.fd(), KVM_GET_REG_LIST, &list), -E2BIG);
  const std::uint64_t count = list.n;
  check.True("the list has a length", count > 0 && count <= list.ids.size());
  check.Equal("the list", Ioctl(vcpu.fd(), KVM_GET_REG_LIST, &list), 0);
  for (std::uint64_t i = 0; i < count && i < list.ids.size(); ++i) {
    std::uint64_t value = list.ids[i] == kPstate ? 5 : 0;
    if (kind == Kind::kNormal) check.Equal("getting", vcpu.Get(list.ids[i], value), 0);
    check.Equal("setting", vcpu.Set(list.ids[i], value), 0);
  }
}

}  // namespace

void CheckSetUp() {
  const Fd kvm = OpenKvm();
  CheckSystem(kvm);
  CheckExtensions(kvm);
  CheckTypes(kvm);
  CheckSlots(Kind::kNormal, "normal_slots");
  CheckSlots(Kind::kProtected, "protected_slots");
  CheckVcpus(Kind::kNormal, "normal_vcpus");
  CheckVcpus(Kind::kProtected, "protected_vcpus");
  CheckRunMapping();
  CheckNormalRegisters();
  CheckProtectedRegisters();
  CheckRegisterList(Kind::kNormal, "normal_register_list");
  CheckRegisterList(Kind::kProtected, "protected_register_list");
}

}  // namespace ravelin::kvm
