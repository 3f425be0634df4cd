// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// attack-calls: makes host calls with wrong numbers, handles, pages, states and registers. Each
// must return its own error (hyp/abi/host_call.h) and change nothing.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/attacks/programs/attack_world.h"

namespace ravelin::attacks {
namespace {

constexpr std::uint64_t kSpareGfn = kFirstGfn + 1;
constexpr std::uint64_t kBeyondIpa = std::uint64_t{1} << (36 - 12);
constexpr std::uint64_t kTooMany = RAVELIN_MAX_RANGE + 1;
constexpr std::uint64_t kReadOnly = RAVELIN_PERM_READ;

// How many arguments each call has, in the order of the numbers.
constexpr std::array<unsigned, RAVELIN_HOST_CALL_COUNT> kArgumentCounts = {
    0, 2, 1, 1, 1, 4, 3, 4, 4, 3, 1, 2, 4, 5, 3, 1, 3, 1, 4, 3, 3, 4, 3, 3, 3, 2};

void AttackNumbers(const World& world, Report& report) {
  Refusals refusals{world, report, "unknown_numbers"};
  for (const std::uint64_t function :
       {std::uint64_t{RAVELIN_HOST_CALL_BASE} + RAVELIN_HOST_CALL_COUNT,
        std::uint64_t{RAVELIN_HOST_CALL_BASE} + 63, std::uint64_t{RAVELIN_HOST_CALL_BASE} - 1,
        std::uint64_t{0x86001000}, std::uint64_t{0x46001000}, std::uint64_t{0x1c6001000},
        std::uint64_t{0xc6000003}, kNoPfn}) {
    refusals.Raw("function " + std::to_string(function), RAVELIN_NOT_SUPPORTED, {{function}});
  }
}

// Each call, with one register behind its arguments set.
void AttackReservedRegisters(const World& world, Report& report) {
  Refusals refusals{world, report, "reserved_registers"};
  for (std::size_t number = 0; number < kArgumentCounts.size(); ++number) {
    for (std::size_t reg = kArgumentCounts[number] + 1; reg < 7; ++reg) {
      RawCall call{{RAVELIN_HOST_CALL_BASE + number}};
      call.x[reg] = 1;
      refusals.Raw("call " + std::to_string(number) + " with x" + std::to_string(reg),
                   RAVELIN_INVALID_ARGUMENT, call);
    }
  }
}

// The calls whose first argument is a handle, with a wrong one.
void AttackHandles(const World& world, Report& report) {
  struct Wrong {
    const char* name;
    std::uint64_t handle;
    std::int64_t status;
  };
  const std::array wrongs = {
      Wrong{"handle_zero", 0, RAVELIN_NO_SUCH_VM},
      Wrong{"handle_stale", world.stale_handle, RAVELIN_NO_SUCH_VM},
      Wrong{"handle_never_used", 0xffffffff, RAVELIN_NO_SUCH_VM},
      Wrong{"handle_wide", world.running.handle() | std::uint64_t{1} << 32,
            RAVELIN_INVALID_ARGUMENT},
  };
  for (const Wrong& wrong : wrongs) {
    Refusals refusals{world, report, wrong.name};
    const std::uint64_t vm = wrong.handle;
    const std::uint64_t pfn = world.spare.pfn;
    const auto call = [&](std::uint32_t number, auto... arguments) {
      refusals.Call("call " + std::to_string(number), wrong.status, number, vm, arguments...);
    };
    call(RAVELIN_HOST_VM_TOPUP, pfn, 1);
    call(RAVELIN_HOST_VCPU_CREATE, 0, pfn, world.shared.pfn);
    call(RAVELIN_HOST_VCPU_SET_REG, 0, RAVELIN_REG_PC, 0);
    call(RAVELIN_HOST_VCPU_GET_REG, 0, RAVELIN_REG_PC);
    call(RAVELIN_HOST_VM_LAUNCH);
    call(RAVELIN_HOST_VCPU_RUN, 0);
    call(RAVELIN_HOST_VM_DONATE, kSpareGfn, pfn, 1);
    call(RAVELIN_HOST_VM_SHARE, kSpareGfn, pfn, 1, kReadOnly);
    call(RAVELIN_HOST_VM_UNSHARE, kFirstGfn, 1);
    call(RAVELIN_HOST_VM_DESTROY);
    call(RAVELIN_HOST_VM_RECLAIM, pfn, 1);
    call(RAVELIN_HOST_VM_FREE);
    call(RAVELIN_HOST_VM_SET_PERMISSIONS, kFirstGfn, 1, kReadOnly);
    call(RAVELIN_HOST_VM_AGE, kFirstGfn, 1);
    call(RAVELIN_HOST_VM_FORCE_RECLAIM, kFirstGfn, 1);
  }
}

struct WrongPage {
  std::string_view what;
  std::uint64_t pfn;
  std::int64_t status;
};

// Pages that cannot be given away.
std::array<WrongPage, 9> WrongPages(const World& world) {
  return {{
      {"the monitor's page", world.carveout_pfn, RAVELIN_WRONG_OWNER},
      {"a device", kDeviceGfn, RAVELIN_NOT_RAM},
      {"a frame beyond all addresses", std::uint64_t{1} << 51, RAVELIN_NOT_RAM},
      {"the last frame number", kNoPfn, RAVELIN_NOT_RAM},
      {"a page of another VM", world.created_pfn, RAVELIN_WRONG_OWNER},
      {"a page of a dying VM", world.dying_pfn, RAVELIN_WRONG_OWNER},
      {"a VM's metadata", world.created.metadata_blocks().front().pfn, RAVELIN_WRONG_OWNER},
      {"a shared page", world.shared.pfn, RAVELIN_WRONG_STATE},
      {"a run page", world.running.run_pfn(), RAVELIN_WRONG_STATE},
  }};
}

void AttackDonate(const World& world, Report& report) {
  constexpr std::uint32_t kCall = RAVELIN_HOST_VM_DONATE;
  const std::uint64_t vm = world.running.handle();
  const std::uint64_t pfn = world.spare.pfn;
  Refusals refusals{world, report, "donate"};
  for (const WrongPage& page : WrongPages(world)) {
    refusals.Call(page.what, page.status, kCall, vm, kSpareGfn, page.pfn, 1);
  }
  refusals.Call("its own page again", RAVELIN_WRONG_OWNER, kCall, vm, kSpareGfn, world.running_pfn,
                1);
  refusals.Call("a page lent to a VM", RAVELIN_WRONG_STATE, kCall, vm, kSpareGfn, world.normal_pfn,
                1);
  refusals.Call("a frame that is taken", RAVELIN_EXISTS, kCall, vm, kFirstGfn, pfn, 1);
  refusals.Call("a range that is taken at its end", RAVELIN_EXISTS, kCall, vm, kFirstGfn - 1, pfn,
                2);
  refusals.Call("no page", RAVELIN_INVALID_ARGUMENT, kCall, vm, kSpareGfn, pfn, 0);
  refusals.Call("too many pages", RAVELIN_INVALID_ARGUMENT, kCall, vm, kSpareGfn, pfn, kTooMany);
  refusals.Call("a count that wraps", RAVELIN_INVALID_ARGUMENT, kCall, vm, kSpareGfn, pfn, kNoPfn);
  refusals.Call("an address that is too wide", RAVELIN_INVALID_ARGUMENT, kCall, vm, kBeyondIpa, pfn,
                1);
  refusals.Call("an address that wraps", RAVELIN_INVALID_ARGUMENT, kCall, vm, kNoPfn, pfn, 2);
  refusals.Call("a normal VM", RAVELIN_WRONG_KIND, kCall, world.normal.handle(), kSpareGfn, pfn, 1);
  refusals.Call("a dying VM", RAVELIN_WRONG_PHASE, kCall, world.dying.handle(), kSpareGfn, pfn, 1);
}

// A part of a range is done as a whole or not at all.
void AttackRange(const World& world, Report& report) {
  const std::uint64_t lent = world.spare.pfn + world.spare.pages() - 1;
  if (world.device.Call(RAVELIN_HOST_PAGE_SHARE, lent).status != RAVELIN_SUCCESS) {
    GiveUp("cannot share a page with the monitor");
  }
  {
    Refusals refusals{world, report, "range"};
    refusals.Call("donating a range with a lent end", RAVELIN_WRONG_STATE, RAVELIN_HOST_VM_DONATE,
                  world.running.handle(), kSpareGfn, lent - 1, 2);
    refusals.Call("lending a range with a lent end", RAVELIN_WRONG_STATE, RAVELIN_HOST_VM_SHARE,
                  world.normal.handle(), kSpareGfn, lent - 1, 2, kReadOnly);
    refusals.Call("a top-up with a lent end", RAVELIN_WRONG_STATE, RAVELIN_HOST_VM_TOPUP,
                  world.running.handle(), lent - 1, 2);
  }
  if (world.device.Call(RAVELIN_HOST_PAGE_UNSHARE, lent).status != RAVELIN_SUCCESS) {
    GiveUp("cannot take the shared page back");
  }
}

void AttackShare(const World& world, Report& report) {
  constexpr std::uint32_t kCall = RAVELIN_HOST_VM_SHARE;
  const std::uint64_t vm = world.normal.handle();
  const std::uint64_t pfn = world.spare.pfn;
  Refusals refusals{world, report, "share"};
  for (const WrongPage& page : WrongPages(world)) {
    refusals.Call(page.what, page.status, kCall, vm, kSpareGfn, page.pfn, 1, kReadOnly);
  }
  refusals.Call("a page that is donated", RAVELIN_WRONG_OWNER, kCall, vm, kSpareGfn,
                world.running_pfn, 1, kReadOnly);
  refusals.Call("a frame that is taken", RAVELIN_EXISTS, kCall, vm, kFirstGfn, pfn, 1, kReadOnly);
  refusals.Call("no permission", RAVELIN_INVALID_ARGUMENT, kCall, vm, kSpareGfn, pfn, 1, 0);
  refusals.Call("write without read", RAVELIN_INVALID_ARGUMENT, kCall, vm, kSpareGfn, pfn, 1,
                RAVELIN_PERM_WRITE);
  refusals.Call("unknown permissions", RAVELIN_INVALID_ARGUMENT, kCall, vm, kSpareGfn, pfn, 1, 9);
  refusals.Call("no page", RAVELIN_INVALID_ARGUMENT, kCall, vm, kSpareGfn, pfn, 0, kReadOnly);
  refusals.Call("too many pages", RAVELIN_INVALID_ARGUMENT, kCall, vm, kSpareGfn, pfn, kTooMany,
                kReadOnly);
  refusals.Call("a protected VM", RAVELIN_WRONG_KIND, kCall, world.running.handle(), kSpareGfn, pfn,
                1, kReadOnly);
}

void AttackUnshare(const World& world, Report& report) {
  constexpr std::uint32_t kCall = RAVELIN_HOST_VM_UNSHARE;
  const std::uint64_t vm = world.normal.handle();
  Refusals refusals{world, report, "unshare"};
  refusals.Call("a hole", RAVELIN_NOT_MAPPED, kCall, vm, kSpareGfn, 1);
  refusals.Call("a range that ends in a hole", RAVELIN_NOT_MAPPED, kCall, vm, kFirstGfn, 2);
  refusals.Call("no page", RAVELIN_INVALID_ARGUMENT, kCall, vm, kFirstGfn, 0);
  refusals.Call("too many pages", RAVELIN_INVALID_ARGUMENT, kCall, vm, kFirstGfn, kTooMany);
  refusals.Call("an address that wraps", RAVELIN_INVALID_ARGUMENT, kCall, vm, kNoPfn, 2);
  refusals.Call("a protected VM", RAVELIN_WRONG_KIND, kCall, world.running.handle(), kFirstGfn, 1);
}

void AttackChanges(const World& world, Report& report) {
  const std::uint64_t normal = world.normal.handle();
  const std::uint64_t running = world.running.handle();
  Refusals refusals{world, report, "change"};
  constexpr std::uint32_t kPermissions = RAVELIN_HOST_VM_SET_PERMISSIONS;
  refusals.Call("permissions in a hole", RAVELIN_NOT_MAPPED, kPermissions, normal, kSpareGfn, 1,
                kReadOnly);
  refusals.Call("no permission", RAVELIN_INVALID_ARGUMENT, kPermissions, normal, kFirstGfn, 1, 0);
  refusals.Call("permissions of a protected VM", RAVELIN_WRONG_KIND, kPermissions, running,
                kFirstGfn, 1, kReadOnly);
  refusals.Call("the age of a hole", RAVELIN_NOT_MAPPED, RAVELIN_HOST_VM_AGE, normal, kSpareGfn, 1);
  refusals.Call("the age of a protected VM's page", RAVELIN_WRONG_KIND, RAVELIN_HOST_VM_AGE,
                running, kFirstGfn, 1);
  constexpr std::uint32_t kForce = RAVELIN_HOST_VM_FORCE_RECLAIM;
  refusals.Call("taking a normal VM's page", RAVELIN_WRONG_KIND, kForce, normal, kFirstGfn, 1);
  refusals.Call("taking nothing", RAVELIN_NOT_MAPPED, kForce, running, kSpareGfn, 1);
  refusals.Call("taking beyond the addresses", RAVELIN_INVALID_ARGUMENT, kForce, running,
                kBeyondIpa, 1);
  refusals.Call("taking from a dying VM", RAVELIN_WRONG_PHASE, kForce, world.dying.handle(),
                kFirstGfn, 1);
}

void AttackReclaim(const World& world, Report& report) {
  constexpr std::uint32_t kCall = RAVELIN_HOST_VM_RECLAIM;
  const std::uint64_t vm = world.dying.handle();
  Refusals refusals{world, report, "reclaim"};
  refusals.Call("a page of a living VM", RAVELIN_WRONG_PHASE, kCall, world.running.handle(),
                world.running_pfn, 1);
  refusals.Call("a normal VM", RAVELIN_WRONG_KIND, kCall, world.normal.handle(), world.normal_pfn,
                1);
  refusals.Call("a page of another VM", RAVELIN_WRONG_OWNER, kCall, vm, world.running_pfn, 1);
  refusals.Call("a page of the host", RAVELIN_WRONG_OWNER, kCall, vm, world.spare.pfn, 1);
  refusals.Call("a shared page", RAVELIN_WRONG_OWNER, kCall, vm, world.shared.pfn, 1);
  refusals.Call("the monitor's page", RAVELIN_WRONG_OWNER, kCall, vm, world.carveout_pfn, 1);
  refusals.Call("the VM's own metadata", RAVELIN_WRONG_OWNER, kCall, vm,
                world.dying.metadata_blocks().front().pfn, 1);
  refusals.Call("a device", RAVELIN_NOT_RAM, kCall, vm, kDeviceGfn, 1);
  refusals.Call("the last frame number", RAVELIN_NOT_RAM, kCall, vm, kNoPfn, 1);
  refusals.Call("no page", RAVELIN_INVALID_ARGUMENT, kCall, vm, world.dying_pfn, 0);
  refusals.Call("too many pages", RAVELIN_INVALID_ARGUMENT, kCall, vm, world.dying_pfn, kTooMany);
}

void AttackPageCalls(const World& world, Report& report) {
  Refusals refusals{world, report, "page_share"};
  for (const WrongPage& page : WrongPages(world)) {
    refusals.Call(page.what, page.status, RAVELIN_HOST_PAGE_SHARE, page.pfn);
  }
  refusals.Call("a page of a VM", RAVELIN_WRONG_OWNER, RAVELIN_HOST_PAGE_SHARE, world.running_pfn);
  refusals.Call("ending what is not shared", RAVELIN_WRONG_STATE, RAVELIN_HOST_PAGE_UNSHARE,
                world.spare.pfn);
  refusals.Call("ending a run page", RAVELIN_BUSY, RAVELIN_HOST_PAGE_UNSHARE,
                world.running.run_pfn());
  refusals.Call("ending a VM's page", RAVELIN_WRONG_OWNER, RAVELIN_HOST_PAGE_UNSHARE,
                world.running_pfn);
  refusals.Call("asking about a device", RAVELIN_NOT_RAM, RAVELIN_HOST_PAGE_QUERY, kDeviceGfn);
  refusals.Call("asking about no page", RAVELIN_NOT_RAM, RAVELIN_HOST_PAGE_QUERY, kNoPfn);
  refusals.Call("an unknown item", RAVELIN_INVALID_ARGUMENT, RAVELIN_HOST_INFO, 14);
}

void AttackTopUp(const World& world, Report& report) {
  constexpr std::uint32_t kCall = RAVELIN_HOST_VM_TOPUP;
  const std::uint64_t vm = world.running.handle();
  Refusals refusals{world, report, "topup"};
  for (const WrongPage& page : WrongPages(world)) {
    refusals.Call(page.what, page.status, kCall, vm, page.pfn, 1);
  }
  refusals.Call("no page", RAVELIN_INVALID_ARGUMENT, kCall, vm, world.spare.pfn, 0);
  refusals.Call("too many pages", RAVELIN_INVALID_ARGUMENT, kCall, vm, world.spare.pfn, kTooMany);
  refusals.Call("a dying VM", RAVELIN_WRONG_PHASE, kCall, world.dying.handle(), world.spare.pfn, 1);
}

void AttackCreate(const World& world, Report& report) {
  constexpr std::uint32_t kCall = RAVELIN_HOST_VM_CREATE;
  constexpr std::uint64_t kBits = 36;
  const std::uint64_t root_pages = world.device.Info(RAVELIN_INFO_ROOT_PAGES, kBits);
  const Block vm = world.device.Allocate(world.device.Info(RAVELIN_INFO_VM_PAGES));
  const Block root = world.device.Allocate(2 * root_pages);
  {
    Refusals refusals{world, report, "create"};
    const auto create = [&](std::string_view what, std::int64_t status, auto... arguments) {
      refusals.Call(what, status, kCall, arguments...);
    };
    create("an unknown kind", RAVELIN_INVALID_ARGUMENT, 2, kBits, vm.pfn, root.pfn);
    create("too few address bits", RAVELIN_INVALID_ARGUMENT, RAVELIN_VM_PROTECTED, 31, vm.pfn,
           root.pfn);
    create("too many address bits", RAVELIN_INVALID_ARGUMENT, RAVELIN_VM_PROTECTED, 53, vm.pfn,
           root.pfn);
    if (root_pages > 1) {
      create("a root that is not aligned", RAVELIN_INVALID_ARGUMENT, RAVELIN_VM_PROTECTED, kBits,
             vm.pfn, root.pfn + 1);
    }
    create("one page for both", RAVELIN_INVALID_ARGUMENT, RAVELIN_VM_PROTECTED, kBits, root.pfn,
           root.pfn);
    for (const WrongPage& page : WrongPages(world)) {
      create(page.what, page.status, RAVELIN_VM_PROTECTED, kBits, page.pfn, root.pfn);
    }
    create("a root of another VM", RAVELIN_WRONG_OWNER, RAVELIN_VM_PROTECTED, kBits, vm.pfn,
           world.created.metadata_blocks()[1].pfn);
  }
  if (!world.device.Free(vm) || !world.device.Free(root))
    GiveUp("the host lost pages by VM_CREATE");
}

void AttackVcpu(const World& world, Report& report) {
  constexpr std::uint32_t kCreate = RAVELIN_HOST_VCPU_CREATE;
  const std::uint64_t vm = world.created.handle();
  const Block pages = world.device.Allocate(world.device.Info(RAVELIN_INFO_VCPU_PAGES));
  {
    Refusals refusals{world, report, "vcpu"};
    const std::uint64_t many = world.device.Info(RAVELIN_INFO_MAX_VCPUS);
    const std::uint64_t run = world.shared.pfn;
    refusals.Call("an index too high", RAVELIN_LIMIT, kCreate, vm, many, pages.pfn, run);
    refusals.Call("an index taken", RAVELIN_EXISTS, kCreate, vm, 0, pages.pfn, run);
    refusals.Call("a run page taken", RAVELIN_EXISTS, kCreate, vm, 1, pages.pfn,
                  world.running.run_pfn());
    refusals.Call("a run page not shared", RAVELIN_WRONG_STATE, kCreate, vm, 1, pages.pfn,
                  world.spare.pfn);
    refusals.Call("a run page of the monitor", RAVELIN_WRONG_OWNER, kCreate, vm, 1, pages.pfn,
                  world.carveout_pfn);
    refusals.Call("a foreign page", RAVELIN_WRONG_OWNER, kCreate, vm, 1, world.running_pfn, run);
    refusals.Call("the run page for both", RAVELIN_WRONG_STATE, kCreate, vm, 1, run, run);
    refusals.Call("a launched VM", RAVELIN_WRONG_PHASE, kCreate, world.running.handle(), 1,
                  pages.pfn, run);
  }
  if (!world.device.Free(pages)) GiveUp("the host lost pages by VCPU_CREATE");
}

void AttackRegisters(const World& world, Report& report) {
  constexpr std::uint32_t kSet = RAVELIN_HOST_VCPU_SET_REG;
  constexpr std::uint32_t kGet = RAVELIN_HOST_VCPU_GET_REG;
  const std::uint64_t created = world.created.handle();
  const std::uint64_t running = world.running.handle();
  Refusals refusals{world, report, "vcpu_registers"};
  refusals.Call("reading a protected VM", RAVELIN_WRONG_KIND, kGet, running, 0, 19);
  refusals.Call("reading one before launch", RAVELIN_WRONG_KIND, kGet, created, 0, RAVELIN_REG_PC);
  refusals.Call("writing a protected VM", RAVELIN_WRONG_PHASE, kSet, running, 0, RAVELIN_REG_PC, 0);
  refusals.Call("writing more than the entry", RAVELIN_WRONG_KIND, kSet, created, 0,
                RAVELIN_REG_PSTATE, 0x3c9);
  refusals.Call("an unknown register", RAVELIN_INVALID_ARGUMENT, kSet, created, 0,
                RAVELIN_REG_COUNT, 0);
  refusals.Call("the last register number", RAVELIN_INVALID_ARGUMENT, kGet, world.normal.handle(),
                0, kNoPfn);
  refusals.Call("EL2 for a normal VM", RAVELIN_INVALID_ARGUMENT, kSet, world.normal.handle(), 0,
                RAVELIN_REG_PSTATE, 0x3c9);
  refusals.Call("AArch32 for a normal VM", RAVELIN_INVALID_ARGUMENT, kSet, world.normal.handle(), 0,
                RAVELIN_REG_PSTATE, 0x1d3);
  refusals.Call("no such vCPU", RAVELIN_NO_SUCH_VCPU, kGet, world.normal.handle(), 1, 0);
}

// None of the VMs has an interrupt controller, and for one it is too late.
void AttackInterrupts(const World& world, Report& report) {
  constexpr std::uint64_t kDistributor = 0x08000000;
  constexpr std::uint64_t kRedistributors = 0x080a0000;
  constexpr std::uint64_t kTimer = 27;
  constexpr std::uint64_t kSpi = 40;
  Refusals refusals{world, report, "interrupts"};
  for (const RawVm* const vm : {&world.created, &world.running, &world.normal, &world.dying}) {
    const std::uint64_t handle = vm->handle();
    refusals.Call("a controller beside memory", RAVELIN_WRONG_PHASE, RAVELIN_HOST_VM_SET_GIC,
                  handle, kDistributor, kRedistributors, 64);
    for (const std::uint64_t intid : {std::uint64_t{0}, kTimer, kSpi, kNoPfn}) {
      refusals.Call("a line", RAVELIN_INVALID_ARGUMENT, RAVELIN_HOST_VM_IRQ_LINE, handle, intid,
                    RAVELIN_LINE_HIGH);
    }
  }
  refusals.Call("allowing what is not there", RAVELIN_INVALID_ARGUMENT, RAVELIN_HOST_VM_ALLOW_IRQ,
                world.created.handle(), 32, 1);
  refusals.Call("allowing after the launch", RAVELIN_WRONG_PHASE, RAVELIN_HOST_VM_ALLOW_IRQ,
                world.running.handle(), 32, 1);
}

void AttackPower(const World& world, Report& report) {
  constexpr std::uint32_t kSet = RAVELIN_HOST_VCPU_SET_POWER;
  constexpr std::uint32_t kGet = RAVELIN_HOST_VCPU_GET_POWER;
  const std::uint64_t normal = world.normal.handle();
  Refusals refusals{world, report, "power"};
  for (const RawVm* const vm : {&world.created, &world.running, &world.dying}) {
    refusals.Call("switching a protected vCPU off", RAVELIN_WRONG_KIND, kSet, vm->handle(), 0, 0);
    refusals.Call("switching a protected vCPU on", RAVELIN_WRONG_KIND, kSet, vm->handle(), 0, 1);
  }
  refusals.Call("half a power", RAVELIN_INVALID_ARGUMENT, kSet, normal, 0, 2);
  refusals.Call("the power of nobody", RAVELIN_NO_SUCH_VCPU, kSet, normal, 1, 1);
  refusals.Call("asking nobody", RAVELIN_NO_SUCH_VCPU, kGet, normal, 1);
  refusals.Call("asking nobody beyond", RAVELIN_NO_SUCH_VCPU, kGet, normal, 0xffffffff);
}

void AttackPhases(const World& world, Report& report) {
  const std::uint64_t running = world.running.handle();
  const std::uint64_t dying = world.dying.handle();
  Refusals refusals{world, report, "phases"};
  refusals.Call("launching twice", RAVELIN_WRONG_PHASE, RAVELIN_HOST_VM_LAUNCH, running);
  refusals.Call("launching a dying VM", RAVELIN_WRONG_PHASE, RAVELIN_HOST_VM_LAUNCH, dying);
  refusals.Call("running before launch", RAVELIN_WRONG_PHASE, RAVELIN_HOST_VCPU_RUN,
                world.created.handle(), 0);
  refusals.Call("running a dying VM", RAVELIN_WRONG_PHASE, RAVELIN_HOST_VCPU_RUN, dying, 0);
  refusals.Call("running no vCPU", RAVELIN_NO_SUCH_VCPU, RAVELIN_HOST_VCPU_RUN, running, 1);
  refusals.Call("running the last index", RAVELIN_NO_SUCH_VCPU, RAVELIN_HOST_VCPU_RUN, running,
                0xffffffff);
  refusals.Call("destroying twice", RAVELIN_WRONG_PHASE, RAVELIN_HOST_VM_DESTROY, dying);
  refusals.Call("freeing a living VM", RAVELIN_WRONG_PHASE, RAVELIN_HOST_VM_FREE, running);
  refusals.Call("freeing a VM with pages", RAVELIN_BUSY, RAVELIN_HOST_VM_FREE, dying);
}

int Main() {
  Report report;
  {
    const World world;
    for (const auto attack :
         {AttackNumbers, AttackReservedRegisters, AttackHandles, AttackDonate, AttackRange,
          AttackShare, AttackUnshare, AttackChanges, AttackReclaim, AttackPageCalls, AttackTopUp,
          AttackCreate, AttackVcpu, AttackRegisters, AttackInterrupts, AttackPower, AttackPhases}) {
      attack(world, report);
    }
  }
  return report.exit_code();
}

}  // namespace
}  // namespace ravelin::attacks

int main() { return ravelin::attacks::Main(); }
