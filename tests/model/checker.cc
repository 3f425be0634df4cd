// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/model/checker.h"

#include <algorithm>
#include <initializer_list>
#include <sstream>

#include "hyp/arch/fake/machine.h"

namespace ravelin::model {
namespace {

constexpr unsigned kMostDifferences = 8;  // that are spelt out

// Spans of 512^n pages that the frames touch, for n of each table below the root: no more tables
// can be missing.
std::uint64_t TablesAtMost(unsigned ipa_bits, std::uint64_t gfn, std::uint64_t count) {
  const unsigned levels = ipa_bits <= 34 ? 1 : ipa_bits <= 43 ? 2 : 3;
  std::uint64_t tables = 0;
  for (unsigned level = 1; level <= levels; ++level) {
    const unsigned shift = 9 * level;
    tables += ((gfn + count - 1) >> shift) - (gfn >> shift) + 1;
  }
  return tables;
}

bool IsOneOf(Kind kind, std::initializer_list<Kind> kinds) {
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

}  // namespace

void Statistics::Add(const Statistics& other) {
  operations += other.operations;
  successes += other.successes;
  skipped += other.skipped;
  full_checks += other.full_checks;
  for (std::size_t i = 0; i < kKinds; ++i) {
    by_kind[i] += other.by_kind[i];
    done_by_kind[i] += other.done_by_kind[i];
    short_by_kind[i] += other.short_by_kind[i];
  }
}

Checker::Checker(const Layout& layout, std::uint64_t host_tables, Shortage shortage)
    : engine_(layout, host_tables), specification_(layout), shortage_(shortage) {}

void Checker::Differs(const std::string& what, std::uint64_t where) {
  if (++wrong_count_ > kMostDifferences) {
    return;
  }
  std::ostringstream text;
  text << "  " << what << " (0x" << std::hex << where << ")\n";
  wrong_ += text.str();
}

std::optional<std::string> Checker::Outcome() {
  if (wrong_count_ == 0) {
    return std::nullopt;
  }
  if (wrong_count_ > kMostDifferences) {
    wrong_ += "  ... " + std::to_string(wrong_count_) + " differences in all\n";
  }
  return wrong_;
}

// --- One step

std::optional<std::string> Checker::Step(const Operation& operation) {
  last_succeeded_ = false;
  if (!specification_.Permitted(operation)) {
    ++statistics_.skipped;
    return std::nullopt;
  }
  const auto kind = static_cast<std::size_t>(operation.kind);
  ++statistics_.operations;
  ++statistics_.by_kind[kind];
  touched_pages_.clear();
  touched_frames_.clear();
  Touch(operation);
  const Counters before = TakeCounters();
  const Result<std::uint64_t> answer = engine_.Apply(operation);
  CheckAnswer(operation, answer);
  if (wrong_count_ != 0) {
    return Outcome();
  }
  if (answer.has_value()) {
    Operation done = operation;
    if (operation.kind == Kind::kReturnMetadata) {
      done.count = *answer;
    }
    specification_.Apply(done);
    last_succeeded_ = true;
    ++statistics_.successes;
    ++statistics_.done_by_kind[kind];
  } else {
    CheckUnchanged(before, kept_events_);
    statistics_.short_by_kind[kind] += answer.error() == Error::kNoMemory ? 1U : 0U;
  }
  if (keep_log_) {
    kept_events_ = fake::Log().size();
  } else {
    fake::ClearLog();
  }
  CheckTouched(operation);
  return Outcome();
}

void Checker::CheckAnswer(const Operation& operation, const Result<std::uint64_t>& answer) {
  const ErrorSet refusals = specification_.Refusals(operation);
  if (!answer.has_value() && answer.error() == Error::kNoMemory) {
    if (!refusals.empty()) {
      Differs("a call that is refused anyway asks for memory", 0);
    } else if (!MayBeShort(operation)) {
      Differs("no memory, although there is enough", 0);
    }
    return;
  }
  if (answer.has_value() != refusals.empty()) {
    Differs(refusals.empty() ? "fails, and should succeed; error" : "succeeds, and should fail",
            answer.has_value() ? 0 : static_cast<std::uint64_t>(answer.error()));
  } else if (!answer.has_value() && !refusals.Contains(answer.error())) {
    Differs("fails for a reason that does not hold; error",
            static_cast<std::uint64_t>(answer.error()));
  } else if (answer.has_value() && operation.kind == Kind::kReturnMetadata) {
    const std::uint64_t expected = specification_.ReturnCount(operation);
    const bool enough =
        *answer == expected || (shortage_.host_tables && *answer < expected && *answer != 0);
    if (!enough) {
      Differs("returns another number of pages", *answer);
    }
  }
}

bool Checker::MayBeShort(const Operation& operation) const {
  if (operation.kind == Kind::kDonateVm || operation.kind == Kind::kShareVm ||
      operation.kind == Kind::kGuardMmio) {
    const std::uint64_t count = operation.kind == Kind::kGuardMmio ? 1 : operation.count;
    const unsigned bits = specification_.layout().vms[operation.vm].ipa_bits;
    const std::uint64_t free = engine_.vm(operation.vm)->table().pool().free_count().raw();
    if (free < TablesAtMost(bits, operation.gfn, count)) {
      return true;
    }
  }
  const bool maps_for_monitor =
      IsOneOf(operation.kind,
              {Kind::kHostShareMonitor, Kind::kDonateMonitor, Kind::kTopUp, Kind::kCreateVm});
  const bool changes_host =
      IsOneOf(operation.kind,
              {Kind::kDonateMonitor, Kind::kTopUp, Kind::kCreateVm, Kind::kDonateVm,
               Kind::kReturnMetadata, Kind::kReclaim, Kind::kVmShareHost, Kind::kMapHostMmio});
  return (maps_for_monitor && shortage_.monitor_map) || (changes_host && shortage_.host_tables);
}

Checker::Counters Checker::TakeCounters() const {
  Counters counters{};
  counters[0] = engine_.ownership().donated_pages().raw();
  counters[1] = engine_.ownership().host_pool().free_count().raw();
  std::size_t next = 2;
  for (unsigned vm = 0; vm < specification_.layout().vms.size(); ++vm) {
    counters.at(next++) = engine_.MetadataCount(vm);
    if (const stage2::VmMemory* memory = engine_.vm(vm); memory != nullptr) {
      counters.at(next++) = memory->guest_pages().raw();
      counters.at(next++) = memory->table().pool().free_count().raw();
    }
  }
  return counters;
}

void Checker::CheckUnchanged(const Counters& before, std::size_t events) {
  if (fake::Log().size() != events) {
    Differs("a failed call has written or maintained something; events", fake::Log().size());
  }
  if (TakeCounters() != before) {
    Differs("a failed call has changed a counter", 0);
  }
}

// --- What an operation may have touched

void Checker::TouchPage(std::uint64_t pfn) {
  if (specification_.IsRam(pfn)) {
    touched_pages_.push_back(pfn);
  }
}

// Of a long range the ends, some pages inside and the neighbours outside.
void Checker::TouchFrames(std::uint64_t first, std::uint64_t count) {
  const std::uint64_t last = first + count - 1;
  for (const std::uint64_t gfn : {first - 1, first, first + 1, first + count / 2, last, last + 1}) {
    touched_frames_.push_back(gfn);
  }
}

void Checker::Touch(const Operation& operation) {
  const std::uint64_t count = std::min<std::uint64_t>(operation.count, 513);
  const std::uint64_t last = operation.pfn + count - 1;
  const bool names_page = operation.kind < Kind::kUnshareVm || operation.pfn != 0;
  if (names_page) {
    for (const std::uint64_t pfn : {operation.pfn, operation.pfn - 1, last + 1}) {
      TouchPage(pfn);
    }
    if (count > 1) {
      TouchPage(last);
      TouchPage(operation.pfn + count / 2);
    }
  }
  const bool names_vm = operation.kind >= Kind::kDonateVm && operation.kind <= Kind::kUnguardMmio;
  if (names_vm && operation.kind != Kind::kReclaim) {
    TouchFrames(operation.gfn, count);
    const Vm& vm = specification_.VmAt(operation.vm);
    for (const std::uint64_t gfn : {operation.gfn, operation.gfn + count - 1}) {
      if (const auto found = vm.pages.find(gfn); found != vm.pages.end()) {
        TouchPage(found->second);
      }
    }
  }
  if (operation.kind == Kind::kReclaim && specification_.IsRam(operation.pfn)) {
    TouchFrames(specification_.At(operation.pfn).gfn, count);
  }
  if (operation.kind == Kind::kReturnMetadata) {
    const auto& metadata = specification_.VmAt(operation.vm).metadata;
    for (std::uint64_t i = 0; i < std::min<std::uint64_t>(metadata.size(), 3); ++i) {
      TouchPage(metadata[metadata.size() - 1 - i]);
    }
  }
}

void Checker::CheckTouched(const Operation& operation) {
  for (const std::uint64_t pfn : touched_pages_) {
    CheckPage(pfn);
  }
  for (const std::uint64_t gfn : touched_frames_) {
    CheckGuestView(operation.vm, gfn);
  }
  CheckCounters();
}

}  // namespace ravelin::model
