// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/vm/inject.h"

#include "hyp/arch/world.h"
#include "hyp/base/bits.h"

namespace ravelin::inject {
namespace {

// PSTATE fields at their places in SPSR_ELx (Arm ARM C5.2.19).
constexpr std::uint64_t kFlags = Field<31, 28>::kMask;
constexpr std::uint64_t kTco = Bit(25);
constexpr std::uint64_t kDit = Bit(24);
constexpr std::uint64_t kPan = Bit(22);
constexpr std::uint64_t kSsbs = Bit(12);
constexpr std::uint64_t kMasked = Bit(9) | Bit(8) | Bit(7) | Bit(6);
constexpr std::uint64_t kAarch32 = Bit(4);
constexpr std::uint64_t kEl1h = 5;
constexpr std::uint64_t kEl1t = 4;

constexpr std::uint64_t kSctlrSpan = Bit(23);
constexpr std::uint64_t kSctlrDssbs = Bit(44);

bool FromEl0(std::uint64_t pstate) {
  return (pstate & kAarch32) != 0 || Field<3, 2>::Get(pstate) == 0;
}

std::uint64_t VectorOffset(std::uint64_t pstate) {
  if ((pstate & kAarch32) != 0) {
    return 0x600;
  }
  if (FromEl0(pstate)) {
    return 0x400;
  }
  return Field<3, 0>::Get(pstate) == kEl1t ? 0x000 : 0x200;
}

std::uint64_t EntryPstate(std::uint64_t from) {
  const std::uint64_t sctlr = arch::el1::Sctlr();
  std::uint64_t pstate = (from & (kFlags | kDit | kPan)) | kMasked | kEl1h;
  pstate |= (sctlr & kSctlrSpan) == 0 ? kPan : 0;
  pstate |= (sctlr & kSctlrDssbs) != 0 ? kSsbs : 0;
  pstate |= arch::el1::HasTags() ? kTco : 0;
  return pstate;
}

ExecutionPoint Take(ExecutionPoint at, std::uint64_t esr) {
  arch::el1::SetSyndrome(esr);
  arch::el1::SetReturn(at);
  return {.pc = arch::el1::Vbar() + VectorOffset(at.pstate), .pstate = EntryPstate(at.pstate)};
}

}  // namespace

ExecutionPoint Undefined(ExecutionPoint at) {
  return Take(at, MakeEsr(ExceptionClass::kUnknown, 0));
}

ExecutionPoint Data(ExecutionPoint at, const DataAbort& abort) {
  std::uint64_t iss = abort.status;
  iss |= abort.write ? kIssWrite : 0;
  iss |= abort.cache_maintenance ? kIssCacheMaintenance : 0;
  iss |= abort.far ? 0 : kIssFarInvalid;
  arch::el1::SetFaultAddress(abort.far.value_or(0));
  return Take(
      at, MakeEsr(FromEl0(at.pstate) ? ExceptionClass::kDataAbort : ExceptionClass::kDataAbortSame,
                  iss));
}

ExecutionPoint Instruction(ExecutionPoint at, std::optional<std::uint64_t> far) {
  arch::el1::SetFaultAddress(far.value_or(0));
  return Take(at, MakeEsr(FromEl0(at.pstate) ? ExceptionClass::kInstructionAbort
                                             : ExceptionClass::kInstructionAbortSame,
                          kStatusExternal | (far ? 0 : kIssFarInvalid)));
}

}  // namespace ravelin::inject
