// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Sequences of operations on one stage-2 table, of any width and with any number of table pages.
// Must hold after each: the answer is that of a list of mapped runs; a walk that knows the
// architecture's bits and nothing of stage2/ finds what the list says; the number of table pages
// taken is the one that the check has named. In the end: break-before-make in the history of all
// writes (stage2/testing/history.h), and every table page is back.
#include "stage2/table/page_table.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>

#include "hyp/arch/fake/machine.h"
#include "stage2/machine.h"
#include "stage2/testing/history.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/verdict.h"

namespace ravelin::fuzz {
namespace {

using stage2::Annotation;
using stage2::Attributes;
using stage2::Geometry;
using stage2::Mapping;
using stage2::MemoryType;
using stage2::PagePool;
using stage2::PageTable;
using stage2::Permissions;

constexpr unsigned kMaxOperations = 64;
constexpr std::uint64_t kRoot = 0x10'0000'0000;  // above all that is mapped
constexpr std::uint64_t kPool = kRoot + 0x10'0000;
// A frame is mapped to the frame this far behind it, so that no page is mapped twice.
constexpr std::uint64_t kShift = 0x40'0000;

struct Leaf {
  std::uint64_t frame = 0;
  bool read = false, write = false, execute = false, cached = false;
  friend bool operator==(const Leaf&, const Leaf&) = default;
};

// Where the walk of a frame ends: the page's leaf, or what software left in the invalid entry.
struct Found {
  std::optional<Leaf> leaf;
  std::uint64_t note = 0;
};

// Arm ARM D8: 4 KiB granule, 9 bits for each level.
Found Walk(std::uint64_t root, const Geometry& geometry, std::uint64_t frame) {
  std::uint64_t table = root;
  unsigned shift = 9 * (3 - geometry.start_level());
  std::uint64_t index = frame >> shift;
  for (;; shift -= 9, index = frame >> shift & 0x1ff) {
    const std::uint64_t word = fake::Peek(Pa{table + 8 * index});
    const std::uint64_t output = word & 0xffff'ffff'f000;
    if ((word & 1) == 0) {
      return {.leaf = {}, .note = word};
    }
    if (shift != 0 && (word & 2) != 0) {
      table = output;
      continue;
    }
    Require(shift != 0 || (word & 2) != 0, "a reserved encoding at the last level");
    Require((word >> 10 & 1) == 1, "a leaf without the access flag");
    return {.leaf = Leaf{.frame = (output >> 12) + (frame & ((std::uint64_t{1} << shift) - 1)),
                         .read = (word >> 6 & 1) != 0,
                         .write = (word >> 7 & 1) != 0,
                         .execute = (word >> 54 & 1) == 0,
                         .cached = (word >> 2 & 0xf) == 0xf}};
  }
}

// Consecutive frames with the same attributes.
struct Run {
  std::uint64_t count = 0;
  Attributes attributes;
};

class Session {
 public:
  explicit Session(Input& input)
      : input_(input),
        geometry_(*Geometry::ForIpaBits(stage2::kMinIpaBits + input.Byte() % 17U)),
        pages_(input.Byte() % 48U) {
    fake::Reset();
    for (std::uint64_t i = 0; i < geometry_.root_pages().raw(); ++i) {
      machine::ZeroTablePage(Pa{kRoot + i * kPageSize});
    }
    machine::PublishEntries();
    for (std::uint64_t i = 0; i < pages_; ++i) {
      pool_.Give(Pa{kPool + i * kPageSize});
    }
    table_ = PageTable(Pa{kRoot}, geometry_, {.vmid = Vmid{3}}, pool_);
    history_.AddTable(table_);
  }

  void Run() {
    for (unsigned i = 0; i < kMaxOperations && !input_.empty(); ++i) {
      Step();
    }
    // To split blocks of which only a part may be left.
    for (const std::uint64_t enough = pages_ + 16; pages_ < enough; ++pages_) {
      pool_.Give(Pa{kPool + pages_ * kPageSize});
    }
    for (const auto& [first, run] : std::map(runs_)) {
      Unmap(first, run.count);
    }
    for (const auto& [frame, note] : std::map(notes_)) {
      ClearNote(frame, note);
    }
    Require(runs_.empty() && notes_.empty(), "what is mapped can be unmapped by its runs");
    Require(pool_.free_count().raw() == pages_, "a table page is lost");
    for (const std::string& breach : history_.Replay(fake::Log())) {
      Fail(breach);
    }
  }

