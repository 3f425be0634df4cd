// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// All reachable states of small worlds, and from each of them every operation with every argument
// of a small set. The engine cannot be copied, so the test walks: it tries what is untried where it
// stands, and otherwise goes on to the nearest state that has something left. What an operation
// that fails leaves is the same state, which is checked. Together the worlds meet every cell of the
// table of transitions that a caller can reach.
#include <algorithm>
#include <deque>
#include <initializer_list>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/model/checker.h"
#include "tests/model/coverage.h"
#include "tests/model/scenes.h"
#include "tests/model/text.h"

namespace ravelin::model {
namespace {

// What a world has, and what is told apart in it.
struct World {
  const char* name;
  List<SpaceShape, kMaxSpaces> spaces;
  std::vector<std::uint64_t> frames;  // in use, of each space
  std::vector<std::uint64_t> pages;   // the first two are neighbours
  bool guards = false;                // guests guard frames
  bool contents = false;              // who wrote a page last
  bool monitor = true;  // pages are lent to the monitor and the secure world, or metadata
};

constexpr std::uint64_t kPage = kSmallPages.first;
constexpr std::uint64_t kTooMany = kMostPages + 1;
constexpr SpaceShape kProtected{SpaceKind::kProtectedVm, 32};
constexpr SpaceShape kNormal{SpaceKind::kNormalVm, 32};
constexpr SpaceShape kDevice{SpaceKind::kDevice, 32};

bool IsIn(Kind kind, const World& world) {
  const auto is_one_of = [&](std::initializer_list<Kind> kinds) {
    return std::ranges::find(kinds, kind) != kinds.end();
  };
  if (is_one_of({Kind::kTopUp, Kind::kCreateVm, Kind::kTearDown, Kind::kMapHostMmio})) {
    return false;
  }
  if (is_one_of({Kind::kGuardMmio, Kind::kUnguardMmio})) {
    return world.guards;
  }
  if (is_one_of({Kind::kHostWrite, Kind::kGuestWrite})) {
    return world.contents;
  }
  const bool of_monitor = is_one_of({Kind::kHostShareMonitor, Kind::kHostUnshareMonitor,
                                     Kind::kPinShared, Kind::kUnpinShared, Kind::kShareSecure,
                                     Kind::kUnshareSecure, Kind::kDonateMonitor});
  return world.monitor || !of_monitor;
}

// Pages of the world, somebody else's, and numbers that are no pages; ranges where the operation
// takes them.
std::vector<Frames> RangesFor(Kind kind, const World& world) {
  std::vector<Frames> ranges;
  ranges.reserve(world.pages.size() + 8);
  for (const std::uint64_t pfn : world.pages) {
    ranges.push_back({pfn, 1});
  }
  for (const std::uint64_t pfn :
       {kMonitorPage, kMonitorMmio, kSecurePage, std::uint64_t{0x40600}}) {
    ranges.push_back({pfn, 1});
  }
  if (ArgumentsOf(kind).count) {
    const std::uint64_t first = world.pages.front();
    ranges.insert(ranges.end(), {{first, 2}, {first, 0}, {first, kTooMany}});
  }
  return ranges;
}

// Frames in use, all of them as a range, and frames beyond the space.
std::vector<Frames> FramesFor(Kind kind, const World& world) {
  std::vector<Frames> ranges;
  ranges.reserve(world.frames.size() + 8);
  for (const std::uint64_t frame : world.frames) {
    ranges.push_back({frame, 1});
  }
  ranges.push_back({std::uint64_t{1} << 20U, 1});
  ranges.push_back({~std::uint64_t{0}, 1});
  if (ArgumentsOf(kind).count && !ArgumentsOf(kind).pfn) {
    ranges.insert(ranges.end(), {{kSmallFrame, 2}, {kSmallFrame, 0}, {kSmallFrame, kTooMany}});
  }
  return ranges;
}

std::vector<unsigned> OptionsFor(Kind kind) {
  if (ArgumentsOf(kind).contents) {
    return {0, 1};
  }
  if (ArgumentsOf(kind).permissions) {
    return kind == Kind::kMapDevice ? std::vector<unsigned>{1, 3} : std::vector<unsigned>{1, 7};
  }
  return {0};
}

// Whether a range stays on the frames that the world tells apart.
bool Fits(const World& world, std::uint64_t frame, std::uint64_t count) {
  return frame < kSmallFrame || frame >= kSmallFrame + 64 || count > 64 ||
         frame + count <= world.frames.back() + 1;
}

void AddCombinations(Kind kind, unsigned space, const World& world, std::vector<Operation>& all) {
  const Arguments arguments = ArgumentsOf(kind);
  const std::vector<Frames> none{{0, 1}};
  for (const Frames& pages : arguments.pfn ? RangesFor(kind, world) : none) {
    for (const Frames& frames : arguments.gfn ? FramesFor(kind, world) : none) {
      const std::uint64_t count = arguments.pfn ? pages.count : frames.count;
      if (arguments.gfn && !Fits(world, frames.first, count)) {
        continue;
      }
      for (const unsigned option : OptionsFor(kind)) {
        all.push_back({.kind = kind,
                       .vm = space,
                       .pfn = arguments.pfn ? pages.first : 0,
                       .gfn = arguments.gfn ? frames.first : 0,
                       .count = count,
                       .option = option});
      }
    }
  }
}

std::vector<Operation> AllOperations(const World& world) {
  std::vector<Operation> all;
  for (unsigned i = 0; i < kKinds; ++i) {
    const auto kind = static_cast<Kind>(i);
    const Arguments arguments = ArgumentsOf(kind);
    if (!IsIn(kind, world)) {
      continue;
    }
    if (arguments.scope == Scope::kNone) {
      AddCombinations(kind, 0, world, all);
      continue;
    }
    for (unsigned space = 0; space < world.spaces.size(); ++space) {
      if (Covers(arguments.scope, world.spaces[space].kind)) {
        AddCombinations(kind, space, world, all);
      }
    }
  }
  if (world.monitor) {
    const std::uint64_t first = world.pages.at(0);
    const std::uint64_t second = world.pages.at(1);
    all.push_back({.kind = Kind::kDonateMonitor, .pfn = second, .pfn2 = first, .count2 = 1});
    all.push_back(
        {.kind = Kind::kDonateMonitor, .pfn = first, .count = 2, .pfn2 = second, .count2 = 1});
    all.push_back({.kind = Kind::kReturnMetadata, .count = 2});
  }
  return all;
}

class Explorer {
 public:
  explicit Explorer(World world)
      : world_(std::move(world)),
        operations_(AllOperations(world_)),
        scene_(SmallScene(world_.spaces)) {
    Restart();
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
    std::cout << world_.name << ": " << states_.size() << " states, " << tried_
              << " operations tried, of which " << succeeded_ << " succeed, " << walked_
              << " steps on the way\n";
  }

