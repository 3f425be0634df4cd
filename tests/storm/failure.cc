// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/storm/failure.h"

#include <atomic>

#include "tests/storm/monitor.h"
#include "tests/support/console.h"
#include "tests/support/cpu.h"

namespace ravelin::storm {
namespace {

struct First {
  std::string_view why;
  std::uint64_t detail;
  std::uint64_t cpu;
  LastCall call;
};

std::atomic<bool> failed{false};
First first;
std::uint64_t started = 0;
std::uint64_t total_calls = 0;

void PrintFailure(std::string_view name) {
  Print("CHECK fail ", name, ": ", first.why, " (", Hex{first.detail}, "), cpu ", first.cpu,
        ", last call ", Hex{first.call.in[0]});
  for (std::size_t i = 1; i < first.call.in.size(); ++i) {
    Print(" ", Hex{first.call.in[i]});
  }
  Print(" gave ", static_cast<std::int64_t>(first.call.out[0]), " ", Hex{first.call.out[1]}, "\n");
}

void PrintFigures(std::string_view name) {
  const Statistics sum = TakeStatistics();
  const std::uint64_t now = Ticks();
  const std::uint64_t milliseconds = (now - started) / (TicksPerSecond() / 1000) + 1;
  started = now;
  total_calls += sum.calls;
  Print("storm: ", name, ": ", sum.calls, " calls in ", milliseconds, " ms (",
        sum.calls * 1000 / milliseconds, "/s); total ", total_calls, "; statuses");
  for (std::size_t i = 0; i < sum.by_status.size(); ++i) {
    if (sum.by_status[i] != 0) {
      Print(" ", i == kIncompleteBit ? std::int64_t{1} : -static_cast<std::int64_t>(i), ":",
            sum.by_status[i]);
    }
  }
  Print("\nstorm: ", name, ": successes by call");
  for (const std::uint64_t count : sum.successes) {
    Print(" ", count);
  }
  Print("\n");
}

}  // namespace

void Fail(std::string_view why, std::uint64_t detail) {
  if (!failed.exchange(true)) {
    first = {why, detail, CpuIndex(), TheLastCall()};
  }
}

bool HasFailed() { return failed.load(std::memory_order_relaxed); }

bool Require(bool holds, std::string_view why, std::uint64_t detail) {
  if (!holds) {
    Fail(why, detail);
  }
  return holds;
}

bool Report(std::string_view name) {
  PrintFigures(name);
  if (failed.load()) {
    PrintFailure(name);
    return false;
  }
  Print("CHECK pass ", name, "\n");
  return true;
}

}  // namespace ravelin::storm
