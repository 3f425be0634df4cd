// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// From the first C++ at the link address to the first instruction of the host. Step codes on the
// UART (docs/porting.md): 5 device tree read, 6 carve-out placed, 7 host tree written, 8 running in
// the carve-out, 9 page ownership set up.
#include <array>
#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>

#include "hyp/arch/aarch64/barrier.h"
#include "hyp/arch/aarch64/cpu_init.h"
#include "hyp/arch/aarch64/cpus.h"
#include "hyp/arch/aarch64/early_map.h"
#include "hyp/arch/aarch64/interrupts.h"
#include "hyp/arch/aarch64/layout.h"
#include "hyp/arch/aarch64/linker.h"
#include "hyp/arch/aarch64/monitor_map.h"
#include "hyp/arch/aarch64/stage1.h"
#include "hyp/boot/arena.h"
#include "hyp/boot/device_tree.h"
#include "hyp/boot/host_tree.h"
#include "hyp/boot/placement.h"
#include "hyp/boot/self_test.h"
#include "hyp/platform/console.h"
#include "hyp/trace/panic.h"
#include "hyp/vm/monitor.h"
#include "stage2/machine.h"

extern "C" {
void SwitchTables(const ravelin::CpuBoot* boot, std::uint64_t enable_mmu,
                  std::uint64_t switch_physical);
[[noreturn]] void ContinueOnStack(std::uint64_t stack_top, void (*function)());
}

namespace ravelin {
namespace {

using boot::Arena;
using boot::Machine;
using boot::Region;
using console::Hex;
using console::Line;
using std::string_view_literals::operator""sv;

constexpr std::string_view kVersion = "0.1.0";

// Everything that boot decides, kept for the steps after it.
struct BootPlan {
  std::uint64_t start_ticks = 0;
  Pa load;  // where the bootloader has put the image
  const void* tree = nullptr;
  Machine machine;
  Mode mode = Mode::kProtected;
  boot::Carveout carveout;
  std::array<char, 32> self_test{};  // value of ravelin.selftest=
  std::size_t self_test_length = 0;
};
constinit BootPlan boot_plan{};
constinit Arena boot_arena{PfnRange{}};
constinit CpuBoot final_boot{};

template <typename T>
T Require(const boot::Accepted<T>& accepted) {
  if (!accepted) {
    Refuse(accepted.error());
  }
  return *accepted;
}

void Step(char code) { console::Put(code); }

constexpr PfnRange Pages(const Region& region) {
  return {ToPfn(region.first), PageCount{region.size / kPageSize}};
}

std::uint64_t ImageBytes() {
  return AlignUp(reinterpret_cast<std::uint64_t>(__image_end) - kImageBase, kPageSize);
}

// The physical address of a symbol in a copy of the image.
std::uint64_t SymbolIn(Pa image, const void* symbol) {
  return reinterpret_cast<std::uint64_t>(symbol) - kImageBase + image.raw();
}

void ReadMachine(BootPlan& plan, Pa tree) {
  if (!EarlyMapShows(tree)) {
    Refuse("the device tree lies above 512 GiB");
  }
  plan.tree = reinterpret_cast<const void*>(tree.raw());
  plan.machine = Require(boot::ReadDeviceTree(plan.tree));
  console::SetUart(Va{plan.machine.uart.value_or(Pa{0}).raw()});
  plan.mode = Require(boot::ReadMode(plan.machine.bootargs));
  const auto self_test = boot::FindOption(plan.machine.bootargs, "ravelin.selftest").value_or("");
  plan.self_test_length = self_test.copy(plan.self_test.data(), plan.self_test.size());
}

// The host kernel runs where it was loaded. From here on its region is all the memory that it
// needs.
void ReadKernel(BootPlan& plan) {
  Machine& machine = plan.machine;
  Region& kernel = machine.kernel;
  const Region tree{Pa{reinterpret_cast<std::uint64_t>(plan.tree)},
                    Require(boot::TreeSize(plan.tree))};
  if (tree.Overlaps(kernel) || (machine.ramdisk && tree.Overlaps(*machine.ramdisk))) {
    Refuse("the device tree overwrites a payload; load the payloads elsewhere");
  }
  if (!EarlyMapShows(kernel.end())) {
    Refuse("the host kernel lies above 512 GiB");
  }
  const auto image =
      Require(boot::ReadKernelHeader(reinterpret_cast<const void*>(kernel.first.raw()), kernel));
  kernel.size = image.image_size;
  if (machine.ramdisk && machine.ramdisk->Overlaps(kernel)) {
    Refuse("the host's ramdisk lies in memory that its kernel needs");
  }
}

void Occupy(boot::ReservedList& occupied, const Region& region) {
  if (!occupied.Add(region)) {
    Refuse("too many reserved regions of memory");
  }
}

struct RamList {
  std::array<PfnRange, boot::kMaxRamRegions> items{};
  std::size_t count = 0;
  std::uint64_t pages = 0;

