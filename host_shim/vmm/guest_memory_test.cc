// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/guest_memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <limits>
#include <vector>

namespace ravelin::vmm {
namespace {

constexpr Ipa kBase{0x80000000};
constexpr std::uint64_t kBytes = 4 * kPageSize;
constexpr Ipa kSecondPage{Raw(kBase) + kPageSize};

Ipa At(std::uint64_t offset) { return Ipa{Raw(kBase) + offset}; }

std::string WriteTemporaryFile(const std::string& contents) {
  std::string path = ::testing::TempDir() + "/guest_memory_test_image";
  std::ofstream{path, std::ios::binary} << contents;
  return path;
}

class GuestMemoryTest : public ::testing::Test {
 protected:
  GuestMemory memory_ = *GuestMemory::Create(kBase, kBytes);
  std::array<std::byte, 8> buffer_{};
};

TEST_F(GuestMemoryTest, RefusesWhatIsNotWholePages) {
  EXPECT_FALSE(GuestMemory::Create(kBase, 0));
  EXPECT_FALSE(GuestMemory::Create(kBase, kPageSize + 1));
  EXPECT_FALSE(GuestMemory::Create(At(1), kPageSize));
}

TEST_F(GuestMemoryTest, RefusesARangeThatWraps) {
  EXPECT_FALSE(GuestMemory::Create(Ipa{std::numeric_limits<std::uint64_t>::max() - 4095}, kBytes));
}

TEST_F(GuestMemoryTest, CopiesInAndOut) {
  const std::array<std::byte, 8> bytes{std::byte{1}, std::byte{2}, std::byte{3}};
  ASSERT_TRUE(memory_.CopyIn(At(kBytes - 8), bytes));
  ASSERT_TRUE(memory_.CopyOut(At(kBytes - 8), buffer_));
  EXPECT_EQ(buffer_, bytes);
}

TEST_F(GuestMemoryTest, RefusesRangesOutsideTheSlot) {
  EXPECT_FALSE(memory_.CopyOut(At(kBytes - 7), buffer_));
  EXPECT_FALSE(memory_.CopyOut(At(kBytes), buffer_));
  EXPECT_FALSE(memory_.CopyOut(Ipa{Raw(kBase) - 1}, buffer_));
  EXPECT_FALSE(memory_.CopyOut(Ipa{0}, buffer_));
  EXPECT_FALSE(memory_.CopyOut(Ipa{std::numeric_limits<std::uint64_t>::max()}, buffer_));
  EXPECT_FALSE(memory_.CopyIn(Ipa{std::numeric_limits<std::uint64_t>::max() - 3}, buffer_));
}

// Longer than what the kernel moves at once.
TEST_F(GuestMemoryTest, CopiesLongRanges) {
  constexpr std::size_t kLong = (64 << 10) + 12;
  GuestMemory memory = *GuestMemory::Create(kBase, 32 * kPageSize);
  std::vector<std::byte> sent(kLong, std::byte{0x5a});
  sent.back() = std::byte{7};
  ASSERT_TRUE(memory.CopyIn(kBase, sent));
  std::vector<std::byte> received(kLong);
  ASSERT_TRUE(memory.CopyOut(kBase, received));
  EXPECT_EQ(received, sent);
}

// A page that belongs to a protected guest faults like one that is not accessible at all.
TEST_F(GuestMemoryTest, ReportsAnInaccessiblePageAsAnError) {
  ASSERT_EQ(::mprotect(memory_.host_address() + kPageSize, kPageSize, PROT_NONE), 0);
  EXPECT_FALSE(memory_.CopyOut(kSecondPage, buffer_));
  EXPECT_FALSE(memory_.CopyIn(kSecondPage, buffer_));
  EXPECT_TRUE(memory_.CopyOut(kBase, buffer_));
}

TEST_F(GuestMemoryTest, LoadsAFileAtAnAddress) {
  ASSERT_TRUE(memory_.LoadFile(WriteTemporaryFile("12345678"), kSecondPage));
  ASSERT_TRUE(memory_.CopyOut(kSecondPage, buffer_));
  EXPECT_EQ(buffer_[7], std::byte{'8'});
}

TEST_F(GuestMemoryTest, NamesTheFileThatDoesNotExist) {
  const auto loaded = memory_.LoadFile("/nonexistent/image", kBase);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().text, "cannot open '/nonexistent/image': No such file or directory");
}

TEST_F(GuestMemoryTest, RefusesFilesThatAreEmptyOrTooLarge) {
  EXPECT_FALSE(memory_.LoadFile(WriteTemporaryFile(""), kBase));
  EXPECT_FALSE(memory_.LoadFile(WriteTemporaryFile(std::string(kBytes + 1, 'x')), kBase));
  EXPECT_FALSE(memory_.LoadFile(WriteTemporaryFile(std::string(kBytes, 'x')), kSecondPage));
  EXPECT_FALSE(memory_.LoadFile("/dev/null", kBase));
}

}  // namespace
}  // namespace ravelin::vmm
