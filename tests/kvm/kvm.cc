// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/kvm/kvm.h"

#include <fcntl.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>

#include "tests/kvm/check.h"

namespace ravelin::kvm {
namespace {

// The number in the line "NAME NUMBER ..." of a file; -1 if there is none.
std::int64_t FigureOf(const char* path, const std::string& name) {
  std::ifstream file{path};
  std::string word;
  while (file >> word) {
    std::int64_t number = 0;
    if (word == name && file >> number) return number;
  }
  return -1;
}

}  // namespace

int Ioctl(const Fd& fd, unsigned long request, std::uint64_t argument) {
  const int result = ::ioctl(fd.get(), request, argument);
  return result < 0 ? -errno : result;
}

Fd OpenKvm() {
  Fd fd{::open("/dev/kvm", O_RDWR | O_CLOEXEC)};
  if (fd.get() < 0) GiveUp("cannot open /dev/kvm");
  return fd;
}

int TryType(const Fd& kvm, unsigned long type) {
  const int result = Ioctl(kvm, KVM_CREATE_VM, type);
  if (result < 0) return result;
  const Fd vm{result};
  return 0;
}

Mapping::Mapping(std::size_t pages, int flags, int fd)
    : bytes_(pages * kPageSize),
      data_(::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, flags, fd, 0)) {
  if (data_ == MAP_FAILED) GiveUp("no memory");
  // So that it does not become one mapping with its neighbours.
  if (::madvise(data_, bytes_, MADV_DONTDUMP) != 0) GiveUp("madvise does not work");
}

void Mapping::Load(const std::uint32_t& code, const std::uint32_t& end) {
  const auto bytes = static_cast<std::size_t>(reinterpret_cast<const std::byte*>(&end) -
                                              reinterpret_cast<const std::byte*>(&code));
  std::memcpy(data_, &code, bytes);
}

Vcpu::Vcpu(const Fd& vm, unsigned index) : fd_(Ioctl(vm, KVM_CREATE_VCPU, index)) {
  if (fd_.get() < 0) GiveUp("cannot create a vCPU");
  void* run = ::mmap(nullptr, kPageSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
  if (run == MAP_FAILED) GiveUp("cannot map a vCPU");
  run_ = static_cast<kvm_run*>(run);
}

Vcpu::~Vcpu() { ::munmap(run_, kPageSize); }

int Vcpu::Init(std::uint32_t features) const {
  kvm_vcpu_init init{.target = KVM_ARM_TARGET_GENERIC_V8, .features = {features}};
  return Ioctl(fd_, KVM_ARM_VCPU_INIT, &init);
}

int Vcpu::Set(std::uint64_t id, std::uint64_t value) const {
  kvm_one_reg reg{.id = id, .addr = reinterpret_cast<std::uint64_t>(&value)};
  return Ioctl(fd_, KVM_SET_ONE_REG, &reg);
}

int Vcpu::Get(std::uint64_t id, std::uint64_t& value) const {
  kvm_one_reg reg{.id = id, .addr = reinterpret_cast<std::uint64_t>(&value)};
  return Ioctl(fd_, KVM_GET_ONE_REG, &reg);
}

bool Vcpu::RunsInto(std::uint32_t reason) const {
  int result = Run();
  while (result == -EINTR) result = Run();
  return result == 0 && run_->exit_reason == reason;
}

Vm::Vm(Kind kind) {
  const Fd kvm = OpenKvm();
  fd_ = Fd{Ioctl(kvm, KVM_CREATE_VM, kind == Kind::kProtected ? kProtectedType : 0)};
  if (fd_.get() < 0) GiveUp("cannot create a VM");
}

int Vm::SetSlot(unsigned slot, std::uint64_t guest, std::uint64_t bytes, std::uint64_t host,
                unsigned flags) const {
  kvm_userspace_memory_region region{.slot = slot,
                                     .flags = flags,
                                     .guest_phys_addr = guest,
                                     .memory_size = bytes,
                                     .userspace_addr = host};
  return Ioctl(fd_, KVM_SET_USER_MEMORY_REGION, &region);
}

ReadyVm::ReadyVm(Kind kind, const Mapping& memory) : vm_(kind) {
  const bool ready =
      vm_.SetSlot(memory) == 0 && vcpu_.Init() == 0 && vcpu_.Set(kPc, kGuestBase) == 0;
  if (!ready) GiveUp("cannot set a VM up");
}

std::int64_t MonitorFigure(const char* name) {
  return FigureOf("/sys/kernel/debug/ravelin/info", name);
}

std::int64_t LockedPages() {
  constexpr std::int64_t kKibPerPage = kPageSize / 1024;
  return FigureOf("/proc/self/status", "VmLck:") / kKibPerPage;
}

}  // namespace ravelin::kvm
