// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// A shadow of a few pages and VMs, by the words of hyp/abi/host_call.h: what each page is, and
// in which phase each VM. It makes a random call, and knows which errors apply to it. If none does
// the call must succeed; else its status must be one of them. The order of checks is the monitor's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "tests/storm/monitor.h"
#include "tests/storm/random.h"

namespace ravelin::storm {

class Shadow {
 public:
  // All pages from `pfn` on are the host's own. The object may have been used before.
  void Start(std::uint64_t pfn, std::uint64_t seed);
  // One random call, or a few.
  void Step();
  // Ends all VMs and takes everything back.
  void Finish();

  [[nodiscard]] std::uint64_t calls() const { return calls_; }

 private:
  static constexpr std::size_t kPages = 112;
  static constexpr std::size_t kVms = 4;
  static constexpr std::size_t kGfns = 48;  // more than one level-3 table, see GfnOf
  static constexpr std::size_t kVcpus = 3;
  static constexpr std::size_t kNoPage = ~std::size_t{0};

  enum class PageIs : std::uint8_t { kOwned, kShared, kPinned, kLent, kGiven, kMetadata };
  enum class Phase : std::uint8_t { kNone, kCreated, kRunning, kDying };

  struct Page {
    PageIs is;
    std::uint8_t vm;      // kGiven, kMetadata
    std::uint8_t gfn;     // kGiven
    std::uint64_t loans;  // kLent: to how many frames of VMs
  };
  struct ShadowVm {
    Phase phase;
    std::uint64_t kind;
    std::uint64_t handle;
    std::uint64_t old_handle;  // of the VM that was here before; 0 if none
    std::uint64_t tables;
    std::uint64_t guest_pages;
    std::array<std::size_t, kGfns> mapped;     // page at that gfn
    std::array<std::size_t, kVcpus> run_page;  // kNoPage: no such vCPU
    std::array<std::uint64_t, kVcpus> x1;
  };
  // A range of pages for a call, good or bad.
  struct Range {
    std::uint64_t pfn;
    std::size_t first;  // kNoPage: not the shadow's pages
    std::size_t count;
  };

  static std::uint64_t GfnOf(std::size_t gfn);

  [[nodiscard]] std::size_t PickPages(std::size_t count);
  [[nodiscard]] Range PickRange(std::size_t count);
  [[nodiscard]] static Range PartOf(const Range& range);
  [[nodiscard]] std::size_t PickVm(Phase phase);
  // The handle of a VM, sometimes a stale or foreign one: `wrong` then.
  [[nodiscard]] std::uint64_t PickHandle(std::size_t vm, bool& wrong);
  [[nodiscard]] bool IsLive(std::size_t vm) const { return vms_[vm].phase != Phase::kNone; }

  // Errors that apply to the pages of a range; `states` says which error a page in that state has,
  // 0 if the call takes it.
  using PerState = std::array<Statuses, 6>;
  [[nodiscard]] Statuses ErrorsOf(const Range& range, const PerState& states) const;
  // True if it succeeded; Fail if the status does not fit `errors`. `maybe` may apply.
  bool Expect(const Answer& answer, Statuses errors, Statuses maybe = 0);

  void PageShare();
  void PageUnshare();
  void PageQuery();
  void VmCreate();
  void VmTopup();
  void VcpuCreate();
  void SetReg();
  void GetReg();
  void Launch();
  void Run();
  void Donate();
  void Lend();
  void Unlend();
  void Destroy();
  void Reclaim();
  void Free();

  [[nodiscard]] Statuses NoMemory(const ShadowVm& vm, Statuses& maybe) const;
  [[nodiscard]] Statuses TakenGfns(const ShadowVm& vm, std::size_t gfn, std::size_t count) const;
  void TakeMetadata(const Range& range, std::size_t vm);
  void MapPages(const Range& range, std::size_t vm, std::size_t gfn, PageIs is);
  void MarkFreed(std::size_t vm);
  void TakeBack(std::size_t page);
  void TakeBackLoan(std::size_t vm, std::size_t gfn);
  // The page has come back from a VM and must be empty; it gets its pattern.
  void CheckWiped(std::size_t page);
  void CheckKept(std::size_t page);
  void CheckGone(std::size_t page);
  void WritePattern(std::size_t page);
  [[nodiscard]] std::uint64_t PatternOf(std::size_t page) const;
  [[nodiscard]] std::uint64_t AddressOf(std::size_t page) const;

  Random random_{1};
  std::uint64_t first_pfn_ = 0;
  std::uint64_t calls_ = 0;
  std::array<Page, kPages> pages_{};
  std::array<ShadowVm, kVms> vms_{};
};

}  // namespace ravelin::storm
