// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// A small machine whose EL2 does what a test tells it, instruction by instruction, and the checker
// that watches it. Begins in a visit of CPU 0, the host and one VM having been entered.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <map>

#include "hyp/abi/guest_call.h"
#include "hyp/abi/host_call.h"
#include "tests/observer/checker.h"

namespace ravelin::observer {

class Words final : public Memory {
 public:
  [[nodiscard]] std::uint64_t Word(Pa address) const override {
    const auto found = words_.find(address.raw());
    return found == words_.end() ? 0 : found->second;
  }
  void Set(Pa address, std::uint64_t word) { words_[address.raw()] = word; }

 private:
  std::map<std::uint64_t, std::uint64_t> words_;
};

// RAM: 64 MiB. The monitor has the pages from kMonitor; both VMs' tables are among them.
inline constexpr PfnRange kRam{Pfn{0x40000}, PageCount{0x4000}};
inline constexpr Pa kMonitor{0x4010'0000};
inline constexpr std::uint64_t kMonitorPages = 64;
inline constexpr Pa kEl2Root{0x4010'0000};
inline constexpr Pa kEl2Pages{0x4010'3000};  // last level: kLinear + 2 MiB around the monitor
inline constexpr Pa kHostRoot{0x4011'0000};
inline constexpr Pa kHostBlocks{0x4011'1000};  // level 2: RAM
inline constexpr Pa kHostPages{0x4011'2000};   // level 3: the 2 MiB of kHostPage
inline constexpr Pa kVmRoot{0x4011'4000};
inline constexpr Pa kVmPages{0x4011'6000};  // level 3: guest frames from 0
inline constexpr Pa kSpareTable{0x4011'8000};
inline constexpr Pa kOtherRoot{0x4011'a000};

inline constexpr Pa kHostBlock{0x4080'0000};  // mapped by a block
inline constexpr Pa kHostPage{0x40a0'0000};   // mapped by pages, the first 16
inline constexpr Pa kVmPage{0x40c0'0000};     // the VM's, 16 pages, nobody else's
inline constexpr Vmid kVm{5};

inline constexpr std::uint64_t kVtcr = 25 | 1 << 6;  // 39 bits, from level 1
inline constexpr std::uint64_t kPageRw = 0x7ff;      // valid page, AF, read and write
inline constexpr std::uint64_t kBlockRw = 0x7fd;
inline constexpr std::uint64_t kTableBits = 3;

// The instructions, as an assembler has made them; Xt is chosen by the checker's caller.
inline constexpr std::uint32_t kDsbIshst = 0xd503'3a9f;
inline constexpr std::uint32_t kDsbIsh = 0xd503'3b9f;
inline constexpr std::uint32_t kDsbNsh = 0xd503'379f;
inline constexpr std::uint32_t kIsb = 0xd503'3fdf;
inline constexpr std::uint32_t kTlbiIpaLastIs = 0xd50c'80a1;
inline constexpr std::uint32_t kTlbiIpaIs = 0xd50c'8021;
inline constexpr std::uint32_t kTlbiIpaLast = 0xd50c'84a1;
inline constexpr std::uint32_t kTlbiRangeIs = 0xd50c'8041;
inline constexpr std::uint32_t kTlbiStage1Is = 0xd508'831f;
inline constexpr std::uint32_t kTlbiVmidIs = 0xd50c'83df;
inline constexpr std::uint32_t kTlbiVmid = 0xd50c'87df;
inline constexpr std::uint32_t kTlbiAllIs = 0xd50c'839f;
inline constexpr std::uint32_t kSetVttbr = 0xd51c'2103;
inline constexpr std::uint32_t kSetVtcr = 0xd51c'2143;
inline constexpr std::uint32_t kSetHcr = 0xd51c'1103;
inline constexpr std::uint32_t kSetTtbr0 = 0xd51c'2003;

class Trace : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kVisitLimit = 1000;

  Trace() : checker_(memory_, {.ram = kRam, .visit = kVisitLimit}) {
    BuildTables();
    Execute(kSetTtbr0, kEl2Root.raw());
    Execute(kSetVtcr, kVtcr);
    Execute(kSetHcr, 1);
    checker_.Enter(here_, {.start = true}, 0);
    EnterHost();
    HostCalls({});
    EnterVm();
    HostCalls({});
  }

  // --- What EL2 does, on here_.cpu.

  void Execute(std::uint32_t word, std::uint64_t operand = 0) {
    checker_.Execute(here_, Decode(word), operand);
  }
  void Store(Pa address, std::uint64_t word) {
    memory_.Set(address, word);
    if (checker_.IsWatched(ToPfn(address))) {
      checker_.Store(here_, address, word);
    }
  }
  void Load(Pa address, std::uint64_t size) {
    if (checker_.MayBeShared(ToPfn(address))) {
      checker_.Load(here_, address, size);
    }
  }
  void UseVmid(Vmid vmid) {
    Execute(kSetVttbr, std::uint64_t{vmid.raw()} << 48);
    Execute(kIsb);
  }

  // --- Entries and exits. `count` instructions are executed in each visit.

  void EnterHost(std::uint64_t x0 = 0, std::uint64_t count = 100) {
    Execute(kSetVttbr, kHostRoot.raw());
    Leave(x0, count);
  }
  void EnterVm(std::uint64_t x0 = 0) {
    Execute(kSetVttbr, kVmRoot.raw() | std::uint64_t{kVm.raw()} << 48);
    Leave(x0, 100);
  }
  void Leave(std::uint64_t x0, std::uint64_t count) {
    count_ += count;
    checker_.Leave(here_, {x0, 0}, count_);
  }
  // An HVC of whoever runs.
  void HostCalls(std::array<std::uint64_t, 5> x) {
    checker_.Enter(here_, {.vector = 0x400, .esr = 0x16ULL << 26, .x = x}, count_);
  }

  // --- Whole sequences, done right.

  void InvalidatePage(Vmid vmid, Ipa ipa) {
    Execute(kDsbIshst);
    UseVmid(vmid);
    Execute(kTlbiIpaLastIs, ToGfn(ipa).raw());
    Execute(kDsbIsh);
    Execute(kTlbiStage1Is);
    Execute(kDsbIsh);
  }
  void InvalidateVmid(Vmid vmid) {
    Execute(kDsbIshst);
    UseVmid(vmid);
    Execute(kTlbiVmidIs);
    Execute(kDsbIsh);
  }

  // The descriptors of the pages above.
  static Pa HostEntry(std::uint64_t index) { return kHostPages + index * kEntryBytes; }
  static Pa VmEntry(std::uint64_t index) { return kVmPages + index * kEntryBytes; }
  static Pa BlockEntry(Pa block) {
    return kHostBlocks + (block.raw() - 0x4000'0000) / Span(2) * kEntryBytes;
  }
  static Ipa SameIpa(Pa pa) { return Ipa{pa.raw()}; }

  // Exactly one rule was broken, or none.
  void ExpectOnly(Rule rule) {
    EXPECT_GE(checker_.report().Count(rule), 1U) << Printed();
    EXPECT_EQ(checker_.report().Total(), checker_.report().Count(rule)) << Printed();
  }
  void ExpectNothing() { EXPECT_EQ(checker_.report().Total(), 0U) << Printed(); }
  [[nodiscard]] std::string Printed() const;

  Words memory_;
  Checker checker_;
  Place here_{CpuIndex{0}, Va{0x6000'0000'1234}};

 private:
  void BuildTables();

  std::uint64_t count_ = 0;
};

}  // namespace ravelin::observer