  [[nodiscard]] std::span<const PfnRange> span() const { return std::span(items).first(count); }
};

RamList AllRam(const Machine& machine) {
  RamList ram;
  for (const Region& region : machine.ram) {
    ram.items[ram.count++] = Pages(region);
    ram.pages += region.size / kPageSize;
  }
  return ram;
}

// The carve-out keeps clear of the loaded image, the device tree and the payloads.
void PlaceMonitor(BootPlan& plan) {
  boot::ReservedList occupied;
  Occupy(occupied, {plan.load, ImageBytes()});
  Occupy(occupied,
         {Pa{reinterpret_cast<std::uint64_t>(plan.tree)}, Require(boot::TreeSize(plan.tree))});
  Occupy(occupied, plan.machine.kernel);
  if (plan.machine.ramdisk) {
    Occupy(occupied, *plan.machine.ramdisk);
  }
  const std::uint64_t checks = AlignUp(
      MemoryForChecks(AllRam(plan.machine).pages).raw() * kPageSize, boot::kCarveoutAlignment);
  const std::uint64_t size = boot::CarveoutSize(plan.machine, PerCpuBytes()) + checks;
  plan.carveout = Require(boot::PlaceCarveout(plan.machine, occupied, size));
  const Region& monitor = plan.carveout.monitor;
  if (plan.machine.ram[plan.machine.ram.size() - 1].end().raw() > kLinearSize) {
    Refuse("RAM above 32 TiB");
  }
  MapEarlyLinear(plan.carveout.host_tree.first, plan.carveout.host_tree.size + monitor.size);
}

// Into host memory, which the monitor sees only until it moves.
void WriteTree(const BootPlan& plan) {
  const Region& where = plan.carveout.host_tree;
  auto* const target = LinearPointer<std::byte>(where.first);
  const boot::HostTreePlan tree_plan{
      .machine = &plan.machine, .carveout = plan.carveout.monitor, .mode = plan.mode};
  static_cast<void>(
      Require(boot::WriteHostTree(plan.tree, std::span(target, where.size), tree_plan)));
  CleanInvalidate(reinterpret_cast<std::uint64_t>(target), where.size);
}

// Builds the final tables; the UART has an address in them.
Va BuildFinalMap(const BootPlan& plan, Arena& arena) {
  const RamList ram = AllRam(plan.machine);
  BuildMonitorMap({.ram = ram.span(),
                   .carveout = Pages(plan.carveout.monitor),
                   .image = plan.carveout.monitor.first,
                   .cpus = plan.machine.cpus.size()},
                  arena);
  final_boot = {.ttbr = MonitorMapRoot().raw(),
                .tcr = stage1::Tcr(),
                .mair = stage1::kMair,
                .sctlr = stage1::kSctlr,
                .per_cpu = 0,
                .stack = 0,
                .vectors = 0};
  if (!plan.machine.uart) {
    return Va{0};
  }
  const std::uint64_t uart = plan.machine.uart->raw();
  return MapDevice(Pa{AlignDown(uart, kPageSize)}, arena) + uart % kPageSize;
}

// Copies the image, with everything that it knows by now, into the carve-out and goes on there. No
// static data is written between the copy and the switch; the stack is copied too.
void MoveIntoCarveout(Pa load, Pa image) {
  const auto copy = LinearVa(image).raw();
  std::memcpy(reinterpret_cast<void*>(copy), reinterpret_cast<const void*>(kImageBase),
              ImageBytes());
  CleanInvalidate(copy, ImageBytes());
  SwitchTables(reinterpret_cast<const CpuBoot*>(SymbolIn(image, &final_boot)),
               SymbolIn(image, reinterpret_cast<const void*>(&EnableMmu)),
               SymbolIn(load, reinterpret_cast<const void*>(&SwitchTablesPhysical)));
}

PfnRange TakeZeroed(Arena& arena, PageCount count, std::uint64_t alignment) {
  const PfnRange pages = arena.Take(count, alignment);
  for (Pfn at = pages.first; at < pages.end(); at = at + PageCount{1}) {
    machine::ZeroTablePage(ToPa(at));
  }
  return pages;
}

// Each CPU knows its redistributor, if the device tree tells where they are.
void MapRedistributors(const BootPlan& plan, Arena& arena) {
  const boot::RedistributorList& list = plan.machine.redistributors;
  for (const Region& region : list.regions) {
    FindRedistributors({.first = region.first, .size = region.size, .stride = list.stride}, arena);
  }
}

// Hands all RAM but the carve-out to the host. The arena ends here.
void StartOwnership(const BootPlan& plan, Arena& arena) {
  const RamList ram = AllRam(plan.machine);
  const auto geometry = stage2::Geometry::ForIpaBits(PhysicalAddressBits());
  Invariant(geometry.has_value(), "PhysicalAddressBits is 32 to 48");
  const PageCount record_pages{AlignUp(ram.pages * sizeof(stage2::PageRecord), kPageSize) /
                               kPageSize};
  const PfnRange records = TakeZeroed(arena, record_pages, 1);
  const PfnRange root = TakeZeroed(arena, geometry->root_pages(), geometry->root_pages().raw());
  const std::array<PfnRange, 1> monitor = {Pages(plan.carveout.monitor)};
  const auto started = PageOwnership().Lock()->Start(
      {.ram = ram.span(),
       .mmio = {},
       .monitor = monitor,
       .secure = {},
       .records = std::span(LinearPointer<stage2::PageRecord>(ToPa(records.first)), ram.pages),
       .host_geometry = *geometry,
       .host_root = ToPa(root.first),
       .host_tables = arena.Close()});
  if (!started) {
    Refuse("the memory map has too many regions, or RAM beyond the CPU's physical addresses");
  }
  SetHostRegime(ToPa(root.first), *geometry);
}

void PublishFacts(const BootPlan& plan) {
  Facts() = {.mode = plan.mode,
             .carveout = Pages(plan.carveout.monitor),
             .image_pages = PageCount{ImageBytes() / kPageSize},
             .boot_ticks = sysreg::CntpctEl0::Read() - plan.start_ticks,
             .max_ipa_bits = PhysicalAddressBits()};
}

void Announce(const BootPlan& plan) {
  const Region& monitor = plan.carveout.monitor;
  console::Write("\r\n"sv);
  Line("version "sv, kVersion, ", mode "sv, boot::ModeName(plan.mode), ", "sv,
       std::uint64_t{plan.machine.cpus.size()}, " CPUs"sv);
  Line("carve-out "sv, Hex{monitor.first.raw()}, " to "sv, Hex{monitor.end().raw()}, ", "sv,
       monitor.size >> 20, " MiB, image "sv, ImageBytes() >> 10, " KiB"sv);
  Line("host kernel at "sv, Hex{plan.machine.kernel.first.raw()}, " enters EL1 with stage 2 on"sv);
}

// The host gets this memory, and has no use for the monitor's code.
void WipeLoadedImage(Pa load) {
  for (std::uint64_t done = 0; done < ImageBytes(); done += kPageSize) {
    machine::WipePage(load + done);
  }
}

// In the carve-out, on the boot CPU's own stack with its guard page.
[[noreturn]] void FinishBoot() {
  BootPlan& plan = boot_plan;
  WipeLoadedImage(plan.load);
  StartOwnership(plan, boot_arena);
  Step('9');
  InitCpu();
  Announce(plan);
  boot::RunSelfTest({plan.self_test.data(), plan.self_test_length});
  PublishFacts(plan);
  EnterHostAt(plan.machine.kernel.first.raw(), plan.carveout.host_tree.first.raw());
}

}  // namespace

// Entered from head.S at the link address, on the boot stack, with the early tables.
extern "C" [[noreturn]] void BootMain(std::uint64_t tree, std::uint64_t load) {
  BootPlan& plan = boot_plan;
  plan.start_ticks = sysreg::CntpctEl0::Read();
  plan.load = Pa{load};
  sysreg::VbarEl2::Write(reinterpret_cast<std::uint64_t>(BootVectors));
  sysreg::TpidrEl2::Write(0);
  Step('4');
  ReadMachine(plan, Pa{tree});
  ReadKernel(plan);
  Step('5');
  PlaceMonitor(plan);
  Step('6');
  WriteTree(plan);
  Step('7');
  const Region& monitor = plan.carveout.monitor;
  const PageCount image_pages{ImageBytes() / kPageSize};
  boot_arena = Arena({ToPfn(monitor.first) + image_pages,
                      PageCount{monitor.size / kPageSize - image_pages.raw()}});
  const Va uart = BuildFinalMap(plan, boot_arena);
  MoveIntoCarveout(plan.load, monitor.first);
  console::SetUart(uart);
  Step('8');
  ReadCpuFeatures();
  StartCpus(std::span(plan.machine.cpus.begin(), plan.machine.cpus.size()), monitor.first,
            boot_arena);
  if (!IsThisCpuKnown()) {
    Refuse("device tree: /cpus does not list the CPU that boots");
  }
  MapRedistributors(plan, boot_arena);
  ContinueOnStack(ThisCpu().stack, &FinishBoot);
}

}  // namespace ravelin
