// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// All CPUs of a VM, each in a thread of its own. The VM ends when one of them ends: the first end
// counts.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "host_shim/vmm/mmio.h"
#include "host_shim/vmm/run_loop.h"
#include "host_shim/vmm/vcpu.h"

namespace ravelin::vmm {

class VcpuThreads {
 public:
  // Starts the threads. `on_end` is called by a thread, once, when the first CPU ends. Everything
  // has to outlive the threads.
  VcpuThreads(std::span<const Vcpu> vcpus, const MmioBus& bus, std::function<void()> on_end);
  VcpuThreads(const VcpuThreads&) = delete;
  VcpuThreads& operator=(const VcpuThreads&) = delete;
  ~VcpuThreads() { Stop(); }

  // Ends all threads. The device lock must not be held.
  void Stop();

  // How the VM ended; nothing if nobody but Stop() ended it.
  [[nodiscard]] std::optional<Outcome> outcome();

 private:
  void RunVcpu(const Vcpu& vcpu, const MmioBus& bus);

  std::span<const Vcpu> vcpus_;
  std::function<void()> on_end_;
  std::mutex mutex_;
  std::optional<Outcome> outcome_;
  std::vector<std::thread> threads_;
};

}  // namespace ravelin::vmm
