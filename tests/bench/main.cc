// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Prints one line for each figure and powers off:
//   BENCH operation/form  instructions  pages  visits  longest
#include "tests/bench/clock.h"
#include "tests/bench/rows.h"
#include "tests/support/console.h"
#include "tests/support/cpu.h"
#include "tests/support/machine.h"

namespace ravelin::bench {

extern "C" [[noreturn]] void PayloadMain(const void* tree) {
  Machine machine{};
  const bool usable = ReadMachine(tree, machine);
  SetConsole(machine.uart);
  SetMachine(machine);
  Print("\n");
  if (!usable || !IsMonitorHere()) {
    Print("BENCH failed: no device tree or no monitor\n");
    PowerOff();
  }
  if (!IsExact()) {
    Print("BENCH failed: the counter does not count instructions\n");
    PowerOff();
  }
  BenchHostCalls();
  BenchHostTraps();
  BenchProtectedMemory();
  BenchNormalMemory();
  BenchGuests();
  Print("BENCH done\n");
  PowerOff();
}

}  // namespace ravelin::bench
