// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/arch/aarch64/cpus.h"

#include <new>

#include "hyp/arch/aarch64/barrier.h"
#include "hyp/arch/aarch64/cpu_init.h"
#include "hyp/arch/aarch64/linker.h"
#include "hyp/arch/aarch64/monitor_map.h"
#include "hyp/arch/aarch64/stage1.h"
#include "hyp/arch/aarch64/trap_frame.h"

extern "C" [[noreturn]] void EnterHost(const ravelin::TrapFrame* first);

namespace ravelin {
namespace {

constexpr std::uint64_t kAffinityMask = 0xff00ffffff;
constexpr std::uint64_t kPanicStackPages = RAVELIN_PANIC_STACK_SIZE / kPageSize;
constexpr std::uint64_t kPerCpuPages = AlignUp(sizeof(PerCpu), kPageSize) / kPageSize;
constexpr std::uint64_t kStride = kPerCpuPages * kPageSize;

constinit Pa image_base;
constinit Pa first_cpu;
constinit std::uint64_t cpu_count = 0;

void Fill(PerCpu& cpu, CpuIndex index, std::uint64_t mpidr, boot::Arena& arena) {
  MapStack(index, arena);
  const PfnRange panic = arena.Take(PageCount{kPanicStackPages});
  new (&cpu) PerCpu{};
  cpu.panic_stack = LinearVa(ToPa(panic.end())).raw();
  cpu.stack = StackTop(index).raw();
  cpu.index = index;
  cpu.mpidr = mpidr & kAffinityMask;
  cpu.held = Rank::kNone;
  cpu.power = PowerState::kOff;
  cpu.boot = {.ttbr = MonitorMapRoot().raw(),
              .tcr = stage1::Tcr(),
              .mair = stage1::kMair,
              .sctlr = stage1::kSctlr,
              .per_cpu = reinterpret_cast<std::uint64_t>(&cpu),
              .stack = cpu.stack,
              .vectors = reinterpret_cast<std::uint64_t>(HostVectors)};
}

}  // namespace

std::uint64_t PerCpuBytes() { return kStride + RAVELIN_PANIC_STACK_SIZE + kStackSlot; }

void StartCpus(std::span<const std::uint64_t> mpidrs, Pa image, boot::Arena& arena) {
  image_base = image;
  cpu_count = mpidrs.size();
  first_cpu = ToPa(arena.Take(PageCount{kPerCpuPages * cpu_count}).first);
  const std::uint64_t mine = sysreg::MpidrEl1::Read() & kAffinityMask;
  for (std::uint32_t i = 0; i < cpu_count; ++i) {
    PerCpu& cpu = CpuAt(i);
    Fill(cpu, CpuIndex{i}, mpidrs[i], arena);
    if (cpu.mpidr == mine) {
      cpu.power = PowerState::kOn;
      sysreg::TpidrEl2::Write(reinterpret_cast<std::uint64_t>(&cpu));
      sysreg::VbarEl2::Write(reinterpret_cast<std::uint64_t>(HostVectors));
    }
  }
}

bool IsThisCpuKnown() { return sysreg::TpidrEl2::Read() != 0; }

std::uint64_t CpuCount() { return cpu_count; }

PerCpu& CpuAt(std::uint64_t index) { return *LinearPointer<PerCpu>(first_cpu + index * kStride); }

std::uint64_t PhysicalOf(std::uint64_t link_address) {
  return link_address - kImageBase + image_base.raw();
}

void EnterHostAt(std::uint64_t entry, std::uint64_t argument) {
  constexpr std::uint64_t kEl1hMasked = 0x3c5;
  constexpr std::uint64_t kSctlrEl1Off = 0x30d00800;
  sysreg::SctlrEl1::Write(kSctlrEl1Off);
  sysreg::ElrEl2::Write(entry);
  sysreg::SpsrEl2::Write(kEl1hMasked);
  TrapFrame first{};
  first.x[0] = argument;
  EnterHost(&first);
}

Rank& HeldRank() { return ThisCpu().held; }

// From SecondaryEntry: the MMU is on, this CPU has its stack, vectors and PerCpu.
extern "C" [[noreturn]] void SecondaryMain() {
  InitCpu();
  PerCpu& cpu = ThisCpu();
  cpu.power = PowerState::kOn;
  EnterHostAt(cpu.host_entry, cpu.host_context);
}

}  // namespace ravelin
