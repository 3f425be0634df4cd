// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// A VM whose guest (guest_code.S) does one thing at a time. Its page n is frame kFirstGfn + n, the
// first one holds the code.
#pragma once

#include <cstdint>

#include "tests/bench/entry.h"
#include "tests/bench/vm.h"

namespace ravelin::bench {

class Guest {
 public:
  static constexpr std::uint64_t kFirstGfn = BENCH_GUEST_CODE / kPageSize;

  // Creates the VM and runs the guest until it waits for a command.
  explicit Guest(std::uint64_t kind);
  // Destroys the VM; all pages are the host's again.
  void End();

  // Gives the guest its next page.
  Cost GivePage();
  // The last page has gone back.
  void ForgetPage() { --pages_; }
  [[nodiscard]] std::uint64_t next_gfn() const { return kFirstGfn + pages_; }

  // A whole command, without other exits than the one in which the guest says that it is done: what
  // EL2 does for it beyond NOTHING.
  Cost Do(std::uint64_t command);
  // The guest's x0 after it.
  [[nodiscard]] std::uint64_t answer() const { return answer_; }

  // In steps: Start runs to an exit for `reason`, Continue from there to another one, Finish to the
  // end of the command. They count all instructions, the guest's own as well.
  Cost Start(std::uint64_t command, std::uint64_t reason);
  Cost Continue(std::uint64_t reason);
  std::uint64_t Finish();

  // NOTHING, from the read of the command to the write of the answer.
  [[nodiscard]] const Cost& nothing() const { return nothing_; }

 private:
  Cost Run(std::uint64_t reason);
  void Reply(std::uint64_t value) const;

  std::uint64_t kind_;
  Vm vm_;
  std::uint64_t pages_ = 0;
  Cost nothing_;
  std::uint64_t answer_ = 0;
};

constexpr std::uint64_t Command(std::uint64_t operation, std::uint64_t function = 0,
                                std::uint64_t gfn = 0) {
  return function << 32 | gfn * kPageSize | operation;
}

}  // namespace ravelin::bench
