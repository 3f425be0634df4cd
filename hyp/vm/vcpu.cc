// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/vm/vcpu.h"

#include "hyp/base/bits.h"
#include "hyp/vm/inject.h"
#include "hyp/vm/vm.h"

namespace ravelin {
namespace {

constexpr std::uint64_t kEl1hMasked = 0x3c5;
constexpr std::uint64_t kPstateBtype = Field<11, 10>::kMask;
constexpr std::uint64_t kPstateSingleStep = Bit(21);

// One read of a word that the host may change at any time.
std::uint64_t ReadOnce(const ravelin_u64& word) {
  return *static_cast<const volatile ravelin_u64*>(&word);
}

std::uint64_t SignExtend(std::uint64_t value, unsigned bytes) {
  const unsigned shift = 64 - 8 * bytes;
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(value << shift) >> shift);
}

std::uint64_t Truncate(std::uint64_t value, unsigned bytes) {
  return value & (~std::uint64_t{0} >> (64 - 8 * bytes));
}

}  // namespace

Vcpu::Vcpu(Vm& vm, VcpuIndex index, ravelin_run_page* run_page, Pfn run_pfn)
    : vm_(vm), index_(index), run_pfn_(run_pfn), run_page_(run_page) {
  state_.registers.pstate = kEl1hMasked;
  state_.el1 = arch::ResetEl1();
}

void Vcpu::SkipInstruction() {
  state_.registers.pc += 4;
  state_.registers.pstate &= ~(kPstateBtype | kPstateSingleStep);
}

Disposition Vcpu::Exit(const ExitReport& exit) {
  exit_ = exit;
  awaiting_ = Awaiting::kNothing;
  return Disposition::kExit;
}

Disposition Vcpu::ExitFault(const ExitReport& exit, std::uint64_t far) {
  mmio_ = {.far = far};
  exit_ = exit;
  awaiting_ = Awaiting::kAbortOnly;
  return Disposition::kExit;
}

Disposition Vcpu::ExitForCall(const ExitReport& exit, std::uint64_t refusal) {
  state_.registers.pc -= 4;
  refusal_ = refusal;
  exit_ = exit;
  awaiting_ = Awaiting::kRefuseCall;
  return Disposition::kExit;
}

Disposition Vcpu::ExitMmio(const ExitReport& exit, const MmioAccess& access) {
  mmio_ = access;
  exit_ = exit;
  awaiting_ = exit.access == RAVELIN_ACCESS_WRITE ? Awaiting::kMmioWrite : Awaiting::kMmioRead;
  return Disposition::kExit;
}

Disposition Vcpu::Stop(std::uint64_t reason) {
  BecomeAfterExit(VcpuStatus::kStopped);
  return Exit({.reason = RAVELIN_EXIT_STOPPED, .event = reason});
}

ravelin_reply Vcpu::CopyReply() const {
  ravelin_reply reply{};
  reply.kind = ReadOnce(run_page_->reply.kind);
  for (unsigned i = 0; i < 4; ++i) {
    reply.values[i] = ReadOnce(run_page_->reply.values[i]);
  }
  return reply;
}

void Vcpu::ApplyReply(const ravelin_reply& reply) {
  run_page_->reply.kind = RAVELIN_REPLY_NONE;
  const Awaiting awaiting = awaiting_;
  awaiting_ = Awaiting::kNothing;
  if (awaiting == Awaiting::kNothing || reply.kind == RAVELIN_REPLY_NONE) {
    return;
  }
  if (reply.kind == RAVELIN_REPLY_EXTERNAL_ABORT && awaiting == Awaiting::kRefuseCall) {
    SetX(0, refusal_);
    SkipInstruction();
    return;
  }
  if (reply.kind == RAVELIN_REPLY_EXTERNAL_ABORT) {
    Abort();
    return;
  }
  if (reply.kind != RAVELIN_REPLY_VALUE) {
    return;
  }
  if (awaiting == Awaiting::kMmioRead) {
    CompleteMmioRead(reply.values[0]);
  } else if (awaiting == Awaiting::kMmioWrite) {
    SkipInstruction();
  }
}

// The external abort that the host has asked for, on the access that made the exit.
void Vcpu::Abort() {
  const bool write = exit_.access == RAVELIN_ACCESS_WRITE;
  ContinueAt(
      exit_.access == RAVELIN_ACCESS_EXEC
          ? inject::Instruction(point(), mmio_.far)
          : inject::Data(point(), {.status = kStatusExternal, .write = write, .far = mmio_.far}));
}

void Vcpu::CompleteMmioRead(std::uint64_t value) {
  value = Truncate(value, mmio_.size);
  if (mmio_.sign_extend) {
    value = SignExtend(value, mmio_.size);
  }
  SetX(mmio_.register_index, mmio_.wide ? value : Truncate(value, 4));
  SkipInstruction();
}

void Vcpu::PublishExit() {
  ravelin_exit exit{};
  exit.reason = exit_.reason;
  exit.ipa = exit_.ipa;
  exit.access = exit_.access;
  exit.size = exit_.size;
  exit.value = exit_.value;
  exit.event = exit_.event;
  exit.deadline = exit_.deadline;
  run_page_->exit = exit;
}

namespace {

// Marks the vCPU as running, if its and its VM's life cycle allow it.
Result<> Claim(Vcpu& vcpu) {
  const auto vm = vcpu.vm().state().Lock();
  if (vm->phase != VmPhase::kRunning) {
    return Failure{Error::kWrongPhase};
  }
  auto expected = VcpuStatus::kReady;
  if (vcpu.status().compare_exchange_strong(expected, VcpuStatus::kRunning)) {
    ++vm->running;
    return {};
  }
  return Failure{expected == VcpuStatus::kRunning ? Error::kBusy : Error::kWrongPhase};
}

void Release(Vcpu& vcpu) {
  const auto vm = vcpu.vm().state().Lock();
  --vm->running;
  vcpu.status() = vcpu.TakeStatusAfterExit();
}

// Runs until a handler wants to exit.
void RunUntilExit(Vcpu& vcpu, SynchronousHandler handler) {
  for (auto disposition = Disposition::kResume; disposition == Disposition::kResume;) {
    switch (arch::RunGuest(vcpu.state())) {
      case arch::ExitKind::kIrq:
        disposition = vcpu.Exit({.reason = RAVELIN_EXIT_IRQ});
        break;
      case arch::ExitKind::kSerror:
        disposition = vcpu.Stop(RAVELIN_STOP_SERROR);
        break;
      case arch::ExitKind::kSynchronous:
        disposition = handler(vcpu, arch::ReadSyndrome());
        break;
    }
  }
}

}  // namespace

Result<std::uint64_t> Run(Vcpu& vcpu, SynchronousHandler handler) {
  RAVELIN_TRY(Claim(vcpu));
  const ravelin_reply reply = vcpu.CopyReply();
  if (const auto entered = arch::EnterWorld(vcpu.vm().RegimeOf(vcpu.index()), vcpu.state());
      !entered) {
    Release(vcpu);
    return Failure{entered.error()};
  }
  vcpu.ApplyReply(reply);
  RunUntilExit(vcpu, handler);
  arch::LeaveWorld(vcpu.state());
  vcpu.PublishExit();
  const std::uint64_t reason = vcpu.exit_reason();
  Release(vcpu);
  return reason;
}

}  // namespace ravelin
