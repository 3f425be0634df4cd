// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/arch/id_registers.h"

#include "hyp/arch/aarch64/layout.h"
#include "hyp/arch/aarch64/sysreg.h"
#include "hyp/arch/linear.h"

namespace ravelin::arch {

std::uint64_t ReadIdRegister(IdRegister id) {
  switch (id) {
    case IdRegister::kPfr0:
      return sysreg::IdAa64Pfr0El1::Read();
    case IdRegister::kPfr1:
      return sysreg::IdAa64Pfr1El1::Read();
    case IdRegister::kIsar0:
      return sysreg::IdAa64Isar0El1::Read();
    case IdRegister::kIsar1:
      return sysreg::IdAa64Isar1El1::Read();
    case IdRegister::kMmfr0:
      return sysreg::IdAa64Mmfr0El1::Read();
    case IdRegister::kMmfr1:
      return sysreg::IdAa64Mmfr1El1::Read();
    case IdRegister::kMmfr2:
      return sysreg::IdAa64Mmfr2El1::Read();
  }
  return 0;
}

void* LinearAddress(Pa pa) { return LinearPointer<void>(pa); }

}  // namespace ravelin::arch
