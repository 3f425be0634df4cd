// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Brings the EL2 side of a physical CPU into a known state and makes it ready for the host: run on
// the boot CPU before the host's first instruction, and on every CPU that comes up or wakes.
#pragma once

#include <cstdint>

#include "hyp/base/types.h"
#include "stage2/format/geometry.h"

namespace ravelin {

struct Features {
  bool sve;
  bool sme;
  bool sme_fa64;
  bool fgt;
  bool hcx;
  bool mpam;
  bool mte;
  bool pauth;
  bool csv2_2;
  bool ras_fault_injection;
  bool pmu;
  bool spe;
  bool trbe;
  bool ras;
};
// Read once from the boot CPU; all CPUs of a machine that Linux accepts agree on them.
const Features& CpuFeatures();
void ReadCpuFeatures();

// MDCR_EL2.HPMN: all event counters are EL1's (PMCR_EL0.N).
std::uint64_t EventCounters();

// The host's stage 2, the same on all CPUs.
struct HostRegime {
  std::uint64_t vttbr;
  std::uint64_t vtcr;
};
// `root` of the host's table; VMID 0.
void SetHostRegime(Pa root, stage2::Geometry geometry);

// VTCR_EL2 for a geometry on this machine: write-back inner shareable walks, 4 KiB granule.
std::uint64_t VtcrFor(stage2::Geometry geometry);

// Bits of physical address, at most kMaxAddressBits (ID_AA64MMFR0_EL1.PARange).
unsigned PhysicalAddressBits();

// Traps, stage 2 and GIC access as the host has them. Called again after each guest.
void ActivateHostTraps();

// Everything of EL2 that is UNKNOWN at reset; then ActivateHostTraps. VBAR_EL2 and TPIDR_EL2 are
// set.
void InitCpu();

}  // namespace ravelin
