// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// /dev/kvm as it is, with errors as numbers: every call returns what the system call returned, or
// -errno. The two constructors that can fail end the program.
#pragma once

#include <linux/kvm.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace ravelin::kvm {

inline constexpr std::uint64_t kPageSize = 4096;
inline constexpr std::uint64_t kGuestBase = 0x80000000;
inline constexpr std::uint64_t kDevice = 0x09000000;  // no slot is there
inline constexpr unsigned long kProtectedType = 1UL << 31;

enum class Kind { kNormal, kProtected };

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() { Close(); }
  [[nodiscard]] int get() const { return fd_; }
  void Close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

int Ioctl(const Fd& fd, unsigned long request, std::uint64_t argument = 0);

template <typename T>
int Ioctl(const Fd& fd, unsigned long request, T* argument) {
  return Ioctl(fd, request, reinterpret_cast<std::uint64_t>(argument));
}

// An open /dev/kvm.
Fd OpenKvm();
// KVM_CREATE_VM, closed at once: 0 or -errno.
int TryType(const Fd& kvm, unsigned long type);

// Memory of this process. `flags`: of mmap().
class Mapping {
 public:
  explicit Mapping(std::size_t pages, int flags = MAP_PRIVATE | MAP_ANONYMOUS, int fd = -1);
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() { ::munmap(data_, bytes_); }

  [[nodiscard]] std::byte* data() const { return static_cast<std::byte*>(data_); }
  [[nodiscard]] std::uint64_t address() const { return reinterpret_cast<std::uint64_t>(data_); }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] std::uint64_t pages() const { return bytes_ / kPageSize; }
  // Puts a guest of guest_code.h at the beginning.
  void Load(const std::uint32_t& code, const std::uint32_t& end);

 private:
  std::size_t bytes_;
  void* data_;
};

class Vcpu {
 public:
  Vcpu(const Fd& vm, unsigned index);
  ~Vcpu();
  Vcpu(const Vcpu&) = delete;
  Vcpu& operator=(const Vcpu&) = delete;

  [[nodiscard]] const Fd& fd() const { return fd_; }
  [[nodiscard]] kvm_run& run() const { return *run_; }

  // KVM_ARM_VCPU_INIT for a generic CPU.
  [[nodiscard]] int Init(std::uint32_t features = 0) const;
  [[nodiscard]] int Set(std::uint64_t id, std::uint64_t value) const;
  // The value in `value`.
  [[nodiscard]] int Get(std::uint64_t id, std::uint64_t& value) const;
  [[nodiscard]] int Run() const { return Ioctl(fd_, KVM_RUN); }
  // KVM_RUN after which the exit reason is `reason`; interrupted ones are repeated.
  [[nodiscard]] bool RunsInto(std::uint32_t reason) const;

 private:
  Fd fd_;
  kvm_run* run_;
};

// The identifiers of KVM_SET_ONE_REG: word `word` of struct kvm_regs.
constexpr std::uint64_t CoreRegister(std::size_t word) {
  return KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | word;
}
constexpr std::uint64_t GeneralRegister(unsigned number) { return CoreRegister(number * 2); }
inline constexpr std::uint64_t kPc = CoreRegister(KVM_REG_ARM_CORE_REG(regs.pc));
inline constexpr std::uint64_t kPstate = CoreRegister(KVM_REG_ARM_CORE_REG(regs.pstate));
inline constexpr std::uint64_t kSp = CoreRegister(KVM_REG_ARM_CORE_REG(regs.sp));

class Vm {
 public:
  explicit Vm(Kind kind);

  [[nodiscard]] const Fd& fd() const { return fd_; }
  [[nodiscard]] Fd TakeFd() { return std::move(fd_); }
  [[nodiscard]] int SetSlot(unsigned slot, std::uint64_t guest, std::uint64_t bytes,
                            std::uint64_t host, unsigned flags = 0) const;
  // Slot 0: the mapping at kGuestBase.
  [[nodiscard]] int SetSlot(const Mapping& memory) const {
    return SetSlot(0, kGuestBase, memory.bytes(), memory.address());
  }

 private:
  Fd fd_;
};

// A VM with slot 0 and one vCPU that starts at kGuestBase; ends the program if that fails.
class ReadyVm {
 public:
  ReadyVm(Kind kind, const Mapping& memory);

  [[nodiscard]] const Vm& vm() const { return vm_; }
  [[nodiscard]] Vm& vm() { return vm_; }
  [[nodiscard]] const Vcpu& vcpu() const { return vcpu_; }

 private:
  Vm vm_;
  Vcpu vcpu_{vm_.fd(), 0};
};

// A line of the monitor's figures, in debugfs.
std::int64_t MonitorFigure(const char* name);
// VmLck of this process in pages.
std::int64_t LockedPages();

}  // namespace ravelin::kvm
