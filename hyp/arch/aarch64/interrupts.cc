// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/arch/aarch64/interrupts.h"

#include <array>

#include "hyp/arch/aarch64/barrier.h"
#include "hyp/arch/aarch64/cpus.h"
#include "hyp/arch/aarch64/monitor_map.h"
#include "hyp/arch/aarch64/per_cpu.h"
#include "hyp/arch/aarch64/sysreg.h"
#include "hyp/arch/aarch64/traps.h"
#include "hyp/arch/interrupts.h"
#include "hyp/base/invariant.h"

namespace ravelin {
namespace {

// An SGI that Linux does not use: it has 0 to 7. The host's driver lets it through, and ignores
// those that come when no guest runs any more.
constexpr std::uint32_t kKickIntid = 8;

// Offsets in a redistributor's second frame; each bit that is written as 1 acts.
constexpr std::uint64_t kClearPending = 0x280;
constexpr std::uint64_t kSetActive = 0x300;
constexpr std::uint64_t kClearActive = 0x380;

// In its first frame.
constexpr std::uint64_t kTyperLow = 0x8;
constexpr std::uint64_t kTyperHigh = 0xc;
constexpr std::uint32_t kTyperHasVirtualLpis = 1u << 1;
constexpr std::uint32_t kTyperLast = 1u << 4;
constexpr std::uint64_t kFrame = 0x10000;

volatile std::uint32_t& Word(std::uint64_t address) {
  return *reinterpret_cast<volatile std::uint32_t*>(address);
}

// A change of the state of a private interrupt, complete when this returns.
void ChangePrivate(std::uint64_t offset, std::uint64_t intid) {
  const std::uint64_t page = ThisCpu().redistributor;
  if (page != 0) {
    Word(page + offset) = 1u << intid;
    DsbSy();
  }
}

// Affinity levels 3 to 0 as GICR_TYPER has them.
std::uint32_t PackedAffinity(std::uint64_t mpidr) {
  return static_cast<std::uint32_t>(Field<39, 32>::Get(mpidr) << 24 | Field<23, 0>::Get(mpidr));
}

void Assign(std::uint32_t affinity, std::uint64_t page) {
  for (std::uint64_t i = 0; i < CpuCount(); ++i) {
    if (PackedAffinity(CpuAt(i).mpidr) == affinity) {
      CpuAt(i).redistributor = page;
    }
  }
}

struct ListRegister {
  std::uint64_t (*read)();
  void (*write)(std::uint64_t value);
};

template <typename... Registers>
constexpr auto MakeList() {
  return std::array<ListRegister, sizeof...(Registers)>{{{&Registers::Read, &Registers::Write}...}};
}

constexpr auto kList =
    MakeList<sysreg::IchLr0El2, sysreg::IchLr1El2, sysreg::IchLr2El2, sysreg::IchLr3El2,
             sysreg::IchLr4El2, sysreg::IchLr5El2, sysreg::IchLr6El2, sysreg::IchLr7El2,
             sysreg::IchLr8El2, sysreg::IchLr9El2, sysreg::IchLr10El2, sysreg::IchLr11El2,
             sysreg::IchLr12El2, sysreg::IchLr13El2, sysreg::IchLr14El2, sysreg::IchLr15El2>();
static_assert(kList.size() == arch::kMaxListRegisters);

// ICH_AP0R<n>, ICH_AP1R<n>: one of each for 5 bits of preemption, two for 6, four for 7.
unsigned PriorityRegisters() {
  const std::uint64_t bits = Field<28, 26>::Get(sysreg::IchVtrEl2::Read()) + 1;
  return bits <= 5 ? 1 : bits == 6 ? 2 : 4;
}

}  // namespace

void FindRedistributors(const RedistributorRegion& region, boot::Arena& arena) {
  std::uint64_t stride = 0;
  for (std::uint64_t at = 0; at + 2 * kFrame <= region.size; at += stride) {
    const std::uint64_t control = MapDevice(region.first + at, arena).raw();
    const std::uint64_t page = MapDevice(region.first + at + kFrame, arena).raw();
    DsbIshst();
    Isb();
    const std::uint32_t type = Word(control + kTyperLow);
    Assign(Word(control + kTyperHigh), page);
    if ((type & kTyperLast) != 0) {
      return;
    }
    const std::uint64_t frames = (type & kTyperHasVirtualLpis) != 0 ? 4 : 2;
    stride = region.stride != 0 ? region.stride : frames * kFrame;
  }
}

void InitListRegisters() {
  for (unsigned i = 0; i < arch::ListRegisters(); ++i) {
    kList[i].write(0);
  }
}

void LoadGic(const GicContext& gic) {
  if (!gic.present) {
    sysreg::IchHcrEl2::Write(traps::kIchTrapAll);
    return;
  }
  sysreg::IchVmcrEl2::Write(gic.vmcr);
  sysreg::IchAp0r0El2::Write(gic.ap0r[0]);
  sysreg::IchAp1r0El2::Write(gic.ap1r[0]);
  const unsigned count = PriorityRegisters();
  if (count >= 2) {
    sysreg::IchAp0r1El2::Write(gic.ap0r[1]);
    sysreg::IchAp1r1El2::Write(gic.ap1r[1]);
  }
  if (count == 4) {
    sysreg::IchAp0r2El2::Write(gic.ap0r[2]);
    sysreg::IchAp1r2El2::Write(gic.ap1r[2]);
    sysreg::IchAp0r3El2::Write(gic.ap0r[3]);
    sysreg::IchAp1r3El2::Write(gic.ap1r[3]);
  }
  sysreg::IchHcrEl2::Write(arch::list_control::kEnable);
}

void StoreGic(GicContext& gic) {
  if (!gic.present) {
    return;
  }
  gic.vmcr = sysreg::IchVmcrEl2::Read();
  gic.ap0r[0] = sysreg::IchAp0r0El2::Read();
  gic.ap1r[0] = sysreg::IchAp1r0El2::Read();
  const unsigned count = PriorityRegisters();
  if (count >= 2) {
    gic.ap0r[1] = sysreg::IchAp0r1El2::Read();
    gic.ap1r[1] = sysreg::IchAp1r1El2::Read();
  }
  if (count == 4) {
    gic.ap0r[2] = sysreg::IchAp0r2El2::Read();
    gic.ap1r[2] = sysreg::IchAp1r2El2::Read();
    gic.ap0r[3] = sysreg::IchAp0r3El2::Read();
    gic.ap1r[3] = sysreg::IchAp1r3El2::Read();
  }
}

namespace arch {

unsigned ListRegisters() {
  return static_cast<unsigned>(Field<3, 0>::Get(sysreg::IchVtrEl2::Read())) + 1;
}

std::uint64_t ReadListRegister(unsigned index) { return kList[index].read(); }

void WriteListRegister(unsigned index, std::uint64_t value) { kList[index].write(value); }

std::uint64_t ReadListControl() { return sysreg::IchHcrEl2::Read(); }

void WriteListControl(std::uint64_t value) { sysreg::IchHcrEl2::Write(value); }

std::uint64_t LivePriorityMask() { return Field<31, 24>::Get(sysreg::IchVmcrEl2::Read()); }

bool NeedsMaintenance() { return sysreg::IchMisrEl2::Read() != 0; }

void SetTimerForwarded(bool forwarded) {
  ChangePrivate(forwarded ? kSetActive : kClearActive, kTimerIntid);
}

void KickCpu(CpuIndex target) {
  PerCpu& cpu = CpuAt(target.raw());
  cpu.kicked.store(true);
  const std::uint64_t affinity = cpu.mpidr;
  const std::uint64_t level0 = Field<7, 0>::Get(affinity);
  DsbIsh();
  sysreg::IccSgi1rEl1::Write(
      Field<55, 48>::Make(Field<39, 32>::Get(affinity)) | Field<47, 44>::Make(level0 / 16) |
      Field<39, 32>::Make(Field<23, 16>::Get(affinity)) | Field<27, 24>::Make(kKickIntid) |
      Field<23, 16>::Make(Field<15, 8>::Get(affinity)) | Bit(level0 % 16));
  Isb();
}

bool TakeKick() {
  const bool kicked = ThisCpu().kicked.exchange(false);
  if (kicked) {
    ChangePrivate(kClearPending, kKickIntid);
  }
  return kicked;
}

CpuIndex ThisCpuIndex() { return ThisCpu().index; }

std::uint64_t Counter() {
  Isb();  // not read early
  return sysreg::CntpctEl0::Read();
}

}  // namespace arch
}  // namespace ravelin
