// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/virtio/block.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "host_shim/vmm/virtio/testing.h"

namespace ravelin::vmm {
namespace {

using test::kBase;
using test::kWrite;
using test::RawDescriptor;
using test::TestMemory;
using test::TestRing;
using ::testing::HasSubstr;

constexpr std::uint64_t kSector = VirtioBlock::kSectorBytes;
constexpr std::uint64_t kSectors = 8;
constexpr std::uint64_t kHeader = Raw(kBase) + 8 * kPageSize;
constexpr std::uint64_t kStatus = Raw(kBase) + 9 * kPageSize;
constexpr std::uint64_t kData = Raw(kBase) + 10 * kPageSize;
constexpr std::byte kUntouched{0xee};

std::byte Code(VirtioBlock::Status status) { return static_cast<std::byte>(status); }

class BlockTest : public ::testing::Test {
 protected:
  BlockTest() {
    std::ofstream{path_, std::ios::binary} << std::string(kSectors * kSector, '.');
    Open(DiskAccess::kReadWrite);
    EXPECT_TRUE(queue_.Enable(ring_.size(), ring_.addresses()));
  }

  void Open(DiskAccess access) {
    auto disk = VirtioBlock::Open(path_, access, "disk-id");
    ASSERT_TRUE(disk) << disk.error().text;
    disk_ = std::move(*disk);
  }

  std::string FileText() {
    std::ostringstream text;
    text << std::ifstream{path_, std::ios::binary}.rdbuf();
    return text.str();
  }

  bool Serve() { return disk_->Serve(0, std::span{&queue_, 1}).has_value(); }

  // Serves one request; what the device wrote to the status byte.
  std::byte Request(std::uint32_t type, std::uint64_t sector, std::vector<RawDescriptor> data) {
    memory_.Put(kHeader, std::array<std::uint32_t, 2>{type, 0});
    memory_.Put(kHeader + 8, sector);
    memory_.Put(kStatus, kUntouched);
    data.insert(data.begin(), {.address = kHeader, .length = 16});
    data.push_back({.address = kStatus, .length = 1, .flags = kWrite});
    ring_.OfferChain(data);
    EXPECT_TRUE(Serve());
    return memory_.Get<std::byte>(kStatus);
  }

  std::uint32_t Written() {
    return ring_.used_entry(static_cast<std::uint16_t>(ring_.used_index() - 1) % 8).length;
  }

