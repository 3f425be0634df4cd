// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// What the monitor traps from the host and from guests: the values of HCR_EL2, CPTR_EL2, MDCR_EL2,
// HCRX_EL2 and the fine-grained traps. Default for guests: everything that is not switched by the
// world switch, and not constant, traps (Arm ARM D23, Linux Documentation/arm64/booting.rst for
// what a host may rely on).
#pragma once

#include <cstdint>

#include "hyp/base/bits.h"

namespace ravelin::traps {

// HCR_EL2
inline constexpr std::uint64_t kVm = Bit(0);    // stage 2 on
inline constexpr std::uint64_t kSwio = Bit(1);  // set/way invalidation also cleans
inline constexpr std::uint64_t kPtw = Bit(2);   // table walks never touch device memory
inline constexpr std::uint64_t kFmo = Bit(3);   // FIQs to EL2
inline constexpr std::uint64_t kImo = Bit(4);   // IRQs to EL2
inline constexpr std::uint64_t kAmo = Bit(5);   // SErrors to EL2
inline constexpr std::uint64_t kVse = Bit(8);   // a virtual SError is pending
inline constexpr std::uint64_t kFb = Bit(9);    // TLB maintenance is broadcast
inline constexpr std::uint64_t kBsuInner = Bit(10);
inline constexpr std::uint64_t kTwi = Bit(13);     // WFI
inline constexpr std::uint64_t kTid1 = Bit(16);    // REVIDR, AIDR, SMIDR
inline constexpr std::uint64_t kTid3 = Bit(18);    // feature identification registers
inline constexpr std::uint64_t kTsc = Bit(19);     // SMC
inline constexpr std::uint64_t kTidcp = Bit(20);   // IMPLEMENTATION DEFINED registers
inline constexpr std::uint64_t kTacr = Bit(21);    // ACTLR
inline constexpr std::uint64_t kTsw = Bit(22);     // cache maintenance by set and way
inline constexpr std::uint64_t kRw = Bit(31);      // EL1 is AArch64
inline constexpr std::uint64_t kTlor = Bit(35);    // LORegion registers
inline constexpr std::uint64_t kTerr = Bit(36);    // error records
inline constexpr std::uint64_t kTea = Bit(37);     // external aborts to EL2
inline constexpr std::uint64_t kApk = Bit(40);     // PAuth keys do not trap
inline constexpr std::uint64_t kApi = Bit(41);     // PAuth instructions do not trap
inline constexpr std::uint64_t kFien = Bit(47);    // fault injection registers do not trap
inline constexpr std::uint64_t kEnscxt = Bit(53);  // SCXTNUM does not trap
inline constexpr std::uint64_t kAta = Bit(56);     // allocation tags do not trap

inline constexpr std::uint64_t kGuestHcr = kVm | kSwio | kPtw | kFmo | kImo | kAmo | kFb |
                                           kBsuInner | kTwi | kTid1 | kTid3 | kTsc | kTidcp |
                                           kTacr | kTsw | kRw | kTlor | kTerr | kTea;

// CPTR_EL2 with E2H = 0: RES1 bits, and what traps if set.
inline constexpr std::uint64_t kCptrRes1 = 0x22ff;
inline constexpr std::uint64_t kTz = Bit(8);    // SVE
inline constexpr std::uint64_t kTfp = Bit(10);  // FP and SIMD
inline constexpr std::uint64_t kTsm = Bit(12);  // SME
inline constexpr std::uint64_t kTta = Bit(20);  // trace registers
inline constexpr std::uint64_t kTam = Bit(30);  // activity monitors

// MDCR_EL2
inline constexpr std::uint64_t kTpmcr = Bit(5);
inline constexpr std::uint64_t kTpm = Bit(6);
inline constexpr std::uint64_t kTde = Bit(8);
inline constexpr std::uint64_t kTda = Bit(9);
inline constexpr std::uint64_t kTdosa = Bit(10);
inline constexpr std::uint64_t kTdra = Bit(11);
inline constexpr std::uint64_t kTpms = Bit(14);
inline constexpr std::uint64_t kHpmd = Bit(17);  // the PMU does not count at EL2
inline constexpr std::uint64_t kTtrf = Bit(19);
inline constexpr std::uint64_t kHccd = Bit(23);                     // nor does its cycle counter
inline constexpr std::uint64_t kE2pbHost = Field<13, 12>::Make(3);  // SPE buffer is EL1's
inline constexpr std::uint64_t kE2tbHost = Field<25, 24>::Make(3);  // trace buffer is EL1's

inline constexpr std::uint64_t kGuestMdcr =
    kTpmcr | kTpm | kTda | kTdosa | kTdra | kTpms | kTtrf | kHpmd | kHccd;

// CNTHCTL_EL2 with E2H = 0
inline constexpr std::uint64_t kEl1pcten = Bit(0);  // the physical counter does not trap
inline constexpr std::uint64_t kEl1pcen = Bit(1);   // nor do the physical timer's registers

// ICH_HCR_EL2: every access of a guest to the CPU interface traps.
inline constexpr std::uint64_t kIchTrapAll = Bit(10) | Bit(11) | Bit(12) | Bit(14);

}  // namespace ravelin::traps
