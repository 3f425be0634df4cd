// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Who walks a translation table: the CPUs or devices, and under which number their TLBs keep what
// they have found. A VM and a device domain never have the same number.
#pragma once

#include <cstdint>

#include "hyp/base/types.h"
#include "stage2/machine.h"

namespace ravelin::stage2 {

struct Walker {
  enum class Kind : std::uint8_t { kCpu, kDevice };

  Vmid vmid;
  Kind kind = Kind::kCpu;

  void ForgetPages(Ipa first, PageCount count) const {
    if (kind == Kind::kCpu) {
      machine::InvalidatePages(vmid, first, count);
    } else {
      machine::InvalidateDevicePages(vmid, first, count);
    }
  }
  void ForgetAll() const {
    if (kind == Kind::kCpu) {
      machine::InvalidateVm(vmid);
    } else {
      machine::InvalidateDevice(vmid);
    }
  }
};

}  // namespace ravelin::stage2
