// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// System registers whose access traps: a sorted table for each kind of VM, of handlers that both
// kinds may use. What a table does not name is undefined to the guest.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "hyp/base/bits.h"
#include "hyp/vm/inject.h"
#include "hyp/vm/syndrome.h"
#include "hyp/vm/vcpu.h"

namespace ravelin::virt {

// Op0, Op1, CRn, CRm, Op2 in the order of their significance: related registers are neighbours.
using RegisterNumber = std::uint16_t;

constexpr RegisterNumber NumberOf(unsigned op0, unsigned op1, unsigned crn, unsigned crm,
                                  unsigned op2) {
  return static_cast<RegisterNumber>(op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2);
}

constexpr RegisterNumber NumberOf(Esr esr) {
  const std::uint64_t iss = esr.system_register();
  return static_cast<RegisterNumber>(Field<21, 20>::Get(iss) << 14 | Field<16, 14>::Get(iss) << 11 |
                                     Field<13, 10>::Get(iss) << 7 | Field<4, 1>::Get(iss) << 3 |
                                     Field<19, 17>::Get(iss));
}

// Completes the access, or injects what the guest has deserved.
using RegisterHandler = Disposition (*)(Vcpu& vcpu, Esr esr);

struct RegisterRow {
  RegisterNumber first;
  RegisterNumber last;
  RegisterHandler serve;
};

template <std::size_t kRows>
class RegisterTable {
 public:
  consteval explicit RegisterTable(const std::array<RegisterRow, kRows>& rows) : rows_(rows) {
    for (std::size_t i = 0; i < kRows; ++i) {
      const bool in_order = rows[i].first <= rows[i].last;
      if (!in_order || (i > 0 && rows[i - 1].last >= rows[i].first)) {
        RowsAreNotSorted();
      }
    }
  }

  Disposition Serve(Vcpu& vcpu, Esr esr) const {
    const RegisterNumber number = NumberOf(esr);
    const auto row = std::ranges::lower_bound(rows_, number, {}, &RegisterRow::last);
    if (row != rows_.end() && row->first <= number) {
      return row->serve(vcpu, esr);
    }
    vcpu.ContinueAt(inject::Undefined(vcpu.point()));
    return Disposition::kResume;
  }

 private:
  // Not constexpr: a table with a row out of order does not compile.
  static void RowsAreNotSorted() {}

  std::array<RegisterRow, kRows> rows_;
};

// --- Handlers

Disposition Undefined(Vcpu& vcpu, Esr esr);
Disposition ReadZeroIgnoreWrite(Vcpu& vcpu, Esr esr);
// Feature identification (id_registers.h).
Disposition Identification(Vcpu& vcpu, Esr esr);
// OSLSR_EL1: an OS lock that is never locked.
Disposition OsLockStatus(Vcpu& vcpu, Esr esr);
// ICC_SRE_EL1: the CPU interface is there, and only by system registers.
Disposition InterfaceEnable(Vcpu& vcpu, Esr esr);
// ICC_SGI1R_EL1; ICC_ASGI1R_EL1 and ICC_SGI0R_EL1.
Disposition GenerateSgi(Vcpu& vcpu, Esr esr);
Disposition GenerateGroup0Sgi(Vcpu& vcpu, Esr esr);
// CNTP_TVAL_EL0, CNTP_CTL_EL0, CNTP_CVAL_EL0: the hardware's is the host's.
Disposition PhysicalTimerValue(Vcpu& vcpu, Esr esr);
Disposition PhysicalTimerControl(Vcpu& vcpu, Esr esr);
Disposition PhysicalTimerCompare(Vcpu& vcpu, Esr esr);

}  // namespace ravelin::virt
