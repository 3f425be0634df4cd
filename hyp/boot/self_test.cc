// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/boot/self_test.h"

#include <array>

#include "hyp/arch/aarch64/layout.h"
#include "hyp/arch/aarch64/linker.h"
#include "hyp/base/invariant.h"
#include "hyp/trace/panic.h"

namespace ravelin::boot {
namespace {

[[gnu::noinline]] void BreakInvariant() { Invariant(false, "self-test: this rule is broken"); }

// Each call needs 512 bytes of stack: `depth` of them need more than there is.
[[gnu::noinline]] unsigned Recurse(unsigned depth) {
  std::array<volatile unsigned, 128> space{};
  space[depth % space.size()] = depth;
  return depth == 0 ? space[0] : Recurse(depth - 1) + space[depth % space.size()];
}

void OverflowStack() { static_cast<void>(Recurse(1000)); }

void WriteToCode() {
  *reinterpret_cast<volatile unsigned*>(reinterpret_cast<std::uintptr_t>(__text_start) + 0x800) = 0;
}

void WriteToConstants() {
  *reinterpret_cast<volatile unsigned*>(reinterpret_cast<std::uintptr_t>(__text_end)) = 0;
}

std::array<unsigned, 1> data_code = {0xd65f03c0};  // RET

void ExecuteData() { reinterpret_cast<void (*)()>(&data_code)(); }

// RAM that the monitor does not hold is not mapped in it.
void ReadHostMemory() {
  static_cast<void>(*reinterpret_cast<volatile unsigned*>(LinearVa(Pa{0x40000000}).raw()));
}

struct Test {
  std::string_view name;
  void (*run)();
};

constexpr std::array kTests = {
    Test{"invariant", BreakInvariant}, Test{"stack-overflow", OverflowStack},
    Test{"write-code", WriteToCode},   Test{"write-constants", WriteToConstants},
    Test{"execute-data", ExecuteData}, Test{"read-host-memory", ReadHostMemory},
};

}  // namespace

void RunSelfTest(std::string_view name) {
  if (name.empty()) {
    return;
  }
  for (const Test& test : kTests) {
    if (test.name == name) {
      test.run();
      Refuse("self-test: the fault did not happen");
    }
  }
  Refuse("self-test: no such test");
}

}  // namespace ravelin::boot
