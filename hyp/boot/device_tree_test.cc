// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// What the monitor takes from the bootloader's device tree, and what it refuses, with which words.
#include "hyp/boot/device_tree.h"

#include <libfdt.h>

#include <algorithm>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "hyp/boot/testing/tree.h"

namespace ravelin::boot {
namespace {

using ::testing::ElementsAre;
using testing::Tree;

TEST(DeviceTreeTest, TakesTheMachineOfQemu) {
  const Tree tree;
  const auto machine = ReadDeviceTree(tree.blob());
  ASSERT_TRUE(machine) << machine.error();
  ASSERT_EQ(machine->ram.size(), 1U);
  EXPECT_EQ(machine->ram[0].first, Pa{0x4000'0000});
  EXPECT_EQ(machine->ram[0].size, 0x8000'0000U);
  EXPECT_TRUE(machine->reserved.empty());
  EXPECT_THAT(std::vector(machine->cpus.begin(), machine->cpus.end()), ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(machine->uart, Pa{0x900'0000});
  EXPECT_EQ(machine->kernel.first, Pa{0x4a00'0000});
  EXPECT_EQ(machine->kernel.size, 0x200'0000U);
  EXPECT_EQ(machine->ramdisk.value_or(Region{}).first, Pa{0x5000'0000});
  EXPECT_EQ(machine->bootargs, "console=ttyAMA0 root=/dev/vda");
}

TEST(DeviceTreeTest, RamIsSortedAndHasWholePagesOnly) {
  Tree tree;
  tree.Text("/memory@8000000000", "device_type", "memory");
  tree.Cells("/memory@8000000000", "reg",
             {0x80, 0x0000'0800, 0, 0x0020'0000, 0, 0x1000'0000, 0, 0x0000'1fff, 0, 0x2000'0800, 0,
              0x0000'0800});
  const auto machine = ReadDeviceTree(tree.blob());
  ASSERT_TRUE(machine) << machine.error();
  ASSERT_EQ(machine->ram.size(), 3U);
  EXPECT_EQ(machine->ram[0].first, Pa{0x1000'0000});
  EXPECT_EQ(machine->ram[0].size, 0x1000U);
  EXPECT_EQ(machine->ram[1].first, Pa{0x4000'0000});
  EXPECT_EQ(machine->ram[2].first, Pa{0x80'0000'1000});
  EXPECT_EQ(machine->ram[2].size, 0x1f'f000U);
}

TEST(DeviceTreeTest, MemoryThatIsDisabledIsNotRam) {
  Tree tree;  // as QEMU's secure RAM
  tree.Text("/secram@e000000", "device_type", "memory")
      .Text("/secram@e000000", "status", "disabled");
  tree.Reg64("/secram@e000000", 0xe00'0000, 0x100'0000);
  const auto machine = ReadDeviceTree(tree.blob());
  ASSERT_TRUE(machine) << machine.error();
  ASSERT_EQ(machine->ram.size(), 1U);
  EXPECT_EQ(machine->ram[0].first, Pa{0x4000'0000});
}

TEST(DeviceTreeTest, BothKindsOfReservationCount) {
  Tree tree;
  tree.Reserve(0x4100'0000, 0x1000);
  tree.Cells("/reserved-memory", "#address-cells", {2});
  tree.Cells("/reserved-memory", "#size-cells", {2});
  tree.Reg64("/reserved-memory/firmware@42000000", 0x4200'0000, 0x2000);
  tree.Cells("/reserved-memory/cma", "size", {0, 0x100'0000});
  const auto machine = ReadDeviceTree(tree.blob());
  ASSERT_TRUE(machine) << machine.error();
  ASSERT_EQ(machine->reserved.size(), 2U);
  EXPECT_EQ(machine->reserved[0].first, Pa{0x4100'0000});
  EXPECT_EQ(machine->reserved[1].first, Pa{0x4200'0000});
  EXPECT_EQ(machine->reserved[1].size, 0x2000U);
}

TEST(DeviceTreeTest, CpuIdentifiersOfTwoCells) {
  Tree tree;
  tree.Remove("/cpus").Cells("/cpus", "#address-cells", {2}).Cells("/cpus", "#size-cells", {0});
  tree.Text("/cpus/cpu@100", "device_type", "cpu").Cells("/cpus/cpu@100", "reg", {1, 0x100});
  tree.Node("/cpus/cpu-map");
  const auto machine = ReadDeviceTree(tree.blob());
  ASSERT_TRUE(machine) << machine.error();
  EXPECT_THAT(std::vector(machine->cpus.begin(), machine->cpus.end()), ElementsAre(0x1'0000'0100));
}

TEST(DeviceTreeTest, TheUartMayBeAnAliasWithOptions) {
  Tree tree;
  tree.Text("/aliases", "serial0", "/pl011@9000000");
  tree.Text("/chosen", "stdout-path", "serial0:115200n8");
  EXPECT_EQ(ReadDeviceTree(tree.blob())->uart, Pa{0x900'0000});
}

TEST(DeviceTreeTest, WithoutAKnownUartThereIsNone) {
  Tree none;
  none.RemoveProperty("/chosen", "stdout-path");
  ASSERT_TRUE(ReadDeviceTree(none.blob()));
  EXPECT_EQ(ReadDeviceTree(none.blob())->uart, std::nullopt);
  Tree other;
  other.Text("/pl011@9000000", "compatible", "ns16550a");
  EXPECT_EQ(ReadDeviceTree(other.blob())->uart, std::nullopt);
  Tree missing;
  missing.Text("/chosen", "stdout-path", "/serial");
  EXPECT_EQ(ReadDeviceTree(missing.blob())->uart, std::nullopt);
}

TEST(DeviceTreeTest, ModulesUseTheCellsOfChosenIfItHasAny) {
  Tree tree;
  tree.Cells("/chosen", "#address-cells", {1}).Cells("/chosen", "#size-cells", {1});
  tree.Cells("/chosen/module@4a000000", "reg", {0x4a00'0000, 0x200'0000});
  tree.Cells("/chosen/module@50000000", "reg", {0x5000'0000, 0x12'3456});
  const auto machine = ReadDeviceTree(tree.blob());
  ASSERT_TRUE(machine) << machine.error();
  EXPECT_EQ(machine->kernel.first, Pa{0x4a00'0000});
}

TEST(DeviceTreeTest, AHostNeedsNoRamdiskAndNoCommandLine) {
  Tree tree;
  tree.Remove("/chosen/module@50000000").RemoveProperty("/chosen/module@4a000000", "bootargs");
  const auto machine = ReadDeviceTree(tree.blob());
  ASSERT_TRUE(machine) << machine.error();
  EXPECT_FALSE(machine->ramdisk.has_value());
  EXPECT_EQ(machine->bootargs, "");
}

// --- Refusals

struct Refused {
  const char* name;
  std::function<void(Tree&)> change;
  std::string_view why;

  friend void PrintTo(const Refused& refused, std::ostream* stream) { *stream << refused.name; }
};

class DeviceTreeRefusalTest : public ::testing::TestWithParam<Refused> {};

TEST_P(DeviceTreeRefusalTest, SaysWhy) {
  Tree tree;
  GetParam().change(tree);
  const auto machine = ReadDeviceTree(tree.blob());
  ASSERT_FALSE(machine);
  EXPECT_EQ(machine.error(), GetParam().why);
}

void AddCpus(Tree& tree, unsigned count) {
  for (unsigned i = 4; i < count; ++i) {
    const std::string cpu = "/cpus/cpu@" + std::to_string(i);
    tree.Text(cpu, "device_type", "cpu").Cells(cpu, "reg", {i});
  }
}

void AddMemory(Tree& tree, unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    const std::string node = "/memory@" + std::to_string(i);
    tree.Text(node, "device_type", "memory");
    tree.Reg64(node, (std::uint64_t{i} << 32) + (std::uint64_t{1} << 40), 0x1000);
  }
}

void AddReserved(Tree& tree, unsigned count) {
  tree.Cells("/reserved-memory", "#address-cells", {2});
  tree.Cells("/reserved-memory", "#size-cells", {2});
  for (unsigned i = 0; i < count; ++i) {
    tree.Reg64("/reserved-memory/r@" + std::to_string(i), 0x4000'0000 + 0x1000 * i, 0x1000);
  }
}

constexpr std::string_view kCellsRefusal =
    "device tree: #address-cells or #size-cells out of range";
constexpr std::string_view kRegRefusal = "device tree: a node has no well-formed reg";
constexpr std::string_view kAbove48 =
    "device tree: a region lies above the 48-bit physical address space";
constexpr std::string_view kTooMany =
    "device tree: more regions of memory than the monitor can record";
constexpr std::string_view kOneRegion = "device tree: a payload or device has more than one region";
constexpr std::string_view kOverlap = "device tree: memory regions overlap";
constexpr std::string_view kReservations =
    "device tree: the memory reservation block is malformed or too long";
constexpr std::string_view kCpuReg = "device tree: a cpu node has no well-formed reg";
constexpr std::string_view kNoPsci = "no PSCI 0.2 or later in the device tree";
constexpr std::string_view kModule = "a multiboot,module lies outside RAM or is empty";
constexpr const char* kMemory = "/memory@40000000";
constexpr const char* kKernel = "/chosen/module@4a000000";

const std::vector<Refused> kRefusals{
    {"ThreeAddressCells", [](Tree& t) { t.Cells("/", "#address-cells", {3}); }, kCellsRefusal},
    {"NoAddressCells", [](Tree& t) { t.Cells("/", "#address-cells", {0}); }, kCellsRefusal},
    {"ThreeSizeCells", [](Tree& t) { t.Cells("/", "#size-cells", {3}); }, kCellsRefusal},
    {"NoSizeCells", [](Tree& t) { t.Cells("/", "#size-cells", {0}); }, kRegRefusal},
    {"MemoryWithoutReg", [](Tree& t) { t.RemoveProperty(kMemory, "reg"); }, kRegRefusal},
    {"RegOfThreeCells", [](Tree& t) { t.Cells(kMemory, "reg", {0, 0x40000000, 0}); }, kRegRefusal},
    {"RamFrom48Bits", [](Tree& t) { t.Reg64(kMemory, std::uint64_t{1} << 48, 0x1000); }, kAbove48},
    {"RamAcross48Bits",
     [](Tree& t) { t.Reg64(kMemory, (std::uint64_t{1} << 48) - 0x1000, 0x2000); }, kAbove48},
    {"RamThatWraps", [](Tree& t) { t.Reg64(kMemory, 0x4000'0000, ~std::uint64_t{0}); }, kAbove48},
    {"TooManyRegions", [](Tree& t) { AddMemory(t, kMaxRamRegions); }, kTooMany},
    {"TooManyReserved", [](Tree& t) { AddReserved(t, kMaxReserved + 1); }, kTooMany},
    {"ReservedAbove48Bits",
     [](Tree& t) {
       AddReserved(t, 1);
       t.Reg64("/reserved-memory/r@0", ~std::uint64_t{0} - 0xfff, 0x1000);
     },
     kAbove48},
    {"NoMemory", [](Tree& t) { t.Remove(kMemory); }, "device tree: no memory node"},
    {"LessThanAPage", [](Tree& t) { t.Reg64(kMemory, 0x4000'0000, 0xfff); },
     "device tree: no memory node"},
    {"OverlapInOneNode",
     [](Tree& t) {
       t.Cells(kMemory, "reg", {0, 0x4000'0000, 0, 0x2000, 0, 0x4000'1000, 0, 0x2000});
     },
     kOverlap},
    {"OverlapOfTwoNodes",
     [](Tree& t) {
       t.Text("/memory@0", "device_type", "memory").Reg64("/memory@0", 0, 0x4000'1000);
     },
     kOverlap},
    {"TooManyReservations",
     [](Tree& t) {
       for (std::size_t i = 0; i <= kMaxReserved; ++i) {
         t.Reserve(0x4000'0000 + 0x1000 * i, 0x1000);
       }
     },
     kReservations},
    {"ReservationThatWraps", [](Tree& t) { t.Reserve(0x4000'0000, ~std::uint64_t{0}); },
     kReservations},
    {"NoCpus", [](Tree& t) { t.Remove("/cpus"); }, "device tree: no /cpus"},
    {"NoCpu", [](Tree& t) { t.Remove("/cpus").Node("/cpus"); }, "device tree: no cpu node"},
    {"CpuWithoutReg", [](Tree& t) { t.RemoveProperty("/cpus/cpu@1", "reg"); }, kCpuReg},
    {"CpuWithLongReg", [](Tree& t) { t.Cells("/cpus/cpu@1", "reg", {0, 1}); }, kCpuReg},
    {"CpusOfThreeCells",
     [](Tree& t) {
       t.Cells("/cpus", "#address-cells", {3}).Cells("/cpus/cpu@0", "reg", {0, 0, 0});
     },
     kCpuReg},
    {"TooManyCpus", [](Tree& t) { AddCpus(t, kMaxCpus + 1); }, "device tree: more than 64 CPUs"},
    {"NoGic", [](Tree& t) { t.Remove("/intc@8000000"); },
     "no GICv3 (compatible arm,gic-v3) in the device tree; QEMU: gic-version=3"},
    {"GicV2", [](Tree& t) { t.Text("/intc@8000000", "compatible", "arm,cortex-a15-gic"); },
     "no GICv3 (compatible arm,gic-v3) in the device tree; QEMU: gic-version=3"},
    {"NoPsci", [](Tree& t) { t.Remove("/psci"); }, kNoPsci},
    {"PsciOfVersion0_1", [](Tree& t) { t.Text("/psci", "compatible", "arm,psci"); }, kNoPsci},
    {"PsciByHvc", [](Tree& t) { t.Text("/psci", "method", "hvc"); },
     "PSCI is not called by SMC; QEMU: virtualization=on"},
    {"PsciByNothing", [](Tree& t) { t.RemoveProperty("/psci", "method"); },
     "PSCI is not called by SMC; QEMU: virtualization=on"},
    {"NoChosen", [](Tree& t) { t.Remove("/chosen"); },
     "no host kernel: /chosen has no multiboot,kernel module (QEMU: guest-loader)"},
    {"NoKernel", [](Tree& t) { t.Remove(kKernel); },
     "no host kernel: /chosen has no multiboot,kernel module (QEMU: guest-loader)"},
    {"TwoKernels",
     [](Tree& t) { t.Module("/chosen/module@60000000", "multiboot,kernel", 0x6000'0000, 0x1000); },
     "two multiboot,kernel modules: which one is the host?"},
    {"KernelOutsideRam", [](Tree& t) { t.Reg64(kKernel, 0x1000'0000, 0x1000); }, kModule},
    {"KernelAcrossTheEnd", [](Tree& t) { t.Reg64(kKernel, 0xbfff'f000, 0x2000); }, kModule},
    {"EmptyKernel", [](Tree& t) { t.Reg64(kKernel, 0x4a00'0000, 0); }, kModule},
    {"UnknownModuleOutsideRam",
     [](Tree& t) { t.Module("/chosen/module@0", "multiboot,other", 0, 0x1000); }, kModule},
    {"KernelOfTwoRegions",
     [](Tree& t) {
       t.Cells(kKernel, "reg", {0, 0x4a00'0000, 0, 0x1000, 0, 0x4b00'0000, 0, 0x1000});
     },
     kOneRegion},
    {"KernelWithoutReg", [](Tree& t) { t.RemoveProperty(kKernel, "reg"); }, kRegRefusal},
    {"KernelAndRamdiskOverlap",
     [](Tree& t) { t.Reg64("/chosen/module@50000000", 0x4bff'f000, 0x2000); },
     "the host's kernel and ramdisk overlap"},
};

INSTANTIATE_TEST_SUITE_P(All, DeviceTreeRefusalTest, ::testing::ValuesIn(kRefusals),
                         [](const auto& each) { return std::string(each.param.name); });

TEST(MalformedTreeTest, NoTreeAtAll) {
  const std::vector<std::byte> zeros(kMaxTreeSize);
  EXPECT_EQ(ReadDeviceTree(zeros.data()).error(), "no device tree where x0 points to");
}

TEST(MalformedTreeTest, BlocksThatAreNotAligned) {
  Tree structure;
  fdt_set_off_dt_struct(structure.bytes().data(), fdt_off_dt_struct(structure.blob()) + 1);
  EXPECT_EQ(ReadDeviceTree(structure.blob()).error(), "device tree: malformed");
  Tree reservations;
  fdt_set_off_mem_rsvmap(reservations.bytes().data(), fdt_off_mem_rsvmap(reservations.blob()) + 4);
  EXPECT_EQ(ReadDeviceTree(reservations.blob()).error(), "device tree: malformed");
  EXPECT_EQ(ReadDeviceTree(structure.bytes().data() + 4).error(),
            "no device tree where x0 points to");
}

TEST(MalformedTreeTest, ATreeOfMoreThan2MiB) {
  Tree tree;
  fdt_set_totalsize(tree.bytes().data(), kMaxTreeSize);
  EXPECT_EQ(TreeSize(tree.blob()), kMaxTreeSize);
  EXPECT_TRUE(ReadDeviceTree(tree.blob()));
  fdt_set_totalsize(tree.bytes().data(), kMaxTreeSize + 1);
  EXPECT_EQ(ReadDeviceTree(tree.blob()).error(), "device tree: larger than 2 MiB");
}

TEST(MalformedTreeTest, ATreeWhoseHeaderEndsItEarly) {
  Tree tree;
  const std::size_t size = tree.PackedSize();
  EXPECT_TRUE(ReadDeviceTree(tree.blob()));
  for (std::size_t shorter = 0; shorter < size; shorter += 8) {
    fdt_set_totalsize(tree.bytes().data(), static_cast<std::uint32_t>(shorter));
    EXPECT_FALSE(ReadDeviceTree(tree.blob())) << shorter;
  }
}

TEST(MalformedTreeTest, AStructureBlockWithoutEnd) {
  Tree tree;
  ASSERT_LT(tree.PackedSize(), kMaxTreeSize);
  const std::uint32_t structure = fdt_size_dt_struct(tree.blob());
  for (std::uint32_t shorter = 0; shorter < structure; shorter += 4) {
    fdt_set_size_dt_struct(tree.bytes().data(), shorter);
    EXPECT_FALSE(ReadDeviceTree(tree.blob())) << shorter;
  }
}

// Whatever one byte says: it is read within its bounds (a sanitizer looks), and what is accepted
// keeps the rules that the rest of boot relies on.
TEST(MalformedTreeTest, AnyByteMayBeWrong) {
  Tree tree;
  tree.Reserve(0x4100'0000, 0x1000);
  const std::size_t size = tree.PackedSize();
  const std::uint64_t limit = std::uint64_t{1} << kMaxAddressBits;
  for (std::size_t at = 0; at < size; ++at) {
    const std::byte right = tree.bytes()[at];
    for (const std::byte wrong : {std::byte{0}, std::byte{0xff}, right ^ std::byte{1}}) {
      tree.bytes()[at] = wrong;
      const auto machine = ReadDeviceTree(tree.blob());
      if (!machine) {
        continue;
      }
      ASSERT_FALSE(machine->ram.empty()) << at;
      ASSERT_FALSE(machine->cpus.empty()) << at;
      for (const Region& reserved : machine->reserved) {
        ASSERT_LE(reserved.first.raw(), limit) << at;
        ASSERT_LE(reserved.size, limit - reserved.first.raw()) << at;
      }
      ASSERT_TRUE(std::any_of(machine->ram.begin(), machine->ram.end(), [&](const Region& ram) {
        return ram.Contains(machine->kernel);
      })) << at;
    }
    tree.bytes()[at] = right;
  }
}

// --- The command line

TEST(CommandLineTest, TheLastOfAnOptionCounts) {
  EXPECT_EQ(FindOption("a=1 b=2 a=3", "a"), "3");
  EXPECT_EQ(FindOption("a=1", "a"), "1");
  EXPECT_EQ(FindOption("  a=x=y  b", "a"), "x=y");
  EXPECT_EQ(FindOption("a=", "a"), "");
}

TEST(CommandLineTest, OptionsAreWholeWords) {
  EXPECT_EQ(FindOption("", "a"), std::nullopt);
  EXPECT_EQ(FindOption("a", "a"), std::nullopt);
  EXPECT_EQ(FindOption("ba=1 ab=2", "a"), std::nullopt);
  EXPECT_EQ(FindOption("x.a=1", "a"), std::nullopt);
  EXPECT_EQ(FindOption("b=a=1", "a"), std::nullopt);
}

TEST(CommandLineTest, TheModeIsProtectedUnlessItIsNamed) {
  EXPECT_EQ(ReadMode(""), Mode::kProtected);
  EXPECT_EQ(ReadMode("console=ttyAMA0"), Mode::kProtected);
  EXPECT_EQ(ReadMode("ravelin.mode=protected"), Mode::kProtected);
  EXPECT_EQ(ReadMode("ravelin.mode=nvhe"), Mode::kNvhe);
  EXPECT_EQ(ReadMode("ravelin.mode=protected ravelin.mode=none"), Mode::kNone);
}

TEST(CommandLineTest, AModeThatDoesNotExistIsRefused) {
  for (const char* bootargs : {"ravelin.mode=", "ravelin.mode=vhe", "ravelin.mode=Protected",
                               "ravelin.mode=none ravelin.mode=x", "ravelin.mode=none,nvhe"}) {
    EXPECT_EQ(ReadMode(bootargs).error(), "ravelin.mode= is not one of protected, nvhe, none")
        << bootargs;
  }
}

TEST(CommandLineTest, EveryModeHasTheNameThatSelectsIt) {
  for (const Mode mode : {Mode::kProtected, Mode::kNvhe, Mode::kNone}) {
    EXPECT_EQ(ReadMode(std::string("ravelin.mode=").append(ModeName(mode))), mode);
  }
}

// --- The kernel's header

class KernelHeaderTest : public ::testing::Test {
 protected:
  KernelHeaderTest() : header_(64) {
    SetWord(16, 0x300'0000);
    const std::string_view magic = "ARM\x64";
    for (std::size_t i = 0; i < magic.size(); ++i) {
      header_[56 + i] = static_cast<unsigned char>(magic[i]);
    }
  }

  void SetWord(std::size_t at, std::uint64_t value) {
    for (std::size_t i = 0; i < 8; ++i) {
      header_[at + i] = static_cast<unsigned char>(value >> (8 * i));
    }
  }
  Accepted<KernelImage> Read(std::uint64_t address = 0x4a00'0000, std::uint64_t size = 0x100'0000) {
    return ReadKernelHeader(header_.data(), {Pa{address}, size});
  }

  std::vector<unsigned char> header_;
};

TEST_F(KernelHeaderTest, AKernelNeedsTheMemoryThatItsHeaderNames) {
  EXPECT_EQ(Read()->image_size, 0x300'0000U);
  EXPECT_EQ(Read(0x4a00'0000, 0x400'0000)->image_size, 0x400'0000U);
}

TEST_F(KernelHeaderTest, TheTextOffsetCountsForTheAlignment) {
  SetWord(8, 0x8'0000);
  EXPECT_TRUE(Read(0x4a08'0000));
  EXPECT_EQ(Read(0x4a00'0000).error(), "the host kernel is not loaded at a multiple of 2 MiB");
}

TEST_F(KernelHeaderTest, Refusals) {
  EXPECT_EQ(Read(0x4a00'0000, 63).error(), "the host kernel is shorter than an arm64 Image header");
  EXPECT_EQ(Read(0x4a10'0000).error(), "the host kernel is not loaded at a multiple of 2 MiB");
  for (const std::uint64_t size :
       {std::uint64_t{0}, (std::uint64_t{1} << 32) + 1, ~std::uint64_t{0}}) {
    SetWord(16, size);
    EXPECT_EQ(Read().error(), "the host kernel's header gives no plausible image size");
  }
  header_[56] = 'a';
  EXPECT_EQ(Read().error(), "the host kernel is no arm64 Image (no magic ARM\\x64)");
  header_[0] = 0x1f;
  header_[1] = 0x8b;
  EXPECT_EQ(Read().error(), "the host kernel is gzip-compressed; give it unpacked (arm64 Image)");
}

}  // namespace
}  // namespace ravelin::boot
