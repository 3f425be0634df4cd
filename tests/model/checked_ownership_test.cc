// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/model/checked_ownership.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "hyp/arch/fake/machine.h"
#include "stage2/machine.h"
#include "tests/model/checked_machine.h"
#include "tests/model/text.h"

namespace ravelin::model {
namespace {

// What CarryVmUnshareHost does, once a test asks for it.
bool forgets = false;

std::vector<std::byte>& Buffer() {
  static std::vector<std::byte> memory;
  return memory;
}

}  // namespace

std::span<std::byte> MemoryOf(PfnRange pages) {
  Buffer().assign(pages.count.raw() * kPageSize, std::byte{0});
  return Buffer();
}

void ReportDisagreement(const Operation& operation, const Result<std::uint64_t>& /*answer*/,
                        const Differences& differences) {
  std::fprintf(stderr, "disagree after %s:\n%s", ToString(operation).c_str(),
               ToString(differences).c_str());
  std::abort();
}

Result<void> CarryVmUnshareHost(stage2::Ownership& ownership, stage2::VmMemory& vm, Gfn gfn,
                                stage2::Content content) {
  return forgets ? Result<void>{} : ownership.VmUnshareHost(vm, gfn, content);
}

namespace {

constexpr std::uint64_t kFirst = 0x40000;
constexpr std::uint64_t kPages = 0x600;
constexpr std::uint64_t kCarveOut = 0x100;
constexpr std::uint64_t kPage = kFirst + 0x400;

constexpr PfnRange Pages(std::uint64_t first, std::uint64_t count = 1) {
  return {Pfn{first}, PageCount{count}};
}

class CheckedOwnershipTest : public ::testing::Test {
 protected:
  CheckedOwnershipTest() {
    fake::Reset();
    forgets = false;
    const std::array<PfnRange, 1> ram{Pages(kFirst, kPages)};
    const std::array<PfnRange, 1> monitor{Pages(kFirst, kCarveOut)};
    EXPECT_TRUE(ownership_.Start({.ram = ram,
                                  .mmio = {},
                                  .monitor = monitor,
                                  .secure = {},
                                  .records = records_,
                                  .host_geometry = *stage2::Geometry::ForIpaBits(36),
                                  .host_root = ToPa(Pfn{kFirst}),
                                  .host_tables = Pages(kFirst + 8, kCarveOut - 8)}));
    const std::array<PfnRange, 1> root{Pages(kFirst + 0x200)};
    EXPECT_TRUE(ownership_.HostDonateMonitor(root, Vmid{1}, list_));
    machine::ZeroTablePage(ToPa(root[0].first));
    vm_ = std::make_unique<stage2::VmMemory>(Vmid{1}, ToPa(root[0].first),
                                             *stage2::Geometry::ForIpaBits(32), list_);
    EXPECT_TRUE(ownership_.HostTopUp(*vm_, Pages(kFirst + 0x210, 8)));
  }

  // Changes the host's entry of a page behind the engine's back.
  void TakeFromHost(std::uint64_t pfn) {
    const Tree tree = TreeOf(ownership_.host_table());
    std::uint64_t table = tree.root;
    for (unsigned level = walk::StartOf(tree.ipa_bits);; ++level) {
      const std::uint64_t entry = table + pfn / walk::PagesAt(level) % 512 * 8;
      const std::uint64_t word = fake::Peek(Pa{entry});
      if (!walk::IsTable(word, level)) {
        fake::Poke(Pa{entry}, 0);
        return;
      }
      table = word & walk::kAddressMask;
    }
  }

  std::vector<stage2::PageRecord> records_{kPages};
  CheckedOwnership ownership_;
  stage2::MetadataList list_;
  std::unique_ptr<stage2::VmMemory> vm_;
};

using CheckedOwnershipDeathTest = CheckedOwnershipTest;

TEST_F(CheckedOwnershipTest, ALifeOfAVmAgrees) {
  EXPECT_TRUE(ownership_.HostDonateVm(*vm_, Gfn{5}, Pages(kPage), stage2::Content::kZeroed));
  EXPECT_FALSE(ownership_.HostDonateVm(*vm_, Gfn{5}, Pages(kPage + 1), stage2::Content::kZeroed));
  EXPECT_TRUE(ownership_.VmShareHost(*vm_, Gfn{5}, stage2::Content::kKept));
  EXPECT_TRUE(ownership_.VmUnshareHost(*vm_, Gfn{5}, stage2::Content::kKept));
  EXPECT_TRUE(ownership_.VmGuardMmio(*vm_, Gfn{6}));
  EXPECT_EQ(ownership_.HostAccess(Pfn{kPage}), stage2::HostAccessKind::kForeign);
  EXPECT_TRUE(ownership_.ReclaimFromVm(*vm_, Pages(kPage)));
  vm_->table().Disconnect();
  stage2::MetadataList rest = vm_->metadata();
  while (rest.count().raw() != 0) {
    EXPECT_TRUE(ownership_.ReturnMetadata(rest, PageCount{64}));
  }
  EXPECT_EQ(ownership_.donated_pages(), PageCount{0});
  EXPECT_TRUE(ownership_.CheckNextPart());
  EXPECT_GE(ownership_.operations(), 10U);
}

TEST_F(CheckedOwnershipDeathTest, AnOperationThatDoesNothingIsFound) {
  ASSERT_TRUE(ownership_.HostDonateVm(*vm_, Gfn{5}, Pages(kPage), stage2::Content::kKept));
  ASSERT_TRUE(ownership_.VmShareHost(*vm_, Gfn{5}, stage2::Content::kKept));
  forgets = true;
  EXPECT_DEATH(EXPECT_FALSE(ownership_.VmUnshareHost(*vm_, Gfn{5}, stage2::Content::kKept)),
               "disagree after VmUnshareHost");
}

TEST_F(CheckedOwnershipDeathTest, AWrongEntryOfTheHostIsFoundBesideAnOperation) {
  ASSERT_TRUE(ownership_.HostDonateVm(*vm_, Gfn{5}, Pages(kPage), stage2::Content::kKept));
  TakeFromHost(kPage + 1);
  EXPECT_DEATH(EXPECT_FALSE(ownership_.ReclaimFromVm(*vm_, Pages(kPage))), "lacks a page");
}

TEST_F(CheckedOwnershipDeathTest, AWrongEntryOfTheHostIsFoundInTheWorld) {
  ASSERT_TRUE(ownership_.HostDonateVm(*vm_, Gfn{5}, Pages(kPage), stage2::Content::kKept));
  TakeFromHost(kPage + 0x100);
  EXPECT_DEATH(static_cast<void>(ownership_.CheckNextPart()), "lacks a page");
}

TEST_F(CheckedOwnershipDeathTest, MetadataDoesNotReturnBeforeTheVmsPages) {
  ASSERT_TRUE(ownership_.HostDonateVm(*vm_, Gfn{5}, Pages(kPage), stage2::Content::kKept));
  EXPECT_DEATH(EXPECT_FALSE(ownership_.ReturnMetadata(vm_->metadata(), PageCount{1})),
               "before the VM's pages");
}

}  // namespace
}  // namespace ravelin::model
