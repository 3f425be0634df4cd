// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/vcpu_threads.h"

#include <csignal>

namespace ravelin::vmm {
namespace {

// Ends a KVM_RUN that is under way.
constexpr int kKick = SIGUSR1;

void IgnoreKick(int /*signal*/) {}

}  // namespace

VcpuThreads::VcpuThreads(std::span<const Vcpu> vcpus, const MmioBus& bus,
                         std::function<void()> on_end)
    : vcpus_(vcpus), on_end_(std::move(on_end)) {
  struct sigaction action{};
  action.sa_handler = IgnoreKick;
  ::sigaction(kKick, &action, nullptr);
  for (const Vcpu& vcpu : vcpus) {
    threads_.emplace_back([this, &vcpu, &bus] { RunVcpu(vcpu, bus); });
  }
}

void VcpuThreads::RunVcpu(const Vcpu& vcpu, const MmioBus& bus) {
  Outcome outcome = RunLoop{vcpu, bus}.Run();
  if (outcome.end == End::kInterrupted) return;
  {
    const std::lock_guard guard{mutex_};
    if (outcome_) return;
    outcome_ = std::move(outcome);
  }
  on_end_();
}

void VcpuThreads::Stop() {
  for (const Vcpu& vcpu : vcpus_) vcpu.RequestStop();
  for (std::thread& thread : threads_) ::pthread_kill(thread.native_handle(), kKick);
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

std::optional<Outcome> VcpuThreads::outcome() {
  const std::lock_guard guard{mutex_};
  return outcome_;
}

}  // namespace ravelin::vmm