  [[nodiscard]] const Coverage& coverage() const { return coverage_; }

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
    const Specification& now = checker_->specification();
    std::string name;
    const auto add = [&](std::uint64_t value) { name.push_back(static_cast<char>(value)); };
    for (const std::uint64_t pfn : world_.pages) {
      const Page& page = now.At(pfn);
      add(static_cast<std::uint64_t>(StateOf(page)));
      add(page.metadata ? page.space + 1U : 0);
      add(page.metadata ? IndexOf(page.place) : 0);
      add(world_.contents ? page.contents >> 56U : 0);
    }
    for (unsigned space = 0; space < now.space_count(); ++space) {
      for (const std::uint64_t frame : world_.frames) {
        const Result<Frame> found = now.FrameAt(space, frame);
        const Frame what = found.value_or(Frame{});
        add(found.has_value() ? 1U + static_cast<unsigned>(what.use) : 0);
        add(IndexOf(what.pfn));
        add(what.permissions);
      }
      add(IndexOf(now.SpaceAt(space).last_metadata));
    }
    return name;
  }

  [[nodiscard]] std::uint64_t IndexOf(std::uint64_t pfn) const {
    return static_cast<std::uint64_t>(std::ranges::find(world_.pages, pfn) - world_.pages.begin());
  }

  // A fresh world, in the first state.
  void Restart() {
    checker_.reset();
    checker_ = std::make_unique<Checker>(scene_.layout);
    Prepare(scene_, *checker_);
    recent_.clear();
  }

  // The state that the world is in now. All of the world is compared the first time.
  std::size_t Arrive() {
    const auto [place, is_new] = numbers_.emplace(Name(), states_.size());
    if (is_new) {
      states_.emplace_back();
      if (states_.size() % kFullCheckEvery == 1) {
        Expect(checker_->CheckAll(), "a new state");
      }
    }
    return place->second;
  }

