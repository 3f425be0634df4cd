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
  Reset(0, 0);
}

void Vcpu::Reset(std::uint64_t pc, std::uint64_t x0) {
  const bool has_gic = state_.gic.present;
  state_ = {};
  state_.gic.present = has_gic;
  state_.registers.x[0] = x0;
  state_.registers.pc = pc;
  state_.registers.pstate = kEl1hMasked;
  state_.el1 = arch::ResetEl1();
}

void Vcpu::ApplyReset() {
  if (reset_) {
    Reset(reset_->pc, reset_->x0);
    reset_.reset();
  }
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
    CompleteRead(mmio_, reply.values[0]);
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

void Vcpu::CompleteRead(const MmioAccess& access, std::uint64_t value) {
  value = Truncate(value, access.size);
  if (access.sign_extend) {
    value = SignExtend(value, access.size);
  }
  SetX(access.register_index, access.wide ? value : Truncate(value, 4));
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

}  // namespace ravelin
