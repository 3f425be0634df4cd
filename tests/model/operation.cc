// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/model/operation.h"

#include <array>

namespace ravelin::model {
namespace {

struct Shape {
  const char* name = "";
  Arguments arguments;
};

// clang-format off keeps the columns.
// clang-format off
constexpr std::array<Shape, kKinds> kShapes{{
    {"HostShareMonitor", {.pfn = true}},
    {"HostUnshareMonitor", {.pfn = true}},
    {"PinShared", {.pfn = true}},
    {"UnpinShared", {.pfn = true}},
    {"HostDonateMonitor", {.scope = Scope::kAll, .pfn = true, .count = true}},
    {"ReturnMetadata", {.scope = Scope::kAll, .count = true}},
    {"HostTopUp", {.scope = Scope::kAll, .pfn = true, .count = true}},
    {"HostDonateVm", {.scope = Scope::kProtectedVms, .gfn = true, .pfn = true, .count = true, .contents = true, .mmio = true}},
    {"HostShareVm", {.scope = Scope::kNormalVms, .gfn = true, .pfn = true, .count = true, .permissions = true, .mmio = true}},
    {"HostUnshareVm", {.scope = Scope::kNormalVms, .gfn = true, .count = true, .mmio = true}},
    {"HostSetVmPermissions", {.scope = Scope::kNormalVms, .gfn = true, .count = true, .permissions = true, .mmio = true}},
    {"HostAgeVm", {.scope = Scope::kNormalVms, .gfn = true, .count = true}},
    {"ReclaimFromVm", {.scope = Scope::kProtectedVms, .pfn = true, .count = true, .mmio = true}},
    {"ForceReclaim", {.scope = Scope::kProtectedVms, .gfn = true, .count = true, .mmio = true}},
    {"HostMapDevice", {.scope = Scope::kDevices, .gfn = true, .pfn = true, .count = true, .permissions = true}},
    {"HostUnmapDevice", {.scope = Scope::kDevices, .gfn = true, .count = true}},
    {"HostDonateDevice", {.scope = Scope::kDevices, .gfn = true, .pfn = true, .count = true, .contents = true}},
    {"ReclaimFromDevice", {.scope = Scope::kDevices, .pfn = true, .count = true}},
    {"HostShareSecure", {.pfn = true, .count = true}},
    {"HostUnshareSecure", {.pfn = true, .count = true}},
    {"VmShareHost", {.scope = Scope::kProtectedVms, .gfn = true, .contents = true}},
    {"VmUnshareHost", {.scope = Scope::kProtectedVms, .gfn = true, .contents = true}},
    {"VmRelinquish", {.scope = Scope::kProtectedVms, .gfn = true, .mmio = true}},
    {"VmGuardMmio", {.scope = Scope::kProtectedVms, .gfn = true}},
    {"VmUnguardMmio", {.scope = Scope::kProtectedVms, .gfn = true}},
    {"MapHostMmio", {.pfn = true}},
    {"the host writes", {.pfn = true}},
    {"the VM writes", {.scope = Scope::kVms, .gfn = true}},
    {"the VM reads", {.scope = Scope::kVms, .gfn = true}},
    {"create", {.scope = Scope::kAll, .pfn = true}},
    {"tear down", {.scope = Scope::kAll}},
}};
// clang-format on

const Shape& ShapeOf(Kind kind) { return kShapes[static_cast<std::size_t>(kind)]; }

// Text in memory of a fixed size.
class Printer {
 public:
  explicit Printer(std::span<char> to) : to_(to) {}

  void Text(std::string_view text) {
    for (const char character : text) {
      if (length_ < to_.size()) {
        to_[length_++] = character;
      }
    }
  }

  void Number(std::string_view name, std::uint64_t value) {
    Text(name);
    Text("0x");
    int shift = 60;
    while (shift > 0 && value >> shift == 0) {
      shift -= 4;
    }
    for (; shift >= 0; shift -= 4) {
      Text(std::string_view("0123456789abcdef").substr(value >> shift & 15U, 1));
    }
  }

  [[nodiscard]] std::string_view text() const { return {to_.data(), length_}; }

 private:
  std::span<char> to_;
  std::size_t length_ = 0;
};

}  // namespace

const char* NameOf(Kind kind) { return ShapeOf(kind).name; }

Arguments ArgumentsOf(Kind kind) { return ShapeOf(kind).arguments; }

std::string_view Print(const Operation& operation, std::span<char> to) {
  const auto& [name, arguments] = ShapeOf(operation.kind);
  Printer printer(to);
  printer.Text(name);
  if (arguments.scope != Scope::kNone) {
    printer.Number(arguments.scope == Scope::kDevices ? " device " : " vm ", operation.vm);
  }
  if (arguments.gfn) {
    printer.Number(" gfn ", operation.gfn);
  }
  if (arguments.pfn) {
    printer.Number(" pfn ", operation.pfn);
  }
  if (arguments.count) {
    printer.Number(" count ", operation.count);
  }
  if (operation.count2 != 0) {
    printer.Number(" and pfn ", operation.pfn2);
    printer.Number(" count ", operation.count2);
  }
  if (arguments.contents) {
    printer.Text(operation.option == 1 ? " zeroed" : " kept");
  }
  if (arguments.permissions) {
    printer.Text((operation.option & 1U) != 0 ? " r" : " -");
    printer.Text((operation.option & 2U) != 0 ? "w" : "-");
    printer.Text((operation.option & 4U) != 0 ? "x" : "-");
  }
  return printer.text();
}

}  // namespace ravelin::model
