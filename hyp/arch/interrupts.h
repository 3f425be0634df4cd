// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The CPU's support for virtual interrupts (GICv3, IHI 0069, chapter 6) and what EL2 needs of the
// physical GIC: a seam of hyp/arch/aarch64 and hyp/arch/fake. EL2 acknowledges no physical
// interrupt: what arrives while a guest runs stays pending for the host, unless it is one of three
// that concern the guest alone: its virtual timer, the maintenance interrupt of its list registers,
// and a kick by another CPU. These are silenced at their source.
//
// Only between EnterWorld and LeaveWorld, unless said otherwise.
#pragma once

#include <cstdint>

#include "hyp/base/bits.h"
#include "hyp/base/types.h"

namespace ravelin::arch {

// ICH_LR<n>_EL2
namespace list_register {
using Intid = Field<31, 0>;
using PhysicalIntid = Field<44, 32>;
inline constexpr std::uint64_t kEoiMaintenance = Bit(41);  // only without kHardware
using Priority = Field<55, 48>;
inline constexpr std::uint64_t kGroup1 = Bit(60);
inline constexpr std::uint64_t kHardware = Bit(61);  // its end deactivates PhysicalIntid
inline constexpr std::uint64_t kPending = Bit(62);
inline constexpr std::uint64_t kActive = Bit(63);
}  // namespace list_register

// ICH_HCR_EL2
namespace list_control {
inline constexpr std::uint64_t kEnable = Bit(0);
inline constexpr std::uint64_t kUnderflow = Bit(1);  // maintenance: at most one entry is left
inline constexpr std::uint64_t kEndNotListed = Bit(2);
inline constexpr std::uint64_t kNoPending = Bit(3);
using EndCount = Field<31, 27>;
}  // namespace list_control

inline constexpr unsigned kMaxListRegisters = 16;
unsigned ListRegisters();  // at any time
std::uint64_t ReadListRegister(unsigned index);
void WriteListRegister(unsigned index, std::uint64_t value);
std::uint64_t ReadListControl();
void WriteListControl(std::uint64_t value);
// The lowest priority value that the guest does not take (ICC_PMR_EL1).
std::uint64_t LivePriorityMask();
// Whether the list registers ask for maintenance.
bool NeedsMaintenance();

// The physical interrupt of the virtual timer on this CPU is active: it does not interrupt again,
// until the guest ends its own interrupt or this is taken back.
void SetTimerForwarded(bool forwarded);
inline constexpr std::uint64_t kTimerIntid = 27;  // the virtual timer's PPI, physical and virtual

// Makes the CPU leave its guest, if it runs one. At any time.
void KickCpu(CpuIndex target);
// Whether this CPU was kicked. Forgets it, and silences the interrupt.
bool TakeKick();

CpuIndex ThisCpuIndex();  // at any time

// The physical counter (CNTPCT_EL0). At any time.
std::uint64_t Counter();

}  // namespace ravelin::arch
