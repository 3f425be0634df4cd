// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// DeviceDomain: what one device, or a group of devices that cannot be told apart, may reach. Its
// table has the format of a VM's stage 2, which is what an SMMUv3 takes (IHI 0070, stream table
// entry, S2TTB and S2VMID); its frames are the addresses that the device uses, the identity or not.
// Ownership keeps the table and the page records together: a page that a device reaches is lent to
// it, or its own, and goes to nobody else before it is unmapped and forgotten by the SMMU's TLBs.
#pragma once

#include <cstdint>

#include "hyp/base/invariant.h"
#include "hyp/base/types.h"
#include "stage2/ownership/address_space.h"

namespace ravelin::stage2 {

// Numbers of domains begin behind those of VMs, and have 8 bits: every SMMU and every CPU has so
// many.
inline constexpr Vmid kFirstDomain{129};
inline constexpr Vmid kLastDomain{255};

class DeviceDomain : public AddressSpace {
 public:
  DeviceDomain(Vmid number, Pa root, Geometry geometry, MetadataList metadata)
      : AddressSpace({.vmid = number, .kind = Walker::Kind::kDevice}, root, geometry, metadata) {
    Invariant(kFirstDomain <= number && number <= kLastDomain,
              "a device domain never has the number of a VM");
  }
};

}  // namespace ravelin::stage2
