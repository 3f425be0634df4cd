// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// One virtual CPU: its registers, which never leave the monitor, and the exit that the host has to
// answer. The object lives in pages that the host has donated. While `status` is kRunning only the
// CPU that runs it touches the rest; otherwise the VM's lock protects it.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>

#include "hyp/abi/run_page.h"
#include "hyp/arch/world.h"
#include "hyp/base/types.h"
#include "hyp/vm/context.h"
#include "hyp/vm/interrupts.h"

namespace ravelin {

class Vm;

enum class VcpuStatus : std::uint32_t {
  kOff,  // never started, or switched off by PSCI
  kReady,
  kRunning,
  kStopped,  // by the monitor: it never runs again
};

// What a handler decides about an exit.
enum class Disposition : std::uint8_t {
  kResume,  // handled here: the guest goes on
  kExit,    // the host has to know: exit() says what
};

// What the host's reply to the last exit may do. Anything else in the reply is ignored.
enum class Awaiting : std::uint8_t { kNothing, kMmioRead, kMmioWrite, kAbortOnly, kRefuseCall };

// The access that an MMIO exit has reported; the host does not see where the value goes.
struct MmioAccess {
  unsigned register_index = 0;
  unsigned size = 0;
  bool sign_extend = false;
  bool wide = false;  // a 64-bit register
  std::uint64_t far = 0;
};

// What the host is told: struct ravelin_exit, of which what is not set is 0.
struct ExitReport {
  std::uint64_t reason = RAVELIN_EXIT_IRQ;
  std::uint64_t ipa = 0;
  std::uint64_t access = RAVELIN_ACCESS_READ;
  std::uint64_t size = 0;
  std::uint64_t value = 0;
  std::uint64_t event = 0;
  std::uint64_t deadline = 0;
};

class Vcpu {
 public:
  Vcpu(Vm& vm, VcpuIndex index, ravelin_run_page* run_page, Pfn run_pfn);
  Vcpu(const Vcpu&) = delete;
  Vcpu& operator=(const Vcpu&) = delete;

  [[nodiscard]] Vm& vm() { return vm_; }
  [[nodiscard]] VcpuIndex index() const { return index_; }
  [[nodiscard]] Pfn run_pfn() const { return run_pfn_; }
  [[nodiscard]] arch::GuestState& state() { return state_; }
  [[nodiscard]] gic::Interface& interrupts() { return interrupts_; }
  std::atomic<VcpuStatus>& status() { return status_; }
  // What the vCPU is once it no longer runs: kReady, unless a handler says otherwise.
  void BecomeAfterExit(VcpuStatus status) { after_exit_ = status; }
  [[nodiscard]] VcpuStatus TakeStatusAfterExit() {
    return std::exchange(after_exit_, VcpuStatus::kReady);
  }

  // X0..X30, and XZR for 31 as transfer registers name it.
  [[nodiscard]] std::uint64_t X(unsigned index) const {
    return index == 31 ? 0 : state_.registers.x[index];
  }
  void SetX(unsigned index, std::uint64_t value) {
    if (index != 31) {
      state_.registers.x[index] = value;
    }
  }

  [[nodiscard]] ExecutionPoint point() const {
    return {.pc = state_.registers.pc, .pstate = state_.registers.pstate};
  }
  void ContinueAt(ExecutionPoint point) {
    state_.registers.pc = point.pc;
    state_.registers.pstate = point.pstate;
  }
  // The state of a CPU that is switched on: MMU off, interrupts masked.
  void Reset(std::uint64_t pc, std::uint64_t x0);
  // The same, once it does not run any more.
  void ResetAfterExit(std::uint64_t pc, std::uint64_t x0) { reset_ = {.pc = pc, .x0 = x0}; }
  void ApplyReset();
  // Skips the instruction that trapped: PC + 4, no pending branch type or single step.
  void SkipInstruction();

  // Exits to the host, which can only run the vCPU again.
  Disposition Exit(const ExitReport& exit);
  // The host may back the page and run the vCPU again, or have an external abort at `far` injected.
  Disposition ExitFault(const ExitReport& exit, std::uint64_t far);
  // A call of the guest needs a page: it is made again when the host has backed the page. If the
  // host answers with an external abort, the call ends with `refusal` in X0 instead. The PC is
  // behind it.
  Disposition ExitForCall(const ExitReport& exit, std::uint64_t refusal);
  // The host may emulate the access, or as ExitFault.
  Disposition ExitMmio(const ExitReport& exit, const MmioAccess& access);
  // Completes the access with this value in its register, and goes on behind it.
  void CompleteRead(const MmioAccess& access, std::uint64_t value);
  // The VM cannot go on. `reason`: RAVELIN_STOP_*.
  Disposition Stop(std::uint64_t reason);

  // Copies the host's reply, once.
  [[nodiscard]] ravelin_reply CopyReply() const;
  // Clears the reply's kind in the run page, and does what the last exit allows the reply to do.
  // The guest's EL1 state is live.
  void ApplyReply(const ravelin_reply& reply);
  // Publishes the exit; every field of the run page's exit is written.
  void PublishExit();
  [[nodiscard]] std::uint64_t exit_reason() const { return exit_.reason; }

 private:
  void Abort();

  Vm& vm_;
  VcpuIndex index_;
  Pfn run_pfn_;
  ravelin_run_page* run_page_;
  std::atomic<VcpuStatus> status_{VcpuStatus::kOff};
  VcpuStatus after_exit_ = VcpuStatus::kReady;
  struct Start {
    std::uint64_t pc;
    std::uint64_t x0;
  };
  std::optional<Start> reset_;
  Awaiting awaiting_ = Awaiting::kNothing;
  MmioAccess mmio_;
  std::uint64_t refusal_ = 0;
  ExitReport exit_;
  arch::GuestState state_{};
  gic::Interface interrupts_;
};

}  // namespace ravelin
