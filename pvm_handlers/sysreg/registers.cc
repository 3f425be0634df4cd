// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "pvm_handlers/sysreg/registers.h"

#include "hyp/virt/system_registers.h"

namespace ravelin::pvm_handlers {
namespace {

using virt::NumberOf;
using virt::RegisterRow;

// Op1 0 of the debug registers: breakpoints and watchpoints by number, with this Op2 from 4 to 7.
constexpr RegisterRow BreakpointsAndWatchpoints(unsigned n) {
  return {NumberOf(2, 0, 0, n, 4), NumberOf(2, 0, 0, n, 7), virt::ReadZeroIgnoreWrite};
}

constexpr RegisterRow One(virt::RegisterNumber number, virt::RegisterHandler serve) {
  return {number, number, serve};
}

// Linux writes the debug registers of a CPU that starts, whatever that says it has: they hold
// nothing.
constexpr virt::RegisterTable kRegisters(std::to_array<RegisterRow>({
    BreakpointsAndWatchpoints(0),
    BreakpointsAndWatchpoints(1),
    One(NumberOf(2, 0, 0, 2, 2), virt::ReadZeroIgnoreWrite),  // MDSCR_EL1
    One(NumberOf(2, 0, 1, 0, 4), virt::ReadZeroIgnoreWrite),  // OSLAR_EL1
    One(NumberOf(2, 0, 1, 1, 4), virt::OsLockStatus),
    One(NumberOf(2, 0, 1, 3, 4), virt::ReadZeroIgnoreWrite),  // OSDLR_EL1
    One(NumberOf(3, 0, 0, 0, 6), virt::ReadZeroIgnoreWrite),  // REVIDR_EL1
    {NumberOf(3, 0, 0, 1, 0), NumberOf(3, 0, 0, 7, 7), virt::Identification},
    One(NumberOf(3, 0, 12, 11, 5), virt::GenerateSgi),        // ICC_SGI1R_EL1
    One(NumberOf(3, 0, 12, 11, 6), virt::GenerateGroup0Sgi),  // ICC_ASGI1R_EL1
    One(NumberOf(3, 0, 12, 11, 7), virt::GenerateGroup0Sgi),  // ICC_SGI0R_EL1
    One(NumberOf(3, 0, 12, 12, 5), virt::InterfaceEnable),
    One(NumberOf(3, 1, 0, 0, 7), virt::ReadZeroIgnoreWrite),  // AIDR_EL1
    One(NumberOf(3, 3, 14, 2, 0), virt::PhysicalTimerValue),
    One(NumberOf(3, 3, 14, 2, 1), virt::PhysicalTimerControl),
    One(NumberOf(3, 3, 14, 2, 2), virt::PhysicalTimerCompare),
}));

}  // namespace

Disposition ServeRegister(Vcpu& vcpu, Esr esr) { return kRegisters.Serve(vcpu, esr); }

}  // namespace ravelin::pvm_handlers
