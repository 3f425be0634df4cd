// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/linux/device_tree.h"

#include <charconv>

#include "host_shim/vmm/linux/fdt_writer.h"
#include "host_shim/vmm/linux/layout.h"

namespace ravelin::vmm {
namespace {

using Node = FdtWriter::Node;

// phandles
constexpr std::uint32_t kGicHandle = 1;
constexpr std::uint32_t kClockHandle = 2;

// First cell of an interrupt of the GIC, and its trigger type.
constexpr std::uint32_t kSharedInterrupt = 0;
constexpr std::uint32_t kPrivateInterrupt = 1;
constexpr std::uint32_t kLevelHigh = 4;

constexpr std::uint32_t kUartClockHertz = 24'000'000;

// "name@9000000"
std::string NodeName(const char* name, std::uint64_t address) {
  return std::string{name} + "@" + Hex(address).substr(2);
}

void WriteChosen(FdtWriter& tree, const TreeConfig& config) {
  const Node node{tree, "chosen"};
  if (!config.bootargs.empty()) tree.Text("bootargs", config.bootargs);
  tree.Text("stdout-path", "/" + NodeName("pl011", Raw(kSerialBase)));
  tree.Bytes("rng-seed", config.random_seed);
  tree.Wide("kaslr-seed", {config.layout_seed});
  if (!config.initrd) return;
  tree.Wide("linux,initrd-start", {Raw(config.initrd->start)});
  tree.Wide("linux,initrd-end", {Raw(config.initrd->start) + config.initrd->bytes});
}

void WriteMemory(FdtWriter& tree, const MemoryRange& memory) {
  const Node node{tree, NodeName("memory", Raw(memory.start))};
  tree.Text("device_type", "memory");
  tree.Wide("reg", {Raw(memory.start), memory.bytes});
}

// KVM numbers vCPUs in MPIDR affinity: 16 in each group of level 0.
std::uint32_t AffinityOf(unsigned cpu) { return (cpu / 16) << 8 | cpu % 16; }

void WriteCpus(FdtWriter& tree, unsigned cpus) {
  const Node node{tree, "cpus"};
  tree.Cells("#address-cells", {1});
  tree.Cells("#size-cells", {0});
  for (unsigned cpu = 0; cpu < cpus; ++cpu) {
    const Node cpu_node{tree, NodeName("cpu", AffinityOf(cpu))};
    tree.Text("device_type", "cpu");
    tree.Text("compatible", "arm,armv8");
    tree.Text("enable-method", "psci");
    tree.Cells("reg", {AffinityOf(cpu)});
  }
}

void WritePsci(FdtWriter& tree, PsciConduit conduit) {
  const Node node{tree, "psci"};
  tree.Texts("compatible", {"arm,psci-1.0", "arm,psci-0.2"});
  tree.Text("method", conduit == PsciConduit::kHvc ? "hvc" : "smc");
}

void WriteGic(FdtWriter& tree, unsigned cpus) {
  const Node node{tree, NodeName("interrupt-controller", Raw(kGicDistributor))};
  tree.Text("compatible", "arm,gic-v3");
  tree.Flag("interrupt-controller");
  tree.Cells("#address-cells", {0});
  tree.Cells("#interrupt-cells", {3});
  tree.Wide("reg", {Raw(kGicDistributor), kGicDistributorBytes, Raw(kGicRedistributors),
                    kGicRedistributorBytes * cpus});
  tree.Cells("phandle", {kGicHandle});
}

void WriteTimer(FdtWriter& tree) {
  const Node node{tree, "timer"};
  tree.Text("compatible", "arm,armv8-timer");
  // Secure, non-secure, virtual, hypervisor: PPIs 13, 14, 11, 10.
  tree.Cells("interrupts", {kPrivateInterrupt, 13, kLevelHigh, kPrivateInterrupt, 14, kLevelHigh,
                            kPrivateInterrupt, 11, kLevelHigh, kPrivateInterrupt, 10, kLevelHigh});
  tree.Flag("always-on");
}

void WriteClock(FdtWriter& tree) {
  const Node node{tree, "apb-pclk"};
  tree.Text("compatible", "fixed-clock");
  tree.Cells("#clock-cells", {0});
  tree.Cells("clock-frequency", {kUartClockHertz});
  tree.Text("clock-output-names", "clk24mhz");
  tree.Cells("phandle", {kClockHandle});
}

void WriteSerial(FdtWriter& tree) {
  const Node node{tree, NodeName("pl011", Raw(kSerialBase))};
  tree.Texts("compatible", {"arm,pl011", "arm,primecell"});
  tree.Wide("reg", {Raw(kSerialBase), kDeviceBytes});
  tree.Cells("interrupts", {kSharedInterrupt, kSerialInterrupt, kLevelHigh});
  tree.Cells("clocks", {kClockHandle, kClockHandle});
  tree.Texts("clock-names", {"uartclk", "apb_pclk"});
}

void WriteRealTimeClock(FdtWriter& tree) {
  const Node node{tree, NodeName("pl031", Raw(kClockBase))};
  tree.Texts("compatible", {"arm,pl031", "arm,primecell"});
  tree.Wide("reg", {Raw(kClockBase), kDeviceBytes});
  tree.Cells("clocks", {kClockHandle});
  tree.Text("clock-names", "apb_pclk");
}

void WriteVirtio(FdtWriter& tree, std::size_t index) {
  const Node node{tree, NodeName("virtio_mmio", Raw(VirtioRegisters(index)))};
  tree.Text("compatible", "virtio,mmio");
  tree.Wide("reg", {Raw(VirtioRegisters(index)), kDeviceBytes});
  const auto interrupt = kVirtioInterrupt + static_cast<std::uint32_t>(index);
  tree.Cells("interrupts", {kSharedInterrupt, interrupt, kLevelHigh});
  tree.Flag("dma-coherent");
}

}  // namespace

Result<std::vector<std::byte>> BuildDeviceTree(const TreeConfig& config) {
  FdtWriter tree{kMostTreeBytes};
  tree.Text("compatible", "linux,dummy-virt");
  tree.Text("model", "ravelin-vmm");
  tree.Cells("#address-cells", {2});
  tree.Cells("#size-cells", {2});
  tree.Cells("interrupt-parent", {kGicHandle});
  tree.Flag("dma-coherent");
  WriteChosen(tree, config);
  WriteMemory(tree, config.memory);
  WriteCpus(tree, config.cpus);
  WritePsci(tree, config.psci);
  WriteGic(tree, config.cpus);
  WriteTimer(tree);
  WriteClock(tree);
  WriteSerial(tree);
  WriteRealTimeClock(tree);
  for (std::size_t i = 0; i < config.virtio_devices; ++i) WriteVirtio(tree, i);
  return tree.Finish();
}

}  // namespace ravelin::vmm
