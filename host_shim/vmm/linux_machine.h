// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// A virtual machine for Linux: several CPUs, GICv3, UART, clock, virtio devices, all told to the
// guest by a device tree.
//
// One thread for each CPU, and the caller's for all devices. One lock covers the devices: the event
// loop holds it while it serves them, the bus while a CPU touches their registers.
#pragma once

#include <csignal>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host_shim/vmm/console_port.h"
#include "host_shim/vmm/error.h"
#include "host_shim/vmm/event_loop.h"
#include "host_shim/vmm/guest_memory.h"
#include "host_shim/vmm/kvm_system.h"
#include "host_shim/vmm/linux/loader.h"
#include "host_shim/vmm/mmio.h"
#include "host_shim/vmm/options.h"
#include "host_shim/vmm/pl011.h"
#include "host_shim/vmm/pl031.h"
#include "host_shim/vmm/run_loop.h"
#include "host_shim/vmm/vcpu.h"
#include "host_shim/vmm/virtio_slot.h"
#include "host_shim/vmm/vm.h"

namespace ravelin::vmm {

class LinuxMachine {
 public:
  // `say` takes sentences for the user. From here on SIGINT and SIGTERM end Run() and nothing else.
  static Result<std::unique_ptr<LinuxMachine>> Create(const Options& options,
                                                      std::function<void(std::string_view)> say);

  // Runs the guest to its end, or until SIGINT or SIGTERM. Call it once.
  [[nodiscard]] Outcome Run();

 private:
  LinuxMachine(GuestMemory memory, Vm vm, std::unique_ptr<EventLoop> loop,
               std::function<void(std::string_view)> say)
      : memory_(std::move(memory)),
        loop_(std::move(loop)),
        vm_(std::move(vm)),
        say_(std::move(say)) {}

  [[nodiscard]] Result<void> WatchSignals(UniqueFd signals);
  [[nodiscard]] Result<void> AddCpus(const KvmSystem& system, unsigned count);
  [[nodiscard]] Result<void> AddSerial(const std::string& target);
  [[nodiscard]] Result<void> AddVirtioDevices(const Options& options);
  [[nodiscard]] Result<void> AddConsole(const Options& options);
  [[nodiscard]] Result<void> AddVirtio(const Options& options,
                                       std::unique_ptr<VirtioDevice> device);
  [[nodiscard]] Result<void> LoadGuest(const Options& options);

  GuestMemory memory_;  // first: it outlives the VM that uses it
  UniqueFd signals_;
  std::unique_ptr<EventLoop> loop_;
  Vm vm_;
  std::function<void(std::string_view)> say_;
  MmioBus bus_{loop_->lock()};
  std::vector<Vcpu> vcpus_;
  UniqueFd gic_;
  std::unique_ptr<InterruptLine> serial_line_;
  std::unique_ptr<Pl011> serial_;
  std::unique_ptr<Pl031> clock_;
  std::vector<std::unique_ptr<VirtioSlot>> slots_;
  // Last: they feed the devices.
  std::unique_ptr<ConsolePort> serial_port_;
  std::unique_ptr<ConsolePort> console_port_;
};

}  // namespace ravelin::vmm
