// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// What the specification says of records and tables, held against the engine's. Freestanding, no
// side effect but the list of differences: tests and the checked image report it in their own way.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "stage2/ownership/ownership.h"
#include "tests/model/specification.h"
#include "tests/model/walker.h"

namespace ravelin::model {

struct Difference {
  const char* what;
  std::uint64_t where;
};

// The first few, and how many in all.
class Differences {
 public:
  void Note(const char* what, std::uint64_t where) {
    if (count_ < kept_.size()) {
      kept_[count_] = {what, where};
    }
    ++count_;
  }
  void NoteIf(bool differs, const char* what, std::uint64_t where) {
    if (differs) {
      Note(what, where);
    }
  }

  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] std::span<const Difference> kept() const {
    return std::span(kept_).first(count_ < kept_.size() ? count_ : kept_.size());
  }
  void Clear() { count_ = 0; }

 private:
  std::array<Difference, 8> kept_{};
  std::size_t count_ = 0;
};

// The part of a range that one visit can come to.
[[nodiscard]] std::uint64_t VisitOf(const Operation& operation);

// What an operation names, and the neighbours: of a long range the ends and a page inside.
struct Touched {
  List<std::uint64_t, 32> pages;
  List<std::uint64_t, 16> frames;  // of the space that it names
};
// Before the operation.
[[nodiscard]] Touched TouchedBy(const Specification& specification, const Operation& operation);

// Whether the pool of the space that the operation names may be too small for it. What a protected
// VM has to split has pages in reserve.
[[nodiscard]] bool MayBeShort(const Specification& specification, const Operation& operation,
                              const stage2::PagePool& pool);

// The answer of an operation. `may_be_short`: a pool is so small that kNoMemory may be right.
void CompareAnswer(const Specification& specification, const Operation& operation,
                   const Result<std::uint64_t>& answer, bool may_be_short,
                   Differences& differences);

// A page: its record, what the host is told of it, and the host's view.
void ComparePage(const Specification& specification, const stage2::Ownership& ownership,
                 std::uint64_t pfn, Differences& differences);

// A frame of a living VM or device domain in its own table.
void CompareFrame(const Specification& specification, const Tree& tree, unsigned space,
                  std::uint64_t frame, Differences& differences);

[[nodiscard]] stage2::PageState StateOf(const Page& page);
[[nodiscard]] Tree TreeOf(const stage2::PageTable& table);

}  // namespace ravelin::model
