// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace ravelin::vmm {
namespace {

using ::testing::HasSubstr;

Result<Options> Parse(const std::vector<const char*>& arguments) { return ParseOptions(arguments); }

std::string ErrorOf(const std::vector<const char*>& arguments) {
  const auto options = Parse(arguments);
  return options ? "no error" : options.error().text;
}

TEST(OptionsTest, HasDefaults) {
  const auto options = Parse({"--image", "guest"});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->image, "guest");
  EXPECT_EQ(options->memory_bytes, 4U << 20);
  EXPECT_EQ(Raw(options->base), 0x80000000U);
  EXPECT_EQ(options->ipa_bits, 36U);
  EXPECT_EQ(options->kind, VmKind::kNormal);
  EXPECT_FALSE(options->verbose);
}

TEST(OptionsTest, TakesEveryOption) {
  const auto options =
      Parse({"--image", "guest", "--memory", "16", "--base", "0x40000000", "--protected",
             "--ipa-bits", "40", "--hold-until", "go", "--verbose"});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->memory_bytes, 16U << 20);
  EXPECT_EQ(Raw(options->base), 0x40000000U);
  EXPECT_EQ(options->ipa_bits, 40U);
  EXPECT_EQ(options->hold_until, "go");
  EXPECT_EQ(options->kind, VmKind::kProtected);
  EXPECT_TRUE(options->verbose);
}

TEST(OptionsTest, HelpNeedsNothingElse) {
  const auto options = Parse({"--help"});
  ASSERT_TRUE(options);
  EXPECT_TRUE(options->help);
}

TEST(OptionsTest, NamesWhatIsWrong) {
  EXPECT_EQ(ErrorOf({}), "option --kernel or --image is missing");
  EXPECT_EQ(ErrorOf({"--image"}), "option --image needs a value");
  EXPECT_EQ(ErrorOf({"--image", ""}), "option --image cannot be ''");
  EXPECT_EQ(ErrorOf({"--speed", "3"}), "unknown option '--speed'");
  EXPECT_EQ(ErrorOf({"guest"}), "unknown option 'guest'");
}

TEST(OptionsTest, RefusesNumbersThatAreNone) {
  for (const char* number : {"", "x", "4M", "-1", "0x", "1 ", " 1", "99999999999999999999"}) {
    EXPECT_THAT(ErrorOf({"--image", "guest", "--memory", number}), HasSubstr("--memory cannot be"))
        << number;
  }
}

TEST(OptionsTest, RefusesNumbersOutOfRange) {
  EXPECT_THAT(ErrorOf({"--memory", "0"}), HasSubstr("--memory"));
  EXPECT_THAT(ErrorOf({"--memory", "17592186044416"}), HasSubstr("--memory"));
  EXPECT_THAT(ErrorOf({"--base", "0x80000001"}), HasSubstr("--base"));
  EXPECT_THAT(ErrorOf({"--ipa-bits", "31"}), HasSubstr("--ipa-bits"));
  EXPECT_THAT(ErrorOf({"--ipa-bits", "49"}), HasSubstr("--ipa-bits"));
}

TEST(OptionsTest, RefusesMemoryThatDoesNotFitTheAddresses) {
  EXPECT_THAT(ErrorOf({"--image", "guest", "--ipa-bits", "32", "--memory", "2049"}),
              HasSubstr("does not fit 32-bit addresses"));
  EXPECT_TRUE(Parse({"--image", "guest", "--ipa-bits", "32", "--memory", "2048"}));
}

TEST(OptionsTest, UsageNamesEveryOption) {
  for (const char* name : {"--image", "--memory", "--base", "--protected", "--ipa-bits",
                           "--hold-until", "--verbose", "--help"}) {
    EXPECT_THAT(std::string{UsageText()}, HasSubstr(name));
  }
}

}  // namespace
}  // namespace ravelin::vmm
