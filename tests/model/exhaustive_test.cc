// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// All reachable states of three pages, a protected VM and a normal one, and from each of them every
// operation with every argument of a small set. The engine cannot be copied, so the test walks: it
// tries what is untried where it stands, and otherwise goes on to the nearest state that has
// something left. What an operation that fails leaves is the same state, which is checked.
#include <deque>
#include <iostream>
#include <string>
#include <unordered_map>
#include <vector>

#include "gtest/gtest.h"
#include "tests/model/checker.h"
#include "tests/model/coverage.h"
#include "tests/model/scenes.h"

namespace ravelin::model {
namespace {

// Guest frames per VM.
constexpr std::uint64_t kFrames = kSanitized ? 1 : 2;

// What is told apart.
struct Bounds {
  std::uint64_t frames;  // guest frames per VM
  bool guards;           // guests guard frames
  bool contents;         // who wrote a page last
};

std::vector<Operation> MonitorOperations(const std::vector<std::uint64_t>& pages) {
  std::vector<Operation> all;
  for (const std::uint64_t pfn : pages) {
    for (const Kind kind : {Kind::kHostShareMonitor, Kind::kHostUnshareMonitor, Kind::kPinShared,
                            Kind::kUnpinShared}) {
      all.push_back({.kind = kind, .pfn = pfn});
    }
  }
  return all;
}

std::vector<Frames> Ranges() {
  const std::uint64_t first = kSmallPages.first;
  return {{first, 1}, {first + 1, 1}, {first + 2, 1}, {first, 2},   {first + 1, 2},
          {first, 3}, {first + 2, 0}, {0x40001, 1},   {0x40600, 1}, {first, 513}};
}

// Every operation of one VM, with frames beyond what it uses and beyond its space.
void AddVmOperations(unsigned vm, const Bounds& bounds, std::vector<Operation>& all) {
  std::vector<std::uint64_t> frames{std::uint64_t{1} << 20U, ~std::uint64_t{0}};
  for (std::uint64_t i = 0; i < bounds.frames; ++i) {
    frames.push_back(kSmallFrame + i);
  }
  for (const Frames& range : Ranges()) {
    all.push_back(
        {.kind = Kind::kDonateMonitor, .vm = vm, .pfn = range.first, .count = range.count});
    all.push_back({.kind = Kind::kReclaim, .vm = vm, .pfn = range.first, .count = range.count});
    for (const std::uint64_t gfn : frames) {
      if (range.count > 1 && gfn + range.count > kSmallFrame + bounds.frames &&
          gfn < kSmallFrame + bounds.frames) {
        continue;  // would use more frames than this world tells apart
      }
      for (const unsigned option : {1U, vm == 0 ? 0U : 7U}) {
        all.push_back({.kind = vm == 0 ? Kind::kDonateVm : Kind::kShareVm,
                       .vm = vm,
                       .pfn = range.first,
                       .gfn = gfn,
                       .count = range.count,
                       .option = option});
      }
    }
  }
  for (const std::uint64_t gfn : frames) {
    for (const Kind kind : {Kind::kVmShareHost, Kind::kVmUnshareHost, Kind::kGuestWrite}) {
      all.push_back({.kind = kind, .vm = vm, .gfn = gfn});
    }
    for (const Kind kind : {Kind::kGuardMmio, Kind::kUnguardMmio}) {
      if (bounds.guards) {
        all.push_back({.kind = kind, .vm = vm, .gfn = gfn});
      }
    }
    for (const std::uint64_t count : {0U, 1U, 2U, 513U}) {
      all.push_back({.kind = Kind::kUnshareVm, .vm = vm, .gfn = gfn, .count = count});
    }
    for (const unsigned permissions : {1U, 7U}) {
      all.push_back({.kind = Kind::kSetPermissions, .vm = vm, .gfn = gfn, .option = permissions});
    }
  }
  for (const std::uint64_t count : {0U, 1U, 2U}) {
    all.push_back({.kind = Kind::kReturnMetadata, .vm = vm, .count = count});
  }
}

std::vector<Operation> AllOperations(const Bounds& bounds) {
  const std::uint64_t first = kSmallPages.first;
  std::vector<Operation> all =
      MonitorOperations({first, first + 1, first + 2, 0x40001, 0x40600, ~std::uint64_t{0}});
  for (std::uint64_t pfn = first; pfn < first + kSmallPages.count; ++pfn) {
    all.push_back({.kind = Kind::kHostWrite, .pfn = pfn});
  }
  for (const unsigned vm : {0U, 1U}) {
    AddVmOperations(vm, bounds, all);
    all.push_back({.kind = Kind::kDonateMonitor,
                   .vm = vm,
                   .pfn = first + 2,
                   .count = 1,
                   .pfn2 = first,
                   .count2 = 1});
    all.push_back({.kind = Kind::kDonateMonitor,
                   .vm = vm,
                   .pfn = first,
                   .count = 2,
                   .pfn2 = first + 1,
                   .count2 = 2});
  }
  return all;
}

class Explorer {
 public:
  explicit Explorer(Bounds bounds)
      : bounds_(bounds), operations_(AllOperations(bounds)), checker_(SmallScene().layout) {
    for (const Operation& operation : SmallScene().set_up) {
      EXPECT_EQ(checker_.Step(operation), std::nullopt);
    }
  }

  void Explore() {
    std::size_t here = Arrive();
    while (!::testing::Test::HasFailure()) {
      if (states_[here].tried < operations_.size()) {
        here = TryNext(here);
      } else if (!GoOn(here)) {
        break;
      }
    }
    Print();
  }

