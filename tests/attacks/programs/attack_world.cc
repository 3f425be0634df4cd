// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/attacks/programs/attack_world.h"

#include <utility>

namespace ravelin::attacks {
namespace {

constexpr std::uint64_t kEntry = kFirstGfn << 12;
constexpr PageWords kZeroPage{};

std::uint64_t HandleOfAVmThatIsGone(const AttackDevice& device) {
  RawVm vm{device, RAVELIN_VM_PROTECTED};
  return vm.handle();
}

}  // namespace

World::World()
    : stale_handle(HandleOfAVmThatIsGone(device)),
      created_pfn(created.GivePage(kFirstGfn, kZeroPage)),
      carveout_pfn(device.Info(RAVELIN_INFO_CARVEOUT_PFN)) {
  created.CreateVcpu(kEntry);
  for (const auto& [vm, pfn] : {std::pair{&running, &running_pfn}, std::pair{&normal, &normal_pfn},
                                std::pair{&dying, &dying_pfn}}) {
    *pfn = vm->GivePage(kFirstGfn, kZeroPage);
    vm->CreateVcpu(kEntry);
    vm->Launch();
  }
  dying.Destroy();
  const Answer answer = device.Call(RAVELIN_HOST_PAGE_SHARE, shared.pfn);
  if (answer.status != RAVELIN_SUCCESS) GiveUp("cannot share a page with the monitor");
}

World::~World() {
  const Answer answer = device.Call(RAVELIN_HOST_PAGE_UNSHARE, shared.pfn);
  if (answer.status != RAVELIN_SUCCESS || !device.Free(shared) || !device.Free(spare)) {
    GiveUp("pages of the test did not come back");
  }
}

Picture Refusals::Take() const {
  const AttackDevice& device = world_->device;
  Picture picture{
      .free_pages = device.Info(RAVELIN_INFO_FREE_PAGES),
      .donated_pages = device.Info(RAVELIN_INFO_DONATED_PAGES),
      .live_vms = device.Info(RAVELIN_INFO_LIVE_VMS),
      .pages = {},
  };
  for (std::uint64_t i = 0; i < world_->spare.pages(); ++i) {
    picture.pages.push_back(device.Query(world_->spare.pfn + i));
  }
  for (const std::uint64_t pfn :
       {world_->shared.pfn, world_->created_pfn, world_->running_pfn, world_->normal_pfn,
        world_->dying_pfn, world_->carveout_pfn, world_->running.run_pfn(), kDeviceGfn}) {
    picture.pages.push_back(device.Query(pfn));
  }
  return picture;
}

void Refusals::Raw(std::string_view what, std::int64_t status, const RawCall& call) {
  const Answer answer = world_->device.Raw(call);
  if (!failure_.empty()) return;
  if (answer.status != status) {
    failure_ = std::string{what} + " gave " + std::to_string(answer.status) + ", not " +
               std::to_string(status);
    return;
  }
  if (Take() != before_) failure_ = std::string{what} + " was refused, but changed something";
}

Refusals::~Refusals() { report_->Check(name_, failure_.empty(), failure_); }

}  // namespace ravelin::attacks
