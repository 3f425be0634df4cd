// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/model/checker.h"

#include <algorithm>
#include <bit>
#include <initializer_list>

#include "hyp/arch/fake/machine.h"
#include "tests/model/text.h"

namespace ravelin::model {
namespace {

constexpr std::uint64_t kBlock = 512;

bool IsOneOf(Kind kind, std::initializer_list<Kind> kinds) {
  return std::ranges::find(kinds, kind) != kinds.end();
}

}  // namespace

void Statistics::Add(const Statistics& other) {
  operations += other.operations;
  successes += other.successes;
  skipped += other.skipped;
  full_checks += other.full_checks;
  shared_blocks += other.shared_blocks;
  whole_blocks += other.whole_blocks;
  for (std::size_t i = 0; i < kKinds; ++i) {
    by_kind[i] += other.by_kind[i];
    done_by_kind[i] += other.done_by_kind[i];
    short_by_kind[i] += other.short_by_kind[i];
  }
}

SpecificationMemory::SpecificationMemory(const Layout& layout)
    : pages_(Specification::PagesOf(layout)),
      mappings_(std::bit_ceil(std::max<std::size_t>(8 * pages_.size(), layout.mappings))) {}

Checker::Checker(const Layout& layout, std::uint64_t host_tables, Shortage shortage)
    : engine_(layout, host_tables),
      memory_(layout),
      specification_(layout, memory_.view()),
      shortage_(shortage) {}

std::optional<std::string> Checker::Outcome() {
  return differences_.empty() ? std::nullopt : std::optional(ToString(differences_));
}

// --- One step

std::optional<std::string> Checker::Step(const Operation& operation) {
  last_done_ = 0;
  if (!specification_.Permitted(operation)) {
    ++statistics_.skipped;
    return std::nullopt;
  }
  const auto kind = static_cast<std::size_t>(operation.kind);
  ++statistics_.operations;
  ++statistics_.by_kind[kind];
  const Touched touched = TouchedBy(specification_, operation);
  const Counters before = TakeCounters();
  const bool may_be_short = IsShort(operation);
  NoteAges(operation);
  const Result<std::uint64_t> answer = engine_.Apply(operation);
  CompareAnswer(specification_, operation, answer, may_be_short, differences_);
  if (!differences_.empty()) {
    return Outcome();
  }
  if (answer.has_value()) {
    specification_.Apply(operation, *answer);
    last_done_ = *answer;
    ++statistics_.successes;
    ++statistics_.done_by_kind[kind];
    CheckDone(operation, *answer);
  } else {
    CheckUnchanged(before);
    statistics_.short_by_kind[kind] += answer.error() == Error::kNoMemory ? 1U : 0U;
  }
  if (keep_log_) {
    kept_events_ = fake::Log().size();
  } else {
    fake::ClearLog();
  }
  CheckTouched(operation.vm, touched);
  return Outcome();
}

// What only a success has to keep.
void Checker::CheckDone(const Operation& operation, std::uint64_t done) {
  if (operation.kind == Kind::kMapHostMmio && !specification_.HasRecord(operation.pfn)) {
    mmio_.insert(operation.pfn);
  }
  if (operation.kind == Kind::kAge) {
    CheckAges(operation, done);
  }
  if (operation.kind == Kind::kGuestTouch) {
    differences_.NoteIf(!Walk(engine_.TreeOf(operation.vm), operation.gfn).young,
                        "a frame that was used has no access flag", operation.gfn);
  }
  if (operation.kind == Kind::kDonateVm && (operation.gfn + done) % kBlock == 0) {
    CheckBlock(operation.vm, operation.gfn + done - kBlock);
  }
  const bool aligned = operation.pfn % kBlock == 0 && operation.gfn % kBlock == 0;
  if (operation.kind == Kind::kShareVm && aligned && operation.count >= kBlock) {
    const bool ram = specification_.IsRam(operation.pfn);
    const unsigned level = Walk(engine_.TreeOf(operation.vm), operation.gfn).level;
    differences_.NoteIf(done != kBlock || (ram && level > 2), "a shared block is in pieces, gfn",
                        operation.gfn);
    ++statistics_.shared_blocks;
  }
}

// The access flags of the frames that an operation may age.
void Checker::NoteAges(const Operation& operation) {
  ages_.clear();
  if (operation.kind != Kind::kAge) {
    return;
  }
  const Tree tree = engine_.TreeOf(operation.vm);
  for (std::uint64_t i = 0; i < VisitOf(operation); ++i) {
    if (!specification_.IsPage(operation.vm, operation.gfn + i)) {
      return;
    }
    ages_.push_back(Walk(tree, operation.gfn + i));
  }
}

// Every young leaf of the part was counted once, and none is young now.
void Checker::CheckAges(const Operation& operation, std::uint64_t done) {
  const Tree tree = engine_.TreeOf(operation.vm);
  std::uint64_t young = 0;
  for (std::uint64_t i = 0; i < done; ++i) {
    const std::uint64_t frame = operation.gfn + i;
    const View& before = ages_.at(i);
    const bool first = i == 0 || frame % walk::PagesAt(before.level) == 0;
    young += first && before.young ? 1 : 0;
    differences_.NoteIf(Walk(tree, frame).young, "a frame is young after HostAgeVm", frame);
  }
  differences_.NoteIf(young != engine_.last_young(), "HostAgeVm counts other young leaves",
                      engine_.last_young());
}

bool Checker::IsShort(const Operation& operation) const {
  const Kind kind = operation.kind;
  const stage2::PageTable* const table = engine_.TableOf(operation.vm);
  if (ArgumentsOf(kind).gfn && table != nullptr &&
      MayBeShort(specification_, operation, table->pool())) {
    return true;
  }
  const bool maps_for_monitor =
      IsOneOf(kind, {Kind::kHostShareMonitor, Kind::kDonateMonitor, Kind::kTopUp, Kind::kCreateVm});
  const bool changes_host = IsOneOf(
      kind, {Kind::kDonateMonitor, Kind::kTopUp, Kind::kCreateVm, Kind::kDonateVm,
             Kind::kReturnMetadata, Kind::kReclaim, Kind::kForceReclaim, Kind::kVmRelinquish,
             Kind::kDonateDevice, Kind::kReclaimDevice, Kind::kVmShareHost, Kind::kMapHostMmio});
  return (maps_for_monitor && shortage_.monitor_map) || (changes_host && shortage_.host_tables);
}

Checker::Counters Checker::TakeCounters() const {
  Counters counters{};
  counters[0] = engine_.ownership().donated_pages().raw();
  counters[1] = engine_.ownership().host_pool().free_count().raw();
  std::size_t next = 2;
  for (unsigned space = 0; space < specification_.space_count(); ++space) {
    counters.at(next++) = engine_.MetadataCount(space);
    counters.at(next++) = engine_.PageCountOf(space);
    if (const stage2::PageTable* table = engine_.TableOf(space); table != nullptr) {
      counters.at(next++) = table->pool().free_count().raw();
      counters.at(next++) = table->pool().reserved_count().raw();
    }
  }
  return counters;
}

void Checker::CheckUnchanged(const Counters& before) {
  const std::size_t events = fake::Log().size();
  differences_.NoteIf(events != kept_events_,
                      "a failed call has written or maintained something; events", events);
  differences_.NoteIf(TakeCounters() != before, "a failed call has changed a counter", 0);
}

void Checker::CheckTouched(unsigned space, const Touched& touched) {
  for (const std::uint64_t pfn : touched.pages) {
    CheckPage(pfn);
  }
  for (const std::uint64_t frame : touched.frames) {
    CheckFrame(space, frame);
  }
  CheckCounters();
}

}  // namespace ravelin::model
