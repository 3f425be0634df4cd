// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// What page ownership means, apart from how stage2/ does it: a map from each page to its owner, its
// borrowers, its place and its contents, and for each VM and device domain a map from its frames to
// pages. Written from the documents (docs/, hyp/abi/host_call.h), not from the engine: there is no
// table of transitions and no order of checks here, no translation table and no memory for one.
// Pure: no input or output, nothing global. Freestanding: the caller supplies the memory, so that
// the same source judges the engine in tests and the monitor at EL2.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>

#include "hyp/base/inline_vector.h"
#include "hyp/base/invariant.h"
#include "hyp/base/result.h"
#include "tests/model/frame_map.h"
#include "tests/model/operation.h"

namespace ravelin::model {

// Frames from `first` on. Numbers may be anything.
struct Frames {
  std::uint64_t first = 0;
  std::uint64_t count = 0;

  // Whether all of `other` is here; safe for any numbers.
  [[nodiscard]] constexpr bool Holds(Frames other) const {
    return other.first >= first && other.first - first < count &&
           other.count <= count - (other.first - first);
  }
};

template <typename T, std::size_t kCapacity>
class List : public InlineVector<T, kCapacity> {
 public:
  constexpr List() = default;
  constexpr List(std::initializer_list<T> items) {
    for (const T& item : items) {
      Push(item);
    }
  }
  constexpr void Push(const T& item) {
    Invariant(this->Add(item).has_value(), "the lists of a layout are long enough");
  }
};

// An address space besides the host's: a VM or a device domain.
struct SpaceShape {
  SpaceKind kind = SpaceKind::kNormalVm;
  unsigned ipa_bits = 32;
  unsigned holder = 0;  // its name in page records
};

inline constexpr std::size_t kMaxSpaces = 255;

// The machine. RAM and the MMIO pages that have records: regions in rising order, apart.
struct Layout {
  List<Frames, 32> ram;
  List<Frames, 16> mmio;
  List<Frames, 16> monitor;  // of RAM or MMIO: the monitor's, for ever
  List<Frames, 4> secure;    // of RAM: the secure world's, for ever
  unsigned host_ipa_bits = 36;
  bool shares_with_secure = false;  // whether the policy lets the host do so
  List<SpaceShape, kMaxSpaces> spaces;
  std::uint64_t mappings = 0;  // if there may be more than a few for each page
};

enum class Party : std::uint8_t { kHost, kMonitor, kVm, kDevice, kSecure };

// Contents of a page, by who wrote them last.
inline constexpr std::uint64_t kZeros = 0;
constexpr std::uint64_t HostBytes(std::uint64_t pfn) { return 0xA000'0000'0000'0000U | pfn; }
constexpr std::uint64_t MonitorBytes(std::uint64_t pfn) { return 0xB000'0000'0000'0000U | pfn; }
constexpr std::uint64_t GuestBytes(unsigned vm, std::uint64_t pfn) {
  return 0xC000'0000'0000'0000U | static_cast<std::uint64_t>(vm) << 56U | pfn;
}

struct Page {
  std::uint64_t contents = kZeros;
  // A page that a VM or device owns: its frame there. Metadata: the page donated before it.
  std::uint64_t place = 0;
  std::uint16_t loans = 0;  // mappings in normal VMs
  std::uint16_t maps = 0;   // mappings in device domains
  std::uint8_t space = 0;   // which one, where it is a VM's, a device's, or metadata
  Party owner = Party::kHost;
  bool mmio = false;
  bool lent_monitor = false;
  bool pinned = false;
  bool lent_secure = false;
  bool lent_host = false;  // by the VM that owns it
  bool metadata = false;   // the monitor's, donated by the host
  bool of_table = false;   // metadata that holds translation tables: contents are not specified

  [[nodiscard]] bool IsLent() const {
    return loans != 0 || maps != 0 || lent_monitor || lent_secure || lent_host;
  }

  friend bool operator==(const Page&, const Page&) = default;
};
inline constexpr std::uint16_t kMostUses = 0xffff;
inline constexpr std::uint64_t kNoPlace = ~std::uint64_t{0};

enum class Phase : std::uint8_t { kAbsent, kLive, kDying };

struct Space {
  Phase phase = Phase::kAbsent;
  std::uint64_t pages = 0;                 // that its table maps
  std::uint64_t notes = 0;                 // guarded and poisoned frames
  std::uint64_t last_metadata = kNoPlace;  // the page donated last
  std::uint64_t metadata = 0;              // how many
  std::uint64_t table_pages = 0;           // given for tables, the root apart
};

// Errors that may be the answer. Several reasons may hold at once; none is better than another.
class ErrorSet {
 public:
  constexpr ErrorSet() = default;
  constexpr ErrorSet(std::initializer_list<Error> errors) {
    for (const Error error : errors) {
      Add(error);
    }
  }
  constexpr void Add(Error error) { bits_ |= 1U << static_cast<unsigned>(error); }
  constexpr void Add(ErrorSet other) { bits_ |= other.bits_; }
  [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }
  [[nodiscard]] constexpr bool Contains(Error error) const {
    return (bits_ >> static_cast<unsigned>(error) & 1U) != 0;
  }

 private:
  std::uint32_t bits_ = 0;
};

// What the answer may be. `most` pages from the first on can be done; an operation on a range does
// any number of them but 0. A range may fail for a reason that holds for a page further on, as long
// as one visit could come to it.
struct Judgement {
  ErrorSet errors;
  std::uint64_t most = 0;

  // No reason against it: it has to succeed, as far as there is memory for tables.
  [[nodiscard]] bool must_succeed() const { return errors.empty(); }
  [[nodiscard]] bool Allows(const Result<std::uint64_t>& answer) const {
    if (!answer.has_value()) {
      return errors.Contains(answer.error());
    }
    return *answer <= most && (*answer >= 1 || (most == 0 && must_succeed()));
  }
};

// What the ABI allows in one call, and what one visit of EL2 does at most.
inline constexpr std::uint64_t kMostPages = std::uint64_t{1} << 18U;
inline constexpr std::uint64_t kMostInVisit = 512;
// One object of a VM is all or nothing: so many pages are never too many.
inline constexpr std::uint64_t kMostOfObject = 16;

class Specification {
 public:
  struct Memory {
    std::span<Page> pages;               // PagesOf(layout), default-constructed
    std::span<FrameMap::Slot> mappings;  // a power of two, zeroed
  };

  Specification(const Layout& layout, Memory memory);

  // Whether callers keep their part of the contract: which kind of VM, and its life cycle.
  [[nodiscard]] bool Permitted(const Operation& operation) const;
  // How a permitted operation may end.
  [[nodiscard]] Judgement Judge(const Operation& operation) const;
  // The state after a permitted operation that has done `done` pages.
  void Apply(const Operation& operation, std::uint64_t done);

  // For a caller that sees no creation of spaces, only the first donation: what is known of one,
  // and that it begins, or does not after all.
  void SetShape(unsigned space, SpaceShape shape) { layout_.spaces[space] = shape; }
  void Begin(unsigned space) { spaces_[space].phase = Phase::kLive; }
  void Forget(unsigned space) { spaces_[space] = {}; }

  [[nodiscard]] const Layout& layout() const { return layout_; }
  // Pages that have records: RAM, and some MMIO.
  [[nodiscard]] bool HasRecord(std::uint64_t pfn) const { return IndexOf(pfn) != kNowhere; }
  [[nodiscard]] bool IsRam(std::uint64_t pfn) const { return IndexOf(pfn) < ram_pages_; }
  [[nodiscard]] const Page& At(std::uint64_t pfn) const { return pages_[IndexOf(pfn)]; }
  [[nodiscard]] const Space& SpaceAt(unsigned space) const { return spaces_[space]; }
  [[nodiscard]] const SpaceShape& ShapeOf(unsigned space) const { return layout_.spaces[space]; }
  [[nodiscard]] unsigned space_count() const {
    return static_cast<unsigned>(layout_.spaces.size());
  }
  // What is at a frame of a space. kNotMapped: nothing.
  [[nodiscard]] Result<Frame> FrameAt(unsigned space, std::uint64_t frame) const;
  [[nodiscard]] bool IsPage(unsigned space, std::uint64_t frame) const;
  [[nodiscard]] const FrameMap& frames() const { return frames_; }
  [[nodiscard]] bool HostCanUse(std::uint64_t pfn) const;
  [[nodiscard]] std::uint64_t donated() const { return donated_; }  // given away by the host
  [[nodiscard]] std::uint64_t FramesOf(unsigned space) const;       // its size

  [[nodiscard]] static std::uint64_t PagesOf(const Layout& layout);
  [[nodiscard]] static std::uint64_t RootPages(unsigned ipa_bits);

 private:
  static constexpr std::uint64_t kNowhere = ~std::uint64_t{0};

  [[nodiscard]] std::uint64_t IndexOf(std::uint64_t pfn) const;
  [[nodiscard]] bool PermittedReturn(const Operation& operation) const;

  // Reasons against a range as a whole, and against one page or frame.
  [[nodiscard]] ErrorSet AgainstWhole(const Operation& operation) const;
  [[nodiscard]] ErrorSet AgainstPage(const Operation& operation, std::uint64_t pfn) const;
  [[nodiscard]] ErrorSet AgainstSecureLoan(Kind kind, const Page& page) const;
  [[nodiscard]] static ErrorSet AgainstMonitorLoan(Kind kind, const Page& page);
  [[nodiscard]] ErrorSet AgainstTarget(const Operation& operation, std::uint64_t gfn) const;
  [[nodiscard]] ErrorSet AgainstMapped(const Operation& operation, std::uint64_t gfn) const;
  [[nodiscard]] ErrorSet AgainstDonation(const Operation& operation, Frames range) const;
  [[nodiscard]] Judgement JudgeRange(const Operation& operation) const;
  [[nodiscard]] Judgement JudgeDonation(const Operation& operation) const;
  [[nodiscard]] Judgement JudgeGuard(const Operation& operation) const;
  [[nodiscard]] Judgement JudgeMmio(const Operation& operation) const;

  Page& PageAt(std::uint64_t pfn) { return pages_[IndexOf(pfn)]; }
  void SetOwner(Frames range, Party owner);
  void Give(const Operation& operation, std::uint64_t pfn, std::uint64_t gfn);
  void TakeFromOwner(std::uint64_t pfn, bool forget_frame);
  void Donate(const Operation& operation, Frames range);
  void ReturnLast(Space& space);
  void ApplyToPage(Kind kind, std::uint64_t pfn);
  void ApplyToFrame(const Operation& operation, std::uint64_t gfn);
  void ApplyToSpace(const Operation& operation, std::uint64_t done);

  Layout layout_;
  std::span<Page> pages_;
  FrameMap frames_;
  std::array<Space, kMaxSpaces> spaces_{};
  std::uint64_t ram_pages_ = 0;
  std::uint64_t donated_ = 0;
};

}  // namespace ravelin::model
