// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/arch/aarch64/cpu_init.h"

#include <algorithm>
#include <array>

#include "hyp/arch/aarch64/barrier.h"
#include "hyp/arch/aarch64/interrupts.h"
#include "hyp/arch/aarch64/linker.h"
#include "hyp/arch/aarch64/sysreg.h"
#include "hyp/arch/aarch64/tlb.h"
#include "hyp/arch/aarch64/traps.h"

namespace ravelin {
namespace {

constinit Features features{};
constinit HostRegime host_regime{};

template <unsigned kLow>
std::uint64_t IdField(std::uint64_t id_register) {
  return Field<kLow + 3, kLow>::Get(id_register);
}

bool HasPauth() {
  const std::uint64_t isar1 = sysreg::IdAa64Isar1El1::Read();
  const std::uint64_t isar2 = sysreg::IdAa64Isar2El1::Read();
  return IdField<4>(isar1) != 0 || IdField<8>(isar1) != 0 || IdField<24>(isar1) != 0 ||
         IdField<28>(isar1) != 0 || IdField<8>(isar2) != 0 || IdField<12>(isar2) != 0;
}

std::uint64_t HostHcr() {
  std::uint64_t hcr = traps::kVm | traps::kRw | traps::kTsc;
  hcr |= features.pauth ? traps::kApi | traps::kApk : 0;
  hcr |= features.mte ? traps::kAta : 0;
  hcr |= features.csv2_2 ? traps::kEnscxt : 0;
  hcr |= features.ras_fault_injection ? traps::kFien : 0;
  return hcr;
}

// Buffers of SPE and TRBE are EL1's. The PMU does not count what the monitor does.
std::uint64_t HostMdcr() {
  std::uint64_t mdcr = EventCounters();
  mdcr |= features.pmu ? traps::kHpmd | traps::kHccd : 0;
  mdcr |= features.spe ? traps::kE2pbHost : 0;
  mdcr |= features.trbe ? traps::kE2tbHost : 0;
  return mdcr;
}

// HCRX_EL2: what the host may use of the features that this register gates.
std::uint64_t HostHcrx() {
  constexpr std::uint64_t kEnas0 = Bit(0), kEnals = Bit(1), kEnasr = Bit(2);
  constexpr std::uint64_t kMscen = Bit(11), kTcr2en = Bit(14), kSctlr2en = Bit(15);
  const std::uint64_t isar1 = sysreg::IdAa64Isar1El1::Read();
  const std::uint64_t isar2 = sysreg::IdAa64Isar2El1::Read();
  const std::uint64_t mmfr3 = sysreg::IdAa64Mmfr3El1::Read();
  std::uint64_t hcrx = 0;
  const std::uint64_t ls64 = IdField<60>(isar1);
  hcrx |= ls64 >= 1 ? kEnals : 0;
  hcrx |= ls64 >= 2 ? kEnasr : 0;
  hcrx |= ls64 >= 3 ? kEnas0 : 0;
  hcrx |= IdField<16>(isar2) != 0 ? kMscen : 0;
  hcrx |= IdField<0>(mmfr3) != 0 ? kTcr2en : 0;
  hcrx |= IdField<4>(mmfr3) != 0 ? kSctlr2en : 0;
  return hcrx;
}

// The fine-grained traps of negative polarity: a 0 would trap. Nothing of them traps for the host.
void OpenFineGrainedTraps() {
  constexpr std::uint64_t kReadWriteNegative = ~std::uint64_t{0} << 50;  // nACCDATA .. top
  constexpr std::uint64_t kInstructionNegative = Bit(55) | Bit(56) | Bit(57) | Bit(58) | Bit(59);
  constexpr std::uint64_t kDebugNegative = Bit(59) | Bit(60) | Bit(61) | Bit(62);
  sysreg::HfgrtrEl2::Write(kReadWriteNegative);
  sysreg::HfgwtrEl2::Write(kReadWriteNegative);
  sysreg::HfgitrEl2::Write(kInstructionNegative);
  sysreg::HdfgrtrEl2::Write(kDebugNegative);
  sysreg::HdfgwtrEl2::Write(kDebugNegative);
}

void InitVectors() {
  constexpr std::uint64_t kAllLengths = 0xf;
  if (features.sve) {
    sysreg::ZcrEl2::Write(kAllLengths);
  }
  if (features.sme) {
    sysreg::SmcrEl2::Write(kAllLengths | (features.sme_fa64 ? Bit(31) : 0));
  }
  Isb();
}

}  // namespace

const Features& CpuFeatures() { return features; }

void ReadCpuFeatures() {
  const std::uint64_t pfr0 = sysreg::IdAa64Pfr0El1::Read();
  const std::uint64_t pfr1 = sysreg::IdAa64Pfr1El1::Read();
  const std::uint64_t mmfr0 = sysreg::IdAa64Mmfr0El1::Read();
  const std::uint64_t mmfr1 = sysreg::IdAa64Mmfr1El1::Read();
  const std::uint64_t dfr0 = sysreg::IdAa64Dfr0El1::Read();
  const std::uint64_t pmu = IdField<8>(dfr0);
  features = {
      .sve = IdField<32>(pfr0) != 0,
      .sme = IdField<24>(pfr1) != 0,
      .sme_fa64 = IdField<24>(pfr1) != 0 && Field<63, 63>::Get(sysreg::IdAa64Smfr0El1::Read()) != 0,
      .fgt = IdField<56>(mmfr0) != 0,
      .hcx = IdField<40>(mmfr1) != 0,
      .mpam = IdField<40>(pfr0) != 0 || IdField<16>(pfr1) != 0,
      .mte = IdField<8>(pfr1) >= 2,
      .pauth = HasPauth(),
      .csv2_2 = IdField<56>(pfr0) >= 2,
      .ras_fault_injection = IdField<28>(pfr0) >= 2,
      .pmu = pmu != 0 && pmu != 0xf,
      .spe = IdField<32>(dfr0) != 0,
      .trbe = IdField<44>(dfr0) != 0,
      .ras = IdField<28>(pfr0) != 0};
}

std::uint64_t EventCounters() {
  return features.pmu ? Field<15, 11>::Get(sysreg::PmcrEl0::Read()) : 0;
}

unsigned PhysicalAddressBits() {
  constexpr auto kBits = std::to_array<unsigned>({32, 36, 40, 42, 44, 48});
  const std::uint64_t range = IdField<0>(sysreg::IdAa64Mmfr0El1::Read());
  return kBits[std::min<std::uint64_t>(range, 5)];
}

std::uint64_t VtcrFor(stage2::Geometry geometry) {
  const std::uint64_t range =
      std::min<std::uint64_t>(IdField<0>(sysreg::IdAa64Mmfr0El1::Read()), 5);
  const bool vmid16 = IdField<4>(sysreg::IdAa64Mmfr1El1::Read()) == 2;
  return Bit(31) | (vmid16 ? Bit(19) : 0) | Field<18, 16>::Make(range) | Field<13, 12>::Make(3) |
         Field<11, 10>::Make(1) | Field<9, 8>::Make(1) | geometry.VtcrBits();
}

void SetHostRegime(Pa root, stage2::Geometry geometry) {
  host_regime = {.vttbr = root.raw(), .vtcr = VtcrFor(geometry)};
}

void ActivateHostTraps() {
  sysreg::VtcrEl2::Write(host_regime.vtcr);
  sysreg::VttbrEl2::Write(host_regime.vttbr);
  sysreg::HcrEl2::Write(HostHcr());
  sysreg::CptrEl2::Write(traps::kCptrRes1);
  sysreg::MdcrEl2::Write(HostMdcr());
  sysreg::CnthctlEl2::Write(traps::kEl1pcten | traps::kEl1pcen);
  sysreg::CntvoffEl2::Write(0);
  sysreg::VpidrEl2::Write(sysreg::MidrEl1::Read());
  sysreg::VmpidrEl2::Write(sysreg::MpidrEl1::Read());
  if (features.hcx) {
    sysreg::HcrxEl2::Write(HostHcrx());
  }
  if (features.fgt) {
    OpenFineGrainedTraps();
  }
  if (features.mpam) {
    sysreg::Mpam2El2::Write(0);
  }
  sysreg::IchHcrEl2::Write(0);
  sysreg::IccSreEl2::Write(0xf);  // SRE, DFB, DIB, Enable: EL1 uses the system registers
  sysreg::VbarEl2::Write(reinterpret_cast<std::uint64_t>(HostVectors));
  Isb();
}

void InitCpu() {
  sysreg::HstrEl2::Write(0);
  sysreg::CntvCtlEl0::Write(0);
  ActivateHostTraps();
  InitVectors();
  InitListRegisters();
  tlb::AddThisCpu();
  asm volatile("tlbi alle1; dsb nsh; isb" ::: "memory");
}

}  // namespace ravelin
