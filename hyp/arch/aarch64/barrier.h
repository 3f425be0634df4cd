// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Barriers by what they order (Arm ARM B2.3.12) and cache maintenance by line.
#pragma once

#include <cstdint>

#include "hyp/arch/aarch64/sysreg.h"
#include "hyp/base/bits.h"

namespace ravelin {

// What follows executes with the effect of every earlier write to a system register.
inline void Isb() { asm volatile("isb" ::: "memory"); }
// Earlier stores, table maintenance included, are complete for the inner shareable domain.
inline void DsbIsh() { asm volatile("dsb ish" ::: "memory"); }
// Earlier stores are visible to the table walkers of the inner shareable domain.
inline void DsbIshst() { asm volatile("dsb ishst" ::: "memory"); }
// As DsbIshst, for the table walker of this CPU alone.
inline void DsbNshst() { asm volatile("dsb nshst" ::: "memory"); }
// As DsbIsh, for this CPU alone.
inline void DsbNsh() { asm volatile("dsb nsh" ::: "memory"); }
// Complete for the whole system, devices and non-coherent observers included.
inline void DsbSy() { asm volatile("dsb sy" ::: "memory"); }

// Bytes of the smallest data cache line (CTR_EL0.DminLine).
inline std::uint64_t DataCacheLine() {
  return std::uint64_t{4} << Field<19, 16>::Get(sysreg::CtrEl0::Read());
}

// Cleans and invalidates [address, address + size) to the point of coherency.
inline void CleanInvalidate(std::uint64_t address, std::uint64_t size) {
  const std::uint64_t line = DataCacheLine();
  for (std::uint64_t at = address & ~(line - 1); at < address + size; at += line) {
    asm volatile("dc civac, %0" : : "r"(at) : "memory");
  }
  DsbSy();
}

}  // namespace ravelin
