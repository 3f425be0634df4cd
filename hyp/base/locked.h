// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Locked<T, rank>: data that can be reached only while its lock is held. A CPU takes locks in
// rising order of rank and never two of the same rank; docs/locking.md is the prose of the Rank
// enumeration. Interrupts are masked at EL2, so that a holder is never preempted.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "hyp/base/invariant.h"

namespace ravelin {

enum class Rank : std::uint8_t {
  kNone = 0,
  kVmTable,     // handle -> VM
  kVm,          // one VM: stage-2 table, pool, life cycle, vCPU slots
  kInterrupts,  // one VM: its interrupt controller
  kOwnership,   // page records and the host's stage-2 table
  kMonitorMap,  // the monitor's own stage-1 table
};

// A fair spin lock. Waiters are served in the order in which they came.
class TicketLock {
 public:
  void Acquire() {
    const std::uint32_t ticket = next_.fetch_add(1, std::memory_order_relaxed);
    while (serving_.load(std::memory_order_acquire) != ticket) {
    }
  }

  void Release() {
    serving_.store(serving_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

 private:
  std::atomic<std::uint32_t> next_{0};
  std::atomic<std::uint32_t> serving_{0};
};

// The highest rank that this CPU (on the build machine: this thread) holds. Implemented by
// hyp/arch for the monitor and for the build machine.
Rank& HeldRank();

template <typename T, Rank kRank>
class Locked {
 public:
  class Guard {
   public:
    explicit Guard(Locked& owner) : owner_(&owner), held_(&HeldRank()), outer_(*held_) {
      Invariant(outer_ < kRank, "locks are taken in rising rank");
      owner_->lock_.Acquire();
      *held_ = kRank;
    }
    ~Guard() {
      *held_ = outer_;
      owner_->lock_.Release();
    }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

    T* operator->() const { return &owner_->data_; }
    T& operator*() const { return owner_->data_; }

   private:
    Locked* owner_;
    Rank* held_;  // of this CPU, which goes on to be the same one: nothing preempts EL2
    Rank outer_;
  };

  constexpr Locked() = default;
  template <typename... Args>
  constexpr explicit Locked(Args&&... args) : data_(std::forward<Args>(args)...) {}

  [[nodiscard]] Guard Lock() { return Guard(*this); }

  // For a report of the panic path, which may interrupt a holder: no lock is taken.
  [[nodiscard]] T& UnlockedForPanic() { return data_; }

 private:
  TicketLock lock_;
  T data_{};
};

}  // namespace ravelin
