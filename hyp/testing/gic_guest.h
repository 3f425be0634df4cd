// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// A guest with an interrupt controller, and what it does with it.
#pragma once

#include <array>
#include <cstdint>

#include "hyp/testing/guest.h"
#include "hyp/testing/host.h"

namespace ravelin::gic::testing {

// Offsets of the registers (IHI 0069, 12.8, 12.10).
enum Register : std::uint64_t {
  kCtlr = 0x0,
  kTyper = 0x4,
  kIidr = 0x8,
  kGroup = 0x80,
  kSetEnable = 0x100,
  kClearEnable = 0x180,
  kSetPending = 0x200,
  kClearPending = 0x280,
  kSetActive = 0x300,
  kClearActive = 0x380,
  kPriority = 0x400,
  kConfiguration = 0xc00,
  kRoute = 0x6000,
  kPidr2 = 0xffe8,
};
inline constexpr std::uint64_t kSgiFrame = 0x10000;
constexpr std::uint64_t Route(std::uint64_t intid) { return kRoute + 8 * intid; }

class GicGuest : public ravelin::testing::Guest {
 public:
  static constexpr std::uint64_t kIntids = 96;

  GicGuest(ravelin::testing::Host& host, VmKind kind, std::uint32_t vcpus = 2,
           std::uint32_t from_host = ~0U)
      : Guest(host, kind, {.vcpus = vcpus, .intids = kIntids, .from_host = from_host}) {}

  // Accesses by vCPU 0, each in a stay of its own that ends with an interrupt of the host.
  std::uint64_t Read(std::uint64_t ipa, unsigned size = 4);
  void Write(std::uint64_t ipa, std::uint64_t value, unsigned size = 4);
  std::uint64_t ReadDistributor(std::uint64_t offset, unsigned size = 4) {
    return Read(ravelin::testing::kDistributor + offset, size);
  }
  void WriteDistributor(std::uint64_t offset, std::uint64_t value, unsigned size = 4) {
    Write(ravelin::testing::kDistributor + offset, value, size);
  }
  static constexpr std::uint64_t Redistributor(std::uint64_t vcpu) {
    return ravelin::testing::kRedistributors + vcpu * 0x20000;
  }
  static constexpr std::uint64_t Sgis(std::uint64_t vcpu) {
    return Redistributor(vcpu) + kSgiFrame;
  }

  // Everything enabled, in group 1, at priority 0xa0, SPIs routed to vCPU 0; levels, except SGIs.
  void EnableAll();

  // ICC_SGI1R_EL1 by vCPU 0.
  void NextSgi(std::uint64_t value);
};

}  // namespace ravelin::gic::testing
