// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// irq-api IMAGE: interrupts of /dev/kvm, with irq_guest on four vCPUs, as a normal and as a
// protected VM.

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/guests/irq_device.h"
#include "tests/kvm/check.h"
#include "tests/kvm/irq_checks.h"
#include "tests/kvm/kvm.h"

namespace ravelin::kvm {
namespace {

using namespace irq_device;

constexpr std::size_t kMemoryPages = 512;
constexpr std::uint64_t kUart = 0x09000000;
constexpr std::uint64_t kMailboxStatus = kPage + 0x10;
constexpr int kPatience = 10000;  // milliseconds
constexpr std::array<const char*, kChecks> kNames = {"timer",    "ipi",  "level",
                                                     "resample", "edge", "cpu_off"};

int SetAttribute(const Fd& device, std::uint32_t group, std::uint64_t attribute, void* value) {
  kvm_device_attr argument{.flags = 0,
                           .group = group,
                           .attr = attribute,
                           .addr = reinterpret_cast<std::uint64_t>(value)};
  return Ioctl(device, KVM_SET_DEVICE_ATTR, &argument);
}

Fd CreateGic(const Vm& vm) {
  kvm_create_device device{.type = KVM_DEV_TYPE_ARM_VGIC_V3, .fd = 0, .flags = 0};
  if (Ioctl(vm.fd(), KVM_CREATE_DEVICE, &device) != 0) GiveUp("cannot create the GIC");
  Fd fd{static_cast<int>(device.fd)};
  std::uint64_t distributor = kDistributor;
  std::uint64_t redistributors = kRedistributors;
  const bool done =
      SetAttribute(fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &distributor) == 0 &&
      SetAttribute(fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST, &redistributors) ==
          0 &&
      SetAttribute(fd, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, nullptr) == 0;
  if (!done) GiveUp("cannot set the GIC up");
  return fd;
}

Fd MakeEvent() {
  Fd fd{::eventfd(0, EFD_CLOEXEC)};
  if (fd.get() < 0) GiveUp("no eventfd");
  return fd;
}

void Signal(const Fd& event) {
  const std::uint64_t one = 1;
  if (::write(event.get(), &one, sizeof(one)) != sizeof(one)) GiveUp("cannot signal an eventfd");
}

// False: it was not signalled in time.
bool Await(const Fd& event) {
  pollfd wanted{.fd = event.get(), .events = POLLIN, .revents = 0};
  std::uint64_t count = 0;
  return ::poll(&wanted, 1, kPatience) == 1 &&
         ::read(event.get(), &count, sizeof(count)) == sizeof(count);
}

class IrqMachine {
 public:
  IrqMachine(Kind kind, const std::vector<char>& image);

  // Runs until the guest shuts down, or nothing passes any more.
  void Run();
  [[nodiscard]] bool HasPassed(unsigned check) const { return (passed_ >> check & 1) != 0; }
  [[nodiscard]] const std::string& trouble() const { return trouble_; }

 private:
  void RunVcpu(const Vcpu& vcpu);
  // False: the vCPU does not go on.
  bool Serve(const kvm_run& run);
  void Write(std::uint64_t address, std::uint64_t value);
  void SetLine(std::uint64_t level);
  void SignalAndResample(std::uint64_t times);
  void AnswerDoorbell();

