// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// What page ownership means, apart from how stage2/ does it: a map from each page of RAM to its
// owner, its borrower, its place in a VM and its contents, and for each VM a map from its frames to
// pages. Written from the documents (docs/, hyp/abi/host_call.h), not from the engine: there is no
// table of transitions and no order of checks here, no translation table and no memory for one.
// Pure: no input or output, nothing global.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "hyp/base/result.h"
#include "tests/model/operation.h"

namespace ravelin::model {

// Frames from `first` on. Numbers may be anything.
struct Frames {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
};

struct VmShape {
  bool is_protected = false;
  unsigned ipa_bits = 32;
};

// The machine: its RAM (regions in rising order, apart), of which the monitor's, and its VMs.
struct Layout {
  std::vector<Frames> ram;
  Frames carve_out;
  unsigned host_ipa_bits = 36;
  std::vector<VmShape> vms;
};

enum class Party : std::uint8_t { kNobody, kHost, kMonitor, kVm };

// Contents of a page, by who wrote them last.
inline constexpr std::uint64_t kZeros = 0;
constexpr std::uint64_t HostBytes(std::uint64_t pfn) { return 0xA000'0000'0000'0000U | pfn; }
constexpr std::uint64_t MonitorBytes(std::uint64_t pfn) { return 0xB000'0000'0000'0000U | pfn; }
constexpr std::uint64_t GuestBytes(unsigned vm, std::uint64_t pfn) {
  return 0xC000'0000'0000'0000U | static_cast<std::uint64_t>(vm) << 56U | pfn;
}

struct Page {
  Party owner = Party::kHost;
  Party borrower = Party::kNobody;
  bool pinned = false;
  bool of_table = false;     // metadata that holds translation tables: contents are not specified
  unsigned permissions = 0;  // of the VM that borrows it
  unsigned vm = 0;           // which VM, where owner, borrower or metadata says that there is one
  std::uint64_t gfn = 0;     // where it is in that VM
  std::uint64_t contents = kZeros;

  friend bool operator==(const Page&, const Page&) = default;
};

enum class Phase : std::uint8_t { kAbsent, kLive, kDying };

struct Vm {
  Phase phase = Phase::kAbsent;
  std::unordered_map<std::uint64_t, std::uint64_t> pages;  // gfn -> pfn
  std::unordered_set<std::uint64_t> guarded;               // gfn
  std::vector<std::uint64_t> metadata;                     // pfn, in the order of donation
  std::uint64_t table_pages = 0;                           // given for tables, the root apart
};

// Errors that may be the answer. Several reasons may hold at once; none is better than another.
class ErrorSet {
 public:
  constexpr ErrorSet() = default;
  constexpr void Add(Error error) { bits_ |= 1U << static_cast<unsigned>(error); }
  [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }
  [[nodiscard]] constexpr bool Contains(Error error) const {
    return (bits_ >> static_cast<unsigned>(error) & 1U) != 0;
  }

 private:
  std::uint32_t bits_ = 0;
};

class Specification {
 public:
  explicit Specification(Layout layout);

  // Whether callers keep their part of the contract: which kind of VM, and its life cycle.
  [[nodiscard]] bool Permitted(const Operation& operation) const;
  // Why a permitted operation has to fail. Empty: it has to succeed, as far as there is memory for
  // tables.
  [[nodiscard]] ErrorSet Refusals(const Operation& operation) const;
  // How many pages kReturnMetadata returns, with memory for tables.
  [[nodiscard]] std::uint64_t ReturnCount(const Operation& operation) const;
  // The state after a permitted operation that is not refused.
  void Apply(const Operation& operation);

  [[nodiscard]] const Layout& layout() const { return layout_; }
  [[nodiscard]] bool IsRam(std::uint64_t pfn) const { return IndexOf(pfn) != kNowhere; }
  [[nodiscard]] const Page& At(std::uint64_t pfn) const { return pages_[IndexOf(pfn)]; }
  [[nodiscard]] const Vm& VmAt(unsigned vm) const { return vms_[vm]; }
  [[nodiscard]] bool HostCanUse(std::uint64_t pfn) const;
  [[nodiscard]] std::uint64_t Donated() const;              // pages given away by the host
  [[nodiscard]] std::uint64_t FramesOf(unsigned vm) const;  // size of its space
  [[nodiscard]] static std::uint64_t RootPages(unsigned ipa_bits);
  [[nodiscard]] const std::set<std::uint64_t>& mmio() const { return mmio_; }

 private:
  static constexpr std::uint64_t kNowhere = ~std::uint64_t{0};

  [[nodiscard]] std::uint64_t IndexOf(std::uint64_t pfn) const;
  [[nodiscard]] bool IsRange(Frames range, ErrorSet& why) const;
  [[nodiscard]] bool IsGuestRange(const Operation& operation, ErrorSet& why) const;
  [[nodiscard]] bool IsOf(const Page& page, unsigned vm) const;

  void NeedHostsAlone(Frames range, ErrorSet& why) const;
  void NeedFreeFrames(const Operation& operation, ErrorSet& why) const;
  [[nodiscard]] ErrorSet ForMonitorLoan(const Operation& operation) const;
  [[nodiscard]] ErrorSet ForDonation(const Operation& operation) const;
  [[nodiscard]] ErrorSet ForLoan(const Operation& operation) const;
  [[nodiscard]] ErrorSet ForLentPages(const Operation& operation) const;
  [[nodiscard]] ErrorSet ForReclaim(const Operation& operation) const;
  [[nodiscard]] ErrorSet ForGuestLoan(const Operation& operation) const;
  [[nodiscard]] ErrorSet ForGuard(const Operation& operation) const;
  [[nodiscard]] ErrorSet ForMmio(const Operation& operation) const;

  Page& PageAt(std::uint64_t pfn) { return pages_[IndexOf(pfn)]; }
  Page& PageOf(const Operation& operation);  // at a VM's gfn
  void Donate(const Operation& operation, Frames range);
  void Give(const Operation& operation);
  void TakeBack(Vm& vm, std::uint64_t pfn);
  void ReturnLast(Vm& vm);
  void ApplyToPage(const Operation& operation);
  void ApplyToVm(const Operation& operation);

  Layout layout_;
  std::vector<std::uint64_t> first_index_;  // of each region
  std::vector<Page> pages_;
  std::vector<Vm> vms_;
  std::set<std::uint64_t> mmio_;  // frames that are not RAM and that the host has used
};

}  // namespace ravelin::model
