// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Runs each operation on the engine and on the specification, and compares: the answer, and all
// that can be seen of the pages that the operation names and of their neighbours (comparison.h, the
// monitor's mapping, contents, access flags, counters). An operation that fails must leave no
// write, no maintenance operation and no counter behind. CheckAll compares everything there is.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/model/comparison.h"
#include "tests/model/engine.h"
#include "tests/model/specification.h"

namespace ravelin::model {

// Where kNoMemory may be the answer even if the pool of the VM suffices.
struct Shortage {
  bool host_tables = false;
  bool monitor_map = false;
};

struct Statistics {
  std::uint64_t operations = 0;  // that were carried out
  std::uint64_t successes = 0;
  std::uint64_t skipped = 0;  // that callers may not ask for
  std::uint64_t full_checks = 0;
  std::uint64_t shared_blocks = 0;  // 2 MiB lent by one operation
  std::uint64_t whole_blocks = 0;   // of protected VMs that came in slices
  std::array<std::uint64_t, kKinds> by_kind{};
  std::array<std::uint64_t, kKinds> done_by_kind{};
  std::array<std::uint64_t, kKinds> short_by_kind{};  // kNoMemory

  void Add(const Statistics& other);
};

// Memory for a specification, from the heap.
class SpecificationMemory {
 public:
  explicit SpecificationMemory(const Layout& layout);
  [[nodiscard]] Specification::Memory view() { return {pages_, mappings_}; }

 private:
  std::vector<Page> pages_;
  std::vector<FrameMap::Slot> mappings_;
};

class Checker {
 public:
  explicit Checker(const Layout& layout, std::uint64_t host_tables = Engine::kAdvised,
                   Shortage shortage = {});

  // nullopt: engine and specification agree. Otherwise what differs.
  [[nodiscard]] std::optional<std::string> Step(const Operation& operation);
  [[nodiscard]] std::optional<std::string> CheckAll();

  [[nodiscard]] const Specification& specification() const { return specification_; }
  [[nodiscard]] Engine& engine() { return engine_; }
  [[nodiscard]] const Statistics& statistics() const { return statistics_; }
  // How many pages the last operation did; 0: it failed, or was not asked for.
  [[nodiscard]] std::uint64_t last_done() const { return last_done_; }
  // The log of the fake machine is kept, for History; failed operations are compared by its length.
  void KeepLog() { keep_log_ = true; }

 private:
  using Counters = std::array<std::uint64_t, 48>;
  [[nodiscard]] Counters TakeCounters() const;
  [[nodiscard]] bool IsShort(const Operation& operation) const;
  void CheckUnchanged(const Counters& before);
  void CheckDone(const Operation& operation, std::uint64_t done);
  void NoteAges(const Operation& operation);
  void CheckAges(const Operation& operation, std::uint64_t done);
  void CheckTouched(unsigned space, const Touched& touched);

  void CheckPage(std::uint64_t pfn);
  void CheckFrame(unsigned space, std::uint64_t frame);
  void CheckCounters();
  void CheckHostBlocks();
  void CheckHostTable();
  void CheckTable(unsigned number);
  void CheckBlock(unsigned number, std::uint64_t first);

  [[nodiscard]] std::optional<std::string> Outcome();

  Engine engine_;
  SpecificationMemory memory_;
  Specification specification_;
  Shortage shortage_;
  Statistics statistics_;
  std::vector<View> ages_;
  std::set<std::uint64_t> mmio_;  // frames without a record that the host has used
  Differences differences_;
  std::size_t kept_events_ = 0;
  std::uint64_t last_done_ = 0;
  bool keep_log_ = false;
};

}  // namespace ravelin::model
