// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Traps of the host: hypercalls, firmware calls, stage-2 faults. A table over all exception
// classes; what it does not name is undefined to the host.
#include <array>
#include <tuple>
#include <utility>

#include "hyp/abi/host_call.h"
#include "hyp/arch/aarch64/psci_relay.h"
#include "hyp/arch/aarch64/sysreg.h"
#include "hyp/arch/aarch64/trap_frame.h"
#include "hyp/base/invariant.h"
#include "hyp/call/host_call.h"
#include "hyp/trace/panic.h"
#include "hyp/vm/inject.h"
#include "hyp/vm/monitor.h"
#include "hyp/vm/syndrome.h"

namespace ravelin {
namespace {

// A caller may say with this bit of the function identifier that it has no live SVE state
// (SMCCC 1.3, DEN 0028, 2.6). It changes nothing here: all of it is preserved.
constexpr std::uint64_t kSmcccSveHint = Bit(16);

ExecutionPoint HostPoint() {
  return {.pc = sysreg::ElrEl2::Read(), .pstate = sysreg::SpsrEl2::Read()};
}

void ContinueAt(ExecutionPoint point) {
  sysreg::ElrEl2::Write(point.pc);
  sysreg::SpsrEl2::Write(point.pstate);
}

// x0 and the registers behind it. Word by word, because the compiler would call memcpy.
template <std::size_t kCount>
std::array<std::uint64_t, kCount> Arguments(const HostFrame& frame) {
  return [&]<std::size_t... kIndex>(std::index_sequence<kIndex...>) {
    return std::array<std::uint64_t, kCount>{frame.x[kIndex]...};
  }(std::make_index_sequence<kCount>{});
}

void Answer(HostFrame& frame, const std::array<std::uint64_t, 4>& results) {
  const auto [x0, x1, x2, x3] = results;
  frame.x[0] = x0;
  frame.x[1] = x1;
  frame.x[2] = x2;
  frame.x[3] = x3;
}

void OnUnexpected(HostFrame&, Esr) { ContinueAt(inject::Undefined(HostPoint())); }

void OnHvc(HostFrame& frame, Esr esr) {
  if (esr.immediate() != 0) {
    frame.x[0] = static_cast<std::uint64_t>(RAVELIN_NOT_SUPPORTED);
    return;
  }
  call::Registers registers = Arguments<std::tuple_size_v<call::Registers>>(frame);
  registers[0] &= ~kSmcccSveHint;
  Answer(frame, call::Dispatch(registers));
}

// Firmware calls that the host may make directly: SMCCC queries and the entropy source.
bool IsForwarded(std::uint64_t function) {
  constexpr std::array<std::uint64_t, 12> kList = {
      0x80000000,  // SMCCC_VERSION
      0x80000001,  // SMCCC_ARCH_FEATURES
      0x80000002,  // SMCCC_ARCH_SOC_ID
      0xc0000002,  // SMCCC_ARCH_SOC_ID, 64-bit
      0x80008000,  // SMCCC_ARCH_WORKAROUND_1
      0x80007fff,  // SMCCC_ARCH_WORKAROUND_2
      0x80003fff,  // SMCCC_ARCH_WORKAROUND_3
      0x84000050,  // TRNG_VERSION
      0x84000051,  // TRNG_FEATURES
      0x84000052,  // TRNG_GET_UUID
      0x84000053,  // TRNG_RND
      0xc4000053,  // TRNG_RND, 64-bit
  };
  for (const std::uint64_t listed : kList) {
    if (function == listed) {
      return true;
    }
  }
  return false;
}

SmcResults ServeSmc(const SmcArguments& call) {
  if (psci::IsPsci(call[0])) {
    return psci::Serve(call);
  }
  if (IsForwarded(call[0])) {
    return Smc(call);
  }
  return {static_cast<std::uint64_t>(RAVELIN_NOT_SUPPORTED), 0, 0, 0};
}

// A trapped SMC has not executed: the PC is behind it only after this handler. A non-zero immediate
// or upper half of the function identifier is refused by the lists, which know none.
void OnSmc(HostFrame& frame, Esr esr) {
  sysreg::ElrEl2::Write(sysreg::ElrEl2::Read() + 4);
  SmcResults results{static_cast<std::uint64_t>(RAVELIN_NOT_SUPPORTED), 0, 0, 0};
  if (esr.immediate() == 0) {
    SmcArguments call = Arguments<std::tuple_size_v<SmcArguments>>(frame);
    call[0] &= ~kSmcccSveHint;
    results = ServeSmc(call);
  }
  Answer(frame, results);
}

Ipa FaultIpa() { return Ipa{Field<43, 4>::Get(sysreg::HpfarEl2::Read()) << kPageShift}; }

// A page that is not the host's: the one status for which a stock kernel does the right thing in
// every case, SIGBUS to a process, exception-table fix-up for its own accesses, else an oops of the
// offending thread (docs/architecture.md, "Faults of the host").
void OnDataAbort(HostFrame&, Esr esr) {
  if (esr.fault_type() == kFaultTranslation && ResolveHostFault(FaultIpa())) {
    return;
  }
  ContinueAt(inject::Data(HostPoint(), {.status = kStatusAlignment,
                                        .write = esr.is_write(),
                                        .cache_maintenance = esr.is_cache_maintenance(),
                                        .far = sysreg::FarEl2::Read()}));
}

void OnInstructionAbort(HostFrame&, Esr esr) {
  if (esr.fault_type() == kFaultTranslation && ResolveHostFault(FaultIpa())) {
    return;
  }
  ContinueAt(inject::Instruction(HostPoint(), sysreg::FarEl2::Read()));
}

using Handler = void (*)(HostFrame&, Esr);

consteval std::array<Handler, kExceptionClasses> MakeTable() {
  std::array<Handler, kExceptionClasses> table{};
  table.fill(OnUnexpected);
  const auto set = [&](ExceptionClass ec, Handler handler) {
    table[static_cast<std::size_t>(ec)] = handler;
  };
  set(ExceptionClass::kHvc, OnHvc);
  set(ExceptionClass::kSmc, OnSmc);
  set(ExceptionClass::kDataAbort, OnDataAbort);
  set(ExceptionClass::kInstructionAbort, OnInstructionAbort);
  return table;
}
constexpr auto kHandlers = MakeTable();

}  // namespace

extern "C" void HandleHostSync(HostFrame* frame) {
  StopIfPanicked();
  const Esr esr{sysreg::EsrEl2::Read()};
  kHandlers[esr.ec()](*frame, esr);
}

extern "C" void HandleHostSerror(HostFrame*) {
  Panic("an SError of the host goes to EL1 (HCR_EL2.AMO = 0)");
}

extern "C" void HandleHostUnexpected(HostFrame*) {
  Panic("interrupts of the host go to EL1 (HCR_EL2.IMO = FMO = 0)");
}

}  // namespace ravelin
