// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/model/operation.h"

#include <array>
#include <cstddef>
#include <sstream>

namespace ravelin::model {
namespace {

constexpr unsigned kVm = 1;
constexpr unsigned kGfn = 2;
constexpr unsigned kPfn = 4;
constexpr unsigned kCount = 8;
constexpr unsigned kPermissions = 16;
constexpr unsigned kContents = 32;

struct Shape {
  const char* name;
  unsigned arguments;
};

constexpr std::array<Shape, kKinds> kShapes{{
    {"HostShareMonitor", kPfn},
    {"HostUnshareMonitor", kPfn},
    {"PinShared", kPfn},
    {"UnpinShared", kPfn},
    {"HostDonateMonitor", kVm | kPfn | kCount},
    {"ReturnMetadata", kVm | kCount},
    {"HostTopUp", kVm | kPfn | kCount},
    {"HostDonateVm", kVm | kGfn | kPfn | kCount | kContents},
    {"HostShareVm", kVm | kGfn | kPfn | kCount | kPermissions},
    {"HostUnshareVm", kVm | kGfn | kCount},
    {"HostSetVmPermissions", kVm | kGfn | kPermissions},
    {"ReclaimFromVm", kVm | kPfn | kCount},
    {"VmShareHost", kVm | kGfn},
    {"VmUnshareHost", kVm | kGfn},
    {"VmGuardMmio", kVm | kGfn},
    {"VmUnguardMmio", kVm | kGfn},
    {"MapHostMmio", kPfn},
    {"the host writes", kPfn},
    {"the VM writes", kVm | kGfn},
    {"create VM", kVm | kPfn},
    {"tear down VM", kVm},
}};

const Shape& ShapeOf(Kind kind) { return kShapes.at(static_cast<std::size_t>(kind)); }

}  // namespace

const char* NameOf(Kind kind) { return ShapeOf(kind).name; }

std::string ToString(const Operation& operation) {
  const Shape& shape = ShapeOf(operation.kind);
  std::ostringstream text;
  text << shape.name << std::hex;
  if ((shape.arguments & kVm) != 0) {
    text << " vm " << operation.vm;
  }
  if ((shape.arguments & kGfn) != 0) {
    text << " gfn 0x" << operation.gfn;
  }
  if ((shape.arguments & kPfn) != 0) {
    text << " pfn 0x" << operation.pfn;
  }
  if ((shape.arguments & kCount) != 0) {
    text << " count 0x" << operation.count;
  }
  if (operation.count2 != 0) {
    text << " and pfn 0x" << operation.pfn2 << " count 0x" << operation.count2;
  }
  if ((shape.arguments & kContents) != 0) {
    text << (operation.option == 1 ? " zeroed" : " measured");
  }
  if ((shape.arguments & kPermissions) != 0) {
    text << " permissions " << ((operation.option & 1U) != 0 ? "r" : "-")
         << ((operation.option & 2U) != 0 ? "w" : "-")
         << ((operation.option & 4U) != 0 ? "x" : "-");
  }
  return text.str();
}

std::string ToString(const std::vector<Operation>& operations) {
  std::ostringstream text;
  for (std::size_t i = 0; i < operations.size(); ++i) {
    text << "  " << i + 1 << ". " << ToString(operations[i]) << "\n";
  }
  return text.str();
}

}  // namespace ravelin::model
