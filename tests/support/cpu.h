// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// CPUs: which one this is, all of them at once, and accesses that may fault.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "tests/support/machine.h"

namespace ravelin {

void SetMachine(const Machine& machine);
const Machine& TheMachine();

std::size_t CpuIndex();
std::uint64_t Ticks();
std::uint64_t TicksPerSecond();

// Runs `job(number of the CPU)` on CPUs 0 .. cpus - 1, as far as they exist; the others than this
// are started by CPU_ON and end by CPU_OFF. False: a CPU could not be started.
bool RunOnCpus(std::size_t cpus, void (*job)(std::size_t cpu));
inline bool RunOnAllCpus(void (*job)(std::size_t cpu)) { return RunOnCpus(PAYLOAD_MAX_CPUS, job); }

[[noreturn]] void PowerOff();

// Whether the monitor answers to its UID.
bool IsMonitorHere();

// Waits until `cpus` CPUs are here. For any number of rounds.
class Barrier {
 public:
  void Wait(std::size_t cpus);

 private:
  std::atomic<std::size_t> arrived_{0};
  std::atomic<std::size_t> round_{0};
};

extern "C" {
struct ReadProbe {
  std::uint64_t value;
  std::uint64_t syndrome;  // ESR_EL1; 0: no fault
};
struct ReadWriteProbe {
  std::uint64_t read_syndrome;
  std::uint64_t write_syndrome;
};
ReadProbe ProbeRead(std::uint64_t address);
ReadWriteProbe ProbeReadWrite(std::uint64_t address);
std::uint64_t ProbeWrite(std::uint64_t address, std::uint64_t value);

std::uint64_t CallByHvc(const std::uint64_t* in, std::uint64_t* out);
std::uint64_t CallBySmc(const std::uint64_t* in, std::uint64_t* out);
}

// How the monitor refuses an access: a data abort with the status of an alignment fault.
inline bool IsRefusal(std::uint64_t syndrome) {
  return syndrome >> 26 == 0x25 && (syndrome & 0x3f) == 0x21;
}

}  // namespace ravelin
