// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// The device that irq_guest and the program that runs it (tests/kvm/irq_api.cc) have between them:
// registers of 64 bits in the mailbox page, and interrupts.
#pragma once

#include <cstdint>

namespace ravelin::irq_device {

inline constexpr std::uint64_t kDistributor = 0x08000000;
inline constexpr std::uint64_t kRedistributors = 0x080a0000;
inline constexpr std::uint64_t kPage = 0x0a000000;

// Offsets in the page; all are written.
inline constexpr std::uint64_t kPassed = 0x100;    // a Check that has passed
inline constexpr std::uint64_t kFailed = 0x108;    // the one that has not: the guest ends
inline constexpr std::uint64_t kLine = 0x110;      // the level of kLevelIntid (KVM_IRQ_LINE)
inline constexpr std::uint64_t kSignal = 0x118;    // signals the irqfd of kResampleIntid, n times
inline constexpr std::uint64_t kDoorbell = 0x120;  // an ioeventfd; answered by kEdgeIntid

inline constexpr std::uint64_t kLevelIntid = 40;
inline constexpr std::uint64_t kResampleIntid = 41;
inline constexpr std::uint64_t kEdgeIntid = 42;

enum Check : std::uint64_t { kTimer, kIpi, kLevel, kResample, kEdge, kCpuOff, kChecks };

inline constexpr unsigned kCpus = 4;
inline constexpr std::uint64_t kRepeats = 20;

}  // namespace ravelin::irq_device
