// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/model/decode.h"

#include <array>

#include "tests/model/scenes.h"

namespace ravelin::model {
namespace {

constexpr std::size_t kBytes = 6;
constexpr std::uint64_t kAll = ~std::uint64_t{0};
constexpr std::uint64_t kOne = 1;

// The last values of each byte stand for MMIO, pages of others, and numbers that are never right.
std::uint64_t PageFrom(std::uint8_t byte) {
  constexpr std::array kOdd{std::uint64_t{0},
                            kSmallMmio.first,
                            kSmallMmio.first + 1,
                            kMonitorMmio,
                            kSecurePage,
                            std::uint64_t{0x40000},
                            std::uint64_t{0x40600},
                            (kOne << 52U) - 1,
                            (kOne << 52U) + 0x403fe,
                            kOne << 63U,
                            kAll};
  constexpr unsigned kFirstOdd = 256 - kOdd.size();
  return byte >= kFirstOdd ? kOdd.at(byte - kFirstOdd) : 0x403c0U + byte % 128U;
}

std::uint64_t FrameFrom(std::uint8_t byte) {
  constexpr std::array kOdd{std::uint64_t{0}, kOne,        (kOne << 20U) - 1, kOne << 20U,
                            kOne << 36U,      kOne << 52U, kOne << 63U,       kAll};
  return byte >= 248 ? kOdd.at(byte - 248U) : 0x801f0U + byte % 32U;
}

std::uint64_t CountFrom(std::uint8_t byte) {
  constexpr std::array kOdd{std::uint64_t{0}, std::uint64_t{512}, kMostPages, kMostPages + 1, kAll};
  constexpr unsigned kFirstOdd = 256 - kOdd.size();
  if (byte >= kFirstOdd) {
    return kOdd.at(byte - kFirstOdd);
  }
  return 1 + (byte < 192 ? byte % 4U : byte - 192U);
}

}  // namespace

std::vector<Operation> Decode(std::span<const std::uint8_t> bytes) {
  constexpr std::array<unsigned, 4> kPermissions{1, 3, 5, 7};
  std::vector<Operation> operations;
  for (; bytes.size() >= kBytes; bytes = bytes.subspan(kBytes)) {
    Operation operation{.kind = static_cast<Kind>(bytes[0] % kKinds),
                        .vm = bytes[1] % 3U,
                        .pfn = PageFrom(bytes[2]),
                        .gfn = FrameFrom(bytes[3]),
                        .count = CountFrom(bytes[4])};
    if (operation.kind == Kind::kDonateMonitor && bytes[5] != 0) {
      operation.pfn2 = PageFrom(bytes[5]);
      operation.count2 = 1;
    }
    operation.option =
        ArgumentsOf(operation.kind).contents ? bytes[5] & 1U : kPermissions.at(bytes[5] & 3U);
    operations.push_back(operation);
  }
  return operations;
}

std::string RunBytes(std::span<const std::uint8_t> bytes) {
  const Scene scene = SmallScene();
  const auto divergence = Run(scene, Decode(bytes));
  return Explain(scene, divergence);
}

}  // namespace ravelin::model
