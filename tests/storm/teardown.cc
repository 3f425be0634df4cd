// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/storm/teardown.h"

#include <array>

#include "tests/storm/failure.h"
#include "tests/storm/monitor.h"
#include "tests/support/cpu.h"

namespace ravelin::storm {
namespace {

// Another CPU may be in a call that uses the VM: far more than it can take.
constexpr std::uint64_t kPatience = 1'000'000;

void CallUntilDone(std::uint64_t number, std::uint64_t handle, std::int64_t done_too) {
  for (std::uint64_t i = 0; i < kPatience; ++i) {
    const Answer answer = Call(number, handle);
    if (answer.ok() || answer.status == done_too || answer.status == RAVELIN_NO_SUCH_VM) {
      return;
    }
    if (answer.status != RAVELIN_BUSY && answer.status != RAVELIN_INCOMPLETE) {
      break;
    }
  }
  Fail("a VM cannot be ended", handle);
}

}  // namespace

std::uint64_t PagesOf(const VmPlan& plan) {
  return TheFacts().vm_pages + 1 + plan.tables + plan.vcpus * TheFacts().vcpu_pages;
}

std::uint64_t CreateVm(const VmPlan& plan) {
  std::uint64_t at = plan.pfn + TheFacts().vm_pages;
  const Answer vm = Call(RAVELIN_HOST_VM_CREATE, plan.kind, kIpaBits, plan.pfn, at++);
  bool done = vm.ok();
  if (done && plan.tables != 0) {
    done = CallOnRange(RAVELIN_HOST_VM_TOPUP, vm.value, at, plan.tables);
    at += plan.tables;
  }
  for (std::uint64_t i = 0; done && i < plan.vcpus; ++i, at += TheFacts().vcpu_pages) {
    done = Call(RAVELIN_HOST_PAGE_SHARE, plan.run_pfn + i).ok() &&
           Call(RAVELIN_HOST_VCPU_CREATE, vm.value, i, at, plan.run_pfn + i).ok();
  }
  return Require(done, "a VM cannot be created") ? vm.value : 0;
}

void TakeBackLent(std::uint64_t handle) {
  struct Window {
    std::uint64_t gfn;
    std::uint64_t pages;
  };
  static constexpr auto kWindows = std::to_array<Window>(
      {{0x80000, 48}, {0x80100, 8}, {0x80200, 48}, {0x80400, 48}, {0x80600, 48}});
  for (const Window& window : kWindows) {
    for (std::uint64_t i = 0; i < window.pages; ++i) {
      if (Call(RAVELIN_HOST_VM_UNSHARE, handle, window.gfn + i, 1).status == RAVELIN_WRONG_KIND) {
        return;
      }
    }
  }
}

void EndVm(std::uint64_t handle, std::uint64_t first_pfn, std::uint64_t pages) {
  CallUntilDone(RAVELIN_HOST_VM_DESTROY, handle, RAVELIN_WRONG_PHASE);
  TakeBackLent(handle);
  for (std::uint64_t i = 0; i < pages; ++i) {
    Call(RAVELIN_HOST_VM_RECLAIM, handle, first_pfn + i, 1);
  }
  CallUntilDone(RAVELIN_HOST_VM_FREE, handle, RAVELIN_SUCCESS);
}

void RequireOwned(std::uint64_t first_pfn, std::uint64_t pages) {
  for (std::uint64_t pfn = first_pfn; pfn < first_pfn + pages; ++pfn) {
    if (Call(RAVELIN_HOST_PAGE_QUERY, pfn).value == RAVELIN_PAGE_LENT) {
      Call(RAVELIN_HOST_PAGE_UNSHARE, pfn);
    }
    const Answer query = Call(RAVELIN_HOST_PAGE_QUERY, pfn);
    Require(query.ok() && query.value == RAVELIN_PAGE_OWNED, "a page did not come back", pfn);
    const ReadWriteProbe probe = ProbeReadWrite(pfn * kPageSize);
    Require(probe.read_syndrome == 0 && probe.write_syndrome == 0,
            "a page of the host's cannot be accessed", pfn);
  }
}

bool IsZero(std::uint64_t pfn) {
  std::uint64_t sum = 0;
  const auto* words = reinterpret_cast<const volatile std::uint64_t*>(pfn * kPageSize);
  for (std::uint64_t i = 0; i < kPageSize / 8; ++i) {
    sum |= words[i];
  }
  return sum == 0;
}

void FillPage(std::uint64_t pfn, std::uint64_t word) {
  auto* words = reinterpret_cast<volatile std::uint64_t*>(pfn * kPageSize);
  for (std::uint64_t i = 0; i < kPageSize / 8; ++i) {
    words[i] = word;
  }
}

}  // namespace ravelin::storm
