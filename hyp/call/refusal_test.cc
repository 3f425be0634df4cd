// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Each error that hyp/abi/host_call.h names, and that it changes nothing: neither records, tables,
// counters, VMs, registers nor run pages.
#include <cstdint>
#include <utility>

#include "gtest/gtest.h"
#include "hyp/arch/fake/machine.h"
#include "hyp/testing/host.h"
#include "hyp/vm/vm_table.h"

namespace ravelin::call {
namespace {

using testing::Host;

constexpr std::uint64_t kNotRam = Host::kNotRam.raw();
constexpr std::uint64_t kMonitors = Host::kCarveOut.first.raw();
constexpr std::uint64_t kRange = RAVELIN_MAX_RANGE;
constexpr std::uint64_t kAllOnes = ~std::uint64_t{0};
constexpr std::uint64_t kIpaLimit = std::uint64_t{1} << (Host::kVmIpaBits - kPageShift);
constexpr std::uint64_t kAllPermissions =
    RAVELIN_PERM_READ | RAVELIN_PERM_WRITE | RAVELIN_PERM_EXEC;
constexpr std::uint64_t kNoHandle = 0x100;

class RefusalTest : public ::testing::Test {
 protected:
  template <typename... Arguments>
  void Refused(std::int64_t status, std::uint64_t number, Arguments... arguments) {
    const Host::Snapshot before = host_.TakeSnapshot();
    const testing::Answer answer = host_.Call(number, arguments...);
    EXPECT_EQ(answer.status, status) << "call " << number;
    EXPECT_EQ(answer.value, 0U) << "call " << number;
    EXPECT_TRUE(host_.TakeSnapshot() == before) << "call " << number;
  }
  template <typename... Arguments>
  void Done(std::uint64_t number, Arguments... arguments) {
    ASSERT_EQ(host_.Call(number, arguments...).status, RAVELIN_SUCCESS) << "call " << number;
  }

  std::uint64_t Take(std::uint64_t count = 1, std::uint64_t alignment = 1) {
    return host_.Take(count, alignment).raw();
  }
  std::uint64_t Create(VmKind kind, std::uint64_t tables = 8) {
    return host_.CreateVm(kind, tables).raw();
  }
  // With a vCPU, and launched.
  std::uint64_t Launch(VmKind kind) {
    const VmHandle vm = host_.CreateVm(kind);
    host_.CreateVcpu(vm, 0);
    Done(RAVELIN_HOST_VM_LAUNCH, vm.raw());
    return vm.raw();
  }
  // Pages that are the host's, but not free: shared with the monitor, lent to a VM.
  std::uint64_t Shared() { return host_.TakeShared().raw(); }
  std::uint64_t Lent(std::uint64_t normal_vm, std::uint64_t gfn) {
    const std::uint64_t pfn = Take();
    Done(RAVELIN_HOST_VM_SHARE, normal_vm, gfn, pfn, 1U, kAllPermissions);
    return pfn;
  }
  // A page that is a protected VM's.
  std::uint64_t Donated(std::uint64_t protected_vm, std::uint64_t gfn) {
    const std::uint64_t pfn = Take();
    Done(RAVELIN_HOST_VM_DONATE, protected_vm, gfn, pfn, 1U);
    return pfn;
  }

