// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/mmio.h"

#include <algorithm>

namespace ravelin::vmm {

void MmioBus::Attach(Ipa base, std::uint64_t size, MmioDevice& device) {
  regions_.push_back({.base = Raw(base), .size = size, .device = &device});
}

const MmioBus::Region* MmioBus::Find(Ipa ipa, unsigned size) const {
  const auto holds = [&](const Region& region) {
    const std::uint64_t offset = Raw(ipa) - region.base;
    return Raw(ipa) >= region.base && size <= region.size && offset <= region.size - size;
  };
  const auto found = std::find_if(regions_.begin(), regions_.end(), holds);
  return found == regions_.end() ? nullptr : &*found;
}

std::uint64_t MmioBus::Read(Ipa ipa, unsigned size) const {
  const Region* region = Find(ipa, size);
  if (region == nullptr) return ~std::uint64_t{0};
  const std::lock_guard guard{*lock_};
  return region->device->Read(Raw(ipa) - region->base, size);
}

void MmioBus::Write(Ipa ipa, unsigned size, std::uint64_t value) const {
  const Region* region = Find(ipa, size);
  if (region == nullptr) return;
  const std::lock_guard guard{*lock_};
  region->device->Write(Raw(ipa) - region->base, size, value);
}

}  // namespace ravelin::vmm
