// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Which CPUs need a broadcast TLB invalidation twice: their first TLBI; DSB may complete before the
// memory accesses that used the forgotten translation do (CVE-2025-10263), or before the
// translation is forgotten (the older errata). A page that changes its owner would still be written
// to by the previous one. The second TLBI may be any that is broadcast. Pure data; the sequence
// itself is in hyp/arch/aarch64/tlb.h.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "hyp/base/bits.h"

namespace ravelin::arch {

// MIDR_EL1 (Arm ARM D24): implementer and part number; all revisions count.
struct CpuModel {
  std::uint64_t implementer;
  std::uint64_t part;

  static constexpr CpuModel Of(std::uint64_t midr) {
    return {Field<31, 24>::Get(midr), Field<15, 4>::Get(midr)};
  }
  friend constexpr bool operator==(const CpuModel&, const CpuModel&) = default;
};

inline constexpr auto kRepeatTlbiModels = std::to_array<CpuModel>({
    {0x41, 0xd05},  // Cortex-A55, erratum 2441007
    {0x41, 0xd46},  // Cortex-A510, 2441009
    {0x41, 0xd0b},  // Cortex-A76, 4193800 and 1286807
    {0x41, 0xd0e},  // Cortex-A76AE, 4193801
    {0x41, 0xd0d},  // Cortex-A77, 4193798
    {0x41, 0xd41},  // Cortex-A78, 4193791
    {0x41, 0xd42},  // Cortex-A78AE, 4193793
    {0x41, 0xd4b},  // Cortex-A78C, 4193794
    {0x41, 0xd47},  // Cortex-A710, 4193788
    {0x41, 0xd44},  // Cortex-X1, 4193791
    {0x41, 0xd4c},  // Cortex-X1C, 4193792
    {0x41, 0xd48},  // Cortex-X2, 4193788
    {0x41, 0xd4e},  // Cortex-X3, 4193786
    {0x41, 0xd82},  // Cortex-X4, 4118414
    {0x41, 0xd85},  // Cortex-X925, 4193781
    {0x41, 0xd0c},  // Neoverse-N1, 4193800
    {0x41, 0xd49},  // Neoverse-N2, 4193789
    {0x41, 0xd40},  // Neoverse-V1, 4193790
    {0x41, 0xd4f},  // Neoverse-V2, 4193787
    {0x41, 0xd84},  // Neoverse-V3, 4193784
    {0x41, 0xd83},  // Neoverse-V3AE, 4193784
    {0x41, 0xd8c},  // C1-Ultra, 4193780
    {0x41, 0xd90},  // C1-Premium, 4193780
    {0x6d, 0xd49},  // Azure Cobalt 100, 4193789
    {0x4e, 0x010},  // Olympus, T410-OLY-1029
});

constexpr bool NeedsRepeatedTlbi(std::uint64_t midr) {
  return std::ranges::find(kRepeatTlbiModels, CpuModel::Of(midr)) != kRepeatTlbiModels.end();
}

}  // namespace ravelin::arch
