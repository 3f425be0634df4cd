// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Runs each operation on the engine and on the specification, and compares: the answer, and all
// that can be seen of the pages that the operation names and of their neighbours (records, host's
// view, VM's view with permissions and memory type, the monitor's mapping, contents, counters). An
// operation that fails must leave no write, no maintenance operation and no counter behind.
// CheckAll compares everything there is.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/model/engine.h"
#include "tests/model/specification.h"

namespace ravelin::model {

// Where kNoMemory may be the answer even if the VM's own pool suffices.
struct Shortage {
  bool host_tables = false;
  bool monitor_map = false;
};

struct Statistics {
  std::uint64_t operations = 0;  // that were carried out
  std::uint64_t successes = 0;
  std::uint64_t skipped = 0;  // that callers may not ask for
  std::uint64_t full_checks = 0;
  std::array<std::uint64_t, kKinds> by_kind{};
  std::array<std::uint64_t, kKinds> done_by_kind{};
  std::array<std::uint64_t, kKinds> short_by_kind{};  // kNoMemory

  void Add(const Statistics& other);
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
  [[nodiscard]] bool last_succeeded() const { return last_succeeded_; }
  // The log of the fake machine is kept, for History; failed operations are compared by its length.
  void KeepLog() { keep_log_ = true; }

 private:
  using Counters = std::array<std::uint64_t, 32>;

  [[nodiscard]] Counters TakeCounters() const;
  [[nodiscard]] bool MayBeShort(const Operation& operation) const;
  void CheckAnswer(const Operation& operation, const Result<std::uint64_t>& answer);
  void CheckUnchanged(const Counters& before, std::size_t events);
  void Touch(const Operation& operation);
  void TouchPage(std::uint64_t pfn);
  void TouchFrames(std::uint64_t first, std::uint64_t count);
  void CheckTouched(const Operation& operation);

  void CheckPage(std::uint64_t pfn);
  void CheckRecord(std::uint64_t pfn, const Page& page);
  void CheckHostView(std::uint64_t pfn, const Page& page);
  void CheckGuestView(unsigned vm, std::uint64_t gfn);
  void CheckCounters();
  void CheckMetadataChain(const Vm& model);
  void CheckBlocks();
  void CheckHostTable();
  void CheckVmTable(unsigned vm);

  void Differs(const std::string& what, std::uint64_t where);
  [[nodiscard]] std::optional<std::string> Outcome();

  Engine engine_;
  Specification specification_;
  Shortage shortage_;
  Statistics statistics_;
  std::vector<std::uint64_t> touched_pages_;
  std::vector<std::uint64_t> touched_frames_;
  std::string wrong_;
  unsigned wrong_count_ = 0;
  std::size_t kept_events_ = 0;
  bool last_succeeded_ = false;
  bool keep_log_ = false;
};

}  // namespace ravelin::model
