// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The entry of the fuzzer over fixed strings: by hand, random, and each a little changed.
#include <array>
#include <cstdint>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "tests/model/sequence.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace ravelin::model {
namespace {

using Bytes = std::vector<std::uint8_t>;

// Six bytes are an operation: kind, vm, page, frame, count, option (decode.h).
const std::array<Bytes, 5> kSeeds{{
    // A page is shared, pinned, not unshared, unpinned, unshared.
    {0, 0, 9, 0, 0, 0, 2, 0, 9, 0, 0, 0, 1, 0, 9, 0, 0, 0, 3, 0, 9, 0, 0, 0, 1, 0, 9, 0, 0, 0},
    // Four pages over the block boundary are written, donated, lent back, reclaimed.
    {17, 0, 62, 0,  0, 0, 7,  0, 62, 14, 3, 0,  12, 0, 0,
     15, 0, 0,  18, 0, 0, 16, 0, 0,  11, 0, 62, 0,  3, 0},
    // Pages are lent to a normal VM, their permissions change, one hole, all but it come back.
    {8, 1, 62, 14, 3, 3, 10, 1, 0, 15, 0, 0, 18, 1, 0,  14, 0, 0,
     9, 1, 0,  15, 0, 0, 9,  1, 0, 14, 3, 0, 11, 1, 62, 0,  0, 0},
    // Guards, donations onto them, metadata in two ranges and back.
    {14, 0, 0,  15, 0, 0, 7, 0, 70,  14, 1, 1,   15, 0, 0, 15, 0, 0,
     7,  0, 70, 14, 1, 1, 4, 0, 100, 0,  1, 110, 5,  0, 0, 0,  2, 0},
    // A VM is torn down, returned and created again from other pages.
    {20, 1, 0, 0, 0, 0,   5, 1, 0, 0, 200, 0,  19, 1, 64,
     0,  0, 0, 6, 1, 100, 0, 3, 0, 8, 1,   62, 14, 3, 3},
}};

void RunOne(const Bytes& bytes) { LLVMFuzzerTestOneInput(bytes.data(), bytes.size()); }

TEST(FuzzTest, SeedsAndTheirNeighbours) {
  std::mt19937_64 random(FromEnvironment("RAVELIN_SEED", 1));
  for (const Bytes& seed : kSeeds) {
    RunOne(seed);
    for (int i = 0; i < 200; ++i) {
      Bytes changed = seed;
      changed[random() % changed.size()] = static_cast<std::uint8_t>(random());
      changed[random() % changed.size()] = static_cast<std::uint8_t>(random());
      RunOne(changed);
    }
  }
}

TEST(FuzzTest, RandomStrings) {
  std::mt19937_64 random(FromEnvironment("RAVELIN_SEED", 1));
  for (int i = 0; i < 500; ++i) {
    Bytes bytes(random() % 600);
    for (std::uint8_t& byte : bytes) {
      byte = static_cast<std::uint8_t>(random());
    }
    RunOne(bytes);
  }
}

}  // namespace
}  // namespace ravelin::model
