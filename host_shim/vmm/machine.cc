// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/machine.h"

namespace ravelin::vmm {

Result<std::unique_ptr<Machine>> Machine::Create(const MachineConfig& config, MachineHooks hooks) {
  auto memory = GuestMemory::Create(config.base, config.memory_bytes);
  if (!memory) return Failure{memory.error()};
  if (auto loaded = memory->LoadFile(config.image, config.base); !loaded)
    return Failure{loaded.error()};
  auto system = KvmSystem::Open();
  if (!system) return Failure{system.error()};
  auto vm = Vm::Create(*system, config.kind, config.ipa_bits);
  if (!vm) return Failure{vm.error()};
  if (auto used = vm->UseMemory(*memory); !used) return Failure{used.error()};
  auto vcpu = vm->CreateVcpu(*system, 0);
  if (!vcpu) return Failure{vcpu.error()};
  if (auto set = vcpu->SetEntry(config.base, config.memory_bytes); !set) {
    return Failure{set.error()};
  }
  return std::unique_ptr<Machine>{
      new Machine{std::move(*memory), std::move(*vm), std::move(*vcpu), std::move(hooks)}};
}

Machine::Machine(GuestMemory memory, Vm vm, Vcpu vcpu, MachineHooks hooks)
    : memory_(std::move(memory)),
      vm_(std::move(vm)),
      vcpu_(std::move(vcpu)),
      printer_(hooks.print_line),
      uart_([this](char character) { printer_.Put(character); }, nullptr),
      mailbox_(memory_, hooks.print_line, std::move(hooks.next_command)) {
  bus_.Attach(kUartBase, kPageSize, uart_);
  bus_.Attach(kMailboxBase, kPageSize, mailbox_);
}

Outcome Machine::Run() {
  Outcome outcome = RunLoop{vcpu_, bus_}.Run();
  printer_.Flush();
  if (outcome.end != End::kShutdown || mailbox_.status() == 0) return outcome;
  return {End::kStopped, "the guest reported failure " + std::to_string(mailbox_.status())};
}

}  // namespace ravelin::vmm
