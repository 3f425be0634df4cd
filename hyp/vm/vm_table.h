// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Handle -> VM. A handle is opaque to the host: it names a slot and the slot's generation, so that
// the handle of a VM that is gone names nothing, also after the slot has been used again. The VMID
// is the slot's, plus 1, and so no two VMs that exist have the same one; it is reused only after
// VM_FREE has invalidated it, when no page record names it any more.
#pragma once

#include <atomic>
#include <cstdint>

#include "hyp/base/result.h"
#include "hyp/base/types.h"
#include "hyp/vm/vm.h"

namespace ravelin {

inline constexpr std::uint32_t kMaxVms = 128;

// A VM that cannot be freed while the reference lives. Move-only.
class VmRef {
 public:
  VmRef(Vm& vm, std::atomic<std::uint32_t>& references) : vm_(&vm), references_(&references) {}
  VmRef(VmRef&& other) noexcept : vm_(other.vm_), references_(other.references_) {
    other.references_ = nullptr;
  }
  VmRef(const VmRef&) = delete;
  VmRef& operator=(const VmRef&) = delete;
  VmRef& operator=(VmRef&&) = delete;
  ~VmRef() {
    if (references_ != nullptr) {
      references_->fetch_sub(1, std::memory_order_release);
    }
  }

  Vm* operator->() const { return vm_; }
  Vm& operator*() const { return *vm_; }

 private:
  Vm* vm_;
  std::atomic<std::uint32_t>* references_;
};

// kNoSuchVm.
Result<VmRef> FindVm(VmHandle handle);

struct VmRequest {
  VmKind kind = VmKind::kNormal;
  stage2::Geometry geometry;
  PfnRange object;
  PfnRange root;
};
// Takes the donated pages and publishes a VM in them. kLimit: no free slot.
Result<VmHandle> CreateVm(const VmRequest& request);

enum class Progress : std::uint8_t { kDone, kMore };
// Ends a dying VM: see VM_FREE.
Result<Progress> FreeVm(VmHandle handle);

std::uint32_t LiveVms();

}  // namespace ravelin
