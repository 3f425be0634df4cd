// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/linux_machine.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/signalfd.h>

#include <array>
#include <bit>
#include <ctime>
#include <span>

#include "host_shim/vmm/linux/device_tree.h"
#include "host_shim/vmm/linux/layout.h"
#include "host_shim/vmm/vcpu_threads.h"
#include "host_shim/vmm/virtio/block.h"
#include "host_shim/vmm/virtio/console.h"
#include "host_shim/vmm/virtio/entropy.h"
#include "host_shim/vmm/virtio/vsock.h"

namespace ravelin::vmm {
namespace {

constexpr std::size_t kSeedBytes = 64;

// A line of the VM's interrupt controller.
class GicLine final : public InterruptLine {
 public:
  GicLine(const Vm& vm, unsigned number, std::function<void(std::string_view)> complain)
      : vm_(&vm), number_(number), complain_(std::move(complain)) {}

  void Set(bool high) override {
    const auto set = vm_->SetInterrupt(number_, high);
    if (!set && !std::exchange(has_complained_, true)) complain_(set.error().text);
  }

 private:
  const Vm* vm_;
  unsigned number_;
  std::function<void(std::string_view)> complain_;
  bool has_complained_ = false;
};

template <std::size_t kCount>
Result<std::array<std::byte, kCount>> RandomBytes() {
  std::array<std::byte, kCount> bytes{};
  if (::getrandom(bytes.data(), kCount, 0) == static_cast<ssize_t>(kCount)) return bytes;
  return ErrnoFailure("no random bytes");
}

std::uint32_t Now() { return static_cast<std::uint32_t>(std::time(nullptr)); }

bool IsProtected(const Options& options) { return options.kind == VmKind::kProtected; }

// The bit that a protected guest sets in addresses of what it shares.
std::uint64_t SharedAlias(const Options& options) {
  return IsProtected(options) ? std::uint64_t{1} << (options.ipa_bits - 1) : 0;
}

std::string DiskId(std::size_t index) { return "ravelin-disk-" + std::to_string(index); }

// SIGINT and SIGTERM as a file, from here on for every thread that is started. A console that
// nobody reads any more is no reason to die.
Result<UniqueFd> SignalFile() {
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t signals{};
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGINT);
  ::sigaddset(&signals, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  UniqueFd file{::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK)};
  if (!file.ok()) return ErrnoFailure("cannot wait for signals");
  return file;
}

}  // namespace

Result<std::unique_ptr<LinuxMachine>> LinuxMachine::Create(
    const Options& options, std::function<void(std::string_view)> say) {
  auto signals = SignalFile();
  if (!signals) return Failure{signals.error()};
  auto memory = GuestMemory::Create(kRamBase, options.memory_bytes);
  if (!memory) return Failure{memory.error()};
  auto system = KvmSystem::Open();
  if (!system) return Failure{system.error()};
  auto vm = Vm::Create(*system, options.kind, options.ipa_bits);
  if (!vm) return Failure{vm.error()};
  if (auto used = vm->UseMemory(*memory); !used) return Failure{used.error()};
  auto loop = EventLoop::Create();
  if (!loop) return Failure{loop.error()};
  std::unique_ptr<LinuxMachine> machine{
      new LinuxMachine{std::move(*memory), std::move(*vm), std::move(*loop), std::move(say)}};
  auto added = machine->WatchSignals(std::move(*signals));
  if (added) added = machine->AddCpus(*system, options.cpus);
  if (added) added = machine->AddSerial(options.serial);
  if (added) added = machine->AddVirtioDevices(options);
  if (added) added = machine->LoadGuest(options);
  if (!added) return Failure{added.error()};
  return machine;
}

Result<void> LinuxMachine::WatchSignals(UniqueFd signals) {
  signals_ = std::move(signals);
  const auto watch = loop_->Add(signals_.get(), EPOLLIN, [this](std::uint32_t) { loop_->Stop(); });
  if (!watch) return Failure{watch.error()};
  return {};
}

Result<void> LinuxMachine::AddCpus(const KvmSystem& system, unsigned count) {
  for (unsigned number = 0; number < count; ++number) {
    auto vcpu = vm_.CreateVcpu(system, number);
    if (!vcpu) return Failure{vcpu.error()};
    vcpus_.push_back(std::move(*vcpu));
  }
  auto gic = vm_.CreateGic(kGicDistributor, kGicRedistributors);
  if (!gic) return Failure{gic.error()};
  gic_ = std::move(*gic);
  return {};
}