  Mapping memory_{kMemoryPages};
  Vm vm_;
  std::vector<std::unique_ptr<Vcpu>> vcpus_;
  Fd gic_;
  Fd trigger_ = MakeEvent(), resampled_ = MakeEvent(), doorbell_ = MakeEvent(), edge_ = MakeEvent();
  std::atomic<std::uint64_t> passed_ = 0;
  std::atomic<bool> ended_ = false;
  std::string trouble_;
};

IrqMachine::IrqMachine(Kind kind, const std::vector<char>& image) : vm_(kind) {
  std::memcpy(memory_.data(), image.data(), image.size());
  if (vm_.SetSlot(memory_) != 0) GiveUp("cannot set the memory");
  for (unsigned i = 0; i < kCpus; ++i) {
    vcpus_.push_back(std::make_unique<Vcpu>(vm_.fd(), i));
    const std::uint32_t features =
        1U << KVM_ARM_VCPU_PSCI_0_2 | (i == 0 ? 0 : 1U << KVM_ARM_VCPU_POWER_OFF);
    if (vcpus_[i]->Init(features) != 0) GiveUp("cannot initialise a vCPU");
  }
  gic_ = CreateGic(vm_);
  if (vcpus_[0]->Set(kPc, kGuestBase) != 0) GiveUp("cannot set the entry point");
  kvm_irqfd level{};
  level.fd = static_cast<std::uint32_t>(trigger_.get());
  level.gsi = kResampleIntid - 32;
  level.flags = KVM_IRQFD_FLAG_RESAMPLE;
  level.resamplefd = static_cast<std::uint32_t>(resampled_.get());
  kvm_irqfd edge{};
  edge.fd = static_cast<std::uint32_t>(edge_.get());
  edge.gsi = kEdgeIntid - 32;
  kvm_ioeventfd doorbell{};
  doorbell.addr = kPage + kDoorbell;
  doorbell.len = 8;
  doorbell.fd = doorbell_.get();
  if (Ioctl(vm_.fd(), KVM_IRQFD, &level) != 0 || Ioctl(vm_.fd(), KVM_IRQFD, &edge) != 0 ||
      Ioctl(vm_.fd(), KVM_IOEVENTFD, &doorbell) != 0) {
    GiveUp("cannot connect the eventfds");
  }
}

void IrqMachine::SetLine(std::uint64_t level) {
  kvm_irq_level line{};
  line.irq = KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | kLevelIntid;
  line.level = static_cast<std::uint32_t>(level);
  if (Ioctl(vm_.fd(), KVM_IRQ_LINE, &line) != 0) trouble_ = "KVM_IRQ_LINE failed";
}

// The next signal comes when the guest has ended the interrupt of the one before.
void IrqMachine::SignalAndResample(std::uint64_t times) {
  std::thread([this, times] {
    for (std::uint64_t i = 0; i < times; ++i) {
      Signal(trigger_);
      if (!Await(resampled_)) trouble_ = "no resampling after signal " + std::to_string(i);
    }
  }).detach();
}

void IrqMachine::AnswerDoorbell() {
  for (std::uint64_t i = 0; i < kRepeats && !ended_; ++i) {
    if (!Await(doorbell_)) {
      trouble_ = "no doorbell " + std::to_string(i);
      return;
    }
    Signal(edge_);
  }
}

void IrqMachine::Write(std::uint64_t address, std::uint64_t value) {
  switch (address) {
    case kUart:
      std::putchar(static_cast<int>(value & 0xff));
      break;
    case kPage + kPassed:
      passed_ |= std::uint64_t{1} << value;
      break;
    case kPage + kLine:
      SetLine(value);
      break;
    case kPage + kSignal:
      SignalAndResample(value);
      break;
    case kMailboxStatus:
      if (value != 0) trouble_ = "the guest failed with " + std::to_string(value);
      break;
    default:
      trouble_ = "the guest wrote to address " + std::to_string(address);
  }
}

bool IrqMachine::Serve(const kvm_run& run) {
  if (run.exit_reason == KVM_EXIT_MMIO && run.mmio.is_write != 0) {
    std::uint64_t value = 0;
    std::memcpy(&value, run.mmio.data, run.mmio.len);
    Write(run.mmio.phys_addr, value);
    return true;
  }
  if (run.exit_reason != KVM_EXIT_SYSTEM_EVENT) {
    trouble_ = "exit " + std::to_string(run.exit_reason);
  }
  return false;
}

void IrqMachine::RunVcpu(const Vcpu& vcpu) {
  while (!ended_) {
    const int result = vcpu.Run();
    if (result == -EINTR) continue;
    if (result != 0) trouble_ = "KVM_RUN returned " + std::to_string(result);
    if (result != 0 || !Serve(vcpu.run())) break;
  }
  ended_ = true;
}

void IrqMachine::Run() {
  std::vector<std::thread> threads;
  for (const auto& vcpu : vcpus_) threads.emplace_back([&] { RunVcpu(*vcpu); });
  std::thread doorbell([this] { AnswerDoorbell(); });
  for (int waited = 0; !ended_ && waited < 3 * kPatience; waited += 10) {
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
  if (!ended_) trouble_ += " (time is over)";
  ended_ = true;
  for (std::size_t i = 0; i < threads.size(); ++i) {
    vcpus_[i]->run().immediate_exit = 1;
    ::pthread_kill(threads[i].native_handle(), SIGUSR1);
  }
  for (std::thread& thread : threads) thread.join();
  Signal(doorbell_);
  doorbell.join();
}

void CheckMachine(Kind kind, const std::string& prefix, const std::vector<char>& image) {
  IrqMachine machine{kind, image};
  machine.Run();
  for (unsigned i = 0; i < kChecks; ++i) {
    Check check{prefix + "_" + kNames[i]};
    check.True(machine.trouble().empty() ? "the guest says that it passed" : machine.trouble(),
               machine.HasPassed(i));
  }
  Check check{prefix + "_end"};
  check.True(machine.trouble(), machine.trouble().empty());
}

int Main(const char* path) {
  std::ifstream file{path, std::ios::binary};
  const std::vector<char> image{std::istreambuf_iterator<char>{file}, {}};
  if (image.empty()) GiveUp("cannot read the image");
  struct sigaction action{};
  action.sa_handler = [](int /*signal*/) {};
  ::sigaction(SIGUSR1, &action, nullptr);
  CheckInterruptSetUp();
  CheckMachine(Kind::kNormal, "normal", image);
  CheckMachine(Kind::kProtected, "protected", image);
  return Check::any_failed() ? 1 : 0;
}

}  // namespace
}  // namespace ravelin::kvm

int main(int argc, char** argv) {
  if (argc != 2) ravelin::kvm::GiveUp("usage: irq-api IMAGE");
  return ravelin::kvm::Main(argv[1]);
}
