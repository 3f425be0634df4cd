// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/call/host_call.h"

#include "hyp/abi/host_call.h"
#include "hyp/base/bits.h"
#include "hyp/call/decode.h"
#include "hyp/call/interrupt_calls.h"
#include "hyp/call/memory_calls.h"
#include "hyp/call/vm_calls.h"
#include "hyp/vm/monitor.h"

namespace ravelin::call {
namespace {

Result<std::uint64_t> Version() {
  return std::uint64_t{RAVELIN_ABI_MAJOR} << 16 | RAVELIN_ABI_MINOR;
}

// In which modes a call exists.
enum class Gate : std::uint8_t { kAlways, kWithVms };

struct Row {
  Results (*serve)(const Registers& registers);
  Gate gate;
};

template <auto kFunction>
constexpr Row Serve(Gate gate) {
  return {&Bound<kFunction>::Serve, gate};
}

// In the order of the numbers of hyp/abi/host_call.h.
constexpr auto kRows = std::to_array<Row>({
    Serve<&Version>(Gate::kAlways),           Serve<&Info>(Gate::kAlways),
    Serve<&PageShare>(Gate::kWithVms),        Serve<&PageUnshare>(Gate::kWithVms),
    Serve<&PageQuery>(Gate::kAlways),         Serve<&VmCreate>(Gate::kWithVms),
    Serve<&VmTopup>(Gate::kWithVms),          Serve<&VcpuCreate>(Gate::kWithVms),
    Serve<&VcpuSetReg>(Gate::kWithVms),       Serve<&VcpuGetReg>(Gate::kWithVms),
    Serve<&VmLaunch>(Gate::kWithVms),         Serve<&VcpuRun>(Gate::kWithVms),
    Serve<&VmDonate>(Gate::kWithVms),         Serve<&VmShare>(Gate::kWithVms),
    Serve<&VmUnshare>(Gate::kWithVms),        Serve<&VmDestroy>(Gate::kWithVms),
    Serve<&VmReclaim>(Gate::kWithVms),        Serve<&VmFree>(Gate::kWithVms),
    Serve<&VmSetPermissions>(Gate::kWithVms), Serve<&VmAge>(Gate::kWithVms),
    Serve<&VmForceReclaim>(Gate::kWithVms),   Serve<&VmSetGic>(Gate::kWithVms),
    Serve<&VmAllowIrq>(Gate::kWithVms),       Serve<&VmIrqLine>(Gate::kWithVms),
    Serve<&VcpuSetPower>(Gate::kWithVms),     Serve<&VcpuGetPower>(Gate::kWithVms),
});
static_assert(kRows.size() == RAVELIN_HOST_CALL_COUNT);
static_assert(RAVELIN_HOST_VERSION == 0 && RAVELIN_HOST_INFO == 1 && RAVELIN_HOST_PAGE_SHARE == 2 &&
              RAVELIN_HOST_PAGE_UNSHARE == 3 && RAVELIN_HOST_PAGE_QUERY == 4 &&
              RAVELIN_HOST_VM_CREATE == 5 && RAVELIN_HOST_VM_TOPUP == 6 &&
              RAVELIN_HOST_VCPU_CREATE == 7 && RAVELIN_HOST_VCPU_SET_REG == 8 &&
              RAVELIN_HOST_VCPU_GET_REG == 9 && RAVELIN_HOST_VM_LAUNCH == 10 &&
              RAVELIN_HOST_VCPU_RUN == 11 && RAVELIN_HOST_VM_DONATE == 12 &&
              RAVELIN_HOST_VM_SHARE == 13 && RAVELIN_HOST_VM_UNSHARE == 14 &&
              RAVELIN_HOST_VM_DESTROY == 15 && RAVELIN_HOST_VM_RECLAIM == 16 &&
              RAVELIN_HOST_VM_FREE == 17 && RAVELIN_HOST_VM_SET_PERMISSIONS == 18 &&
              RAVELIN_HOST_VM_AGE == 19 && RAVELIN_HOST_VM_FORCE_RECLAIM == 20 &&
              RAVELIN_HOST_VM_SET_GIC == 21 && RAVELIN_HOST_VM_ALLOW_IRQ == 22 &&
              RAVELIN_HOST_VM_IRQ_LINE == 23 && RAVELIN_HOST_VCPU_SET_POWER == 24 &&
              RAVELIN_HOST_VCPU_GET_POWER == 25);

}  // namespace

Results Dispatch(const Registers& registers) {
  if (registers[0] == RAVELIN_CALL_UID) {
    return {RAVELIN_UID_0, RAVELIN_UID_1, RAVELIN_UID_2, RAVELIN_UID_3};
  }
  const std::uint64_t number = registers[0] - RAVELIN_HOST_CALL_BASE;
  if (number >= kRows.size()) {
    return Encode(RAVELIN_NOT_SUPPORTED);
  }
  const Row& row = kRows[ClampIndex(number, kRows.size())];
  if (row.gate == Gate::kWithVms && Facts().mode == Mode::kNone) {
    return Encode(RAVELIN_NOT_SUPPORTED);
  }
  return row.serve(registers);
}

}  // namespace ravelin::call
