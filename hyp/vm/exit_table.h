// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// A total table of exit handlers over the 64 exception classes of one kind of VM. The kinds are
// different types: a handler of normal VMs cannot stand in the table of protected ones, because it
// takes another kind of vCPU. What a table does not name is undefined to the guest.
#pragma once

#include <array>

#include "hyp/arch/world.h"
#include "hyp/vm/inject.h"
#include "hyp/vm/syndrome.h"
#include "hyp/vm/vcpu.h"

namespace ravelin {

// One exit, as a handler sees it. `Guest` is NormalGuest or ProtectedGuest.
template <typename Guest>
using ExitHandler = Disposition (*)(Guest& guest, const arch::Syndrome& syndrome);

template <typename Guest>
Disposition InjectUndefined(Guest& guest, const arch::Syndrome&) {
  guest.vcpu().ContinueAt(inject::Undefined(guest.vcpu().point()));
  return Disposition::kResume;
}

template <typename Guest>
class ExitTable {
 public:
  struct Entry {
    ExceptionClass ec;
    ExitHandler<Guest> handler;
  };

  template <std::size_t kCount>
  consteval explicit ExitTable(const std::array<Entry, kCount>& entries) {
    handlers_.fill(&InjectUndefined<Guest>);
    for (const Entry& entry : entries) {
      handlers_[static_cast<std::size_t>(entry.ec)] = entry.handler;
    }
  }

  Disposition Handle(Guest& guest, const arch::Syndrome& syndrome) const {
    return handlers_[Esr{syndrome.esr}.ec()](guest, syndrome);  // 6 bits: always in range
  }

 private:
  std::array<ExitHandler<Guest>, kExceptionClasses> handlers_{};
};

}  // namespace ravelin
