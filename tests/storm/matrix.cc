// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Every call with every combination of boundary values, while there is one VM, of each kind and in
// each phase. What may succeed is written down here; a success is undone before the next call.
#include <algorithm>
#include <array>

#include "tests/storm/failure.h"
#include "tests/storm/monitor.h"
#include "tests/storm/phases.h"
#include "tests/storm/teardown.h"
#include "tests/support/cpu.h"

namespace ravelin::storm {
namespace {

constexpr std::size_t kValues = 18;
constexpr std::uint64_t kTables = 8;

enum class Phase : std::uint8_t { kCreated, kRunning, kDying };

// The VM of the moment, and pages that no VM has.
struct World {
  std::uint64_t kind;
  Phase phase;
  std::uint64_t handle;
  std::uint64_t own_pfn;  // with 512 pages of the host's, and more
  Counters counters;      // with the VM
};

struct Arguments {
  std::array<std::uint64_t, 5> x;
};

VmPlan PlanOf(const World& world) {
  return {.kind = world.kind,
          .pfn = PfnOfCpu(0),
          .tables = kTables,
          .vcpus = 1,
          .run_pfn = PfnOfCpu(1)};
}

void Build(World& world) {
  world.handle = CreateVm(PlanOf(world));
  if (world.phase == Phase::kRunning) {
    Require(Call(RAVELIN_HOST_VM_LAUNCH, world.handle).ok(), "VM_LAUNCH failed");
  }
  if (world.phase == Phase::kDying) {
    Require(Call(RAVELIN_HOST_VM_DESTROY, world.handle).ok(), "VM_DESTROY failed");
  }
  world.counters = ReadCounters();
}

// Whatever is left of the VM, which was given `pages`.
void Demolish(const World& world, std::uint64_t pages) {
  if (Call(RAVELIN_HOST_VM_DESTROY, world.handle).status != RAVELIN_NO_SUCH_VM && pages != 0) {
    Require(CallOnRange(RAVELIN_HOST_VM_RECLAIM, world.handle, world.own_pfn, pages),
            "VM_RECLAIM failed", pages);
  }
  EndVm(world.handle, 0, 0);  // also one that is half free
  RequireOwned(PlanOf(world).run_pfn, 1);
}

std::array<std::uint64_t, kValues> ValuesFor(const World& world) {
  return {0,
          1,
          2,
          9,
          RAVELIN_MAX_RANGE,
          RAVELIN_MAX_RANGE + 1,
          0xffff'ffff,
          std::uint64_t{1} << 32,
          (std::uint64_t{1} << 52) - 1,
          std::uint64_t{1} << 52,
          std::uint64_t{1} << 63,
          ~std::uint64_t{1},
          ~std::uint64_t{0},
          TheFacts().carveout_pfn,
          TheFacts().carveout_pfn + TheFacts().carveout_pages - 1,
          TheFacts().ram_end_pfn,
          world.own_pfn,
          world.handle};
}

bool IsSmallGfn(std::uint64_t gfn) { return gfn < std::uint64_t{1} << (kIpaBits - 12); }

// pfn and count of pages that the host has.
bool IsOwn(const World& world, std::uint64_t pfn, std::uint64_t count) {
  return pfn == world.own_pfn && count != 0 && count <= RAVELIN_MAX_RANGE;
}

bool MayMapPages(const World& world, const Arguments& a, std::uint64_t kind) {
  return a.x[0] == world.handle && world.kind == kind && world.phase != Phase::kDying &&
         IsOwn(world, a.x[2], a.x[3]) && IsSmallGfn(a.x[1]);
}

bool MaySucceed(const World& world, std::uint64_t number, const Arguments& a) {
  const bool ours = a.x[0] == world.handle;
  const bool is_protected = world.kind == RAVELIN_VM_PROTECTED;
  const bool is_vcpu = ours && a.x[1] == 0;
  switch (number) {
    case RAVELIN_HOST_VERSION:
    case RAVELIN_HOST_INFO:
      return true;
    case RAVELIN_HOST_PAGE_SHARE:
      return a.x[0] == world.own_pfn;
    case RAVELIN_HOST_PAGE_QUERY:
      return a.x[0] == world.own_pfn || a.x[0] == TheFacts().carveout_pfn ||
             a.x[0] == TheFacts().carveout_pfn + TheFacts().carveout_pages - 1;
    case RAVELIN_HOST_VM_TOPUP:
      return ours && world.phase != Phase::kDying && IsOwn(world, a.x[1], a.x[2]);
    case RAVELIN_HOST_VCPU_SET_REG:
      return is_vcpu && (is_protected ? a.x[2] <= 2 && world.phase == Phase::kCreated
                                      : a.x[2] < RAVELIN_REG_COUNT);
    case RAVELIN_HOST_VCPU_GET_REG:
      return is_vcpu && a.x[2] < RAVELIN_REG_COUNT && !is_protected;
    case RAVELIN_HOST_VCPU_SET_POWER:
      return is_vcpu && !is_protected && world.phase != Phase::kDying && a.x[2] <= 1;
    case RAVELIN_HOST_VCPU_GET_POWER:
      return is_vcpu;
    case RAVELIN_HOST_VM_LAUNCH:
      return ours && world.phase == Phase::kCreated;
    case RAVELIN_HOST_VCPU_RUN:
      return is_vcpu && world.phase == Phase::kRunning;
    case RAVELIN_HOST_VM_DONATE:
      return MayMapPages(world, a, RAVELIN_VM_PROTECTED);
    case RAVELIN_HOST_VM_SHARE:
      return MayMapPages(world, a, RAVELIN_VM_NORMAL) && (a.x[4] == 1 || a.x[4] == 7);
    case RAVELIN_HOST_VM_DESTROY:
      return ours && world.phase != Phase::kDying;
    case RAVELIN_HOST_VM_FREE:
      return ours && world.phase == Phase::kDying;
    default:  // the others: nothing to take, or nothing is mapped
      return false;
  }
}

// `pages`: how many the call has done.
void Undo(World& world, std::uint64_t number, const Arguments& a, std::uint64_t pages) {
  switch (number) {
    case RAVELIN_HOST_PAGE_SHARE:
      Require(Call(RAVELIN_HOST_PAGE_UNSHARE, a.x[0]).ok(), "PAGE_UNSHARE failed");
      break;
    case RAVELIN_HOST_VM_SHARE:
      Require(CallOnRange(RAVELIN_HOST_VM_UNSHARE, a.x[0], a.x[1], pages), "VM_UNSHARE failed");
      break;
    case RAVELIN_HOST_VCPU_SET_POWER:
      Require(Call(RAVELIN_HOST_VCPU_SET_POWER, a.x[0], a.x[1], 1).ok(), "VCPU_SET_POWER failed");
      break;
    case RAVELIN_HOST_VM_TOPUP:
    case RAVELIN_HOST_VM_LAUNCH:
    case RAVELIN_HOST_VM_DONATE:
    case RAVELIN_HOST_VM_DESTROY:
    case RAVELIN_HOST_VM_FREE:
      Demolish(world, number == RAVELIN_HOST_VM_DONATE ? pages : 0);
      Build(world);
      break;
    default:
      break;
  }
}

// Which arguments of a call are frames of the host, as a bit for each.
constexpr std::uint32_t FramesOf(std::uint64_t number) {
  switch (number) {
    case RAVELIN_HOST_PAGE_SHARE:
    case RAVELIN_HOST_PAGE_UNSHARE:
    case RAVELIN_HOST_PAGE_QUERY:
      return 1U << 0;
    case RAVELIN_HOST_VM_TOPUP:
    case RAVELIN_HOST_VM_RECLAIM:
      return 1U << 1;
    case RAVELIN_HOST_VM_DONATE:
    case RAVELIN_HOST_VM_SHARE:
      return 1U << 2;
    case RAVELIN_HOST_VM_CREATE:
    case RAVELIN_HOST_VCPU_CREATE:
      return 1U << 2 | 1U << 3;
    default:
      return 0;
  }
}

bool IsRam(std::uint64_t pfn) {
  const Machine& machine = TheMachine();
  return std::ranges::any_of(
      machine.ram.begin(), machine.ram.begin() + machine.ram_regions,
      [&](const Region& ram) { return pfn - ram.base / kPageSize < ram.size / kPageSize; });
}

// A count or a handle that is also a frame of RAM: to give that away may be right, and may be the
// end of this program.
bool NamesFrameByChance(const World& world, std::uint64_t number, const Arguments& a) {
  for (std::size_t i = 0; i < a.x.size(); ++i) {
    const bool is_frame = (FramesOf(number) >> i & 1) != 0;
    const bool chosen =
        a.x[i] == world.own_pfn || a.x[i] - TheFacts().carveout_pfn < TheFacts().carveout_pages;
    if (is_frame && !chosen && IsRam(a.x[i])) {
      return true;
    }
  }
  return false;
}

void TryOne(World& world, std::uint64_t number, const Arguments& a) {
  const Answer answer = Call(number, a.x[0], a.x[1], a.x[2], a.x[3], a.x[4]);
  if (answer.status < 0) {
    return;
  }
  if (Require(MaySucceed(world, number, a), "a call succeeds that must not", number)) {
    Undo(world, number, a, answer.value);
  }
}

// The fifth argument of VM_SHARE, the only call with one, has values of its own.
constexpr std::array<std::uint64_t, 6> kPermissions = {0, 1, 2, 7, 8, ~std::uint64_t{0}};

void TryAll(World& world, std::uint64_t number) {
  const std::size_t count = ArgumentsOf(number);
  std::array<std::size_t, 5> index{};
  for (;;) {
    const std::array<std::uint64_t, kValues> values = ValuesFor(world);
    Arguments a{};
    for (std::size_t i = 0; i < count; ++i) {
      a.x[i] = i == 4 ? kPermissions[index[i]] : values[index[i]];
    }
    if (!NamesFrameByChance(world, number, a)) {
      TryOne(world, number, a);
    }
    std::size_t at = 0;
    while (at < count && ++index[at] == (at == 4 ? kPermissions.size() : kValues)) {
      index[at++] = 0;
    }
    if (at == count || HasFailed()) {
      break;
    }
  }
  RequireCounters(world.counters);
}

// Registers behind the last argument have to be 0.
void TryReserved(std::uint64_t number) {
  for (std::size_t reg = ArgumentsOf(number) + 1; reg <= 6; ++reg) {
    for (const std::uint64_t value :
         {std::uint64_t{1}, std::uint64_t{1} << 32, ~std::uint64_t{0}}) {
      Words in{RAVELIN_HOST_CALL_BASE + number};
      in[reg] = value;
      Require(CallRaw(in).status == RAVELIN_INVALID_ARGUMENT, "a reserved register is ignored",
              reg);
    }
  }
}

// Identifiers beside the table, and those of the same number in other conventions.
void TryUnknownIdentifiers() {
  constexpr std::uint64_t kBase = RAVELIN_HOST_CALL_BASE;
  for (std::uint64_t number = 0; number < RAVELIN_HOST_CALL_COUNT; ++number) {
    for (const std::uint64_t id :
         {kBase + number + RAVELIN_HOST_CALL_COUNT, kBase - 1 - number,
          (kBase + number) | std::uint64_t{1} << 32, (kBase + number) | std::uint64_t{1} << 63,
          (kBase + number) & ~(std::uint64_t{1} << 30), number, ~number}) {
      Require(CallRaw({id, 1, 2, 3, 4, 5, 6}).status == RAVELIN_NOT_SUPPORTED,
              "an identifier without a call", id);
    }
  }
}

}  // namespace

void CallMatrix() {
  const Counters before = ReadCounters();
  TryUnknownIdentifiers();
  for (const std::uint64_t kind : {RAVELIN_VM_NORMAL, RAVELIN_VM_PROTECTED}) {
    for (const Phase phase : {Phase::kCreated, Phase::kRunning, Phase::kDying}) {
      World world{
          .kind = kind, .phase = phase, .handle = 0, .own_pfn = SharedPfn(), .counters = {}};
      Build(world);
      for (std::uint64_t number = 0; number < RAVELIN_HOST_CALL_COUNT && !HasFailed(); ++number) {
        TryReserved(number);
        TryAll(world, number);
      }
      Demolish(world, 0);
    }
  }
  RequireOwned(SharedPfn(), kSharedPages);
  RequireCounters(before);
}

}  // namespace ravelin::storm