  [[nodiscard]] const Coverage& coverage() const { return coverage_; }
  [[nodiscard]] std::size_t states() const { return states_.size(); }

 private:
  struct Edge {
    std::size_t operation;
    std::size_t to;
  };
  struct State {
    std::size_t tried = 0;
    std::vector<Edge> edges;     // that lead to other states
    std::uint64_t found_in = 0;  // the last search that has come here
    Edge from{};                 // and by which operation, from where
  };

  // A name for the state, equal for equal states.
  std::string Name() const {
    const Specification& now = checker_.specification();
    std::string name;
    const auto add = [&](std::uint64_t value) { name.push_back(static_cast<char>(value)); };
    for (std::uint64_t i = 0; i < kSmallPages.count; ++i) {
      const Page& page = now.At(kSmallPages.first + i);
      add(static_cast<std::uint64_t>(page.owner) << 4U | static_cast<std::uint64_t>(page.borrower));
      add(page.pinned ? 1 : 0);
      add(page.vm << 4U | page.permissions);
      add(page.gfn - kSmallFrame);
      add(bounds_.contents ? page.contents >> 56U : 0);
    }
    for (const unsigned vm : {0U, 1U}) {
      const Vm& model = now.VmAt(vm);
      for (std::size_t i = kMetadataOfSetUp; i < model.metadata.size(); ++i) {
        add(model.metadata[i] - kSmallPages.first + 1);
      }
      add(0);
      for (std::uint64_t i = 0; i < bounds_.frames; ++i) {
        add(model.guarded.contains(kSmallFrame + i) ? 1 : 0);
      }
    }
    return name;
  }

  // The state that the world is in now. All of the world is compared the first time.
  std::size_t Arrive() {
    const auto [place, is_new] = numbers_.emplace(Name(), states_.size());
    if (is_new) {
      states_.emplace_back();
      Expect(checker_.CheckAll(), "a new state");
    }
    return place->second;
  }

  std::size_t TryNext(std::size_t here) {
    const std::size_t index = states_[here].tried++;
    const Operation& operation = operations_[index];
    if (!checker_.specification().Permitted(operation)) {
      return here;
    }
    coverage_.Note(checker_.specification(), operation);
    ++tried_;
    Do(operation);
    if (!checker_.last_succeeded()) {
      return here;
    }
    const std::size_t there = Arrive();
    if (there != here) {
      states_[here].edges.push_back({index, there});
    }
    return there;
  }

  // Walks to the nearest state with something left to try. False: there is none.
  bool GoOn(std::size_t& here) {
    ++search_;
    std::vector<std::size_t> reached{here};
    states_[here].found_in = search_;
    std::size_t at = 0;
    while (at < reached.size() && states_[reached[at]].tried == operations_.size()) {
      for (const Edge& edge : states_[reached[at]].edges) {
        State& next = states_[edge.to];
        if (next.found_in != search_) {
          next.found_in = search_;
          next.from = {edge.operation, reached[at]};
          reached.push_back(edge.to);
        }
      }
      ++at;
    }
    if (at == reached.size()) {
      return false;
    }
    std::vector<std::size_t> path;
    const std::size_t goal = reached[at];
    for (std::size_t step = goal; step != here; step = states_[step].from.to) {
      path.push_back(states_[step].from.operation);
    }
    for (; !path.empty(); path.pop_back()) {
      Do(operations_[path.back()]);
      ++walked_;
    }
    here = Arrive();
    EXPECT_EQ(here, goal);
    return true;
  }

  void Do(const Operation& operation) {
    recent_.push_back(operation);
    if (recent_.size() > kRecent) {
      recent_.pop_front();
    }
    Expect(checker_.Step(operation), "an operation");
  }

  void Expect(const std::optional<std::string>& wrong, const char* where) {
    if (wrong) {
      ADD_FAILURE() << "after " << where << ":\n"
                    << *wrong << "the last operations:\n"
                    << ToString({recent_.begin(), recent_.end()});
    }
  }

  void Print() const {
    std::cout << states_.size() << " states, " << tried_ << " operations tried, of which "
              << checker_.statistics().successes - walked_ << " succeed, " << walked_
              << " steps on the way\n";
  }

  static constexpr std::size_t kMetadataOfSetUp = 4 + 8;  // root and pool
  static constexpr std::size_t kRecent = 40;

  Bounds bounds_;
  std::vector<Operation> operations_;
  Checker checker_;
  Coverage coverage_;
  std::vector<State> states_;
  std::unordered_map<std::string, std::size_t> numbers_;
  std::deque<Operation> recent_;
  std::uint64_t tried_ = 0;
  std::uint64_t walked_ = 0;
  std::uint64_t search_ = 0;
};

void ExpectAllCovered(const Coverage& coverage) {
  std::cout << Coverage::Possible() - coverage.Missing().size() << " of " << Coverage::Possible()
            << " reachable cells of the table of transitions\n";
  for (const std::string& missing : coverage.Missing()) {
    ADD_FAILURE() << "never tried: " << missing;
  }
}

TEST(ExhaustiveTest, StatesOfPagesAndGuards) {
  Explorer explorer(
      {.frames = FromEnvironment("RAVELIN_FRAMES", kFrames), .guards = true, .contents = false});
  explorer.Explore();
  ExpectAllCovered(explorer.coverage());
}

TEST(ExhaustiveTest, StatesOfPagesAndContents) {
  Explorer explorer({.frames = kFrames, .guards = false, .contents = true});
  explorer.Explore();
  ExpectAllCovered(explorer.coverage());
}

}  // namespace
}  // namespace ravelin::model