  Host host_;
};

TEST_F(RefusalTest, PageShare) {
  const std::uint64_t normal = Create(VmKind::kNormal);
  const std::uint64_t guarded = Create(VmKind::kProtected);
  for (const std::uint64_t pfn : {kNotRam, std::uint64_t{0}, kAllOnes, kAllOnes >> kPageShift}) {
    Refused(RAVELIN_NOT_RAM, RAVELIN_HOST_PAGE_SHARE, pfn);
  }
  Refused(RAVELIN_WRONG_OWNER, RAVELIN_HOST_PAGE_SHARE, kMonitors);
  Refused(RAVELIN_WRONG_OWNER, RAVELIN_HOST_PAGE_SHARE, Donated(guarded, 0));
  Refused(RAVELIN_WRONG_STATE, RAVELIN_HOST_PAGE_SHARE, Shared());
  Refused(RAVELIN_WRONG_STATE, RAVELIN_HOST_PAGE_SHARE, Lent(normal, 0));
  fake::FailReserveAfter(0);
  Refused(RAVELIN_NO_MEMORY, RAVELIN_HOST_PAGE_SHARE, Take());
}

TEST_F(RefusalTest, PageUnshare) {
  const VmHandle vm = host_.CreateVm(VmKind::kNormal);
  host_.CreateVcpu(vm, 0);
  const std::uint64_t run_page = host_.VcpuOf(vm).run_pfn().raw();
  Refused(RAVELIN_BUSY, RAVELIN_HOST_PAGE_UNSHARE, run_page);
  Refused(RAVELIN_WRONG_STATE, RAVELIN_HOST_PAGE_UNSHARE, Take());
  Refused(RAVELIN_WRONG_OWNER, RAVELIN_HOST_PAGE_UNSHARE, kMonitors);
  Refused(RAVELIN_NOT_RAM, RAVELIN_HOST_PAGE_UNSHARE, kNotRam);
  host_.EndVm(vm);
  Done(RAVELIN_HOST_PAGE_UNSHARE, run_page);
}

TEST_F(RefusalTest, PageQuery) {
  Refused(RAVELIN_NOT_RAM, RAVELIN_HOST_PAGE_QUERY, kNotRam);
  Refused(RAVELIN_NOT_RAM, RAVELIN_HOST_PAGE_QUERY, kAllOnes);
}

TEST_F(RefusalTest, VmCreateArguments) {
  const std::uint64_t object = Take(1, 8);
  const std::uint64_t root = Take(8, 8);
  const auto refused = [&](std::uint64_t kind, std::uint64_t bits, std::uint64_t at) {
    Refused(RAVELIN_INVALID_ARGUMENT, RAVELIN_HOST_VM_CREATE, kind, bits, object, at);
  };
  refused(2, 36, root);
  refused(kAllOnes, 36, root);
  for (const std::uint64_t bits :
       {std::uint64_t{0}, std::uint64_t{31}, std::uint64_t{Host::kMachineIpaBits} + 1,
        std::uint64_t{48}, kAllOnes}) {
    refused(RAVELIN_VM_NORMAL, bits, root);
  }
  refused(RAVELIN_VM_NORMAL, 32, root + 1);  // a root of 4 pages, not aligned
  refused(RAVELIN_VM_NORMAL, 32, root + 2);
  refused(RAVELIN_VM_NORMAL, 36, object);  // the root is the object
}

TEST_F(RefusalTest, VmCreatePages) {
  const std::uint64_t guarded = Create(VmKind::kProtected);
  const std::uint64_t foreign = Donated(guarded, 0);
  const std::uint64_t shared = Shared();
  const std::uint64_t free = Take(host_.Info(RAVELIN_INFO_VM_PAGES));
  const auto refused = [&](std::int64_t status, std::uint64_t object, std::uint64_t root) {
    Refused(status, RAVELIN_HOST_VM_CREATE, RAVELIN_VM_PROTECTED, 36U, object, root);
  };
  for (const auto& [pfn, status] :
       {std::pair<std::uint64_t, std::int64_t>{kNotRam, RAVELIN_NOT_RAM},
        {kAllOnes, RAVELIN_NOT_RAM},
        {kMonitors, RAVELIN_WRONG_OWNER},
        {foreign, RAVELIN_WRONG_OWNER},
        {shared, RAVELIN_WRONG_STATE}}) {
    refused(status, pfn, free);
    refused(status, free, pfn);
  }
  for (const std::uint64_t successes : {0U, 1U}) {
    fake::FailReserveAfter(successes);
    refused(RAVELIN_NO_MEMORY, free, Take());
  }
}

TEST_F(RefusalTest, VmCreateBeyondTheLimit) {
  for (std::uint32_t i = 0; i < kMaxVms; ++i) {
    Create(VmKind::kNormal, 0);
  }
  EXPECT_EQ(host_.Info(RAVELIN_INFO_LIVE_VMS), kMaxVms);
  Refused(RAVELIN_LIMIT, RAVELIN_HOST_VM_CREATE, RAVELIN_VM_NORMAL, 36U, Take(), Take());
}

TEST(NvheTest, HasNoProtectedVms) {
  Host host(Mode::kNvhe);
  const Pfn object = host.Take(1, 8);
  const Pfn root = host.Take();
  const Host::Snapshot before = host.TakeSnapshot();
  EXPECT_EQ(
      host.Call(RAVELIN_HOST_VM_CREATE, RAVELIN_VM_PROTECTED, 36U, object.raw(), root.raw()).status,
      RAVELIN_NOT_SUPPORTED);
  EXPECT_TRUE(host.TakeSnapshot() == before);
  host.EndVm(host.CreateVm(VmKind::kNormal));
}

TEST_F(RefusalTest, VmTopup) {
  const std::uint64_t vm = Create(VmKind::kProtected);
  const std::uint64_t free = Take();
  const auto refused = [&](std::int64_t status, std::uint64_t pfn, std::uint64_t count) {
    Refused(status, RAVELIN_HOST_VM_TOPUP, vm, pfn, count);
  };
  Refused(RAVELIN_NO_SUCH_VM, RAVELIN_HOST_VM_TOPUP, kNoHandle, free, 1U);
  for (const std::uint64_t count : {std::uint64_t{0}, kRange + 1, kAllOnes}) {
    refused(RAVELIN_INVALID_ARGUMENT, free, count);
  }
  refused(RAVELIN_NOT_RAM, kNotRam, 1);
  refused(RAVELIN_NOT_RAM, Host::kRam.end().raw(), 2);
  refused(RAVELIN_WRONG_OWNER, kMonitors, 1);
  refused(RAVELIN_WRONG_STATE, Shared(), 1);
  Done(RAVELIN_HOST_VM_DESTROY, vm);
  refused(RAVELIN_WRONG_PHASE, free, 1);
}

TEST_F(RefusalTest, VcpuCreate) {
  const std::uint64_t vm = Create(VmKind::kNormal);
  const std::uint64_t object = Take(1, 8);
  const std::uint64_t run_page = Shared();
  const auto refused = [&](std::int64_t status, std::uint64_t index, std::uint64_t at,
                           std::uint64_t run) {
    Refused(status, RAVELIN_HOST_VCPU_CREATE, vm, index, at, run);
  };
  Refused(RAVELIN_NO_SUCH_VM, RAVELIN_HOST_VCPU_CREATE, kNoHandle, 0U, object, run_page);
  refused(RAVELIN_LIMIT, kMaxVcpus, object, run_page);
  refused(RAVELIN_LIMIT, 0xffff'ffff, object, run_page);
  refused(RAVELIN_WRONG_STATE, 0, object, Take());
  refused(RAVELIN_NOT_RAM, 0, object, kNotRam);
  refused(RAVELIN_WRONG_OWNER, 0, object, kMonitors);
  refused(RAVELIN_NOT_RAM, 0, kNotRam, run_page);
  refused(RAVELIN_WRONG_OWNER, 0, kMonitors, run_page);
  refused(RAVELIN_WRONG_STATE, 0, Shared(), run_page);
  refused(RAVELIN_WRONG_STATE, 0, run_page, run_page);
  fake::FailReserveAfter(0);
  refused(RAVELIN_NO_MEMORY, 0, object, run_page);
}

TEST_F(RefusalTest, VcpuCreateOfWhatIsTaken) {
  const VmHandle vm = host_.CreateVm(VmKind::kNormal);
  host_.CreateVcpu(vm, 0);
  const std::uint64_t object = Take(1, 8);
  const std::uint64_t used = host_.VcpuOf(vm).run_pfn().raw();
  Refused(RAVELIN_EXISTS, RAVELIN_HOST_VCPU_CREATE, vm.raw(), 0U, object, Shared());
  Refused(RAVELIN_EXISTS, RAVELIN_HOST_VCPU_CREATE, vm.raw(), 1U, object, used);
  Done(RAVELIN_HOST_VM_LAUNCH, vm.raw());
  Refused(RAVELIN_WRONG_PHASE, RAVELIN_HOST_VCPU_CREATE, vm.raw(), 1U, object, Shared());
  Done(RAVELIN_HOST_VM_DESTROY, vm.raw());
  Refused(RAVELIN_WRONG_PHASE, RAVELIN_HOST_VCPU_CREATE, vm.raw(), 1U, object, Shared());
}

TEST_F(RefusalTest, RegistersOfANormalVm) {
  const std::uint64_t vm = Launch(VmKind::kNormal);
  Refused(RAVELIN_NO_SUCH_VM, RAVELIN_HOST_VCPU_SET_REG, kNoHandle, 0U, 0U, 0U);
  Refused(RAVELIN_NO_SUCH_VM, RAVELIN_HOST_VCPU_GET_REG, kNoHandle, 0U, 0U);
  for (const std::uint64_t index : {1U, kMaxVcpus, 0xffff'ffffU}) {
    Refused(RAVELIN_NO_SUCH_VCPU, RAVELIN_HOST_VCPU_SET_REG, vm, index, 0U, 0U);
    Refused(RAVELIN_NO_SUCH_VCPU, RAVELIN_HOST_VCPU_GET_REG, vm, index, 0U);
  }
  for (const std::uint64_t reg :
       {std::uint64_t{RAVELIN_REG_COUNT}, std::uint64_t{1} << 32, kAllOnes}) {
    Refused(RAVELIN_INVALID_ARGUMENT, RAVELIN_HOST_VCPU_SET_REG, vm, 0U, reg, 0U);
    Refused(RAVELIN_INVALID_ARGUMENT, RAVELIN_HOST_VCPU_GET_REG, vm, 0U, reg);
  }
  // EL2 and EL3, AArch32, reserved modes, single step, illegal state.
  for (const std::uint64_t pstate :
       {0x1U, 0x8U, 0x9U, 0xcU, 0xdU, 0x7U, 0x10U, 0x13U, 0x20'0005U, 0x10'0005U}) {
    Refused(RAVELIN_INVALID_ARGUMENT, RAVELIN_HOST_VCPU_SET_REG, vm, 0U, RAVELIN_REG_PSTATE,
            pstate);
  }
  Refused(RAVELIN_INVALID_ARGUMENT, RAVELIN_HOST_VCPU_SET_REG, vm, 0U, RAVELIN_REG_PSTATE,
          std::uint64_t{1} << 32 | 5);
}

TEST_F(RefusalTest, RegistersOfAProtectedVm) {
  const VmHandle handle = host_.CreateVm(VmKind::kProtected);
  host_.CreateVcpu(handle, 0);
  const std::uint64_t vm = handle.raw();
  for (std::uint64_t reg = 0; reg < RAVELIN_REG_COUNT; ++reg) {
    Refused(RAVELIN_WRONG_KIND, RAVELIN_HOST_VCPU_GET_REG, vm, 0U, reg);
    if (reg <= 3 || reg == RAVELIN_REG_PC) {
      Done(RAVELIN_HOST_VCPU_SET_REG, vm, 0U, reg, reg);
    } else {
      Refused(RAVELIN_WRONG_KIND, RAVELIN_HOST_VCPU_SET_REG, vm, 0U, reg, 0U);
    }
  }
  Done(RAVELIN_HOST_VM_LAUNCH, vm);
  for (std::uint64_t reg = 0; reg < RAVELIN_REG_COUNT; ++reg) {
    Refused(RAVELIN_WRONG_KIND, RAVELIN_HOST_VCPU_GET_REG, vm, 0U, reg);
    Refused(RAVELIN_WRONG_PHASE, RAVELIN_HOST_VCPU_SET_REG, vm, 0U, reg, 0U);
  }
}

TEST_F(RefusalTest, VmLaunch) {
  Refused(RAVELIN_NO_SUCH_VM, RAVELIN_HOST_VM_LAUNCH, kNoHandle);
  const VmHandle vm = host_.CreateVm(VmKind::kProtected);
  host_.CreateVcpu(vm, 1);
  Refused(RAVELIN_NO_SUCH_VCPU, RAVELIN_HOST_VM_LAUNCH, vm.raw());  // none to boot on
  host_.CreateVcpu(vm, 0);
  Done(RAVELIN_HOST_VM_LAUNCH, vm.raw());
  Refused(RAVELIN_WRONG_PHASE, RAVELIN_HOST_VM_LAUNCH, vm.raw());
  Done(RAVELIN_HOST_VM_DESTROY, vm.raw());
  Refused(RAVELIN_WRONG_PHASE, RAVELIN_HOST_VM_LAUNCH, vm.raw());
}

TEST_F(RefusalTest, VcpuRun) {
  const VmHandle vm = host_.CreateVm(VmKind::kProtected);
  host_.CreateVcpu(vm, 0);
  Refused(RAVELIN_NO_SUCH_VM, RAVELIN_HOST_VCPU_RUN, kNoHandle, 0U);
  Refused(RAVELIN_WRONG_PHASE, RAVELIN_HOST_VCPU_RUN, vm.raw(), 0U);
  for (const std::uint64_t index : {1U, kMaxVcpus, 0xffff'ffffU}) {
    Refused(RAVELIN_NO_SUCH_VCPU, RAVELIN_HOST_VCPU_RUN, vm.raw(), index);
  }
  Done(RAVELIN_HOST_VM_LAUNCH, vm.raw());
  Done(RAVELIN_HOST_VM_DESTROY, vm.raw());
  Refused(RAVELIN_WRONG_PHASE, RAVELIN_HOST_VCPU_RUN, vm.raw(), 0U);
}

TEST_F(RefusalTest, VmDonate) {
  const std::uint64_t vm = Create(VmKind::kProtected);
  const std::uint64_t normal = Create(VmKind::kNormal);
  const std::uint64_t free = Take(2);
  const std::uint64_t taken = Donated(vm, 0x80);
  const auto refused = [&](std::int64_t status, std::uint64_t gfn, std::uint64_t pfn,
                           std::uint64_t count) {
    Refused(status, RAVELIN_HOST_VM_DONATE, vm, gfn, pfn, count);
  };
  Refused(RAVELIN_NO_SUCH_VM, RAVELIN_HOST_VM_DONATE, kNoHandle, 0U, free, 1U);
  Refused(RAVELIN_WRONG_KIND, RAVELIN_HOST_VM_DONATE, normal, 0U, free, 1U);
  for (const std::uint64_t count : {std::uint64_t{0}, kRange + 1, kAllOnes}) {
    refused(RAVELIN_INVALID_ARGUMENT, 0, free, count);
  }
  for (const std::uint64_t gfn : {kIpaLimit, kAllOnes, std::uint64_t{1} << 52}) {
    refused(RAVELIN_INVALID_ARGUMENT, gfn, free, 2);
  }
  refused(RAVELIN_NOT_RAM, 0, kNotRam, 1);
  refused(RAVELIN_WRONG_OWNER, 0, kMonitors, 1);
  refused(RAVELIN_WRONG_OWNER, 0, taken, 1);
  refused(RAVELIN_WRONG_STATE, 0, Shared(), 1);
  refused(RAVELIN_WRONG_STATE, 0, Lent(normal, 0), 1);
  refused(RAVELIN_EXISTS, 0x80, free, 1);
  refused(RAVELIN_EXISTS, 0x7f, free, 2);
  refused(RAVELIN_NOT_RAM, 0, Host::kRam.end().raw(), 1);
  Refused(RAVELIN_NO_MEMORY, RAVELIN_HOST_VM_DONATE, Create(VmKind::kProtected, 0), 0U, free, 1U);
  Done(RAVELIN_HOST_VM_DESTROY, vm);
  refused(RAVELIN_WRONG_PHASE, 0, free, 1);
}

TEST_F(RefusalTest, VmShare) {
  const std::uint64_t vm = Create(VmKind::kNormal);
  const std::uint64_t guarded = Create(VmKind::kProtected);
  const std::uint64_t free = Take(2);
  const auto refused = [&](std::int64_t status, std::uint64_t gfn, std::uint64_t pfn,
                           std::uint64_t count, std::uint64_t permissions) {
    Refused(status, RAVELIN_HOST_VM_SHARE, vm, gfn, pfn, count, permissions);
  };
  Refused(RAVELIN_NO_SUCH_VM, RAVELIN_HOST_VM_SHARE, kNoHandle, 0U, free, 1U, 1U);
  Refused(RAVELIN_WRONG_KIND, RAVELIN_HOST_VM_SHARE, guarded, 0U, free, 1U, 1U);
  for (const std::uint64_t permissions :
       {std::uint64_t{0}, std::uint64_t{RAVELIN_PERM_WRITE}, std::uint64_t{RAVELIN_PERM_EXEC},
        kAllPermissions + 1, std::uint64_t{1} << 32 | 1, kAllOnes}) {
    refused(RAVELIN_INVALID_ARGUMENT, 0, free, 1, permissions);
  }
  refused(RAVELIN_INVALID_ARGUMENT, 0, free, 0, 1);
  refused(RAVELIN_INVALID_ARGUMENT, 0, free, kRange + 1, 1);
  refused(RAVELIN_INVALID_ARGUMENT, kIpaLimit, free, 2, 1);
  refused(RAVELIN_NOT_RAM, 0, kNotRam, 1, 1);
  refused(RAVELIN_WRONG_OWNER, 0, Donated(guarded, 0), 1, 1);
  refused(RAVELIN_WRONG_STATE, 0, Shared(), 1, 1);
  static_cast<void>(Lent(vm, 0x80));
  refused(RAVELIN_EXISTS, 0x80, free, 1, 1);
  const std::uint64_t poor = Create(VmKind::kNormal, 0);
  Refused(RAVELIN_NO_MEMORY, RAVELIN_HOST_VM_SHARE, poor, 0U, free, 1U, 1U);
  Done(RAVELIN_HOST_VM_DESTROY, vm);
  refused(RAVELIN_WRONG_PHASE, 0, free, 1, 1);
}

TEST_F(RefusalTest, VmUnshare) {
  const std::uint64_t vm = Create(VmKind::kNormal);
  static_cast<void>(Lent(vm, 0x80));
  Refused(RAVELIN_NO_SUCH_VM, RAVELIN_HOST_VM_UNSHARE, kNoHandle, 0U, 1U);
  Refused(RAVELIN_WRONG_KIND, RAVELIN_HOST_VM_UNSHARE, Create(VmKind::kProtected), 0U, 1U);
  Refused(RAVELIN_NOT_MAPPED, RAVELIN_HOST_VM_UNSHARE, vm, 0U, 1U);
  Refused(RAVELIN_NOT_MAPPED, RAVELIN_HOST_VM_UNSHARE, vm, 0x80U, 2U);
  Refused(RAVELIN_INVALID_ARGUMENT, RAVELIN_HOST_VM_UNSHARE, vm, 0x80U, 0U);
  Refused(RAVELIN_INVALID_ARGUMENT, RAVELIN_HOST_VM_UNSHARE, vm, 0x80U, kRange + 1);
  Refused(RAVELIN_INVALID_ARGUMENT, RAVELIN_HOST_VM_UNSHARE, vm, kIpaLimit, 1U);
}

TEST_F(RefusalTest, VmDestroy) {
  const std::uint64_t vm = Create(VmKind::kProtected);
  Refused(RAVELIN_NO_SUCH_VM, RAVELIN_HOST_VM_DESTROY, kNoHandle);
  Done(RAVELIN_HOST_VM_DESTROY, vm);
  Refused(RAVELIN_WRONG_PHASE, RAVELIN_HOST_VM_DESTROY, vm);
}

TEST_F(RefusalTest, VmReclaim) {
  const std::uint64_t vm = Create(VmKind::kProtected);
  const std::uint64_t other = Create(VmKind::kProtected);
  const std::uint64_t mine = Donated(vm, 0);
  const std::uint64_t another = Donated(other, 0);
  const std::uint64_t free = Take();
  Refused(RAVELIN_NO_SUCH_VM, RAVELIN_HOST_VM_RECLAIM, kNoHandle, mine, 1U);
  Refused(RAVELIN_WRONG_PHASE, RAVELIN_HOST_VM_RECLAIM, vm, mine, 1U);
  Refused(RAVELIN_WRONG_KIND, RAVELIN_HOST_VM_RECLAIM, Create(VmKind::kNormal), mine, 1U);
  Done(RAVELIN_HOST_VM_DESTROY, vm);
  Refused(RAVELIN_WRONG_OWNER, RAVELIN_HOST_VM_RECLAIM, vm, another, 1U);
  Refused(RAVELIN_WRONG_OWNER, RAVELIN_HOST_VM_RECLAIM, vm, free, 1U);
  Refused(RAVELIN_WRONG_OWNER, RAVELIN_HOST_VM_RECLAIM, vm, kMonitors, 1U);
  Refused(RAVELIN_WRONG_OWNER, RAVELIN_HOST_VM_RECLAIM, vm, mine, 2U);
  Refused(RAVELIN_NOT_RAM, RAVELIN_HOST_VM_RECLAIM, vm, kNotRam, 1U);
  Refused(RAVELIN_INVALID_ARGUMENT, RAVELIN_HOST_VM_RECLAIM, vm, mine, 0U);
  Refused(RAVELIN_INVALID_ARGUMENT, RAVELIN_HOST_VM_RECLAIM, vm, mine, kRange + 1);
}

TEST_F(RefusalTest, APageIsNotLentMoreOftenThanItsRecordCounts) {
  const std::uint64_t vm = Create(VmKind::kNormal, 140);
  const std::uint64_t page = Take();
  for (std::uint64_t gfn = 0; gfn < 0xffff; ++gfn) {
    Done(RAVELIN_HOST_VM_SHARE, vm, gfn, page, 1U, 1U);
  }
  Refused(RAVELIN_LIMIT, RAVELIN_HOST_VM_SHARE, vm, 0xffffU, page, 1U, 1U);
  Done(RAVELIN_HOST_VM_UNSHARE, vm, 0U, 1U);
  Done(RAVELIN_HOST_VM_SHARE, vm, 0xffffU, page, 1U, 1U);
}

TEST_F(RefusalTest, VmSetPermissions) {
  const std::uint64_t vm = Create(VmKind::kNormal);
  static_cast<void>(Lent(vm, 0x80));
  constexpr std::uint64_t kCall = RAVELIN_HOST_VM_SET_PERMISSIONS;
  Refused(RAVELIN_NO_SUCH_VM, kCall, kNoHandle, 0U, 1U, 1U);
  Refused(RAVELIN_WRONG_KIND, kCall, Create(VmKind::kProtected), 0U, 1U, 1U);
  for (const std::uint64_t permissions :
       {std::uint64_t{0}, std::uint64_t{RAVELIN_PERM_WRITE}, kAllPermissions + 1, kAllOnes}) {
    Refused(RAVELIN_INVALID_ARGUMENT, kCall, vm, 0x80U, 1U, permissions);
  }
  Refused(RAVELIN_INVALID_ARGUMENT, kCall, vm, 0x80U, 0U, 1U);
  Refused(RAVELIN_INVALID_ARGUMENT, kCall, vm, 0x80U, kRange + 1, 1U);
  Refused(RAVELIN_INVALID_ARGUMENT, kCall, vm, kIpaLimit, 1U, 1U);
  Refused(RAVELIN_NOT_MAPPED, kCall, vm, 0x80U, 2U, 1U);
  Done(RAVELIN_HOST_VM_DESTROY, vm);
  Refused(RAVELIN_WRONG_PHASE, kCall, vm, 0x80U, 1U, 1U);
}

TEST_F(RefusalTest, VmAge) {
  const std::uint64_t vm = Create(VmKind::kNormal);
  static_cast<void>(Lent(vm, 0x80));
  constexpr std::uint64_t kCall = RAVELIN_HOST_VM_AGE;
  Refused(RAVELIN_NO_SUCH_VM, kCall, kNoHandle, 0U, 1U);
  Refused(RAVELIN_WRONG_KIND, kCall, Create(VmKind::kProtected), 0U, 1U);
  Refused(RAVELIN_INVALID_ARGUMENT, kCall, vm, 0x80U, 0U);
  Refused(RAVELIN_INVALID_ARGUMENT, kCall, vm, 0x80U, kRange + 1);
  Refused(RAVELIN_INVALID_ARGUMENT, kCall, vm, kIpaLimit, 1U);
  Refused(RAVELIN_NOT_MAPPED, kCall, vm, 0x80U, 2U);
  Done(RAVELIN_HOST_VM_DESTROY, vm);
  Refused(RAVELIN_WRONG_PHASE, kCall, vm, 0x80U, 1U);
}

TEST_F(RefusalTest, VmForceReclaim) {
  const std::uint64_t vm = Create(VmKind::kProtected);
  static_cast<void>(Donated(vm, 0x80));
  constexpr std::uint64_t kCall = RAVELIN_HOST_VM_FORCE_RECLAIM;
  Refused(RAVELIN_NO_SUCH_VM, kCall, kNoHandle, 0U, 1U);
  Refused(RAVELIN_WRONG_KIND, kCall, Create(VmKind::kNormal), 0U, 1U);
  Refused(RAVELIN_INVALID_ARGUMENT, kCall, vm, 0x80U, 0U);
  Refused(RAVELIN_INVALID_ARGUMENT, kCall, vm, 0x80U, kRange + 1);
  Refused(RAVELIN_INVALID_ARGUMENT, kCall, vm, kIpaLimit, 1U);
  Refused(RAVELIN_NOT_MAPPED, kCall, vm, 0x81U, 1U);
  Done(kCall, vm, 0x80U, 1U);
  Refused(RAVELIN_NOT_MAPPED, kCall, vm, 0x80U, 1U);
  Refused(RAVELIN_EXISTS, RAVELIN_HOST_VM_DONATE, vm, 0x80U, Take(), 1U);
  Done(RAVELIN_HOST_VM_DESTROY, vm);
  Refused(RAVELIN_WRONG_PHASE, kCall, vm, 0x80U, 1U);
}

TEST_F(RefusalTest, VmFree) {
  const std::uint64_t vm = Create(VmKind::kProtected);
  const std::uint64_t page = Donated(vm, 0);
  Refused(RAVELIN_NO_SUCH_VM, RAVELIN_HOST_VM_FREE, kNoHandle);
  Refused(RAVELIN_WRONG_PHASE, RAVELIN_HOST_VM_FREE, vm);
  Done(RAVELIN_HOST_VM_DESTROY, vm);
  Refused(RAVELIN_BUSY, RAVELIN_HOST_VM_FREE, vm);
  Done(RAVELIN_HOST_VM_RECLAIM, vm, page, 1U);
  {
    const auto reference = FindVm(VmHandle{static_cast<std::uint32_t>(vm)});  // of another CPU
    ASSERT_TRUE(reference);
    Refused(RAVELIN_BUSY, RAVELIN_HOST_VM_FREE, vm);
  }
  while (host_.Call(RAVELIN_HOST_VM_FREE, vm).status == RAVELIN_INCOMPLETE) {
  }
  Refused(RAVELIN_NO_SUCH_VM, RAVELIN_HOST_VM_FREE, vm);
}

}  // namespace
}  // namespace ravelin::call