Result<void> LinuxMachine::AddSerial(const std::string& target) {
  auto port = ConsolePort::Open(target);
  if (!port) return Failure{port.error()};
  serial_port_ = std::move(*port);
  serial_line_ = std::make_unique<GicLine>(vm_, kSerialInterrupt, say_);
  const auto send = [this](char character) {
    serial_port_->Write(std::as_bytes(std::span{&character, 1}));
  };
  serial_ = std::make_unique<Pl011>(send, serial_line_.get());
  bus_.Attach(kSerialBase, kDeviceBytes, *serial_);
  clock_ = std::make_unique<Pl031>(Now);
  bus_.Attach(kClockBase, kDeviceBytes, *clock_);
  serial_port_->Connect(*loop_, *serial_);
  return {};
}

Result<void> LinuxMachine::AddVirtioDevices(const Options& options) {
  if (auto added = AddConsole(options); !added) return added;
  if (options.rng) {
    auto added = AddVirtio(options, std::make_unique<VirtioEntropy>());
    if (!added) return added;
  }
  for (std::size_t i = 0; i < options.disks.size(); ++i) {
    const DiskOption& wanted = options.disks[i];
    const auto access = wanted.is_read_only ? DiskAccess::kReadOnly : DiskAccess::kReadWrite;
    auto disk = VirtioBlock::Open(wanted.path, access, DiskId(i));
    if (!disk) return Failure{disk.error()};
    if (auto added = AddVirtio(options, std::move(*disk)); !added) return added;
  }
  if (options.vsock) {
    auto vsock = VirtioVsock::Create(options.vsock->cid, options.vsock->path, *loop_);
    if (!vsock) return Failure{vsock.error()};
    if (auto added = AddVirtio(options, std::move(*vsock)); !added) return added;
  }
  return {};
}

Result<void> LinuxMachine::AddConsole(const Options& options) {
  if (options.console.empty()) return {};
  auto port = ConsolePort::Open(options.console);
  if (!port) return Failure{port.error()};
  console_port_ = std::move(*port);
  auto console = std::make_unique<VirtioConsole>(
      [this](std::span<const std::byte> bytes) { console_port_->Write(bytes); });
  console_port_->Connect(*loop_, *console);
  return AddVirtio(options, std::move(console));
}

Result<void> LinuxMachine::AddVirtio(const Options& options, std::unique_ptr<VirtioDevice> device) {
  const std::size_t index = slots_.size();
  const auto interrupt = kVirtioInterrupt + static_cast<unsigned>(index);
  auto slot =
      VirtioSlot::Create({.device = std::move(device),
                          .line = std::make_unique<GicLine>(vm_, interrupt, say_),
                          .memory = DmaMemory{memory_, SharedAlias(options)},
                          .required_features = IsProtected(options) ? kFeatureAccessPlatform : 0,
                          .complain = say_},
                         *loop_);
  if (!slot) return Failure{slot.error()};
  const Ipa registers = VirtioRegisters(index);
  const Ipa notify{Raw(registers) + VirtioMmio::kQueueNotify};
  const auto& doorbells = (*slot)->doorbells();
  for (std::uint32_t queue = 0; queue < doorbells.size(); ++queue) {
    // Where the kernel cannot, the write is an MMIO exit, and VirtioMmio rings the doorbell.
    if (!vm_.SignalOnWrite(notify, queue, doorbells[queue])) break;
  }
  bus_.Attach(registers, kDeviceBytes, (*slot)->registers());
  slots_.push_back(std::move(*slot));
  return {};
}

Result<void> LinuxMachine::LoadGuest(const Options& options) {
  const auto seed = RandomBytes<kSeedBytes>();
  const auto layout = RandomBytes<sizeof(std::uint64_t)>();
  if (!seed || !layout) return Failure{seed ? layout.error() : seed.error()};
  const TreeConfig tree{
      .cpus = options.cpus,
      .psci = IsProtected(options) ? PsciConduit::kSmc : PsciConduit::kHvc,
      .virtio_devices = slots_.size(),
      .bootargs = options.append,
      .random_seed = {seed->begin(), seed->end()},
      .layout_seed = std::bit_cast<std::uint64_t>(*layout),
  };
  const auto entry = LoadLinux(memory_, {.kernel = options.kernel, .initrd = options.initrd}, tree);
  if (!entry) return Failure{entry.error()};
  return vcpus_.front().SetEntry(entry->kernel, Raw(entry->tree));
}

Outcome LinuxMachine::Run() {
  VcpuThreads threads{vcpus_, bus_, [this] { loop_->Stop(); }};
  const auto served = loop_->Run();
  threads.Stop();
  if (!served) return {End::kStopped, served.error().text};
  return threads.outcome().value_or(Outcome{End::kInterrupted, "interrupted"});
}

}  // namespace ravelin::vmm