  std::string path_ = ::testing::TempDir() + "/block_test_disk";
  TestMemory memory_;
  TestRing ring_{memory_, 0, 8};
  Virtqueue queue_{DmaMemory{memory_.memory(), 0}};
  std::unique_ptr<VirtioBlock> disk_;
};

TEST_F(BlockTest, TellsItsSizeAndLimits) {
  std::uint64_t sectors = 0;
  std::memcpy(&sectors, disk_->config().data(), sizeof(sectors));
  EXPECT_EQ(sectors, kSectors);
  EXPECT_EQ(disk_->features(),
            VirtioBlock::kSizeMax | VirtioBlock::kSegmentsMax | VirtioBlock::kFlush);
}

TEST_F(BlockTest, WritesAndReadsBack) {
  memory_.PutText(kData, std::string(kSector, 'w'));
  EXPECT_EQ(Request(1, 3, {{.address = kData, .length = kSector}}), Code(VirtioBlock::Status::kOk));
  EXPECT_EQ(Written(), 1U);
  EXPECT_EQ(FileText().substr(2 * kSector, 3 * kSector),
            std::string(kSector, '.') + std::string(kSector, 'w') + std::string(kSector, '.'));
  EXPECT_EQ(Request(0, 3, {{.address = kData + kSector, .length = kSector, .flags = kWrite}}),
            Code(VirtioBlock::Status::kOk));
  EXPECT_EQ(Written(), kSector + 1);
  EXPECT_EQ(memory_.GetText(kData + kSector, kSector), std::string(kSector, 'w'));
}

TEST_F(BlockTest, GathersDataFromSeveralBuffers) {
  memory_.PutText(kData, std::string(kSector, 'a'));
  EXPECT_EQ(Request(1, 0, {{.address = kData, .length = 100}, {.address = kData, .length = 412}}),
            Code(VirtioBlock::Status::kOk));
  EXPECT_EQ(FileText().substr(0, kSector), std::string(kSector, 'a'));
}

TEST_F(BlockTest, HeaderAndStatusMayShareBuffersWithData) {
  memory_.Put(kHeader, std::array<std::uint32_t, 4>{0, 0, 1, 0});
  ring_.OfferChain({{.address = kHeader, .length = 4},
                    {.address = kHeader + 4, .length = 12},
                    {.address = kData, .length = kSector + 1, .flags = kWrite}});
  ASSERT_TRUE(Serve());
  EXPECT_EQ(memory_.GetText(kData, kSector), std::string(kSector, '.'));
  EXPECT_EQ(memory_.Get<std::byte>(kData + kSector), Code(VirtioBlock::Status::kOk));
}

TEST_F(BlockTest, RefusesWhatIsNotAllOnTheDisk) {
  const std::string before = FileText();
  for (const std::uint64_t sector :
       {kSectors, kSectors - 1, ~std::uint64_t{0}, ~std::uint64_t{0} / kSector}) {
    const std::vector<RawDescriptor> two = {{.address = kData, .length = 2 * kSector}};
    EXPECT_EQ(Request(1, sector, two), Code(VirtioBlock::Status::kIoError)) << sector;
  }
  EXPECT_EQ(FileText(), before);
}

TEST_F(BlockTest, RefusesPartsOfSectors) {
  for (const std::uint32_t length : {0U, 1U, 511U, 513U}) {
    EXPECT_EQ(Request(0, 0, {{.address = kData, .length = length, .flags = kWrite}}),
              Code(VirtioBlock::Status::kIoError))
        << length;
  }
}

TEST_F(BlockTest, AReadOnlyDiskIsNotWritten) {
  Open(DiskAccess::kReadOnly);
  EXPECT_NE(disk_->features() & VirtioBlock::kReadOnly, 0U);
  const std::string before = FileText();
  EXPECT_EQ(Request(1, 0, {{.address = kData, .length = kSector}}),
            Code(VirtioBlock::Status::kIoError));
  EXPECT_EQ(FileText(), before);
}

TEST_F(BlockTest, Flushes) { EXPECT_EQ(Request(4, 0, {}), Code(VirtioBlock::Status::kOk)); }

TEST_F(BlockTest, GivesItsId) {
  EXPECT_EQ(Request(8, 0, {{.address = kData, .length = 20, .flags = kWrite}}),
            Code(VirtioBlock::Status::kOk));
  EXPECT_STREQ(memory_.GetText(kData, 20).c_str(), "disk-id");
  EXPECT_EQ(Request(8, 0, {{.address = kData, .length = 19, .flags = kWrite}}),
            Code(VirtioBlock::Status::kIoError));
}

TEST_F(BlockTest, DoesNotKnowOtherRequests) {
  EXPECT_EQ(Request(99, 0, {}), Code(VirtioBlock::Status::kUnsupported));
}

// A page that a protected guest has not shared: the request fails, the device lives.
TEST_F(BlockTest, APageThatIsNotSharedIsAnIoError) {
  std::byte* page = memory_.memory().host_address() + (kData - Raw(kBase));
  ASSERT_EQ(::mprotect(page, kPageSize, PROT_NONE), 0);
  EXPECT_EQ(Request(0, 0, {{.address = kData, .length = kSector, .flags = kWrite}}),
            Code(VirtioBlock::Status::kIoError));
  EXPECT_EQ(Request(1, 0, {{.address = kData, .length = kSector}}),
            Code(VirtioBlock::Status::kIoError));
  EXPECT_EQ(FileText().substr(0, kSector), std::string(kSector, '.'));
  EXPECT_EQ(Request(4, 0, {}), Code(VirtioBlock::Status::kOk));
}

TEST_F(BlockTest, ARequestWithoutHeaderOrStatusBreaksTheQueue) {
  ring_.OfferChain({{.address = kHeader, .length = 16}});
  EXPECT_FALSE(Serve());
  ASSERT_TRUE(queue_.Enable(ring_.size(), ring_.addresses()));
  ring_.SetAvailableIndex(0);
  ring_.OfferChain(
      {{.address = kHeader, .length = 15}, {.address = kStatus, .length = 1, .flags = kWrite}});
  EXPECT_FALSE(Serve());
}

TEST_F(BlockTest, RefusesFilesThatAreNoDisks) {
  const auto error = [](const std::string& path) {
    const auto disk = VirtioBlock::Open(path, DiskAccess::kReadOnly, "");
    return disk ? "no error" : disk.error().text;
  };
  EXPECT_EQ(error("/nonexistent"), "cannot open disk '/nonexistent': No such file or directory");
  EXPECT_THAT(error("/dev/null"), HasSubstr("whole sectors"));
  std::ofstream{path_, std::ios::binary} << "not a sector";
  EXPECT_THAT(error(path_), HasSubstr("whole sectors"));
}

}  // namespace
}  // namespace ravelin::vmm
