// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The A64 instructions that the observer has to recognise, by their encoding (Arm ARM C4, C5, C6):
// nothing else says when EL2 orders, invalidates or leaves. Pure values.
#pragma once

#include <cstdint>

namespace ravelin::observer {

enum class Operation : std::uint8_t {
  kOther,
  kTlbi,
  kDsb,
  kIsb,
  kSetVttbr,          // MSR VTTBR_EL2, Xt
  kSetVtcr,           // MSR VTCR_EL2, Xt
  kSetHcr,            // MSR HCR_EL2, Xt
  kSetTtbr0,          // MSR TTBR0_EL2, Xt
  kZeroBlock,         // DC ZVA, Xt
  kConditionalStore,  // exclusives and atomics: whether they store is only known afterwards
  kLoadAcquire,       // LDAR: how a CPU waits for another one
  kSmc,
  kEret,
};

// What an invalidation of EL1&0 translations names. Those of EL2's own regime are kOther.
enum class TlbiTarget : std::uint8_t {
  kOther,
  kIpa,       // IPAS2E1, IPAS2LE1: stage 2 only, one address of the current VMID
  kIpaRange,  // RIPAS2E1, RIPAS2LE1
  kStage1,    // VMALLE1: stage 1 and combined entries of the current VMID
  kVmid,      // VMALLS12E1: both stages of the current VMID
  kAll,       // ALLE1: both stages of every VMID
};

struct Tlbi {
  TlbiTarget target = TlbiTarget::kOther;
  bool broadcast = false;   // inner or outer shareable: reaches the other CPUs
  bool last_level = false;  // leaves cached table descriptors alone
};

struct Dsb {
  bool stores = false;     // waits for stores
  bool all = false;        // waits for loads and stores, so for TLB maintenance
  bool shareable = false;  // inner shareable domain or wider
};

struct Instruction {
  Operation operation = Operation::kOther;
  unsigned reg = 31;  // Xt; 31 is XZR
  Tlbi tlbi;
  Dsb dsb;
};

Instruction Decode(std::uint32_t word);

}  // namespace ravelin::observer
