// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// PageRecord: who owns a page and to whom it is lent, in one word; the single source of truth of
// which every translation table is a function (docs/architecture.md). Written only by Ownership,
// with Rank::kOwnership held. Invariants: all zeros means "the host's alone", so that an array of
// records needs nothing but zeroing; a field that the state does not use is 0, so that equal words
// are equal records.
//
// A page that the host owns counts its uses. It does not name the VMs that borrow it, because there
// may be several, and one VM may have it at several frames (merged pages, the zero page, a VMM that
// has forked): the VM's own table says where. A page that the host has given away names its holder
// and the place there, which is the way from a physical frame to the one mapping of it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "hyp/base/bits.h"
#include "hyp/base/types.h"

namespace ravelin::stage2 {

enum class PageState : std::uint8_t {
  kHostOwned,         // the host's alone
  kHostLentMonitor,   // the host's, shared with the monitor
  kHostLentPinned,    // and in use as a run page
  kHostLentVm,        // the host's, mapped in normal VMs
  kHostLentDevice,    // the host's, mapped for devices
  kHostLentVmDevice,  // the host's, mapped in normal VMs and for devices
  kHostLentSecure,    // the host's, shared with the secure world
  kMonitorOwned,      // the carve-out: for ever
  kVmMetadata,        // donated by the host for the objects and tables of a VM or device domain
  kVmOwned,           // a protected VM's alone
  kVmLentHost,        // a protected VM's, shared with the host
  kDeviceOwned,       // reached by one device domain alone; donated by the host
  kSecureOwned,       // the secure world's: for ever
};
inline constexpr std::size_t kPageStates = 13;

enum class Owner : std::uint8_t { kHost, kMonitor, kVm, kDevice, kSecure };

constexpr Owner OwnerOf(PageState state) {
  switch (state) {
    case PageState::kHostOwned:
    case PageState::kHostLentMonitor:
    case PageState::kHostLentPinned:
    case PageState::kHostLentVm:
    case PageState::kHostLentDevice:
    case PageState::kHostLentVmDevice:
    case PageState::kHostLentSecure:
      return Owner::kHost;
    case PageState::kMonitorOwned:
    case PageState::kVmMetadata:
      return Owner::kMonitor;
    case PageState::kVmOwned:
    case PageState::kVmLentHost:
      return Owner::kVm;
    case PageState::kDeviceOwned:
      return Owner::kDevice;
    case PageState::kSecureOwned:
      break;
  }
  return Owner::kSecure;
}

// Everybody but the owner who can use the page.
struct Borrowers {
  bool host = false;
  bool monitor = false;
  bool vms = false;
  bool devices = false;
  bool secure = false;

  friend constexpr bool operator==(Borrowers, Borrowers) = default;
};

constexpr Borrowers BorrowersOf(PageState state) {
  return {.host = state == PageState::kVmLentHost,
          .monitor = state == PageState::kHostLentMonitor || state == PageState::kHostLentPinned,
          .vms = state == PageState::kHostLentVm || state == PageState::kHostLentVmDevice,
          .devices = state == PageState::kHostLentDevice || state == PageState::kHostLentVmDevice,
          .secure = state == PageState::kHostLentSecure};
}

// Whether the record names a holder and a place instead of counting uses.
constexpr bool HasPlace(PageState state) {
  return state == PageState::kVmMetadata || state == PageState::kVmOwned ||
         state == PageState::kVmLentHost || state == PageState::kDeviceOwned;
}

// How often a page of the host is used by others.
struct Uses {
  std::uint16_t loans = 0;  // mappings in normal VMs
  std::uint16_t maps = 0;   // mappings in device domains
  std::uint16_t pins = 0;   // run pages

  friend constexpr bool operator==(Uses, Uses) = default;
};

class PageRecord {
 public:
  // The host's alone.
  constexpr PageRecord() = default;

  [[nodiscard]] static constexpr PageRecord Counting(PageState state, Uses uses) {
    return PageRecord{State::Make(Raw(state)) | Loans::Make(uses.loans) | Maps::Make(uses.maps) |
                      Pins::Make(uses.pins)};
  }
  // `frame`: the frame in the holder's address space; of VM metadata, the next page of the list.
  [[nodiscard]] static constexpr PageRecord Placed(PageState state, Vmid holder,
                                                   std::uint64_t frame) {
    return PageRecord{State::Make(Raw(state)) | Holder::Make(holder.raw()) | Frame::Make(frame)};
  }

  [[nodiscard]] constexpr PageState state() const {
    return static_cast<PageState>(State::Get(word_));
  }
  // kHostVmid where the state names no holder.
  [[nodiscard]] constexpr Vmid holder() const {
    return HasPlace(state()) ? Vmid{static_cast<std::uint16_t>(Holder::Get(word_))} : kHostVmid;
  }
  // Only where the state names a holder.
  [[nodiscard]] constexpr std::uint64_t frame() const { return Frame::Get(word_); }
  [[nodiscard]] constexpr Uses uses() const {
    if (HasPlace(state())) {
      return {};
    }
    return {.loans = static_cast<std::uint16_t>(Loans::Get(word_)),
            .maps = static_cast<std::uint16_t>(Maps::Get(word_)),
            .pins = static_cast<std::uint16_t>(Pins::Get(word_))};
  }
  [[nodiscard]] constexpr std::uint64_t word() const { return word_; }

  // The fields that count: what Count changes, one step at a time.
  using Loans = Field<23, 8>;
  using Maps = Field<39, 24>;
  using Pins = Field<55, 40>;

  // Only for a record that names a holder: the same at another frame.
  [[nodiscard]] constexpr PageRecord AtFrame(std::uint64_t frame) const {
    return PageRecord{Frame::Set(word_, frame)};
  }
  // Only for a record that counts: the same counters in another state.
  [[nodiscard]] constexpr PageRecord InState(PageState state) const {
    return PageRecord{State::Set(word_, Raw(state))};
  }
  // Only for a record that counts. The counter is not full, or not 0.
  template <typename Counter>
  [[nodiscard]] constexpr PageRecord OneMore() const {
    return PageRecord{word_ + Counter::Make(1)};
  }
  template <typename Counter>
  [[nodiscard]] constexpr PageRecord OneLess() const {
    return PageRecord{word_ - Counter::Make(1)};
  }

  friend constexpr bool operator==(PageRecord, PageRecord) = default;

 private:
  using State = Field<7, 0>;
  using Holder = Field<19, 8>;
  using Frame = Field<55, 20>;  // 48-bit addresses have 36-bit frames

  static constexpr std::uint64_t Raw(PageState state) { return static_cast<std::uint64_t>(state); }
  constexpr explicit PageRecord(std::uint64_t word) : word_(word) {}

  std::uint64_t word_ = 0;
};

static_assert(sizeof(PageRecord) == 8, "the records of 1 GiB take 2 MiB");
static_assert(PageRecord{}.word() == 0 && PageRecord{}.state() == PageState::kHostOwned);
static_assert(PageRecord::Placed(PageState::kVmOwned, Vmid{0xfff}, 0xf'ffff'ffff).frame() ==
              0xf'ffff'ffff);

}  // namespace ravelin::stage2
