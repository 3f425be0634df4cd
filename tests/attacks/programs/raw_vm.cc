// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/attacks/programs/raw_vm.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <string>

#include "tests/attacks/programs/report.h"

namespace ravelin::attacks {
namespace {

constexpr std::uint64_t kIpaBits = 36;
constexpr std::uint64_t kTopUpPages = 8;
constexpr std::uint64_t kAllPermissions =
    RAVELIN_PERM_READ | RAVELIN_PERM_WRITE | RAVELIN_PERM_EXEC;
constexpr int kMostQuietExits = 10000;

Answer Expect(Answer answer, const char* what) {
  if (answer.status == RAVELIN_SUCCESS) return answer;
  GiveUp(std::string{what} + " failed with " + std::to_string(answer.status));
}

}  // namespace

RawVm::RawVm(const AttackDevice& device, std::uint64_t kind) : device_(&device), kind_(kind) {
  const Block vm = AllocateMetadata(device.Info(RAVELIN_INFO_VM_PAGES));
  const Block root = AllocateMetadata(device.Info(RAVELIN_INFO_ROOT_PAGES, kIpaBits));
  const Answer created = device.Call(RAVELIN_HOST_VM_CREATE, kind, kIpaBits, vm.pfn, root.pfn);
  handle_ = Expect(created, "VM_CREATE").value;
  TopUp();
}

Block RawVm::AllocateMetadata(std::uint64_t pages) {
  metadata_blocks_.push_back(device_->Allocate(pages));
  return metadata_blocks_.back();
}

void RawVm::TopUp() {
  const Block block = AllocateMetadata(kTopUpPages);
  Expect(device_->Call(RAVELIN_HOST_VM_TOPUP, handle_, block.pfn, kTopUpPages), "VM_TOPUP");
}

void RawVm::CreateVcpu(std::uint64_t entry) {
  const Block vcpu = AllocateMetadata(device_->Info(RAVELIN_INFO_VCPU_PAGES));
  run_ = device_->Allocate(1);
  has_run_page_ = true;
  Expect(device_->Call(RAVELIN_HOST_PAGE_SHARE, run_.pfn), "PAGE_SHARE");
  Expect(device_->Call(RAVELIN_HOST_VCPU_CREATE, handle_, 0, vcpu.pfn, run_.pfn), "VCPU_CREATE");
  Expect(device_->Call(RAVELIN_HOST_VCPU_SET_REG, handle_, 0, RAVELIN_REG_PC, entry),
         "VCPU_SET_REG");
}

void RawVm::Launch() const { Expect(device_->Call(RAVELIN_HOST_VM_LAUNCH, handle_), "VM_LAUNCH"); }

Answer RawVm::TryGive(std::uint64_t gfn, std::uint64_t pfn) const {
  if (kind_ == RAVELIN_VM_PROTECTED) {
    return device_->Call(RAVELIN_HOST_VM_DONATE, handle_, gfn, pfn, 1);
  }
  return device_->Call(RAVELIN_HOST_VM_SHARE, handle_, gfn, pfn, 1, kAllPermissions);
}

std::uint64_t RawVm::GivePage(std::uint64_t gfn, std::span<const std::uint64_t> contents) {
  const Block block = device_->Allocate(1);
  if (!device_->Write(block.pfn, contents)) GiveUp("a new page of the host is not writable");
  guest_blocks_.push_back(block);
  guest_gfns_.push_back(gfn);
  Answer given = TryGive(gfn, block.pfn);
  if (given.status == RAVELIN_NO_MEMORY) {
    TopUp();
    given = TryGive(gfn, block.pfn);
  }
  Expect(given, "giving a page to the VM");
  return block.pfn;
}

attack_run RawVm::Run() const {
  for (int i = 0; i < kMostQuietExits; ++i) {
    const attack_run run = device_->Run(handle_, 0);
    Expect({.status = static_cast<std::int64_t>(run.x[0]), .value = run.x[1]}, "VCPU_RUN");
    if (run.x[1] != RAVELIN_EXIT_IRQ && run.x[1] != RAVELIN_EXIT_WFX) return run;
  }
  GiveUp("the guest does not come to its next exit");
}

PageWords RawVm::ReadRunPage() const {
  PageWords words{};
  if (!device_->Read(run_.pfn, words)) GiveUp("the run page is not readable");
  return words;
}

ravelin_exit RawVm::ReadExit() const {
  const PageWords words = ReadRunPage();
  ravelin_exit exit{};
  std::memcpy(&exit, words.data(), sizeof(exit));
  return exit;
}

void RawVm::Reply(const ravelin_reply& reply) const {
  PageWords words = ReadRunPage();
  constexpr std::size_t kStart = offsetof(ravelin_run_page, reply) / sizeof(std::uint64_t);
  std::memcpy(&words[kStart], &reply, sizeof(reply));
  if (!device_->Write(run_.pfn, words)) GiveUp("the run page is not writable");
}

void RawVm::Destroy() {
  Expect(device_->Call(RAVELIN_HOST_VM_DESTROY, handle_), "VM_DESTROY");
  phase_ = Phase::kDying;
}

void RawVm::ReclaimPages() {
  for (std::size_t i = 0; i < guest_blocks_.size(); ++i) {
    if (kind_ == RAVELIN_VM_PROTECTED) {
      Expect(device_->Call(RAVELIN_HOST_VM_RECLAIM, handle_, guest_blocks_[i].pfn, 1),
             "VM_RECLAIM");
    } else {
      Expect(device_->Call(RAVELIN_HOST_VM_UNSHARE, handle_, guest_gfns_[i], 1), "VM_UNSHARE");
    }
  }
  phase_ = Phase::kEmpty;
}

void RawVm::FreeObjects() {
  Answer freed{};
  do {
    freed = device_->Call(RAVELIN_HOST_VM_FREE, handle_);
  } while (freed.status == RAVELIN_INCOMPLETE);
  Expect(freed, "VM_FREE");
  phase_ = Phase::kGone;
}

bool RawVm::TearDown() {
  if (phase_ == Phase::kAlive) Destroy();
  if (phase_ == Phase::kDying) ReclaimPages();
  if (phase_ == Phase::kEmpty) FreeObjects();
  if (has_run_page_) {
    Expect(device_->Call(RAVELIN_HOST_PAGE_UNSHARE, run_.pfn), "PAGE_UNSHARE");
    metadata_blocks_.push_back(run_);
    has_run_page_ = false;
  }
  bool returned = true;
  for (const Block& block : guest_blocks_) returned &= device_->Free(block);
  for (const Block& block : metadata_blocks_) returned &= device_->Free(block);
  guest_blocks_.clear();
  metadata_blocks_.clear();
  return returned;
}

PageWords ReadImage(const char* path) {
  std::FILE* file = std::fopen(path, "rb");
  if (file == nullptr) GiveUp(std::string{"cannot open "} + path);
  PageWords words{};
  const std::size_t bytes = std::fread(words.data(), 1, kPageSize, file);
  std::fclose(file);
  if (bytes == 0 || bytes == kPageSize) GiveUp(std::string{path} + " does not fit one page");
  return words;
}

}  // namespace ravelin::attacks
