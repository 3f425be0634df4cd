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

TEST(OptionsTest, HasDefaultsForLinux) {
  const auto options = Parse({"--kernel", "Image"});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->memory_bytes, 256U << 20);
  EXPECT_EQ(options->cpus, 1U);
  EXPECT_EQ(options->serial, "stdio");
  EXPECT_TRUE(options->console.empty());
  EXPECT_TRUE(options->disks.empty());
  EXPECT_FALSE(options->vsock);
  EXPECT_FALSE(options->rng);
}

TEST(OptionsTest, TakesEveryOptionForLinux) {
  const auto options = Parse({"--kernel", "Image", "--initrd", "initrd", "--append", "quiet",
                              "--smp", "4", "--serial", "log", "--console", "stdio", "--disk",
                              "one", "--disk", "two,ro", "--rng", "--vsock", "3:/tmp/vsock"});
  ASSERT_TRUE(options) << options.error().text;
  EXPECT_EQ(options->initrd, "initrd");
  EXPECT_EQ(options->append, "quiet");
  EXPECT_EQ(options->cpus, 4U);
  EXPECT_EQ(options->serial, "log");
  EXPECT_EQ(options->console, "stdio");
  ASSERT_EQ(options->disks.size(), 2U);
  EXPECT_FALSE(options->disks[0].is_read_only);
  EXPECT_EQ(options->disks[1].path, "two");
  EXPECT_TRUE(options->disks[1].is_read_only);
  ASSERT_TRUE(options->vsock.has_value());
  EXPECT_EQ(options->vsock.value_or(VsockOption{}).cid, 3U);
  EXPECT_EQ(options->vsock.value_or(VsockOption{}).path, "/tmp/vsock");
  EXPECT_TRUE(options->rng);
}

TEST(OptionsTest, TheTerminalHasOneUser) {
  const auto options = Parse({"--kernel", "Image", "--console", "stdio"});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->serial, "/dev/null");
  EXPECT_EQ(ErrorOf({"--kernel", "Image", "--console", "stdio", "--serial", "stdio"}),
            "--serial and --console cannot both be 'stdio'");
}

TEST(OptionsTest, RefusesToMixTheTwoKindsOfGuest) {
  EXPECT_EQ(ErrorOf({"--image", "guest", "--kernel", "Image"}),
            "options --image and --kernel do not go together");
  EXPECT_EQ(ErrorOf({"--image", "guest", "--rng"}), "options --image and --rng do not go together");
  EXPECT_EQ(ErrorOf({"--kernel", "Image", "--base", "0"}),
            "options --base and --kernel do not go together");
  EXPECT_EQ(ErrorOf({"--smp", "2"}), "option --kernel or --image is missing");
}

TEST(OptionsTest, RefusesWrongValuesForLinux) {
  for (const char* cpus : {"0", "65", "two"}) {
    EXPECT_THAT(ErrorOf({"--kernel", "Image", "--smp", cpus}), HasSubstr("--smp cannot be"));
  }
  for (const char* vsock : {"3", "3:", ":path", "2:path", "4294967295:path"}) {
    EXPECT_THAT(ErrorOf({"--kernel", "Image", "--vsock", vsock}), HasSubstr("--vsock cannot be"));
  }
  EXPECT_THAT(ErrorOf({"--kernel", "Image", "--disk", ",ro"}), HasSubstr("--disk cannot be"));
  std::vector<const char*> many = {"--kernel", "Image"};
  for (std::size_t i = 0; i <= kMostDisks; ++i) many.insert(many.end(), {"--disk", "d"});
  EXPECT_THAT(ErrorOf(many), HasSubstr("--disk cannot be"));
}

// The upper half of the addresses is what a protected guest shares.
TEST(OptionsTest, AProtectedLinuxGuestHasHalfTheAddresses) {
  EXPECT_TRUE(Parse({"--kernel", "Image", "--ipa-bits", "32", "--memory", "2048"}));
  EXPECT_THAT(ErrorOf({"--kernel", "Image", "--ipa-bits", "32", "--protected"}),
              HasSubstr("does not fit 31-bit addresses"));
  EXPECT_TRUE(Parse({"--kernel", "Image", "--ipa-bits", "33", "--protected"}));
}

TEST(OptionsTest, UsageNamesEveryOption) {
  for (const char* name :
       {"--image", "--memory", "--base", "--protected", "--ipa-bits", "--hold-until", "--verbose",
        "--help", "--kernel", "--initrd", "--append", "--smp", "--serial", "--console", "--disk",
        "--rng", "--vsock"}) {
    EXPECT_THAT(std::string{UsageText()}, HasSubstr(name));
  }
}

}  // namespace
}  // namespace ravelin::vmm
