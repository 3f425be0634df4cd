// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "toolchain/smoke/headers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libfdt.h>

#include <array>

namespace ravelin::smoke {
namespace {

TEST(HeadersTest, FindsTheLargest) { EXPECT_EQ(LargestPowerOfTwo("@ A"), 64U); }

TEST(HeadersTest, ErrorCarriesTheLength) { EXPECT_EQ(LargestPowerOfTwo("abc").error(), 3U); }

TEST(LibfdtTest, RefusesGarbage) {
  const std::array<std::uint32_t, 16> garbage{};
  EXPECT_EQ(fdt_check_header(garbage.data()), -FDT_ERR_BADMAGIC);
}

}  // namespace
}  // namespace ravelin::smoke
