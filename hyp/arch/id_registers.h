// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The CPU's own feature identification registers: seam of hyp/arch/aarch64 and hyp/arch/fake.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ravelin::arch {

enum class IdRegister : std::uint8_t { kPfr0, kPfr1, kIsar0, kIsar1, kMmfr0, kMmfr1, kMmfr2 };
inline constexpr std::size_t kIdRegisters = 7;

// ID_AA64PFR0_EL1, ID_AA64PFR1_EL1, ...
std::uint64_t ReadIdRegister(IdRegister id);

}  // namespace ravelin::arch