  std::size_t TryNext(std::size_t here) {
    const std::size_t index = states_[here].tried++;
    const Operation& operation = operations_[index];
    if (!IsToTry(operation)) {
      return here;
    }
    coverage_.Note(checker_->specification(), operation);
    ++tried_;
    Do(operation);
    if (checker_->last_done() == 0) {
      return here;
    }
    ++succeeded_;
    const std::size_t there = Arrive();
    if (there != here) {
      states_[here].edges.push_back({index, there});
    }
    return there;
  }

  // What the set-up has donated stays.
  [[nodiscard]] bool IsToTry(const Operation& operation) const {
    const Specification& now = checker_->specification();
    if (operation.kind == Kind::kReturnMetadata) {
      const std::uint64_t last = now.SpaceAt(operation.vm).last_metadata;
      return last != kNoPlace && !now.At(last).of_table && now.Permitted(operation);
    }
    return now.Permitted(operation);
  }

  // Walks to the nearest state with something left to try; poison goes away only with the world.
  // False: there is none.
  bool GoOn(std::size_t& here) {
    if (WalkFrom(here)) {
      return true;
    }
    Restart();
    here = 0;
    return WalkFrom(here);
  }

  bool WalkFrom(std::size_t& here) {
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
    Expect(checker_->Step(operation), "an operation");
  }

  void Expect(const std::optional<std::string>& wrong, const char* where) {
    if (wrong) {
      ADD_FAILURE() << "after " << where << ":\n"
                    << *wrong << "the last operations:\n"
                    << ToString(std::vector<Operation>{recent_.begin(), recent_.end()});
    }
  }

  static constexpr std::size_t kRecent = 40;
  static constexpr std::size_t kFullCheckEvery = 8;

  World world_;
  std::vector<Operation> operations_;
  Scene scene_;
  std::unique_ptr<Checker> checker_;
  Coverage coverage_;
  std::vector<State> states_;
  std::unordered_map<std::string, std::size_t> numbers_;
  std::deque<Operation> recent_;
  std::uint64_t tried_ = 0;
  std::uint64_t succeeded_ = 0;
  std::uint64_t walked_ = 0;
  std::uint64_t search_ = 0;
};

// Sanitizers have fewer frames and pages; every cell can be met all the same.
std::vector<World> Worlds() {
  const std::uint64_t mmio = kSmallMmio.first;
  const std::vector<std::uint64_t> one{kSmallFrame};
  const std::vector<std::uint64_t> two{kSmallFrame, kSmallFrame + 1};
  const std::vector<std::uint64_t> around_a_block{kPage, kPage + 1, kPage + 2, mmio};
  const std::vector<std::uint64_t> across_a_block{kPage + 1, kPage + 2, mmio};
  const std::vector<std::uint64_t> ram_only{kPage + 1, kPage + 2};
  return {
      {.name = "one of each kind",
       .spaces = {kProtected, kNormal, kDevice},
       .frames = one,
       .pages = kSanitized ? across_a_block : around_a_block},
      {.name = "two protected VMs",
       .spaces = {kProtected, kProtected},
       .frames = kSanitized ? one : two,
       .pages = across_a_block,
       .guards = true},
      {.name = "two normal VMs, two device domains",
       .spaces = {kNormal, kNormal, kDevice, kDevice},
       .frames = one,
       .pages = ram_only},
      {.name = "pages that are lent twice to a VM",
       .spaces = {kNormal, kDevice},
       .frames = two,
       .pages = across_a_block,
       .monitor = false},
      {.name = "contents",
       .spaces = {kProtected, kNormal},
       .frames = kSanitized ? one : two,
       .pages = ram_only,
       .contents = true,
       .monitor = false},
  };
}

TEST(ExhaustiveTest, SmallWorlds) {
  Coverage coverage;
  for (const World& world : Worlds()) {
    Explorer explorer(world);
    explorer.Explore();
    coverage.Add(explorer.coverage());
  }
  std::cout << coverage.met() << " of " << Coverage::Possible()
            << " reachable cells of the table of transitions, " << coverage.states() << " of "
            << stage2::kPageStates << " states\n";
  for (const std::string& missing : coverage.Missing()) {
    ADD_FAILURE() << "never tried: " << missing;
  }
}

}  // namespace
}  // namespace ravelin::model
