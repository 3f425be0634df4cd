// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// Writes to every page of its memory, reads all of it back, and shuts down.

#include "tests/guests/runtime.h"

namespace ravelin::guest {
namespace {

constexpr std::uint64_t kMemoryStart = 0x80000000;
constexpr std::uint64_t kPageDirty = 1;
constexpr std::uint64_t kPageLost = 2;

void Run(std::uint64_t memory_bytes) {
  StartConsole();
  const std::uint64_t first = reinterpret_cast<std::uintptr_t>(__image_end);
  const std::uint64_t end = kMemoryStart + memory_bytes;
  std::int64_t pages = 0;
  for (std::uint64_t page = first; page < end; page += kPageSize) {
    if (ReadRegister(page) != 0) Finish(kPageDirty);
    WriteRegister(page, page);
    ++pages;
  }
  for (std::uint64_t page = first; page < end; page += kPageSize) {
    if (ReadRegister(page) != page) Finish(kPageLost);
  }
  Print("counter_guest: wrote ");
  PrintNumber(pages);
  Print(" pages\n");
  Finish(0);
}

}  // namespace
}  // namespace ravelin::guest

extern "C" void GuestMain(std::uint64_t memory_bytes) { ravelin::guest::Run(memory_bytes); }
