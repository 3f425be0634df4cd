// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/virtio/mmio_transport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "host_shim/vmm/virtio/testing.h"

namespace ravelin::vmm {
namespace {

using test::kBase;
using test::TestLine;
using test::TestMemory;
using test::TestRing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::uint64_t kFeature = 1 << 3;
constexpr std::uint64_t kBuffer = Raw(kBase) + 16 * kPageSize;
constexpr std::uint32_t kReady =
    VirtioMmio::kAcknowledge | VirtioMmio::kDriver | VirtioMmio::kFeaturesOk;

// Gives every request back at once.
class EchoDevice final : public VirtioDevice {
 public:
  VirtioType type() const override { return VirtioType::kEntropy; }
  std::size_t queue_count() const override { return 2; }
  std::uint64_t features() const override { return kFeature; }
  std::span<const std::byte> config() const override { return config_; }

  Result<void> Serve(std::size_t index, std::span<Virtqueue> queues) override {
    ++served;
    return ServeChains(index, queues[index],
                       [&](const Chain& chain) { return queues[index].Push(chain, 0); });
  }

  void Reset() override { ++resets; }

  int served = 0;
  int resets = 0;

 private:
  std::array<std::byte, 6> config_ = {std::byte{1}, std::byte{2}, std::byte{3},
                                      std::byte{4}, std::byte{5}, std::byte{6}};
};

class VirtioMmioTest : public ::testing::Test {
 protected:
  explicit VirtioMmioTest(std::uint64_t required = 0) : required_(required) {}

  std::uint32_t Read(std::uint64_t offset) {
    return static_cast<std::uint32_t>(transport_.Read(offset, 4));
  }
  void Write(std::uint64_t offset, std::uint64_t value) { transport_.Write(offset, 4, value); }

  void WriteWide(std::uint64_t offset, std::uint64_t value) {
    Write(offset, value & 0xffffffff);
    Write(offset + 4, value >> 32);
  }

  std::uint64_t OfferedFeatures() {
    Write(VirtioMmio::kDeviceFeaturesSelect, 1);
    const std::uint64_t high = Read(VirtioMmio::kDeviceFeatures);
    Write(VirtioMmio::kDeviceFeaturesSelect, 0);
    return high << 32 | Read(VirtioMmio::kDeviceFeatures);
  }

  // Whether the device takes the features.
  bool Negotiate(std::uint64_t features) {
    Write(VirtioMmio::kStatus, VirtioMmio::kAcknowledge | VirtioMmio::kDriver);
    for (const std::uint32_t half : {0U, 1U}) {
      Write(VirtioMmio::kDriverFeaturesSelect, half);
      Write(VirtioMmio::kDriverFeatures, features >> (32 * half) & 0xffffffff);
    }
    Write(VirtioMmio::kStatus, kReady);
    return (Read(VirtioMmio::kStatus) & VirtioMmio::kFeaturesOk) != 0;
  }

  void SetUpQueue(std::uint32_t index, const QueueAddresses& addresses, std::uint32_t size) {
    Write(VirtioMmio::kQueueSelect, index);
    Write(VirtioMmio::kQueueSize, size);
    WriteWide(VirtioMmio::kQueueDescriptors, Raw(addresses.descriptors));
    WriteWide(VirtioMmio::kQueueAvailable, Raw(addresses.available));
    WriteWide(VirtioMmio::kQueueUsed, Raw(addresses.used));
    Write(VirtioMmio::kQueueReady, 1);
  }

  void Start() {
    ASSERT_TRUE(Negotiate(kFeatureVersion1 | required_));
    SetUpQueue(0, ring_.addresses(), ring_.size());
    Write(VirtioMmio::kStatus, kReady | VirtioMmio::kDriverOk);
  }

  bool NeedsReset() { return (Read(VirtioMmio::kStatus) & VirtioMmio::kNeedsReset) != 0; }