 private:
  std::uint64_t Frame() {
    constexpr std::array<std::uint64_t, 8> kBases{0,        0x200,    0x3'fe00,   0x4'0000,
                                                  0x8'0000, 0xf'ff00, 0x3ff'ff00, 0x10'0000};
    const std::uint64_t base = input_.Pick(kBases);
    const unsigned how = input_.Byte();
    return how >= 0xf8 ? input_.Pick(kEdges)
                       : base + std::uint64_t{how % 4} * 0x200 + (how >= 0x80 ? how : 0);
  }
  std::uint64_t Count() {
    constexpr std::array<std::uint64_t, 12> kCounts{1,     2,     3,        0x1ff,    0x200, 0x201,
                                                    0x400, 0x600, 0x4'0000, 0x8'0000, 0,     7};
    const unsigned how = input_.Byte();
    return how >= 0xf0 ? input_.Pick(kEdges) : how >= 0x80 ? how : kCounts[how % kCounts.size()];
  }

  void Step() {
    const unsigned operation = input_.Byte() % 8;
    const std::uint64_t frame = Frame();
    switch (operation) {
      case 0:
      case 1:
        return Map(frame, Count());
      case 2:
        return Unmap(frame, Count());
      case 3:
        return SetPermissions(frame);
      case 4:
        return Annotate(frame, Note());
      case 5:
        return ClearNote(frame, Note());
      case 6:
        return Coalesce(frame, Count());
      default:
        return CheckFrame(frame);
    }
  }

  Annotation Note() {
    return (input_.Byte() & 1) != 0 ? Annotation::kMmioGuard : Annotation::kPoison;
  }
  Permissions AnyPermissions() {
    constexpr std::array kAll{Permissions::kRead, Permissions::kReadWrite,
                              Permissions::kReadExecute, Permissions::kAll};
    return input_.Pick(kAll);
  }

  [[nodiscard]] bool InSpace(std::uint64_t first, std::uint64_t count) const {
    const std::uint64_t limit = std::uint64_t{1} << (geometry_.ipa_bits() - kPageShift);
    return count != 0 && first < limit && count <= limit - first;
  }
  // Makes `frame` the first of a run, if it is inside one.
  void Cut(std::uint64_t frame) {
    auto next = runs_.upper_bound(frame);
    if (next == runs_.begin()) {
      return;
    }
    const auto run = std::prev(next);
    const std::uint64_t before = frame - run->first;
    if (before != 0 && before < run->second.count) {
      runs_.emplace_hint(next, frame,
                         fuzz::Run{run->second.count - before, run->second.attributes});
      run->second.count = before;
    }
  }
  // How many frames of the range are mapped. Its ends are cut.
  std::uint64_t Mapped(std::uint64_t first, std::uint64_t count) {
    Cut(first);
    Cut(first + count);
    std::uint64_t sum = 0;
    for (auto run = runs_.lower_bound(first); run != runs_.end() && run->first < first + count;
         ++run) {
      sum += run->second.count;
    }
    return sum;
  }
  [[nodiscard]] bool HasNotes(std::uint64_t first, std::uint64_t count) const {
    const auto note = notes_.lower_bound(first);
    return note != notes_.end() && note->first < first + count;
  }

  void Map(std::uint64_t first, std::uint64_t count) {
    const Attributes attributes{AnyPermissions(), (input_.Byte() & 3) == 0
                                                      ? MemoryType::kNormalNonCacheable
                                                      : MemoryType::kNormal};
    const unsigned largest = 1 + input_.Byte() % 3U;
    // Thousands of single pages would say no more than some, and take the time of many inputs.
    count = largest == stage2::kPageLevel && count < 0x1000 ? count % 0x20 : count;
    const Mapping mapping{.first = Gfn{first},
                          .target = Pfn{first + kShift},
                          .count = PageCount{count},
                          .attributes = attributes,
                          .largest = largest};
    const Result<PageCount> needed = table_.CheckMap(mapping);
    if (!InSpace(first, count)) {
      return Require(!needed && needed.error() == Error::kInvalidArgument, "CheckMap: range");
    }
    if (Mapped(first, count) != 0 || HasNotes(first, count)) {
      return Require(!needed && needed.error() == Error::kExists, "CheckMap: exists");
    }
    Require(needed.has_value(), "CheckMap refuses a free range");
    if (!pool_.Has(*needed)) {
      return;
    }
    const std::uint64_t before = pool_.free_count().raw();
    table_.Map(mapping);
    Require(before - pool_.free_count().raw() == needed->raw(), "Map takes what CheckMap names");
    runs_[first] = {count, attributes};
    CheckEdges(first, count);
  }

