// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/clock.h"

#include <cstddef>

#include "tests/support/cpu.h"

namespace ravelin::bench {
namespace {

constexpr std::uint64_t kInstructionsPerSecond = 1'000'000'000;  // -icount shift=0

using Readings = std::array<std::uint64_t, 17>;

// As clock.S fills it.
struct Raw {
  Readings before;
  Readings after;
  std::array<std::uint64_t, 4> out;
};
static_assert(offsetof(Raw, after) == 136 && offsetof(Raw, out) == 272);

extern "C" {
void MeasureNothing(const std::uint64_t* in, Raw* raw);
void MeasureHundred(const std::uint64_t* in, Raw* raw);
void MeasureHvc(const std::uint64_t* in, Raw* raw);
void MeasureSmc(const std::uint64_t* in, Raw* raw);
void MeasureRead(const std::uint64_t* in, Raw* raw);
}

// When the first reading was made. The reading that is the first of its tick was made at the
// instruction at which the tick began.
std::uint64_t TimeOf(const Readings& readings) {
  const std::uint64_t period = kInstructionsPerSecond / TicksPerSecond();
  std::size_t first = 1;
  while (first < readings.size() - 1 && readings[first] == readings[first - 1]) {
    ++first;
  }
  return readings[first] * period - first;
}

std::uint64_t Elapsed(const Raw& raw) { return TimeOf(raw.after) - TimeOf(raw.before); }

std::uint64_t ElapsedOf(void (*measure)(const std::uint64_t*, Raw*)) {
  const Words in{};
  Raw raw{};
  measure(in.data(), &raw);
  return Elapsed(raw);
}

Sample Take(void (*measure)(const std::uint64_t*, Raw*), const Words& in) {
  Raw raw{};
  measure(in.data(), &raw);
  return {.instructions = Elapsed(raw) - ElapsedOf(&MeasureNothing), .out = raw.out};
}

}  // namespace

Sample MeasureCall(const Words& in) { return Take(&MeasureHvc, in); }
Sample MeasureFirmwareCall(const Words& in) { return Take(&MeasureSmc, in); }
Sample MeasureAccess(std::uint64_t address) { return Take(&MeasureRead, {address}); }

bool IsExact() {
  constexpr std::uint64_t kPhases = 64;
  for (std::uint64_t i = 0; i < kPhases; ++i) {
    if (ElapsedOf(&MeasureHundred) != ElapsedOf(&MeasureNothing) + 99) {
      return false;
    }
    for (std::uint64_t j = 0; j < i; ++j) {
      asm volatile("nop");
    }
  }
  return true;
}

}  // namespace ravelin::bench
