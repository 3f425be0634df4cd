// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "stage2/pool/page_pool.h"

#include "gtest/gtest.h"
#include "hyp/arch/fake/machine.h"
#include "hyp/base/bits.h"

namespace ravelin::stage2 {
namespace {

class PagePoolTest : public ::testing::Test {
 protected:
  PagePoolTest() { fake::Reset(); }

  PagePool pool_;
};

TEST_F(PagePoolTest, EmptyPoolHasNothing) {
  EXPECT_EQ(pool_.Take().error(), Error::kNoMemory);
  EXPECT_TRUE(pool_.Has(PageCount{0}));
  EXPECT_FALSE(pool_.Has(PageCount{1}));
}

TEST_F(PagePoolTest, GivesEveryPageOnceAndZeroed) {
  for (std::uint64_t page = 1; page <= 3; ++page) {
    fake::Poke(Pa{page * kPageSize}, 0x5ec7e7);
    fake::Poke(Pa{page * kPageSize + kPageSize - 8}, 0x5ec7e7);
    pool_.Give(Pa{page * kPageSize});
  }
  EXPECT_EQ(pool_.free_count(), PageCount{3});
  std::uint64_t seen = 0;
  for (int i = 0; i < 3; ++i) {
    const Pa page = *pool_.Take();
    seen |= Bit(static_cast<unsigned>(ToPfn(page).raw()));
    EXPECT_EQ(fake::Peek(page), 0U);
    EXPECT_EQ(fake::Peek(page + (kPageSize - 8)), 0U);
  }
  EXPECT_EQ(seen, 0b1110U);
  EXPECT_EQ(pool_.Take().error(), Error::kNoMemory);
}

TEST_F(PagePoolTest, HasIsExact) {
  pool_.Give(Pa{0x1000});
  pool_.Give(Pa{0});  // physical page 0 is a page as any other
  EXPECT_TRUE(pool_.Has(PageCount{2}));
  EXPECT_FALSE(pool_.Has(PageCount{3}));
  EXPECT_FALSE(pool_.Has(PageCount{~std::uint64_t{0}}));
  EXPECT_EQ(*pool_.Take(), Pa{0});
  EXPECT_EQ(*pool_.Take(), Pa{0x1000});
}

}  // namespace
}  // namespace ravelin::stage2
