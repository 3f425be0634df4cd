// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/run_loop.h"

#include <linux/kvm.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace ravelin::vmm {
namespace {

Outcome DescribeSystemEvent(std::uint32_t type) {
  switch (type) {
    case KVM_SYSTEM_EVENT_SHUTDOWN:
      return {End::kShutdown, "the guest shut down"};
    case KVM_SYSTEM_EVENT_RESET:
      return {End::kReset, "the guest asked for a reset"};
    case KVM_SYSTEM_EVENT_CRASH:
      return {End::kStopped, "the guest crashed"};
    default:
      return {End::kStopped, "unknown system event " + std::to_string(type)};
  }
}

}  // namespace

Outcome RunLoop::Run() const {
  while (!vcpu_->IsStopRequested()) {
    const auto ran = vcpu_->Run();
    if (!ran) return {End::kStopped, ran.error().text};
    if (!*ran) continue;
    if (vcpu_->run().exit_reason != KVM_EXIT_MMIO) return DescribeEnd();
    ServeMmio();
  }
  return {End::kInterrupted, "interrupted"};
}

void RunLoop::ServeMmio() const {
  auto& mmio = vcpu_->run().mmio;
  const auto size = static_cast<unsigned>(std::min<std::size_t>(mmio.len, sizeof(mmio.data)));
  std::uint64_t value = 0;
  if (mmio.is_write != 0) {
    std::memcpy(&value, mmio.data, size);
    bus_->Write(Ipa{mmio.phys_addr}, size, value);
    return;
  }
  value = bus_->Read(Ipa{mmio.phys_addr}, size);
  std::memcpy(mmio.data, &value, size);
}

Outcome RunLoop::DescribeEnd() const {
  const kvm_run& run = vcpu_->run();
  switch (run.exit_reason) {
    case KVM_EXIT_SYSTEM_EVENT:
      return DescribeSystemEvent(run.system_event.type);
    case KVM_EXIT_INTERNAL_ERROR:
      return {End::kStopped,
              "the VM was stopped, internal error " + std::to_string(run.internal.suberror)};
    case KVM_EXIT_FAIL_ENTRY:
      return {End::kStopped, "the CPU cannot be entered, reason " +
                                 Hex(run.fail_entry.hardware_entry_failure_reason)};
    default:
      return {End::kStopped, "unknown exit " + std::to_string(run.exit_reason)};
  }
}

}  // namespace ravelin::vmm
