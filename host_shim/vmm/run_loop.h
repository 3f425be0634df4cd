// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// Runs a vCPU until its guest ends, and serves its MMIO accesses meanwhile.
#pragma once

#include <string>

#include "host_shim/vmm/mmio.h"
#include "host_shim/vmm/vcpu.h"

namespace ravelin::vmm {

enum class End {
  kShutdown,     // PSCI SYSTEM_OFF
  kReset,        // PSCI SYSTEM_RESET
  kStopped,      // the guest cannot go on
  kInterrupted,  // RequestStop
};

struct Outcome {
  End end;
  std::string reason;  // a sentence for the user
};

class RunLoop {
 public:
  // Both must outlive the loop.
  RunLoop(const Vcpu& vcpu, const MmioBus& bus) : vcpu_(&vcpu), bus_(&bus) {}

  [[nodiscard]] Outcome Run() const;

 private:
  void ServeMmio() const;
  [[nodiscard]] Outcome DescribeEnd() const;

  const Vcpu* vcpu_;
  const MmioBus* bus_;
};

}  // namespace ravelin::vmm
