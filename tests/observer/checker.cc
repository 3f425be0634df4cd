// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/observer/checker.h"

#include <algorithm>
#include <numeric>

#include "hyp/abi/guest_call.h"
#include "hyp/abi/host_call.h"

namespace ravelin::observer {
namespace {

// ESR_EL2.EC (D24.2, "ESR_EL2").
constexpr std::uint64_t kHvc64 = 0x16;
constexpr std::uint64_t kSmc64 = 0x17;
constexpr std::uint64_t ClassOf(std::uint64_t esr) { return esr >> 26 & 0x3f; }

// Offset of a vector in its group of four (D1.3.1.5).
constexpr std::uint64_t kGroup = 0x200;
constexpr std::uint64_t kIrqVector = 0x80;
constexpr std::uint64_t kSerrorVector = 0x180;

constexpr std::uint64_t kHcrVm = 1;

// RSI_IPA_STATE_SET(base, top, RIPAS) (Arm DEN 0137).
constexpr std::uint64_t kIpaStateSet = 0xC4000197;
constexpr std::uint64_t kRipasEmpty = 0;
constexpr std::uint64_t kRipasRam = 1;
// What a guest can name at once: more than any VM has.
constexpr std::uint64_t kMaxDeclared = 1 << 22;

constexpr std::uint64_t HostCall(std::uint64_t number) { return RAVELIN_HOST_CALL_BASE + number; }

bool IsCall(const Entry& entry) {
  const std::uint64_t exception = ClassOf(entry.esr);
  return !entry.start && entry.vector % kGroup == 0 && (exception == kHvc64 || exception == kSmc64);
}

// Guest frames that a call declares or withdraws.
struct Declaration {
  enum class What : std::uint8_t { kNothing, kShare, kWithdraw };
  What what = What::kNothing;
  Ipa first;
  std::uint64_t pages = 0;
};

Declaration DeclarationOf(const Entry& entry) {
  using What = Declaration::What;
  if (!IsCall(entry)) {
    return {};
  }
  const Ipa first{AlignDown(entry.x[1], kPageSize)};
  const std::uint64_t count = std::clamp<std::uint64_t>(entry.x[2], 1, kMaxDeclared);
  switch (entry.x[0]) {
    case RAVELIN_GUEST_MEM_SHARE:
      return {What::kShare, first, count};
    case RAVELIN_GUEST_MEM_UNSHARE:
      return {What::kWithdraw, first, count};
    case kIpaStateSet:
      break;
    default:
      return {};
  }
  const std::uint64_t pages = entry.x[2] > entry.x[1] ? (entry.x[2] - entry.x[1]) / kPageSize : 0;
  const What what = entry.x[3] == kRipasEmpty ? What::kShare
                    : entry.x[3] == kRipasRam ? What::kWithdraw
                                              : What::kNothing;
  return {what, first, std::min(pages, kMaxDeclared)};
}

}  // namespace

Checker::Checker(const Memory& memory, const Limits& limits)
    : watched_(limits.ram),
      monitor_(memory, watched_),
      invalidations_(report_, watched_),
      forest_({memory, watched_, monitor_, invalidations_, report_}),
      visits_(report_, limits.visit) {}

Cause Checker::CauseOf(const CpuState& cpu) {
  const Entry& entry = cpu.entry;
  if (entry.start || cpu.tree == nullptr) {
    return {};
  }
  const Cause::From from = cpu.tree->host ? Cause::From::kHost : Cause::From::kGuest;
  switch (entry.vector % kGroup) {
    case 0:
      break;
    case kIrqVector:
      return {from, Cause::Kind::kIrq, 0};
    case kSerrorVector:
      return {from, Cause::Kind::kSerror, 0};
    default:
      return {from, Cause::Kind::kSync, 0};
  }
  const std::uint64_t exception = ClassOf(entry.esr);
  if (exception == kHvc64) {
    return {from, Cause::Kind::kHvc, entry.x[0]};
  }
  if (exception == kSmc64) {
    return {from, Cause::Kind::kSmc, entry.x[0]};
  }
  return {from, Cause::Kind::kSync, exception};
}

void Checker::Enter(Place place, const Entry& entry, std::uint64_t count) {
  CpuState& cpu = cpus_[place.cpu.raw()];
  if (cpu.away) {
    --cpu.tree->running;
    cpu.away = false;
  }
  invalidations_.Finish(place);  // nothing, unless the CPU was switched off in a visit
  cpu.entry = entry;
  cpu.fetched.clear();
  visits_.Enter(place.cpu, count, CauseOf(cpu));
  Declare(cpu);
}

// A guest that asks for a share has declared it: the host may have the page from here on.
void Checker::Declare(CpuState& cpu) {
  const Declaration declaration = DeclarationOf(cpu.entry);
  if (cpu.tree == nullptr || cpu.tree->host || declaration.what != Declaration::What::kShare) {
    return;
  }
  const std::uint64_t first = ToGfn(declaration.first).raw();
  for (std::uint64_t i = 0; i < declaration.pages; ++i) {
    cpu.tree->declared.insert((first + i) & cpu.tree->FrameMask());
  }
}

void Checker::Execute(Place place, const Instruction& instruction, std::uint64_t operand) {
  CpuState& cpu = cpus_[place.cpu.raw()];
  Settle(cpu);
  switch (instruction.operation) {
    case Operation::kTlbi:
      Invalidate(place, instruction, operand);
      break;
    case Operation::kDsb:
      invalidations_.Observe(place.cpu, instruction.dsb);
      break;
    case Operation::kIsb:
      cpu.vttbr_in_flight = false;
      break;
    case Operation::kSetVttbr:
      cpu.vttbr_in_flight = true;
      cpu.vttbr = operand;
      break;
    case Operation::kSetVtcr:
      cpu.vtcr = operand;
      break;
    case Operation::kSetHcr:
      cpu.hcr = operand;
      break;
    case Operation::kSetTtbr0:
      cpu.ttbr0 = operand;
      break;
    case Operation::kOther:
    case Operation::kZeroBlock:
    case Operation::kConditionalStore:
    case Operation::kLoadAcquire:
    case Operation::kSmc:
    case Operation::kEret:
      break;
  }
}

void Checker::Invalidate(Place place, const Instruction& instruction, std::uint64_t operand) {
  const CpuState& cpu = cpus_[place.cpu.raw()];
  ++tlbis_[static_cast<std::size_t>(instruction.tlbi.target)];
  if (cpu.vttbr_in_flight) {
    report_.Add(Rule::kVmidIsb, place, cpu.vttbr, "TLBI with no ISB after MSR VTTBR_EL2");
  }
  invalidations_.Observe({instruction.tlbi, operand, place.cpu, VmidOf(cpu.vttbr)});
}

void Checker::Leave(Place place, const std::array<std::uint64_t, 2>& x, std::uint64_t count) {
  CpuState& cpu = cpus_[place.cpu.raw()];
  Settle(cpu);
  cpu.vttbr_in_flight = false;
  invalidations_.Finish(place);
  if (!monitor_.known()) {
    monitor_.Learn(RootOf(cpu.ttbr0));
  }
  Tree* before = cpu.tree;
  if ((cpu.hcr & kHcrVm) == 0) {
    report_.Add(Rule::kStage2Off, place, cpu.hcr, "HCR_EL2.VM is 0");
  } else {
    cpu.tree = &forest_.Enter(place, cpu.vttbr, cpu.vtcr);
    ++cpu.tree->running;
    cpu.away = true;
  }
  if (before != nullptr && before == cpu.tree) {
    FinishCall(place, cpu, x);
  }
  FinishMonitorPages(place);
  visits_.Leave(place, count);
}

// The caller of the visit gets its answer.
void Checker::FinishCall(Place place, CpuState& cpu, const std::array<std::uint64_t, 2>& x) {
  if (!IsCall(cpu.entry)) {
    return;
  }
  if (cpu.tree->host) {
    FinishHostCall(place, cpu, x[0]);
    return;
  }
  const Declaration declaration = DeclarationOf(cpu.entry);
  if (declaration.what == Declaration::What::kWithdraw && x[0] == 0) {
    Withdraw(place, *cpu.tree, declaration.first, declaration.pages);
  }
}

void Checker::FinishHostCall(Place place, const CpuState& cpu, std::uint64_t result) {
  const std::array<std::uint64_t, 5>& call = cpu.entry.x;
  if (result != RAVELIN_SUCCESS) {
    return;
  }
  switch (call[0]) {
    case HostCall(RAVELIN_HOST_PAGE_SHARE):
      monitor_.Share(Pfn{call[1]});
      break;
    case HostCall(RAVELIN_HOST_PAGE_UNSHARE):
      monitor_.Unshare(Pfn{call[1]});
      break;
    case HostCall(RAVELIN_HOST_VM_CREATE):
      forest_.Create(place, ToPa(Pfn{call[4]}), call[1] == RAVELIN_VM_NORMAL);
      break;
    default:
      break;
  }
}

// The guest has its pages back: the host must not have them any more.
void Checker::Withdraw(Place place, Tree& tree, Ipa first, std::uint64_t pages) {
  for (std::uint64_t i = 0; i < pages; ++i) {
    const std::uint64_t frame = (ToGfn(first).raw() + i) & tree.FrameMask();
    if (tree.declared.erase(frame) != 0) {
      forest_.CheckWithdrawn(place, tree, Gfn{frame});
    }
  }
}

void Checker::FinishMonitorPages(Place place) {
  for (const Pfn page : monitor_.TakeFresh(place.cpu)) {
    if (monitor_.IsMonitors(page) && forest_.leaves().IsMapped(page)) {
      report_.Add(Rule::kMonitorMapped, place, ToPa(page).raw(),
                  "page taken by the monitor is still mapped at a lower EL");
    }
  }
}

// A page that is wiped or filled while somebody may still write to it, or read what is put there.
void Checker::CheckReuse(Place place, Pfn page) {
  if (!invalidations_.empty() && !monitor_.IsShared(page) &&
      invalidations_.MayReach({page, PageCount{1}})) {
    report_.Add(Rule::kReuse, place, ToPa(page).raw(), "written while a TLB may reach it");
  }
}

void Checker::Zero(Place place, Pfn page) {
  CheckReuse(place, page);
  auto& zeroing = cpus_[place.cpu.raw()].zeroing;
  if (zeroing.empty() || zeroing.back().second != page) {
    zeroing.emplace_back(place, page);
  }
}

void Checker::Settle(CpuState& cpu) {
  for (const auto& [place, page] : std::exchange(cpu.zeroing, {})) {
    forest_.Rescan(place, page);
    monitor_.Rescan(place.cpu, page);
  }
}

void Checker::Store(Place place, Pa address, std::uint64_t value) {
  Settle(cpus_[place.cpu.raw()]);
  CheckReuse(place, ToPfn(address));
  forest_.Store(place, address, value);
  monitor_.Store(place.cpu, address, value);
}

void Checker::Write(Place place, Pfn page) {
  Settle(cpus_[place.cpu.raw()]);
  CheckReuse(place, page);
  forest_.Rescan(place, page);
  monitor_.Rescan(place.cpu, page);
}

void Checker::Load(Place place, Pa address, std::uint64_t size) {
  if (!forest_.leaves().IsMapped(ToPfn(address))) {
    return;
  }
  CpuState& cpu = cpus_[place.cpu.raw()];
  for (std::uint64_t byte = address.raw(); byte < address.raw() + size; ++byte) {
    std::uint8_t& seen = cpu.fetched[byte / kEntryBytes];
    const auto bit = static_cast<std::uint8_t>(1U << byte % kEntryBytes);
    if ((seen & bit) != 0) {
      report_.Add(Rule::kDoubleFetch, place, byte, "read twice in a visit");
      return;
    }
    seen |= bit;
  }
}

void Checker::Print(std::ostream& out) const {
  visits_.Print(out);
  out << "figure table_pages " << forest_.tables() << "\nfigure leaves " << forest_.leaves().size()
      << "\nfigure descriptor_stores " << forest_.stores() << "\nfigure breaks " << forest_.breaks()
      << "\nfigure tlbis " << std::accumulate(tlbis_.begin(), tlbis_.end(), std::uint64_t{0})
      << '\n';
  report_.Print(out);
}

}  // namespace ravelin::observer
