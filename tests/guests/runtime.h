// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// What every guest payload stands on: a console, calls to the hypervisor, the mailbox of the VMM
// (host_shim/vmm/mailbox.h) and a way to survive an exception. EL1; interrupts and more CPUs only
// for those who ask.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ravelin::guest {

inline constexpr std::uint64_t kPageSize = 4096;
inline constexpr std::uint64_t kUartPage = 0x09000000;
inline constexpr std::uint64_t kMailboxPage = 0x0a000000;

// Offsets in the mailbox page.
inline constexpr std::uint64_t kMailboxMessage = 0x00;
inline constexpr std::uint64_t kMailboxCommand = 0x08;
inline constexpr std::uint64_t kMailboxStatus = 0x10;
inline constexpr std::uint64_t kCommandWait = 1;

struct SmcccArguments {
  std::uint64_t function;
  std::array<std::uint64_t, 6> values;
};

struct SmcccResults {
  std::array<std::uint64_t, 4> values;

  [[nodiscard]] std::int64_t status() const { return static_cast<std::int64_t>(values[0]); }
};

extern "C" {
void CallByHvc(const SmcccArguments* in, SmcccResults* out);
void CallByHvc1(const SmcccArguments* in, SmcccResults* out);  // immediate 1
void CallBySmc(const SmcccArguments* in, SmcccResults* out);
void CallBySmc1(const SmcccArguments* in, SmcccResults* out);  // immediate 1

// Layout known to vectors.S.
struct ExceptionFrame {
  std::uint64_t x[31];
  std::uint64_t elr;
  std::uint64_t esr;
  std::uint64_t padding;
};
static_assert(sizeof(ExceptionFrame) == 272);
static_assert(offsetof(ExceptionFrame, elr) == 248);

[[noreturn]] void PowerOff();

// The context of a CPU_ON whose entry point is SecondaryEntry: it calls `run` on that stack. Clean
// to memory: the CPU starts without caches.
struct SecondaryStart {
  std::uint64_t stack_top;
  void (*run)(std::uint64_t argument);
  std::uint64_t argument;
};
void SecondaryEntry();
}

SmcccResults Hvc(std::uint64_t function, std::uint64_t x1 = 0, std::uint64_t x2 = 0,
                 std::uint64_t x3 = 0);

// True in a protected VM: the hypervisor offers MEM_SHARE and MMIO_GUARD_MAP.
bool IsProtected();

// Makes the console and the mailbox usable. First of all.
void StartConsole();

void Print(std::string_view text);
void PrintHex(std::uint64_t value);
void PrintNumber(std::int64_t value);

std::uint64_t ReadRegister(std::uint64_t address);
void WriteRegister(std::uint64_t address, std::uint64_t value);

// Reports `status` (0 = all is well) to the VMM and shuts down.
[[noreturn]] void Finish(std::uint64_t status);

// Called for IRQs from here on.
void SetInterruptHandler(void (*handler)());

// An exception that was expected: which class, and its syndrome. Class 0 with esr 0: none.
struct Trap {
  bool taken;
  std::uint64_t esr;

  [[nodiscard]] std::uint64_t exception_class() const { return esr >> 26 & 0x3f; }
};

// From here on an exception does not end the guest: the instruction is skipped, or a jump to where
// no code is returns to its caller.
void ExpectTrap();
// What came since ExpectTrap; exceptions end the guest again.
Trap TakeTrap();

}  // namespace ravelin::guest

// Where a payload starts. It may return.
extern "C" void GuestMain(std::uint64_t memory_bytes);

// The first page behind the image and its stack.
extern "C" std::byte __image_end[];
