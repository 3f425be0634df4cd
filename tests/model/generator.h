// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Random operations, chosen with a look at the specified state, so that most of them mean
// something: pages that somebody has, frames that are mapped, ranges at block boundaries, and now
// and then numbers that no honest caller would give. What an operation has left over of its range
// mostly comes next.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <random>
#include <vector>

#include "tests/model/specification.h"

namespace ravelin::model {

// Where a generator looks for pages and frames.
struct Playground {
  std::vector<Frames> pages;        // most operations
  std::vector<Frames> blocks;       // for operations on 512 pages
  Frames guest_frames;              // of every VM and device domain
  std::uint64_t block_every = 200;  // operations on ranges: one in so many is on a block
  std::uint64_t end_every = 3000;   // operations after which a VM goes, if `life_cycle`
  bool life_cycle = true;           // VMs come and go
  bool boundary_values = true;      // also numbers that are never right
  // Pages with an odd number are used by one party at a time.
  bool odd_pages_exclusive = false;
};

class Generator {
 public:
  Generator(const Playground& playground, std::uint64_t seed)
      : playground_(playground), random_(seed) {}

  [[nodiscard]] Operation Next(const Specification& specification);
  // How many pages of the last operation were done; 0: none, or an error.
  void Note(const Operation& operation, std::uint64_t done);

 private:
  struct Place {
    unsigned space = 0;
    std::uint64_t frame = 0;
  };

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
  Operation Fresh(const Specification& specification);
  void AimAtState(const Specification& specification, Operation& operation);
  void SetSpace(const Specification& specification, Operation& operation);
  void SetOption(Operation& operation);
  void UseBlock(const Specification& specification, Operation& operation);
  void UseBoundaries(const Specification& specification, Operation& operation);
  void UseOnlyEven(const Specification& specification, Operation& operation);
  Operation NextOfEnd(const Specification& specification);

  Playground playground_;
  std::mt19937_64 random_;
  // The rest of a range; count 0: there is none.
  Operation rest_{.count = 0};
  // Where pages were mapped last.
  std::array<Place, 64> places_{};
  std::size_t next_place_ = 0;
  // A VM or device domain that is on its way out, if `ending_`: half of the operations serve its
  // end.
  bool ending_ = false;
  unsigned ends_ = 0;
};

}  // namespace ravelin::model
