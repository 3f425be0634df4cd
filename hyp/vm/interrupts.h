// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The state of a VM's interrupt controller, a GICv3 (IHI 0069) without LPIs: plain data, of which
// hyp/virt/gic knows the meaning. What several CPUs touch is in GicState, under the VM's lock of
// rank kInterrupts; the exceptions say so.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "hyp/base/locked.h"
#include "hyp/base/types.h"

namespace ravelin {

class Vcpu;

inline constexpr std::uint32_t kMaxVcpus = 64;

namespace gic {

inline constexpr unsigned kBankSize = 32;
inline constexpr unsigned kMaxIntids = 288;
inline constexpr unsigned kSpiBanks = kMaxIntids / kBankSize - 1;
inline constexpr std::uint8_t kNobody = 0xff;

// 32 interrupts with consecutive numbers, a bit of each word for each.
struct Bank {
  std::uint32_t group = 0;
  std::uint32_t enabled = 0;
  std::uint32_t latched = 0;  // pending by an edge, or by a write to GICD_ISPENDR
  std::uint32_t line = 0;     // the level of the interrupt's input
  std::uint32_t edge = 0;     // edge-triggered
  std::uint32_t active = 0;
  std::uint32_t listed = 0;  // in a list register of the vCPU that holds it, which knows better
  std::uint32_t notify = 0;  // the line falls at the end of interrupt, and the host is told
  std::array<std::uint8_t, kBankSize> priority{};
};

struct SpiBank : Bank {
  std::uint32_t from_host = 0;                   // the host may raise it
  std::array<std::uint32_t, kBankSize> route{};  // affinity, as in GICD_IROUTER
  std::array<std::uint8_t, kBankSize> target{};  // the vCPU that `route` names, or kNobody
  std::array<std::uint8_t, kBankSize> holder{};  // if listed or active: on which vCPU
};

inline constexpr std::uint64_t kFrameBytes = 0x10000;
inline constexpr std::uint64_t kRedistributorBytes = 2 * kFrameBytes;

// Where the frames lie; fixed before the launch.
struct Layout {
  Ipa distributor;
  Ipa redistributors;       // one after the other, by vCPU index
  unsigned intids = 0;      // 32 private ones and the SPIs; 0: the VM has no interrupt controller
  std::uint32_t vcpus = 0;  // redistributors

  [[nodiscard]] constexpr std::uint64_t redistributor_bytes() const {
    return vcpus * kRedistributorBytes;
  }
  // Whether a byte of [first, first + bytes) is in one of the frames.
  [[nodiscard]] constexpr bool Overlaps(Ipa first, std::uint64_t bytes) const {
    const auto meets = [&](Ipa frame, std::uint64_t size) {
      return first < frame + size && frame < first + bytes;
    };
    return intids != 0 &&
           (meets(distributor, kFrameBytes) || meets(redistributors, redistributor_bytes()));
  }
};

struct State {
  std::uint32_t control = 0;  // GICD_CTLR: enables of groups 0 and 1
  std::array<SpiBank, kSpiBanks> spis{};
  std::array<std::uint32_t, kSpiBanks> ended{};  // ends of interrupt that the host is to be told
  std::array<Bank, kMaxVcpus> private_banks{};   // SGIs and PPIs
  std::array<Vcpu*, kMaxVcpus> vcpus{};          // fixed before the launch
};

// What a vCPU has for itself.
struct Interface {
  // Only the CPU that runs the vCPU.
  unsigned used = 0;              // list registers
  bool rebuild = false;           // something was listed when the vCPU stopped running
  bool timer_forwarded = false;   // the physical interrupt of the virtual timer is active for it
  std::uint32_t timer_lines = 0;  // the levels of its timers when they were last looked at
  struct {
    std::uint64_t control = 0;
    std::uint64_t compare = 0;
  } physical_timer;  // CNTP_CTL_EL0, CNTP_CVAL_EL0

  // Any CPU, without the lock (delivery.h has the protocol).
  static constexpr std::uint32_t kNoCpu = ~std::uint32_t{0};
  std::atomic<bool> attention{false};      // its list registers have to be looked at
  std::atomic<bool> waiting{false};        // it is in WFI, and the host waits for a wake-up
  std::atomic<std::uint32_t> cpu{kNoCpu};  // where it runs
};

}  // namespace gic

using GicLock = Locked<gic::State, Rank::kInterrupts>;

}  // namespace ravelin