  void Unmap(std::uint64_t first, std::uint64_t count) {
    const Result<PageCount> needed = table_.CheckUnmap(Gfn{first}, PageCount{count});
    if (!InSpace(first, count)) {
      return Require(!needed && needed.error() == Error::kInvalidArgument, "CheckUnmap: range");
    }
    if (Mapped(first, count) != count) {
      return Require(!needed && needed.error() == Error::kNotMapped, "CheckUnmap: a hole");
    }
    Require(needed.has_value(), "CheckUnmap refuses a mapped range");
    if (!pool_.Has(*needed)) {
      return;
    }
    table_.Unmap(Gfn{first}, PageCount{count});
    runs_.erase(runs_.lower_bound(first), runs_.lower_bound(first + count));
    CheckEdges(first, count);
  }

  void SetPermissions(std::uint64_t frame) {
    const Permissions permissions = AnyPermissions();
    const Result<PageCount> needed = table_.CheckPermissions(Gfn{frame}, PageCount{1}, permissions);
    if (!InSpace(frame, 1)) {
      return Require(!needed && needed.error() == Error::kInvalidArgument, "permissions: range");
    }
    if (Mapped(frame, 1) == 0) {
      return Require(!needed && needed.error() == Error::kNotMapped, "permissions: not mapped");
    }
    Require(needed.has_value(), "permissions: refused");
    if (!pool_.Has(*needed)) {
      return;
    }
    table_.SetPermissions(Gfn{frame}, PageCount{1}, permissions);
    runs_[frame].attributes.permissions = permissions;
    CheckEdges(frame, 1);
  }

  void Annotate(std::uint64_t frame, Annotation note) {
    const Result<> result = table_.Annotate(Gfn{frame}, note);
    if (!InSpace(frame, 1)) {
      return Require(!result && result.error() == Error::kInvalidArgument, "annotation: range");
    }
    const bool other = notes_.contains(frame) && notes_[frame] != note;
    if (Mapped(frame, 1) != 0 || other) {
      return Require(!result && result.error() == Error::kExists, "annotation: exists");
    }
    if (result) {
      notes_[frame] = note;
    } else {
      Require(result.error() == Error::kNoMemory && !notes_.contains(frame), "annotation: refused");
    }
    CheckEdges(frame, 1);
  }

  void ClearNote(std::uint64_t frame, Annotation note) {
    const Result<> result = table_.ClearAnnotation(Gfn{frame}, note);
    const bool there = InSpace(frame, 1) && notes_.contains(frame) && notes_[frame] == note;
    Require(result.has_value() == there, "an annotation is cleared exactly if it is there");
    if (there) {
      notes_.erase(frame);
      CheckEdges(frame, 1);
    }
  }

  void Coalesce(std::uint64_t first, std::uint64_t count) {
    if (InSpace(first, count)) {
      table_.Coalesce(Gfn{first}, PageCount{std::min<std::uint64_t>(count, 0x1000)},
                      PageTable::OnMerge::kFree);
      CheckEdges(first, count);
    }
  }

  void CheckEdges(std::uint64_t first, std::uint64_t count) {
    for (const std::uint64_t frame :
         {first - 1, first, first + count / 2, first + count - 1, first + count}) {
      CheckFrame(frame);
    }
    for (const auto& [start, run] : runs_) {
      CheckFrame(start);
      CheckFrame(start + run.count - 1);
    }
  }

  void CheckFrame(std::uint64_t frame) {
    if (!InSpace(frame, 1)) {
      return;
    }
    const auto next = runs_.upper_bound(frame);
    const auto run = next == runs_.begin() ? runs_.end() : std::prev(next);
    const bool mapped = run != runs_.end() && frame - run->first < run->second.count;
    const Found found = Walk(kRoot, geometry_, frame);
    const auto resolved = table_.Resolve(Gfn{frame});
    Require(resolved.has_value() == mapped, "Resolve: mapped or not");
    if (!found.leaf) {
      Require(!mapped, "a frame is not mapped");
      const auto note = notes_.find(frame);
      const auto expected = note == notes_.end() ? Annotation::kNone : note->second;
      Require((found.note == 0) == (expected == Annotation::kNone), "the note in the entry");
      return Require(table_.AnnotationAt(ToIpa(Gfn{frame})) == expected, "another annotation");
    }
    const Attributes& attributes = run->second.attributes;
    const Leaf leaf{.frame = frame + kShift,
                    .read = true,
                    .write = attributes.permissions.writable(),
                    .execute = attributes.permissions.executable(),
                    .cached = attributes.memory == MemoryType::kNormal};
    Require(*found.leaf == leaf && resolved->raw() == leaf.frame, "another frame or attributes");
  }

  Input& input_;
  Geometry geometry_;
  std::uint64_t pages_;
  PagePool pool_;
  PageTable table_;
  stage2::testing::History history_;
  std::map<std::uint64_t, fuzz::Run> runs_;
  std::map<std::uint64_t, Annotation> notes_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  Session(input).Run();
  return 0;
}

}  // namespace ravelin::fuzz
