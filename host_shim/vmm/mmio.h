// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// Device registers that the guest reaches by MMIO exits. Every number here comes from the guest.
//
// CPUs may use the bus at the same time: it holds its owner's lock around each access, and so
// devices need none.
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "host_shim/vmm/guest_memory.h"

namespace ravelin::vmm {

class MmioDevice {
 public:
  virtual ~MmioDevice() = default;
  // `offset` is inside the device's region, `size` is 1, 2, 4 or 8.
  [[nodiscard]] virtual std::uint64_t Read(std::uint64_t offset, unsigned size) = 0;
  virtual void Write(std::uint64_t offset, unsigned size, std::uint64_t value) = 0;
};

class MmioBus {
 public:
  // `lock` must outlive the bus.
  explicit MmioBus(std::mutex& lock) : lock_(&lock) {}

  // Before the first access. The device must outlive the bus.
  void Attach(Ipa base, std::uint64_t size, MmioDevice& device);

  // An address without a device reads as all ones and ignores writes, like an empty bus.
  [[nodiscard]] std::uint64_t Read(Ipa ipa, unsigned size) const;
  void Write(Ipa ipa, unsigned size, std::uint64_t value) const;

 private:
  struct Region {
    std::uint64_t base;
    std::uint64_t size;
    MmioDevice* device;
  };

  [[nodiscard]] const Region* Find(Ipa ipa, unsigned size) const;

  std::mutex* lock_;
  std::vector<Region> regions_;
};

}  // namespace ravelin::vmm
