// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/guests/runtime.h"

#include "hyp/abi/guest_call.h"

namespace ravelin::guest {
namespace {

constexpr std::uint64_t kUartData = kUartPage;
constexpr std::uint64_t kInstructionAbort = 0x21;  // ESR_EL1.EC, from the current exception level
constexpr std::uint64_t kUnexpectedException = 99;
constexpr std::uint64_t kVectorIrq = 5;  // from EL1 with its own stack

// MEM_SHARE and MMIO_GUARD_MAP in the bitmap of FEATURES: bit n is function number n.
constexpr std::uint64_t kProtectedFeatures =
    1U << (RAVELIN_GUEST_MEM_SHARE & 0xff) | 1U << (RAVELIN_GUEST_MMIO_GUARD_MAP & 0xff);

void (*interrupt_handler)() = nullptr;
volatile bool trap_expected = false;
volatile bool trap_taken = false;
volatile std::uint64_t trap_esr = 0;

void PutCharacter(char character) {
  *reinterpret_cast<volatile std::uint32_t*>(kUartData) = static_cast<unsigned char>(character);
}

bool HasGuestCalls() {
  const SmcccResults uid = Hvc(RAVELIN_GUEST_UID);
  return uid.values[0] == RAVELIN_GUEST_UID_0 && uid.values[1] == RAVELIN_GUEST_UID_1 &&
         uid.values[2] == RAVELIN_GUEST_UID_2 && uid.values[3] == RAVELIN_GUEST_UID_3;
}

void Guard(std::uint64_t page) {
  // There is no console yet: the guest can only stop.
  if (Hvc(RAVELIN_GUEST_MMIO_GUARD_MAP, page).status() != RAVELIN_SMCCC_SUCCESS) PowerOff();
}

}  // namespace

SmcccResults Hvc(std::uint64_t function, std::uint64_t x1, std::uint64_t x2, std::uint64_t x3) {
  const SmcccArguments in{.function = function, .values = {x1, x2, x3}};
  SmcccResults out{};
  CallByHvc(&in, &out);
  return out;
}

bool IsProtected() {
  if (!HasGuestCalls()) return false;
  return (Hvc(RAVELIN_GUEST_FEATURES).values[0] & kProtectedFeatures) == kProtectedFeatures;
}

void StartConsole() {
  if (!IsProtected()) return;
  Guard(kUartPage);
  Guard(kMailboxPage);
}

void Print(std::string_view text) {
  for (const char character : text) PutCharacter(character);
}

void PrintHex(std::uint64_t value) {
  Print("0x");
  int shift = 60;
  while (shift > 0 && (value >> shift) == 0) shift -= 4;
  for (; shift >= 0; shift -= 4) PutCharacter("0123456789abcdef"[value >> shift & 0xf]);
}

void PrintNumber(std::int64_t value) {
  if (value < 0) PutCharacter('-');
  auto rest =
      value < 0 ? ~static_cast<std::uint64_t>(value) + 1 : static_cast<std::uint64_t>(value);
  std::array<char, 20> digits{};
  std::size_t count = 0;
  do {
    digits[count++] = static_cast<char>('0' + rest % 10);
    rest /= 10;
  } while (rest != 0);
  while (count > 0) PutCharacter(digits[--count]);
}

std::uint64_t ReadRegister(std::uint64_t address) {
  return *reinterpret_cast<volatile std::uint64_t*>(address);
}

void WriteRegister(std::uint64_t address, std::uint64_t value) {
  *reinterpret_cast<volatile std::uint64_t*>(address) = value;
}

void Finish(std::uint64_t status) {
  WriteRegister(kMailboxPage + kMailboxStatus, status);
  PowerOff();
}

void SetInterruptHandler(void (*handler)()) { interrupt_handler = handler; }

void ExpectTrap() {
  trap_taken = false;
  trap_esr = 0;
  trap_expected = true;
}

Trap TakeTrap() {
  trap_expected = false;
  return {.taken = trap_taken, .esr = trap_esr};
}

extern "C" void PowerOff() {
  Hvc(RAVELIN_PSCI_SYSTEM_OFF);
  for (;;) {
  }
}

extern "C" void HandleException(ExceptionFrame* frame, std::uint64_t vector) {
  if (vector == kVectorIrq && interrupt_handler != nullptr) {
    interrupt_handler();
    return;
  }
  if (!trap_expected) {
    Print("unexpected exception, vector ");
    PrintHex(vector);
    Print(" esr ");
    PrintHex(frame->esr);
    Print(" elr ");
    PrintHex(frame->elr);
    Print("\n");
    Finish(kUnexpectedException);
  }
  trap_taken = true;
  trap_esr = frame->esr;
  const bool was_fetch = (frame->esr >> 26 & 0x3f) == kInstructionAbort;
  frame->elr = was_fetch ? frame->x[30] : frame->elr + 4;
}

}  // namespace ravelin::guest
