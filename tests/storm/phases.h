// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The phases of the storm. Each ends with every VM gone and the counters back, and leaves Report to
// its caller. `calls` is about how many host calls it makes on all CPUs together; a phase on all
// CPUs ends earlier when its time is over (storm.seconds=).
#pragma once

#include <cstdint>

namespace ravelin::storm {

// Frames that no other part of the storm uses.
inline constexpr std::uint64_t kScratchPages = 2048;
std::uint64_t ScratchPfn();
// The part of one CPU; the second half of all is shared.
inline constexpr std::uint64_t kPagesOfCpu = 128;
inline constexpr std::uint64_t kSharedPages = 1024;
inline std::uint64_t PfnOfCpu(std::uint64_t cpu) { return ScratchPfn() + cpu * kPagesOfCpu; }
inline std::uint64_t SharedPfn() { return ScratchPfn() + kScratchPages - kSharedPages; }

// Reads and writes a word of each page of RAM: the monitor's fault, the others do not.
void SweepAddresses();
// The same while VMs own pages: theirs fault too.
void SweepWithVms();
// Every call with every combination of boundary values, in every phase of both kinds of VM.
void CallMatrix();
// Two CPUs make far more calls than all, where the machine below has no more.
enum class Cpus : std::uint8_t { kOne, kTwo, kAll };
// Random sequences, every CPU on pages and VMs of its own, compared with a shadow.
void RunModel(Cpus cpus, std::uint64_t calls, std::uint64_t seed);
// Random calls of all CPUs on the same pages and VMs.
void RunChaos(Cpus cpus, std::uint64_t calls, std::uint64_t seed);
// CPUs read a page and its neighbour while another donates and reclaims it.
void ObservePage(std::uint64_t calls);
// Guests run while other CPUs attack their VMs.
void RunGuests(std::uint64_t calls, std::uint64_t seed);

}  // namespace ravelin::storm
