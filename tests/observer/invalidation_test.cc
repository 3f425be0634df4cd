// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Break-before-make and TLB maintenance: the sequence that is right, and each step of it left out
// or done wrongly.
#include "tests/observer/trace.h"

namespace ravelin::observer {
namespace {

class InvalidationTest : public Trace {
 protected:
  static constexpr Ipa kIpa{0x3000};
  const Pa entry_ = VmEntry(3);
};

TEST_F(InvalidationTest, TheWholeSequenceIsRight) {
  Store(entry_, 0);
  InvalidatePage(kVm, kIpa);
  Store(entry_, kVmPage.raw() | kPageRw);
  EnterHost();
  ExpectNothing();
}

TEST_F(InvalidationTest, OneInvalidationOfBothStagesIsEnough) {
  Store(entry_, 0);
  InvalidateVmid(kVm);
  EnterHost();
  ExpectNothing();
}

TEST_F(InvalidationTest, AnInvalidationOfAllVmidsNeedsNoVmid) {
  Store(entry_, 0);
  Execute(kDsbIshst);
  Execute(kTlbiAllIs);
  Execute(kDsbIsh);
  EnterHost();
  ExpectNothing();
}

TEST_F(InvalidationTest, WithoutTlbi) {
  Store(entry_, 0);
  Execute(kDsbIsh);
  EnterHost();
  ExpectOnly(Rule::kTlbiMissing);
}

TEST_F(InvalidationTest, TlbiOfAnotherAddress) {
  Store(entry_, 0);
  InvalidatePage(kVm, kIpa + kPageSize);
  EnterHost();
  ExpectOnly(Rule::kTlbiMissing);
}

TEST_F(InvalidationTest, TlbiBeforeTheStore) {
  InvalidatePage(kVm, kIpa);
  Store(entry_, 0);
  EnterHost();
  ExpectOnly(Rule::kTlbiMissing);
}

TEST_F(InvalidationTest, TlbiByAnotherCpuIsNotThisCpus) {
  Store(entry_, 0);
  here_.cpu = CpuIndex{1};
  InvalidatePage(kVm, kIpa);
  here_.cpu = CpuIndex{0};
  EnterHost();
  ExpectOnly(Rule::kTlbiMissing);
}

TEST_F(InvalidationTest, TlbiOfThisCpuOnly) {
  Store(entry_, 0);
  Execute(kDsbIshst);
  UseVmid(kVm);
  Execute(kTlbiIpaLast, ToGfn(kIpa).raw());
  Execute(kDsbIsh);
  Execute(kTlbiStage1Is);
  Execute(kDsbIsh);
  EnterHost();
  ExpectOnly(Rule::kTlbiScope);
}

TEST_F(InvalidationTest, TlbiOfTheWholeVmidOfThisCpuOnly) {
  Store(entry_, 0);
  Execute(kDsbIshst);
  UseVmid(kVm);
  Execute(kTlbiVmid);
  Execute(kDsbIsh);
  EnterHost();
  ExpectOnly(Rule::kTlbiScope);
}

TEST_F(InvalidationTest, TlbiOfAnotherVmid) {
  Store(entry_, 0);
  InvalidatePage(Vmid{0}, kIpa);
  EnterHost();
  ExpectOnly(Rule::kTlbiVmid);
}

TEST_F(InvalidationTest, TlbiWithoutDsbBefore) {
  Store(entry_, 0);
  UseVmid(kVm);
  Execute(kTlbiVmidIs);
  Execute(kDsbIsh);
  EnterHost();
  ExpectOnly(Rule::kDsbBefore);
}

TEST_F(InvalidationTest, DsbBeforeThatReachesThisCpuOnly) {
  Store(entry_, 0);
  Execute(kDsbNsh);
  UseVmid(kVm);
  Execute(kTlbiVmidIs);
  Execute(kDsbIsh);
  EnterHost();
  ExpectOnly(Rule::kDsbBefore);
}

TEST_F(InvalidationTest, TlbiWithoutDsbAfter) {
  Store(entry_, 0);
  Execute(kDsbIshst);
  UseVmid(kVm);
  Execute(kTlbiVmidIs);
  EnterHost();
  ExpectOnly(Rule::kDsbAfter);
}

TEST_F(InvalidationTest, DsbAfterThatWaitsForStoresOnly) {
  Store(entry_, 0);
  Execute(kDsbIshst);
  UseVmid(kVm);
  Execute(kTlbiVmidIs);
  Execute(kDsbIshst);
  EnterHost();
  ExpectOnly(Rule::kDsbAfter);
}

TEST_F(InvalidationTest, NoDsbBetweenTheStages) {
  Store(entry_, 0);
  Execute(kDsbIshst);
  UseVmid(kVm);
  Execute(kTlbiIpaLastIs, ToGfn(kIpa).raw());
  Execute(kTlbiStage1Is);
  Execute(kDsbIsh);
  EnterHost();
  EXPECT_EQ(checker_.report().Total(), 1U);
  EXPECT_EQ(checker_.report().Count(Rule::kDsbBefore), 1U) << Printed();
}

TEST_F(InvalidationTest, CombinedEntriesStay) {
  Store(entry_, 0);
  Execute(kDsbIshst);
  UseVmid(kVm);
  Execute(kTlbiIpaLastIs, ToGfn(kIpa).raw());
  Execute(kDsbIsh);
  EnterHost();
  ExpectOnly(Rule::kTlbiStage1);
}

TEST_F(InvalidationTest, VmidIsNotSynchronised) {
  Store(entry_, 0);
  Execute(kDsbIshst);
  Execute(kSetVttbr, std::uint64_t{kVm.raw()} << 48);
  Execute(kTlbiVmidIs);
  Execute(kDsbIsh);
  EnterHost();
  ExpectOnly(Rule::kVmidIsb);
}

TEST_F(InvalidationTest, RangeCoversItsPagesOnly) {
  // NUM = 0, SCALE = 0: two pages from guest frame 2.
  constexpr std::uint64_t kTwoPages = 2;
  for (const std::uint64_t index : {2U, 3U}) {
    Store(VmEntry(index), 0);
  }
  Execute(kDsbIshst);
  UseVmid(kVm);
  Execute(kTlbiRangeIs, kTwoPages);
  Execute(kDsbIsh);
  Execute(kTlbiStage1Is);
  Execute(kDsbIsh);
  EnterHost();
  ExpectNothing();
  HostCalls({});
  Store(VmEntry(4), 0);
  Execute(kDsbIshst);
  UseVmid(kVm);
  Execute(kTlbiRangeIs, kTwoPages);
  Execute(kDsbIsh);
  EnterHost();
  ExpectOnly(Rule::kTlbiMissing);
}

TEST_F(InvalidationTest, WrongLevelHintNamesNothing) {
  Store(entry_, 0);
  Execute(kDsbIshst);
  UseVmid(kVm);
  Execute(kTlbiIpaLastIs, ToGfn(kIpa).raw() | 6ULL << 44);  // "level 2"
  Execute(kDsbIsh);
  EnterHost();
  ExpectOnly(Rule::kTlbiMissing);
}

TEST_F(InvalidationTest, ReplacedWithoutBreak) {
  Store(entry_, (kVmPage + kPageSize).raw() | kPageRw);
  InvalidatePage(kVm, kIpa);
  EnterHost();
  ExpectOnly(Rule::kBreakBeforeMake);
}

TEST_F(InvalidationTest, MadeBeforeTheTlbiIsComplete) {
  Store(entry_, 0);
  Execute(kDsbIshst);
  UseVmid(kVm);
  Execute(kTlbiVmidIs);
  Store(entry_, kVmPage.raw() | kPageRw);
  Execute(kDsbIsh);
  EnterHost();
  ExpectOnly(Rule::kBreakBeforeMake);
}

TEST_F(InvalidationTest, FewerRightsNeedNoBreakButTheTlbi) {
  constexpr std::uint64_t kReadOnly = 0x77f;
  Store(entry_, memory_.Word(entry_) & ~(kPageRw ^ kReadOnly));
  InvalidatePage(kVm, kIpa);
  EnterHost();
  ExpectNothing();
  HostCalls({});
  Store(entry_, memory_.Word(entry_) | kPageRw);  // more rights: nothing to forget
  EnterHost();
  ExpectNothing();
  HostCalls({});
  Store(entry_, memory_.Word(entry_) & ~(kPageRw ^ kReadOnly));
  EnterHost();
  ExpectOnly(Rule::kTlbiMissing);
}

TEST_F(InvalidationTest, AClearedAccessFlagNeedsTheTlbi) {
  Store(entry_, memory_.Word(entry_) & ~(1ULL << 10));
  EnterHost();
  ExpectOnly(Rule::kTlbiMissing);
}

TEST_F(InvalidationTest, NoTlbHoldsALeafWithoutAccessFlag) {
  Store(entry_, memory_.Word(entry_) & ~(1ULL << 10));
  InvalidatePage(kVm, kIpa);
  Store(entry_, (kVmPage + kPageSize).raw() | (kPageRw & ~(1ULL << 10)));
  Store(entry_, 0);
  EnterHost();
  ExpectNothing();
}

TEST_F(InvalidationTest, BitsOfATableThatHardwareIgnoresMayChange) {
  Store(BlockEntry(kHostPage), memory_.Word(BlockEntry(kHostPage)) | 16 << 2);
  EnterHost();
  ExpectNothing();
}

TEST_F(InvalidationTest, TheNextTableMayNot) {
  Store(BlockEntry(kHostPage), kSpareTable.raw() | kTableBits);
  InvalidateVmid(Vmid{0});
  EnterHost();
  ExpectOnly(Rule::kBreakBeforeMake);
}

TEST_F(InvalidationTest, ABlockIsSplitByTheBook) {
  for (std::uint64_t i = 0; i < kEntries; ++i) {
    Store(kSpareTable + i * kEntryBytes, (kHostBlock + i * kPageSize).raw() | kPageRw);
  }
  Store(BlockEntry(kHostBlock), 0);
  InvalidatePage(Vmid{0}, SameIpa(kHostBlock));
  Store(BlockEntry(kHostBlock), kSpareTable.raw() | kTableBits);
  EnterHost();
  ExpectNothing();
}

TEST_F(InvalidationTest, ABlockIsSplitWithoutBreak) {
  for (std::uint64_t i = 0; i < kEntries; ++i) {
    Store(kSpareTable + i * kEntryBytes, (kHostBlock + i * kPageSize).raw() | kPageRw);
  }
  Store(BlockEntry(kHostBlock), kSpareTable.raw() | kTableBits);
  InvalidateVmid(Vmid{0});
  EnterHost();
  ExpectOnly(Rule::kBreakBeforeMake);
}

TEST_F(InvalidationTest, ATableIsNoLastLevelEntry) {
  Store(BlockEntry(kHostPage), 0);
  Execute(kDsbIshst);
  UseVmid(Vmid{0});
  // Covers all below: 16 * 32 pages.
  constexpr std::uint64_t kNum = 7;
  constexpr std::uint64_t kScale = 1;
  Execute(kTlbiRangeIs | 6U << 5,  // RIPAS2LE1IS
          ToGfn(SameIpa(kHostPage)).raw() | kNum << 39 | kScale << 44);
  Execute(kDsbIsh);
  Execute(kTlbiStage1Is);
  Execute(kDsbIsh);
  EnterHost();
  ExpectOnly(Rule::kTlbiLevel);
}

TEST_F(InvalidationTest, ATableWithEntriesIsNotNamedByOneAddress) {
  Store(BlockEntry(kHostPage), 0);
  Execute(kDsbIshst);
  UseVmid(Vmid{0});
  Execute(kTlbiIpaIs, ToGfn(SameIpa(kHostPage)).raw());
  Execute(kDsbIsh);
  Execute(kTlbiStage1Is);
  Execute(kDsbIsh);
  EnterHost();
  ExpectOnly(Rule::kTlbiMissing);
}

TEST_F(InvalidationTest, AnEmptyTableIsNamedByAnyAddressInIt) {
  for (std::uint64_t i = 0; i < 16; ++i) {
    Store(HostEntry(i), 0);
  }
  InvalidateVmid(Vmid{0});
  Store(BlockEntry(kHostPage), 0);
  Execute(kDsbIshst);
  Execute(kTlbiIpaIs, ToGfn(SameIpa(kHostPage)).raw() + 7);
  Execute(kDsbIsh);
  Execute(kTlbiStage1Is);
  Execute(kDsbIsh);
  EnterHost();
  ExpectNothing();
}

TEST_F(InvalidationTest, AZeroedRootIsATableThatWasRemoved) {
  memory_.Set(kVmRoot, 0);
  checker_.Zero(here_, ToPfn(kVmRoot));
  EnterHost();
  ExpectOnly(Rule::kTlbiMissing);
}

TEST_F(InvalidationTest, StoresThatMayFailAreLookedUp) {
  checker_.Write(here_, ToPfn(entry_));  // a compare-and-swap that failed
  EnterHost();
  ExpectNothing();
  HostCalls({});
  memory_.Set(entry_, 0);
  checker_.Write(here_, ToPfn(entry_));
  EnterHost();
  ExpectOnly(Rule::kTlbiMissing);
}

TEST_F(InvalidationTest, ACpuThatGoesOffOwesItsTlbis) {
  Store(entry_, 0);
  checker_.Enter(here_, {.start = true}, 0);
  ExpectOnly(Rule::kTlbiMissing);
}

}  // namespace
}  // namespace ravelin::observer
