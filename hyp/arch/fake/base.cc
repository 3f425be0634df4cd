// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// What hyp/base leaves to the machine, for the build machine: a panic ends the test, and a thread
// stands for a CPU.
#include <cstdio>
#include <cstdlib>

#include "hyp/base/invariant.h"
#include "hyp/base/locked.h"

namespace ravelin {

void Panic(const char* rule) {
  std::fprintf(stderr, "Invariant broken: %s\n", rule);
  std::abort();
}

Rank& HeldRank() {
  static thread_local Rank rank = Rank::kNone;
  return rank;
}

}  // namespace ravelin
