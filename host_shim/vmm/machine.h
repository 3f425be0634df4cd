// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// A whole virtual machine, as ravelin-vmm and the tests use it: one CPU, one memory slot that holds
// an image, a UART and a mailbox.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "host_shim/vmm/error.h"
#include "host_shim/vmm/guest_memory.h"
#include "host_shim/vmm/kvm_system.h"
#include "host_shim/vmm/line_printer.h"
#include "host_shim/vmm/mailbox.h"
#include "host_shim/vmm/mmio.h"
#include "host_shim/vmm/pl011.h"
#include "host_shim/vmm/run_loop.h"
#include "host_shim/vmm/vcpu.h"
#include "host_shim/vmm/vm.h"

namespace ravelin::vmm {

inline constexpr Ipa kUartBase{0x09000000};
inline constexpr Ipa kMailboxBase{0x0a000000};

struct MachineConfig {
  std::string image;
  std::uint64_t memory_bytes;
  Ipa base;
  VmKind kind;
  unsigned ipa_bits;
};

// What the machine asks and tells its user.
struct MachineHooks {
  LineSink print_line;
  std::function<Command()> next_command;
};

class Machine {
 public:
  static Result<std::unique_ptr<Machine>> Create(const MachineConfig& config, MachineHooks hooks);

  // Runs the guest to its end. A guest that reports a failure and shuts down ends as kStopped.
  [[nodiscard]] Outcome Run();

  [[nodiscard]] const Vcpu& vcpu() const { return vcpu_; }
  [[nodiscard]] const GuestMemory& memory() const { return memory_; }

 private:
  Machine(GuestMemory memory, Vm vm, Vcpu vcpu, MachineHooks hooks);

  GuestMemory memory_;  // first: it outlives the VM that uses it
  Vm vm_;
  Vcpu vcpu_;
  LinePrinter printer_;
  Pl011 uart_;
  Mailbox mailbox_;
  std::mutex device_lock_;
  MmioBus bus_{device_lock_};
};

}  // namespace ravelin::vmm
