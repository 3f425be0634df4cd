// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// VmMemory: the memory side of one VM, embedded in the VM object; the lock is that VM's.
#pragma once

#include "hyp/base/types.h"
#include "stage2/ownership/address_space.h"

namespace ravelin::stage2 {

class VmMemory : public AddressSpace {
 public:
  VmMemory(Vmid vmid, Pa root, Geometry geometry, MetadataList metadata)
      : AddressSpace({.vmid = vmid, .kind = Walker::Kind::kCpu}, root, geometry, metadata) {}
};

}  // namespace ravelin::stage2
