// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// A visit is what EL2 executes from an exception (or a CPU's start) to the next ERET. Figures of
// all visits by cause, in instructions, and the rule about their length. Instructions of a loop
// that waits for another CPU are not counted: how often it turns is the emulator's affair.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <ostream>
#include <string>
#include <unordered_map>

#include "hyp/base/types.h"
#include "tests/observer/report.h"

namespace ravelin::observer {

// Why EL2 runs.
struct Cause {
  enum class From : std::uint8_t { kStart, kHost, kGuest };
  enum class Kind : std::uint8_t { kStart, kHvc, kSmc, kSync, kIrq, kSerror };

  From from = From::kStart;
  Kind kind = Kind::kStart;
  std::uint64_t id = 0;  // function identifier of a call, exception class of another trap

  friend auto operator<=>(const Cause&, const Cause&) = default;
};

std::string NameOf(const Cause& cause);

// Instructions of loops in which a CPU waits for another one: how often they turn is the emulator's
// affair, and so they are taken off a visit. A loop is a load-acquire that comes back to itself.
class Waiting {
 public:
  // Before a load-acquire; `count`: the instructions that the CPU has executed.
  void Observe(Va pc, std::uint64_t count) {
    if (pc == pc_ && count - count_ < kLoop) {
      total_ += count - count_;
    }
    pc_ = pc;
    count_ = count;
  }
  [[nodiscard]] std::uint64_t total() const { return total_; }

 private:
  // A loop that does some work as well is longer.
  static constexpr std::uint64_t kLoop = 16;

  Va pc_;
  std::uint64_t count_ = 0;
  std::uint64_t total_ = 0;
};

class Visits {
 public:
  // `limit`: the most instructions of a visit that is not a CPU's start.
  Visits(Report& report, std::uint64_t limit) : report_(&report), limit_(limit) {}

  // `count`: the instructions that the CPU has executed at EL2, less those of waiting.
  void Enter(CpuIndex cpu, std::uint64_t count, Cause cause);
  void Leave(Place place, std::uint64_t count);

  void Print(std::ostream& out) const;

 private:
  struct Current {
    Cause cause;
    std::uint64_t first = 0;
  };
  struct Figures {
    std::uint64_t visits = 0;
    std::uint64_t total = 0;
    std::uint64_t longest = 0;
    std::array<std::uint64_t, 64> by_power_of_two{};
  };
  // Random calls are not to fill the table.
  static constexpr std::size_t kMaxCauses = 1000;

  Figures& FiguresOf(Cause cause);

  Report* report_;
  std::uint64_t limit_;
  std::unordered_map<std::uint32_t, Current> current_;  // by CPU
  std::map<Cause, Figures> figures_;
};

}  // namespace ravelin::observer
