// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/machine.h"

#include <libfdt.h>

#include <string_view>

namespace ravelin {
namespace {

// `cells` big-endian words as one number.
std::uint64_t ReadCells(const fdt32_t* words, int cells) {
  std::uint64_t value = 0;
  for (int i = 0; i < cells; ++i) {
    value = value << 32 | fdt32_to_cpu(words[i]);
  }
  return value;
}

bool IsDeviceType(const void* tree, int node, std::string_view type) {
  int length = 0;
  const auto* text = static_cast<const char*>(fdt_getprop(tree, node, "device_type", &length));
  return text != nullptr && length > 0 &&
         std::string_view(text, static_cast<std::size_t>(length) - 1) == type;
}

void ReadMemory(const void* tree, int node, Machine& machine) {
  const int address_cells = fdt_address_cells(tree, 0);
  const int entry = address_cells + fdt_size_cells(tree, 0);
  int length = 0;
  const auto* words = static_cast<const fdt32_t*>(fdt_getprop(tree, node, "reg", &length));
  for (int at = 0; words != nullptr && at + entry * 4 <= length; at += entry * 4, words += entry) {
    if (machine.ram_regions < machine.ram.size()) {
      machine.ram[machine.ram_regions++] = {
          ReadCells(words, address_cells), ReadCells(words + address_cells, entry - address_cells)};
    }
  }
}

std::uint64_t ReadMpidr() {
  std::uint64_t value = 0;
  asm volatile("mrs %0, mpidr_el1" : "=r"(value));
  return value & 0xff'00ff'ffff;
}

void ReadCpus(const void* tree, Machine& machine) {
  machine.mpidr[0] = ReadMpidr();
  machine.cpus = 1;
  const int cpus = fdt_path_offset(tree, "/cpus");
  const int cells = cpus < 0 ? 1 : fdt_address_cells(tree, cpus);
  for (int node = fdt_first_subnode(tree, cpus); node >= 0; node = fdt_next_subnode(tree, node)) {
    const auto* words = static_cast<const fdt32_t*>(fdt_getprop(tree, node, "reg", nullptr));
    if (!IsDeviceType(tree, node, "cpu") || words == nullptr) {
      continue;
    }
    const std::uint64_t mpidr = ReadCells(words, cells);
    if (mpidr != machine.mpidr[0] && machine.cpus < machine.mpidr.size()) {
      machine.mpidr[machine.cpus++] = mpidr;
    }
  }
}

}  // namespace

bool ReadMachine(const void* tree, Machine& machine) {
  if (fdt_check_header(tree) != 0) {
    return false;
  }
  for (int node = fdt_next_node(tree, 0, nullptr); node >= 0;
       node = fdt_next_node(tree, node, nullptr)) {
    if (IsDeviceType(tree, node, "memory")) {
      ReadMemory(tree, node, machine);
    }
  }
  ReadCpus(tree, machine);
  const int uart = fdt_node_offset_by_compatible(tree, -1, "arm,pl011");
  const auto* reg =
      uart < 0 ? nullptr : static_cast<const fdt32_t*>(fdt_getprop(tree, uart, "reg", nullptr));
  machine.uart = reg == nullptr ? 0 : ReadCells(reg, fdt_address_cells(tree, 0));
  int length = 0;
  const auto* line = static_cast<const char*>(
      fdt_getprop(tree, fdt_path_offset(tree, "/chosen"), "bootargs", &length));
  if (line != nullptr && length > 0) {
    machine.command_line = {line, static_cast<std::size_t>(length) - 1};
  }
  return machine.ram_regions != 0;
}

std::uint64_t ReadOption(std::string_view line, std::string_view name, std::uint64_t otherwise) {
  const std::size_t at = line.find(name);
  if (at == std::string_view::npos) {
    return otherwise;
  }
  line.remove_prefix(at + name.size());
  std::uint64_t value = 0;
  for (const char digit : line) {
    if (digit < '0' || digit > '9') {
      break;
    }
    value = value * 10 + static_cast<std::uint64_t>(digit - '0');
  }
  return value;
}

}  // namespace ravelin
