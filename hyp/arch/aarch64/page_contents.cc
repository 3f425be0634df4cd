// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// stage2/machine.h for EL2: whole pages. EL2 is not preemptible, and these loops are most of what
// it does, so they are unrolled, and a line is wiped and cleaned in one pass.
#include <cstring>

#include "hyp/arch/aarch64/barrier.h"
#include "hyp/arch/aarch64/layout.h"
#include "hyp/arch/aarch64/monitor_map.h"
#include "hyp/arch/aarch64/sysreg.h"
#include "hyp/base/bits.h"
#include "stage2/machine.h"

namespace ravelin::machine {
namespace {

constexpr std::uint64_t kWords = kPageSize / sizeof(std::uint64_t);
// Steps of an unrolled loop: a page is a multiple of so many blocks or lines of at most
// kLargestStep.
constexpr std::uint64_t kUnrolled = 16;
constexpr std::uint64_t kLargestStep = kPageSize / kUnrolled;

// Bytes that DC ZVA zeroes; 0 if it is prohibited (DCZID_EL0.DZP) or if they are too many for the
// loops.
std::uint64_t ZeroBlock() {
  const std::uint64_t dczid = sysreg::DczidEl0::Read();
  const std::uint64_t block = std::uint64_t{4} << (dczid & 0xf);
  return (dczid & Bit(4)) != 0 || block > kLargestStep ? 0 : block;
}

void ZeroPage(void* page) {
  const std::uint64_t block = ZeroBlock();
  if (block == 0) {
    std::memset(page, 0, kPageSize);
    return;
  }
  const auto first = reinterpret_cast<std::uint64_t>(page);
  for (std::uint64_t at = first; at != first + kPageSize; at += kUnrolled * block) {
    std::uint64_t next = at;
    asm volatile(".rept 16; dc zva, %0; add %0, %0, %1; .endr"
                 : "+r"(next)
                 : "r"(block)
                 : "memory");
  }
}

// Cleans and invalidates to the point of coherency.
void PushOut(void* page) {
  const auto first = reinterpret_cast<std::uint64_t>(page);
  const std::uint64_t line = DataCacheLine();
  if (line > kLargestStep) {
    CleanInvalidate(first, kPageSize);
    return;
  }
  for (std::uint64_t at = first; at != first + kPageSize; at += kUnrolled * line) {
    std::uint64_t next = at;
    asm volatile(".rept 16; dc civac, %0; add %0, %0, %1; .endr"
                 : "+r"(next)
                 : "r"(line)
                 : "memory");
  }
  DsbSy();
}

// Zeros, and pushes the zeros out. DC CIVAC follows the stores of DC ZVA to its line in program
// order (Arm ARM D7, "Ordering and completion of data and instruction cache instructions").
void Wipe(void* page) {
  const std::uint64_t line = DataCacheLine();
  if (ZeroBlock() != line) {
    ZeroPage(page);
    PushOut(page);
    return;
  }
  const auto first = reinterpret_cast<std::uint64_t>(page);
  for (std::uint64_t at = first; at != first + kPageSize; at += kUnrolled * line) {
    std::uint64_t next = at;
    asm volatile(".rept 16; dc zva, %0; dc civac, %0; add %0, %0, %1; .endr"
                 : "+r"(next)
                 : "r"(line)
                 : "memory");
  }
  DsbSy();
}

}  // namespace

void ZeroTablePage(Pa page) { ZeroPage(LinearPointer<void>(page)); }

void FillTablePage(Pa page, std::uint64_t first, std::uint64_t step) {
  auto* const words = LinearPointer<std::uint64_t>(page);
  std::uint64_t even = first;
  for (std::uint64_t i = 0; i < kWords; i += kUnrolled) {
    std::uint64_t* next = words + i;
    std::uint64_t odd = 0;
    asm volatile(
        ".rept 8;"
        " add %[odd], %[even], %[step];"
        " stp %[even], %[odd], [%[next]], #16;"
        " add %[even], %[odd], %[step];"
        ".endr"
        : [next] "+r"(next), [even] "+r"(even), [odd] "=&r"(odd)
        : [step] "r"(step)
        : "memory");
  }
}

bool HoldsSequence(Pa page, std::uint64_t first, std::uint64_t step) {
  const auto* const words = LinearPointer<const std::uint64_t>(page);
  std::uint64_t even = first;
  bool same = true;
  for (std::uint64_t i = 0; same && i < kWords; i += kUnrolled) {
    const std::uint64_t* next = words + i;
    std::uint64_t odd = 0;
    std::uint64_t found_even = 0;
    std::uint64_t found_odd = 0;
    asm volatile(
        "cmp xzr, xzr;"
        ".rept 8;"
        " ldp %[found_even], %[found_odd], [%[next]], #16;"
        " add %[odd], %[even], %[step];"
        " ccmp %[found_even], %[even], #0, eq;"
        " ccmp %[found_odd], %[odd], #0, eq;"
        " add %[even], %[odd], %[step];"
        ".endr"
        : "=@cceq"(same), [next] "+r"(next), [even] "+r"(even), [odd] "=&r"(odd),
          [found_even] "=&r"(found_even), [found_odd] "=&r"(found_odd)
        : [step] "r"(step)
        : "memory");
  }
  return same;
}

void WipeMonitorPage(Pa page) { Wipe(LinearPointer<void>(page)); }

void WipePage(Pa page) {
  const PageWindow window(page);
  Wipe(window.data());
}

void CleanPage(Pa page) {
  const PageWindow window(page);
  PushOut(window.data());
}

}  // namespace ravelin::machine
