// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// What the host reads in the device tree that the monitor writes for it.
#include "hyp/boot/host_tree.h"

#include <libfdt.h>

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "hyp/boot/testing/tree.h"

namespace ravelin::boot {
namespace {

using namespace std::string_literals;
using ::testing::ElementsAre;
using testing::HasNode;
using testing::Property;
using testing::PropertyCells;
using testing::Tree;

constexpr Region kCarveout{Pa{0xbe00'0000}, 0x200'0000};

class HostTreeTest : public ::testing::Test {
 protected:
  HostTreeTest() : space_(kMaxTreeSize) {}

  // The tree that the host gets in the place of `source`.
  const void* Write(const void* source, Mode mode = Mode::kProtected,
                    const Region& carveout = kCarveout) {
    const auto machine = ReadDeviceTree(source);
    EXPECT_TRUE(machine) << machine.error();
    const auto size =
        WriteHostTree(source, space_, {.machine = &*machine, .carveout = carveout, .mode = mode});
    EXPECT_TRUE(size) << size.error();
    EXPECT_EQ(fdt_check_full(space_.data(), *size), 0);
    return space_.data();
  }

  std::vector<std::byte> space_;
};

TEST_F(HostTreeTest, TheCarveOutIsReservedAndNotMapped) {
  const Tree source;
  const void* const tree = Write(source.blob());
  EXPECT_THAT(PropertyCells(tree, "/reserved-memory", "#address-cells"), ElementsAre(2));
  EXPECT_THAT(PropertyCells(tree, "/reserved-memory", "#size-cells"), ElementsAre(2));
  EXPECT_EQ(Property(tree, "/reserved-memory", "ranges"), "");
  EXPECT_THAT(PropertyCells(tree, "/reserved-memory/ravelin-monitor", "reg"),
              ElementsAre(0, 0xbe00'0000, 0, 0x200'0000));
  EXPECT_EQ(Property(tree, "/reserved-memory/ravelin-monitor", "no-map"), "");
}

TEST_F(HostTreeTest, WhatIsReservedAlreadyStaysReserved) {
  Tree source;
  source.Reserve(0x4100'0000, 0x1000);
  source.Cells("/reserved-memory", "#address-cells", {2});
  source.Cells("/reserved-memory", "#size-cells", {2});
  source.Flag("/reserved-memory", "ranges");
  source.Reg64("/reserved-memory/firmware@42000000", 0x4200'0000, 0x2000);
  const void* const tree = Write(source.blob());
  EXPECT_EQ(fdt_num_mem_rsv(tree), 1);
  EXPECT_THAT(PropertyCells(tree, "/reserved-memory/firmware@42000000", "reg"),
              ElementsAre(0, 0x4200'0000, 0, 0x2000));
  EXPECT_TRUE(HasNode(tree, "/reserved-memory/ravelin-monitor"));
}

TEST_F(HostTreeTest, ReservedMemoryKeepsItsOwnCells) {
  Tree source;
  source.Cells("/reserved-memory", "#address-cells", {1});
  source.Cells("/reserved-memory", "#size-cells", {1});
  source.Cells("/reserved-memory/firmware@42000000", "reg", {0x4200'0000, 0x2000});
  const void* const tree = Write(source.blob());
  EXPECT_THAT(PropertyCells(tree, "/reserved-memory", "#address-cells"), ElementsAre(1));
  EXPECT_THAT(PropertyCells(tree, "/reserved-memory/ravelin-monitor", "reg"),
              ElementsAre(0xbe00'0000, 0x200'0000));
}

TEST_F(HostTreeTest, ATreeOfSingleCellsGetsSingleCells) {
  Tree source;
  source.Cells("/", "#address-cells", {1}).Cells("/", "#size-cells", {1});
  source.Cells("/memory@40000000", "reg", {0x4000'0000, 0x8000'0000});
  source.Cells("/pl011@9000000", "reg", {0x900'0000, 0x1000});
  source.Cells("/chosen/module@4a000000", "reg", {0x4a00'0000, 0x200'0000});
  source.Cells("/chosen/module@50000000", "reg", {0x5000'0000, 0x12'3456});
  EXPECT_THAT(PropertyCells(Write(source.blob()), "/reserved-memory/ravelin-monitor", "reg"),
              ElementsAre(0xbe00'0000, 0x200'0000));
  const auto machine = ReadDeviceTree(source.blob());
  ASSERT_TRUE(machine);
  const Region high{Pa{0x1'0000'0000}, 0x200'0000};
  EXPECT_EQ(WriteHostTree(source.blob(), space_,
                          {.machine = &*machine, .carveout = high, .mode = Mode::kProtected})
                .error(),
            "device tree: cannot be edited");
}

TEST_F(HostTreeTest, ThePayloadStandsWhereLinuxLooksForIt) {
  const Tree source;
  const void* const tree = Write(source.blob());
  EXPECT_EQ(Property(tree, "/chosen", "bootargs"), "console=ttyAMA0 root=/dev/vda\0"s);
  EXPECT_THAT(PropertyCells(tree, "/chosen", "linux,initrd-start"), ElementsAre(0, 0x5000'0000));
  EXPECT_THAT(PropertyCells(tree, "/chosen", "linux,initrd-end"), ElementsAre(0, 0x5012'3456));
  EXPECT_EQ(Property(tree, "/chosen", "stdout-path"), "/pl011@9000000\0"s);
}

TEST_F(HostTreeTest, ModulesAreGoneAndOtherNodesOfChosenAreNot) {
  Tree source;
  source.Text("/chosen/framebuffer", "compatible", "simple-framebuffer");
  source.Module("/chosen/module@60000000", "multiboot,other", 0x6000'0000, 0x1000);
  const void* const tree = Write(source.blob());
  EXPECT_FALSE(HasNode(tree, "/chosen/module@4a000000"));
  EXPECT_FALSE(HasNode(tree, "/chosen/module@50000000"));
  EXPECT_FALSE(HasNode(tree, "/chosen/module@60000000"));
  EXPECT_TRUE(HasNode(tree, "/chosen/framebuffer"));
}

TEST_F(HostTreeTest, WithoutARamdiskTheBootloadersIsNotOffered) {
  Tree source;
  source.Remove("/chosen/module@50000000");
  source.Cells("/chosen", "linux,initrd-start", {0x1234}).Cells("/chosen", "linux,initrd-end", {5});
  source.Text("/chosen", "bootargs", "the monitor's own");
  source.RemoveProperty("/chosen/module@4a000000", "bootargs");
  const void* const tree = Write(source.blob());
  EXPECT_EQ(Property(tree, "/chosen", "linux,initrd-start"), "<absent>");
  EXPECT_EQ(Property(tree, "/chosen", "linux,initrd-end"), "<absent>");
  EXPECT_EQ(Property(tree, "/chosen", "bootargs"), "\0"s);
}

TEST_F(HostTreeTest, TheHostFindsNoVirtualTimer) {
  const Tree source;
  const void* const tree = Write(source.blob());
  EXPECT_EQ(Property(tree, "/timer", "interrupt-names"), "sec-phys\0phys\0none\0hyp-phys\0"s);
  EXPECT_EQ(Property(tree, "/timer", "interrupts"),
            Property(source.blob(), "/timer", "interrupts"));
  EXPECT_LT(fdt_stringlist_search(tree, fdt_path_offset(tree, "/timer"), "interrupt-names", "virt"),
            0);
}

TEST_F(HostTreeTest, ATimerWithNamesKeepsThemAndTheirOrder) {
  Tree source;
  source.List("/timer", "interrupt-names", {"virt", "phys", "hyp-phys"});
  EXPECT_EQ(Property(Write(source.blob()), "/timer", "interrupt-names"), "none\0phys\0hyp-phys\0"s);
  source.List("/timer", "interrupt-names", {"phys"});
  EXPECT_EQ(Property(Write(source.blob()), "/timer", "interrupt-names"), "phys\0"s);
}

TEST_F(HostTreeTest, ATreeWithoutTimerIsLeftWithoutOne) {
  Tree source;
  source.Remove("/timer");
  EXPECT_FALSE(HasNode(Write(source.blob()), "/timer"));
}

TEST_F(HostTreeTest, TheDriverFindsTheMonitorItsModeAndItsInterrupts) {
  const Tree source;
  for (const Mode mode : {Mode::kProtected, Mode::kNvhe, Mode::kNone}) {
    const void* const tree = Write(source.blob(), mode);
    EXPECT_EQ(Property(tree, "/hypervisor", "compatible"), "ravelin,monitor\0"s);
    EXPECT_EQ(Property(tree, "/hypervisor", "ravelin,mode"), std::string(ModeName(mode)) + '\0');
    EXPECT_THAT(PropertyCells(tree, "/hypervisor", "interrupts"), ElementsAre(1, 11, 4, 1, 9, 4));
  }
}

TEST_F(HostTreeTest, AnEditedTreeIsEditedToTheSame) {
  Tree source;
  const void* const first = Write(source.blob());
  const std::string once(static_cast<const char*>(first), fdt_totalsize(first));
  Tree again;
  ASSERT_EQ(fdt_open_into(once.data(), again.bytes().data(), kMaxTreeSize / 2), 0);
  again.Module("/chosen/module@4a000000", "multiboot,kernel", 0x4a00'0000, 0x200'0000);
  again.Text("/chosen/module@4a000000", "bootargs", "console=ttyAMA0 root=/dev/vda");
  again.Module("/chosen/module@50000000", "multiboot,ramdisk", 0x5000'0000, 0x12'3456);
  const void* const tree = Write(again.blob());
  EXPECT_THAT(PropertyCells(tree, "/reserved-memory/ravelin-monitor", "reg"),
              ElementsAre(0, 0xbe00'0000, 0, 0x200'0000));
  EXPECT_THAT(PropertyCells(tree, "/hypervisor", "interrupts"), ElementsAre(1, 11, 4, 1, 9, 4));
  EXPECT_EQ(fdt_totalsize(tree), once.size());
}

TEST_F(HostTreeTest, WithoutRoomItIsRefused) {
  Tree source;
  const std::size_t size = source.PackedSize();
  const auto machine = ReadDeviceTree(source.blob());
  ASSERT_TRUE(machine);
  const HostTreePlan plan{.machine = &*machine, .carveout = kCarveout, .mode = Mode::kProtected};
  bool written = false;
  for (std::size_t room = 0; room < size + 0x400; room += 4) {
    space_.assign(room, std::byte{0});
    const auto result = WriteHostTree(source.blob(), space_, plan);
    ASSERT_FALSE(written && !result) << "more room is never worse";
    written = result.has_value();
    if (!written) {
      EXPECT_EQ(result.error(),
                room < size ? "device tree: no room to edit it" : "device tree: cannot be edited");
    }
  }
  EXPECT_TRUE(written);
}

}  // namespace
}  // namespace ravelin::boot
