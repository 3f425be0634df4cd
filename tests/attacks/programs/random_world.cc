// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/attacks/programs/random_world.h"

#include <algorithm>
#include <bit>

#include "hyp/abi/guest_call.h"
#include "tests/attacks/programs/report.h"
#include "tests/guests/caller_guest.h"

namespace ravelin::attacks {
namespace {

using model::Kind;
using model::Operation;

constexpr std::uint64_t kPoolBlocks = 4;
constexpr std::uint64_t kBlockPages = 512;
constexpr unsigned kIpaBits = 36;                         // of a RawVm
constexpr std::uint64_t kNoRam = std::uint64_t{1} << 36;  // frames above are none of this machine's
constexpr std::uint64_t kFirstRam = 0x40000;              // of QEMU's virt machine

std::uint64_t KindOf(unsigned vm) {
  return vm < kVms / 2 ? RAVELIN_VM_PROTECTED : RAVELIN_VM_NORMAL;
}

// Status values are the errors in their order.
Result<std::uint64_t> ToOutcome(const Answer& answer, std::uint64_t done) {
  if (answer.status == RAVELIN_SUCCESS || answer.status == RAVELIN_INCOMPLETE) return done;
  return Failure{static_cast<Error>(-answer.status - 1)};
}

bool IsGuestCall(Kind kind) {
  return kind == Kind::kVmShareHost || kind == Kind::kVmUnshareHost ||
         kind == Kind::kVmRelinquish || kind == Kind::kGuardMmio || kind == Kind::kUnguardMmio;
}

bool IsAccess(Kind kind) {
  return kind == Kind::kHostWrite || kind == Kind::kGuestWrite || kind == Kind::kGuestTouch;
}

bool IsHostCall(Kind kind) {
  switch (kind) {
    case Kind::kHostShareMonitor:
    case Kind::kHostUnshareMonitor:
    case Kind::kTopUp:
    case Kind::kDonateVm:
    case Kind::kShareVm:
    case Kind::kUnshareVm:
    case Kind::kSetPermissions:
    case Kind::kAge:
    case Kind::kReclaim:
    case Kind::kForceReclaim:
      return true;
    case Kind::kPinShared:
    case Kind::kUnpinShared:
    case Kind::kDonateMonitor:
    case Kind::kReturnMetadata:
    case Kind::kMapDevice:
    case Kind::kUnmapDevice:
    case Kind::kDonateDevice:
    case Kind::kReclaimDevice:
    case Kind::kShareSecure:
    case Kind::kUnshareSecure:
    case Kind::kVmShareHost:
    case Kind::kVmUnshareHost:
    case Kind::kVmRelinquish:
    case Kind::kGuardMmio:
    case Kind::kUnguardMmio:
    case Kind::kMapHostMmio:
    case Kind::kHostWrite:
    case Kind::kGuestWrite:
    case Kind::kGuestTouch:
    case Kind::kCreateVm:
    case Kind::kTearDown:
      break;
  }
  return false;
}

// What may find no page in the VM's pool. What takes pages from a protected VM never does.
bool MayNeedTables(Kind kind) {
  return kind == Kind::kDonateVm || kind == Kind::kShareVm || kind == Kind::kUnshareVm ||
         kind == Kind::kSetPermissions || kind == Kind::kGuardMmio;
}

// What a host call asks of a VM that lives.
bool NeedsLife(Kind kind) {
  return kind == Kind::kTopUp || kind == Kind::kDonateVm || kind == Kind::kShareVm ||
         kind == Kind::kSetPermissions || kind == Kind::kAge || kind == Kind::kForceReclaim;
}

std::string Describe(const Operation& operation) {
  std::array<char, 160> text{};
  return std::string(model::Print(operation, text));
}

}  // namespace

RandomWorld::RandomWorld(const AttackDevice& device, const PageWords& image)
    : device_(&device), image_(image) {
  Allocate();
  model::Layout layout;
  const model::Frames monitor{device.Info(RAVELIN_INFO_CARVEOUT_PFN),
                              device.Info(RAVELIN_INFO_CARVEOUT_PAGES)};
  for (const Block& block : pool_) layout.ram.Push({block.pfn, block.pages()});
  layout.ram.Push(monitor);
  layout.monitor.Push(monitor);
  for (unsigned vm = 0; vm < kVms; ++vm) {
    const auto kind = KindOf(vm) == RAVELIN_VM_PROTECTED ? model::SpaceKind::kProtectedVm
                                                         : model::SpaceKind::kNormalVm;
    layout.spaces.Push({.kind = kind, .ipa_bits = kIpaBits, .holder = 0});
  }
  pages_.resize(model::Specification::PagesOf(layout));
  mappings_.resize(std::bit_ceil(8 * pages_.size()));
  specification_ = std::make_unique<model::Specification>(
      layout, model::Specification::Memory{.pages = pages_, .mappings = mappings_});
  playground_ = {.pages = {{monitor.first, 4}},
                 .blocks = {},
                 .guest_frames = {(CALLER_ENTRY >> 12) + 0x1fe, 0x60},
                 .block_every = 100,
                 .life_cycle = false};
  for (const Block& block : pool_) {
    playground_.pages.push_back({block.pfn, block.pages()});
    playground_.pages.push_back({block.pfn, 8});
    playground_.blocks.push_back({block.pfn, block.pages()});
  }
}

// Blocks of 2 MiB, for pages that no kernel uses meanwhile.
void RandomWorld::Allocate() {
  for (std::uint64_t i = 0; i < kPoolBlocks; ++i) pool_.push_back(device_->Allocate(kBlockPages));
  std::ranges::sort(pool_, {}, &Block::pfn);
}

// --- VMs

void RandomWorld::Create(unsigned vm) {
  Guest& guest = guests_.at(vm);
  guest = {.vm = std::make_unique<RawVm>(*device_, KindOf(vm)), .dying = false, .waits = false};
  guest.vm->CreateVcpu(CALLER_ENTRY);
  guest.vm->GivePage(CALLER_ENTRY >> 12, image_);
  guest.vm->Launch();
  specification_->Begin(vm);
  ++figures_.vms;
}

std::string RandomWorld::ChangeLife(unsigned vm) {
  Guest& guest = guests_.at(vm);
  if (!guest.vm) {
    Create(vm);
    return {};
  }
  if (!guest.dying) {
    guest.vm->Destroy();
    guest.dying = true;
    return {};
  }
  std::string wrong = ReturnPages(vm);
  if (!wrong.empty()) return wrong;
  specification_->Apply({.kind = Kind::kTearDown, .vm = vm}, 1);
  const std::uint64_t metadata = specification_->SpaceAt(vm).metadata;
  specification_->Apply({.kind = Kind::kReturnMetadata, .vm = vm, .count = metadata}, metadata);
  specification_->Forget(vm);
  if (!guest.vm->TearDown()) return "  pages of a VM that is gone did not come back\n";
  guest = {};
  return {};
}

// What a dying VM still has, one call for each page.
std::string RandomWorld::ReturnPages(unsigned vm) {
  std::vector<Operation> calls;
  specification_->frames().ForEach(vm, [&](std::uint64_t frame, const model::Frame& what) {
    if (what.use != model::Use::kPage) return;
    const bool owned = KindOf(vm) == RAVELIN_VM_PROTECTED;
    calls.push_back({.kind = owned ? Kind::kReclaim : Kind::kUnshareVm,
                     .vm = vm,
                     .pfn = owned ? what.pfn : 0,
                     .gfn = owned ? 0 : frame});
  });
  for (const Operation& call : calls) {
    std::uint64_t done = 0;
    std::string wrong = Step(call, done);
    // The pool of a VM that dies may be too small to take a part of a block: then the whole.
    if (wrong.empty() && done == 0 && call.kind == Kind::kUnshareVm) {
      Operation whole = call;
      whole.gfn -= call.gfn % kBlockPages;
      whole.count = kBlockPages;
      wrong = Step(whole, done);
    }
    if (!wrong.empty()) return wrong;
  }
  return specification_->SpaceAt(vm).pages == 0 ? "" : "  pages of a dying VM do not come back\n";
}

std::string RandomWorld::End() {
  std::string wrong;
  for (unsigned vm = 0; vm < kVms && wrong.empty(); ++vm) {
    while (guests_.at(vm).vm && wrong.empty()) wrong = ChangeLife(vm);
  }
  for (const Block& block : pool_) {
    for (std::uint64_t i = 0; i < block.pages() && wrong.empty(); ++i) {
      if (!specification_->At(block.pfn + i).lent_monitor) continue;
      std::uint64_t done = 0;
      wrong = Step({.kind = Kind::kHostUnshareMonitor, .pfn = block.pfn + i}, done);
    }
  }
  for (const Block& block : pool_) {
    if (wrong.empty() && !device_->Free(block)) wrong = "  a page is not the host's again\n";
  }
  return wrong;
}

// --- One call

// A call may name pages of the pool and the monitor's, and numbers that are no RAM; every other
// page is the host kernel's own. Ranges end with their block.
bool RandomWorld::MayName(Operation& operation) const {
  for (const Block& block : pool_) {
    if (operation.pfn < block.pfn || operation.pfn >= block.pfn + block.pages()) continue;
    if (operation.count <= model::kMostPages) {
      operation.count = std::min(operation.count, block.pfn + block.pages() - operation.pfn);
    }
    return true;
  }
  return specification_->HasRecord(operation.pfn) || operation.pfn < kFirstRam ||
         operation.pfn >= kNoRam;
}

bool RandomWorld::IsPossible(Operation& operation) const {
  const Kind kind = operation.kind;
  const model::Arguments arguments = model::ArgumentsOf(kind);
  if (!IsHostCall(kind) && !IsGuestCall(kind) && !IsAccess(kind)) return false;
  if (arguments.pfn && !MayName(operation)) return false;
  if (kind == Kind::kDonateVm) operation.option = 1;  // after launch
  if (IsGuestCall(kind)) operation.option = 0;        // pKVM's calls keep contents
  if (arguments.scope != model::Scope::kNone && !guests_.at(operation.vm).vm) return false;
  const bool runs = IsGuestCall(kind) || kind == Kind::kGuestWrite || kind == Kind::kGuestTouch;
  if (runs && (guests_.at(operation.vm).dying || operation.gfn >= kNoRam)) return false;
  return (!IsAccess(kind) && !IsGuestCall(kind)) || specification_->Permitted(operation);
}

// What the ABI says beyond ownership: kinds and phases of VMs.
model::Judgement RandomWorld::Judge(const Operation& operation) const {
  model::Judgement judgement = specification_->Judge(operation);
  const model::Scope scope = model::ArgumentsOf(operation.kind).scope;
  if (scope == model::Scope::kNone || !IsHostCall(operation.kind)) return judgement;
  const bool dying = guests_.at(operation.vm).dying;
  if (!model::Covers(scope, specification_->ShapeOf(operation.vm).kind)) {
    judgement.errors.Add(Error::kWrongKind);
    judgement.most = 0;
  }
  if ((NeedsLife(operation.kind) && dying) || (operation.kind == Kind::kReclaim && !dying)) {
    judgement.errors.Add(Error::kWrongPhase);
    judgement.most = 0;
  }
  return judgement;
}

std::string RandomWorld::Step(Operation operation, std::uint64_t& done) {
  done = 0;
  if (!IsPossible(operation)) return {};
  const model::Judgement judgement = Judge(operation);
  const Outcome outcome = Carry(operation);
  ++figures_.by_kind.at(static_cast<std::size_t>(operation.kind));
  // A guest learns only that its call failed.
  const bool guest_call = IsGuestCall(operation.kind);
  const bool short_of_tables = !outcome && judgement.most != 0 && MayNeedTables(operation.kind) &&
                               (guest_call || outcome.error() == Error::kNoMemory);
  const bool guest_failed = guest_call && !outcome && !judgement.must_succeed();
  if (!judgement.Allows(outcome) && !short_of_tables && !guest_failed) {
    return "  " + Describe(operation) + "\n  " +
           (outcome ? "did " + std::to_string(*outcome) + " pages, may do "
                    : "failed with " + std::to_string(static_cast<unsigned>(outcome.error())) +
                          ", may do ") +
           std::to_string(judgement.most) + "\n";
  }
  if (outcome) {
    specification_->Apply(operation, *outcome);
    done = *outcome;
    ++figures_.successes;
  }
  const std::string wrong = model::ArgumentsOf(operation.kind).pfn ? CheckPage(operation.pfn) : "";
  return wrong.empty() ? wrong : "  " + Describe(operation) + "\n" + wrong;
}

RandomWorld::Outcome RandomWorld::Carry(const Operation& operation) {
  if (IsGuestCall(operation.kind)) return CallFromGuest(operation);
  if (IsAccess(operation.kind)) return Access(operation);
  return CallHost(operation);
}

RandomWorld::Outcome RandomWorld::CallHost(const Operation& operation) {
  struct Call {
    Kind kind;
    std::uint32_t number;
  };
  constexpr std::array kCalls{Call{Kind::kHostShareMonitor, RAVELIN_HOST_PAGE_SHARE},
                              Call{Kind::kHostUnshareMonitor, RAVELIN_HOST_PAGE_UNSHARE},
                              Call{Kind::kTopUp, RAVELIN_HOST_VM_TOPUP},
                              Call{Kind::kDonateVm, RAVELIN_HOST_VM_DONATE},
                              Call{Kind::kShareVm, RAVELIN_HOST_VM_SHARE},
                              Call{Kind::kUnshareVm, RAVELIN_HOST_VM_UNSHARE},
                              Call{Kind::kSetPermissions, RAVELIN_HOST_VM_SET_PERMISSIONS},
                              Call{Kind::kAge, RAVELIN_HOST_VM_AGE},
                              Call{Kind::kReclaim, RAVELIN_HOST_VM_RECLAIM},
                              Call{Kind::kForceReclaim, RAVELIN_HOST_VM_FORCE_RECLAIM}};
  const model::Arguments arguments = model::ArgumentsOf(operation.kind);
  RawCall call{};
  std::size_t next = 1;
  call.x[0] =
      RAVELIN_HOST_CALL_BASE + std::ranges::find(kCalls, operation.kind, &Call::kind)->number;
  if (arguments.scope != model::Scope::kNone) {
    call.x.at(next++) = guests_.at(operation.vm).vm->handle();
  }
  if (arguments.gfn) call.x.at(next++) = operation.gfn;
  if (arguments.pfn) call.x.at(next++) = operation.pfn;
  if (arguments.count) call.x.at(next++) = operation.count;
  if (arguments.permissions) call.x.at(next++) = operation.option;
  ++figures_.host_calls;
  const Answer answer = device_->Raw(call);
  return ToOutcome(answer, arguments.count ? answer.value : 1);
}

RandomWorld::Outcome RandomWorld::CallFromGuest(const Operation& operation) {
  struct Call {
    Kind kind;
    std::uint32_t function;
  };
  constexpr std::array kCalls{Call{Kind::kVmShareHost, RAVELIN_GUEST_MEM_SHARE},
                              Call{Kind::kVmUnshareHost, RAVELIN_GUEST_MEM_UNSHARE},
                              Call{Kind::kVmRelinquish, RAVELIN_GUEST_MEM_RELINQUISH},
                              Call{Kind::kGuardMmio, RAVELIN_GUEST_MMIO_GUARD_MAP},
                              Call{Kind::kUnguardMmio, RAVELIN_GUEST_MMIO_GUARD_UNMAP}};
  const std::uint32_t function = std::ranges::find(kCalls, operation.kind, &Call::kind)->function;
  ++figures_.guest_calls;
  const std::uint64_t status = RunGuest(operation.vm, {function, operation.gfn << 12, 0, 0});
  if (status == RAVELIN_SMCCC_SUCCESS) return std::uint64_t{1};
  return Failure{Error::kInvalidArgument};
}

// Accesses that the specification allows, by the host and by guests: the first word of a page.
RandomWorld::Outcome RandomWorld::Access(const Operation& operation) {
  ++figures_.accesses;
  if (operation.kind == Kind::kHostWrite) {
    const std::array<std::uint64_t, 1> word{model::HostBytes(operation.pfn)};
    if (device_->Write(operation.pfn, word)) return std::uint64_t{1};
    return Failure{Error::kNotMapped};
  }
  const std::uint64_t address = operation.gfn << 12;
  const std::uint64_t pfn = specification_->FrameAt(operation.vm, operation.gfn)->pfn;
  if (operation.kind == Kind::kGuestWrite) {
    const std::uint64_t word = model::GuestBytes(operation.vm, pfn);
    static_cast<void>(RunGuest(operation.vm, {CALLER_STORE, address, word, 0}));
    return std::uint64_t{1};
  }
  const std::uint64_t word = RunGuest(operation.vm, {CALLER_LOAD, address, 0, 0});
  if (word == specification_->At(pfn).contents) return std::uint64_t{1};
  return Failure{Error::kWrongState};
}

// --- Guests

// The next exit that is one of its device page; others are answered here.
ravelin_exit RandomWorld::NextExit(Guest& guest) {
  for (;;) {
    static_cast<void>(guest.vm->Run());
    const ravelin_exit exit = guest.vm->ReadExit();
    if (exit.reason == RAVELIN_EXIT_MMIO && (exit.ipa & ~std::uint64_t{0xfff}) == CALLER_PAGE) {
      return exit;
    }
    // A call of the guest names a page that it does not have: the call fails.
    const bool fails = exit.reason == RAVELIN_EXIT_MEMORY_FAULT;
    if (!fails && exit.reason != RAVELIN_EXIT_RELINQUISHED) {
      GiveUp("a guest stops for reason " + std::to_string(exit.reason));
    }
    guest.vm->Reply(
        {.kind = fails ? RAVELIN_REPLY_EXTERNAL_ABORT : RAVELIN_REPLY_NONE, .values = {}});
  }
}

std::uint64_t RandomWorld::RunGuest(unsigned vm, const std::array<std::uint64_t, 4>& registers) {
  Guest& guest = guests_.at(vm);
  if (guest.waits) guest.vm->Reply({.kind = RAVELIN_REPLY_VALUE, .values = {}});
  for (;;) {
    const ravelin_exit exit = NextExit(guest);
    if (exit.access == RAVELIN_ACCESS_WRITE) {
      guest.waits = true;
      return exit.value;
    }
    const std::uint64_t word = registers.at((exit.ipa & 0xfff) / sizeof(std::uint64_t));
    guest.vm->Reply({.kind = RAVELIN_REPLY_VALUE, .values = {word, 0, 0, 0}});
  }
}

// --- What the host sees of a page

std::string RandomWorld::CheckPage(std::uint64_t pfn) {
  if (!specification_->HasRecord(pfn)) return {};
  const model::Page& page = specification_->At(pfn);
  const std::uint64_t expected =
      page.owner == model::Party::kHost
          ? (page.IsLent() ? RAVELIN_PAGE_LENT : RAVELIN_PAGE_OWNED)
          : (page.lent_host ? RAVELIN_PAGE_BORROWED : RAVELIN_PAGE_FOREIGN);
  ++figures_.host_calls;
  if (device_->Query(pfn) != expected) return "  PAGE_QUERY says something else\n";
  constexpr std::uint64_t kReadEvery = 4;
  if (++checks_ % kReadEvery != 0) return {};
  PageWords words{};
  const bool readable = device_->Read(pfn, words);
  if (readable != specification_->HostCanUse(pfn)) {
    return readable ? "  the host can read it\n" : "  the host cannot read it\n";
  }
  const bool zeros =
      std::all_of(words.begin() + 1, words.end(), [](std::uint64_t word) { return word == 0; });
  return !readable || (words[0] == page.contents && zeros) ? "" : "  it has other contents\n";
}

}  // namespace ravelin::attacks
