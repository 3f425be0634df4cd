// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/virtio/hostile_queue.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "host_shim/vmm/virtio/testing.h"

namespace ravelin::vmm::test {
namespace {

constexpr std::uint32_t kSeed = 20'261'120;
constexpr unsigned kRuns = 20'000;
constexpr std::size_t kBytes = 1024;
constexpr std::size_t kDescriptors = 64;
constexpr unsigned kEntries = 16;

// Values that mean something, mixed with ones that do not.
class Driver {
 public:
  explicit Driver(std::uint32_t seed) : random_(seed) {}

  std::vector<std::byte> Memory() {
    std::vector<std::byte> bytes(kBytes);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random_());
    PutAt<std::uint16_t>(bytes, 2, static_cast<std::uint16_t>(Below(kEntries + 2)));
    for (unsigned i = 0; i < kEntries; ++i) {
      PutAt<std::uint16_t>(bytes, 4 + std::size_t{2} * i, static_cast<std::uint16_t>(Below(17)));
      PutAt(bytes, kDescriptors + sizeof(RawDescriptor) * i, Descriptor());
    }
    return bytes;
  }

 private:
  std::uint32_t Below(std::size_t limit) { return static_cast<std::uint32_t>(random_() % limit); }

  RawDescriptor Descriptor() {
    constexpr std::array<std::uint32_t, 8> kLengths = {0, 1, 16, 17, 512, 4096, 1 << 18, ~0U};
    constexpr std::array<std::uint64_t, 5> kStarts = {
        Raw(kBase), Raw(kBase) + kDescriptors, Raw(kBase) + kMemoryBytes - 16,
        Raw(kBase) | std::uint64_t{1} << 35, ~std::uint64_t{15}};
    return {.address = kStarts[Below(kStarts.size())] + Below(600),
            .length = kLengths[Below(kLengths.size())],
            .flags = static_cast<std::uint16_t>(Below(8)),
            .next = static_cast<std::uint16_t>(Below(kEntries + 1))};
  }

  template <typename Value>
  static void PutAt(std::vector<std::byte>& bytes, std::size_t offset, const Value& value) {
    std::memcpy(&bytes[offset], &value, sizeof(value));
  }

  std::mt19937 random_;
};

TEST(HostileQueueTest, EndsWhateverTheDriverDoes) {
  Driver driver{kSeed};
  for (unsigned run = 0; run < kRuns; ++run) ServeHostileQueue(driver.Memory());
}

TEST(HostileQueueTest, TakesAnyNumberOfBytes) {
  ServeHostileQueue({});
  ServeHostileQueue(std::vector<std::byte>(kMemoryBytes + 1, std::byte{0xff}));
}

}  // namespace
}  // namespace ravelin::vmm::test
