// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Random operations, chosen with a look at the specified state, so that most of them mean
// something: pages that somebody has, frames that are mapped, ranges at block boundaries, and now
// and then numbers that no honest caller would give.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <random>
#include <vector>

#include "tests/model/specification.h"

namespace ravelin::model {

// Where a generator looks for pages and frames.
struct Playground {
  std::vector<Frames> pages;        // most operations
  std::vector<Frames> blocks;       // 512 pages each, for operations on as many
  Frames guest_frames;              // of every VM
  std::uint64_t block_every = 200;  // operations on ranges: one in so many is on a block
  bool life_cycle = true;           // VMs come and go
  bool boundary_values = true;      // also numbers that are never right
  // Pages with an odd number are lent to nobody.
  bool odd_pages_exclusive = false;
};

class Generator {
 public:
  Generator(const Playground& playground, std::uint64_t seed)
      : playground_(playground), random_(seed) {}

  [[nodiscard]] Operation Next(const Specification& specification);

 private:
  std::uint64_t Below(std::uint64_t limit) { return random_() % limit; }
  bool OneIn(std::uint64_t n) { return Below(n) == 0; }
  template <typename T>
  T OneOf(std::initializer_list<T> values) {
    return values.begin()[Below(values.size())];
  }

  Kind PickKind();
  Kind KindFor(const Page& page);
  std::uint64_t PickPage();
  std::uint64_t PickFrame();
  std::uint64_t PickCount();
  std::uint64_t BoundaryFrame(std::uint64_t limit);
  void AimAtState(const Specification& specification, Operation& operation);
  void SetVm(const Specification& specification, Operation& operation);
  void SetOption(Operation& operation);
  void LendOnlyEven(const Specification& specification, Operation& operation);
  void UseBlock(Operation& operation);
  Operation NextOfEnd(const Specification& specification);

  Playground playground_;
  std::mt19937_64 random_;
  // A VM that is on its way out, if `ending_`: half of the operations serve its end.
  bool ending_ = false;
  unsigned ends_ = 0;
};

}  // namespace ravelin::model