  std::uint64_t required_;
  TestMemory memory_;
  TestRing ring_{memory_, 0, 8};
  EchoDevice device_;
  TestLine line_;
  std::vector<std::size_t> notified_;
  std::vector<std::string> complaints_;
  VirtioMmio transport_{
      device_,
      {.memory = DmaMemory{memory_.memory(), 0},
       .line = line_,
       .notify = [this](std::size_t queue) { notified_.push_back(queue); },
       .complain = [this](std::string_view text) { complaints_.emplace_back(text); },
       .required_features = required_}};
};

class ProtectedVirtioMmioTest : public VirtioMmioTest {
 protected:
  ProtectedVirtioMmioTest() : VirtioMmioTest(kFeatureAccessPlatform) {}
};

TEST_F(VirtioMmioTest, IdentifiesItself) {
  EXPECT_EQ(Read(VirtioMmio::kMagic), 0x74726976U);
  EXPECT_EQ(Read(VirtioMmio::kVersion), 2U);
  EXPECT_EQ(Read(VirtioMmio::kDeviceId), 4U);
  EXPECT_EQ(Read(VirtioMmio::kStatus), 0U);
  EXPECT_EQ(Read(VirtioMmio::kSharedMemoryLength), 0xffffffffU);
  EXPECT_EQ(OfferedFeatures(), kFeature | kFeatureIndirect | kFeatureVersion1);
}

TEST_F(VirtioMmioTest, HasOnlyTheQueuesOfTheDevice) {
  Write(VirtioMmio::kQueueSelect, 1);
  EXPECT_EQ(Read(VirtioMmio::kQueueSizeMax), Virtqueue::kMostEntries);
  for (const std::uint32_t index : {2U, 0xffffffffU}) {
    Write(VirtioMmio::kQueueSelect, index);
    EXPECT_EQ(Read(VirtioMmio::kQueueSizeMax), 0U);
    Write(VirtioMmio::kQueueReady, 1);
    EXPECT_EQ(Read(VirtioMmio::kQueueReady), 0U);
  }
}

TEST_F(VirtioMmioTest, ReadsTheConfigurationInAnyWidth) {
  EXPECT_EQ(transport_.Read(VirtioMmio::kConfig, 8), 0x060504030201U);
  EXPECT_EQ(transport_.Read(VirtioMmio::kConfig + 1, 2), 0x0302U);
  EXPECT_EQ(transport_.Read(VirtioMmio::kConfig + 5, 4), 0x06U);
  EXPECT_EQ(transport_.Read(VirtioMmio::kConfig + 6, 1), 0U);
  EXPECT_EQ(transport_.Read(kPageSize - 8, 8), 0U);
}

TEST_F(VirtioMmioTest, RegistersAreAccessedWhole) {
  EXPECT_EQ(transport_.Read(VirtioMmio::kMagic, 1), 0U);
  EXPECT_EQ(transport_.Read(VirtioMmio::kMagic, 8), 0U);
  transport_.Write(VirtioMmio::kStatus, 1, VirtioMmio::kAcknowledge);
  EXPECT_EQ(Read(VirtioMmio::kStatus), 0U);
}

TEST_F(VirtioMmioTest, TakesFeaturesThatItOffered) {
  EXPECT_TRUE(Negotiate(kFeatureVersion1 | kFeature));
}

TEST_F(VirtioMmioTest, RefusesFeaturesThatItDidNotOffer) {
  EXPECT_FALSE(Negotiate(kFeatureVersion1 | 1));
  EXPECT_FALSE(Negotiate(kFeatureVersion1 | std::uint64_t{1} << 63));
}

TEST_F(VirtioMmioTest, RefusesALegacyDriver) { EXPECT_FALSE(Negotiate(kFeature)); }

TEST_F(ProtectedVirtioMmioTest, RefusesADriverThatWouldNotShareMemory) {
  EXPECT_NE(OfferedFeatures() & kFeatureAccessPlatform, 0U);
  EXPECT_FALSE(Negotiate(kFeatureVersion1));
  EXPECT_TRUE(Negotiate(kFeatureVersion1 | kFeatureAccessPlatform));
}

TEST_F(VirtioMmioTest, FeaturesStayAfterTheyAreAgreed) {
  ASSERT_TRUE(Negotiate(kFeatureVersion1));
  Write(VirtioMmio::kDriverFeaturesSelect, 1);
  Write(VirtioMmio::kDriverFeatures, 0);
  Write(VirtioMmio::kStatus, kReady | VirtioMmio::kDriverOk);
  EXPECT_EQ(Read(VirtioMmio::kStatus), kReady | VirtioMmio::kDriverOk);
}

TEST_F(VirtioMmioTest, DriverOkNeedsFeaturesOk) {
  Write(VirtioMmio::kStatus, VirtioMmio::kDriverOk);
  EXPECT_EQ(Read(VirtioMmio::kStatus), 0U);
}

TEST_F(VirtioMmioTest, QueuesCannotBeSetUpBeforeFeaturesAreAgreed) {
  SetUpQueue(0, ring_.addresses(), ring_.size());
  EXPECT_EQ(Read(VirtioMmio::kQueueReady), 0U);
}

TEST_F(VirtioMmioTest, ServesARequestAndInterrupts) {
  Start();
  ring_.OfferChain({{.address = kBuffer, .length = 1}});
  Write(VirtioMmio::kQueueNotify, 0);
  EXPECT_THAT(notified_, ElementsAre(0));
  transport_.Serve(0);
  EXPECT_EQ(ring_.used_index(), 1);
  EXPECT_TRUE(line_.is_high);
  EXPECT_EQ(Read(VirtioMmio::kInterruptStatus), VirtioMmio::kUsedBuffer);
  Write(VirtioMmio::kInterruptAcknowledge, VirtioMmio::kUsedBuffer);
  EXPECT_FALSE(line_.is_high);
  EXPECT_EQ(line_.changes, 2);
}

TEST_F(VirtioMmioTest, IgnoresQueuesThatDoNotExist) {
  Start();
  Write(VirtioMmio::kQueueNotify, 2);
  Write(VirtioMmio::kQueueNotify, 0xffffffff);
  EXPECT_THAT(notified_, IsEmpty());
  transport_.Serve(2);
  EXPECT_EQ(device_.served, 0);
}

TEST_F(VirtioMmioTest, DoesNothingBeforeTheDriverIsReady) {
  ASSERT_TRUE(Negotiate(kFeatureVersion1));
  SetUpQueue(0, ring_.addresses(), ring_.size());
  Write(VirtioMmio::kQueueNotify, 0);
  transport_.Serve(0);
  EXPECT_THAT(notified_, IsEmpty());
  EXPECT_EQ(device_.served, 0);
}

TEST_F(VirtioMmioTest, AReadyQueueDoesNotMove) {
  Start();
  Write(VirtioMmio::kQueueSelect, 0);
  WriteWide(VirtioMmio::kQueueDescriptors, 0);
  Write(VirtioMmio::kQueueSize, 3);
  Write(VirtioMmio::kQueueReady, 1);
  ring_.OfferChain({{.address = kBuffer, .length = 1}});
  transport_.Serve(0);
  EXPECT_FALSE(NeedsReset());
  EXPECT_EQ(ring_.used_index(), 1);
}

TEST_F(VirtioMmioTest, AQueueOutsideMemoryNeedsAReset) {
  ASSERT_TRUE(Negotiate(kFeatureVersion1));
  SetUpQueue(0, {}, 8);
  EXPECT_TRUE(NeedsReset());
  EXPECT_EQ(Read(VirtioMmio::kQueueReady), 0U);
}

TEST_F(VirtioMmioTest, AQueueSizeOf64KibibytesIsNotTakenForAnother) {
  ASSERT_TRUE(Negotiate(kFeatureVersion1));
  SetUpQueue(0, ring_.addresses(), 0x10008);
  EXPECT_TRUE(NeedsReset());
}

TEST_F(VirtioMmioTest, ABrokenQueueStopsTheDeviceUntilItsReset) {
  Start();
  ring_.Offer(100);
  transport_.Serve(0);
  EXPECT_TRUE(NeedsReset());
  EXPECT_EQ(Read(VirtioMmio::kInterruptStatus), VirtioMmio::kConfigChange);
  EXPECT_TRUE(line_.is_high);
  transport_.Serve(0);
  Write(VirtioMmio::kQueueNotify, 0);
  EXPECT_EQ(device_.served, 1);
  EXPECT_THAT(notified_, IsEmpty());

  Write(VirtioMmio::kStatus, 0);
  EXPECT_EQ(device_.resets, 1);
  EXPECT_FALSE(line_.is_high);
  EXPECT_EQ(Read(VirtioMmio::kStatus), 0U);
  EXPECT_EQ(Read(VirtioMmio::kQueueReady), 0U);
  ring_.SetAvailableIndex(0);
  Start();
  ring_.OfferChain({{.address = kBuffer, .length = 1}});
  transport_.Serve(0);
  EXPECT_EQ(device_.served, 2);
}

TEST_F(VirtioMmioTest, ComplainsAFewTimesOnly) {
  for (int i = 0; i < 100; ++i) {
    Start();
    ring_.Offer(100);
    transport_.Serve(0);
    Write(VirtioMmio::kStatus, 0);
    ring_.SetAvailableIndex(0);
  }
  EXPECT_THAT(complaints_, SizeIs(4));
}

}  // namespace
}  // namespace ravelin::vmm
