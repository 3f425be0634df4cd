// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Invariant: a rule of the monitor itself, checked in every build. A broken one means that the
// monitor can no longer vouch for isolation, so the machine stops. No input of a host, a guest, a
// device tree or a boot image may reach a false Invariant: those get an Error. Each use says in
// its text which rule holds, and why nobody outside can break it where that is not plain.
#pragma once

namespace ravelin {

// Reports `rule` and stops the machine. At EL2 it is the panic path; on the build machine it
// aborts the test.
[[noreturn]] void Panic(const char* rule);

constexpr void Invariant(bool holds, const char* rule) {
  if (!holds) [[unlikely]] {
    Panic(rule);
  }
}

}  // namespace ravelin
