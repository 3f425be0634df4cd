// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The registers of the distributor and of the redistributors (IHI 0069, chapter 12), by words of 32
// bits. One security state (GICD_CTLR.DS = 1), affinity routing always on, no LPIs, no 1-of-N
// routing, 5 bits of priority. What does not exist reads as zero and ignores writes. The VM's lock
// is held, and the list registers of `self` are folded.
#pragma once

#include <cstdint>

#include "hyp/virt/gic/delivery.h"
#include "hyp/vm/interrupts.h"

namespace ravelin::gic {

// Who accesses which controller.
struct Accessor {
  State& state;
  const Layout& layout;
  Vcpu& self;
  WakeSet& wakes;
};

// `offset` in the distributor's frame, a multiple of 4.
std::uint32_t ReadDistributor(const Accessor& by, unsigned offset);
void WriteDistributor(const Accessor& by, unsigned offset, std::uint32_t value);

// `offset` in the two frames of the redistributor of vCPU `owner`, a multiple of 4.
std::uint32_t ReadRedistributor(const Accessor& by, std::uint32_t owner, unsigned offset);
void WriteRedistributor(const Accessor& by, std::uint32_t owner, unsigned offset,
                        std::uint32_t value);

// Which registers may be accessed by bytes, and by 64 bits (12.1.3). `offset` in a distributor or
// redistributor.
constexpr bool IsByteAccessible(unsigned offset) {
  return (offset & 0xffff) >= 0x400 && (offset & 0xffff) < 0x800;
}
constexpr bool IsWideInDistributor(unsigned offset) { return offset >= 0x6000 && offset < 0x8000; }
constexpr bool IsWideInRedistributor(unsigned offset) { return offset == 0x8; }

// The state of a controller, or of a vCPU's part of it, that was just switched on.
void ResetSpis(State& state);
void ResetPrivate(Bank& bank);

}  // namespace ravelin::gic
