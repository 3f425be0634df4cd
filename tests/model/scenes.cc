// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/model/scenes.h"

namespace ravelin::model {
namespace {

// Page records call a VM by its index and 1, a device domain by a number behind those of all VMs.
void NameSpaces(Layout& layout) {
  for (unsigned i = 0; i < layout.spaces.size(); ++i) {
    const bool device = layout.spaces[i].kind == SpaceKind::kDevice;
    layout.spaces[i].holder = i + (device ? stage2::kFirstDomain.raw() : 1U);
  }
}

}  // namespace

Scene SmallScene(const List<SpaceShape, kMaxSpaces>& spaces) {
  Scene scene;
  scene.layout = {.ram = {{0x40000, 0x600}},
                  .mmio = {kSmallMmio},
                  .monitor = {{0x40000, 0x80}, {kMonitorMmio, 1}},
                  .secure = {{kSecurePage, 1}},
                  .host_ipa_bits = 36,
                  .shares_with_secure = true,
                  .spaces = spaces};
  NameSpaces(scene.layout);
  std::uint64_t pfn = 0x40080;
  for (unsigned space = 0; space < spaces.size(); ++space, pfn += 0x20) {
    scene.set_up.push_back({.kind = Kind::kCreateVm, .vm = space, .pfn = pfn});
    scene.set_up.push_back(
        {.kind = Kind::kTopUp, .vm = space, .pfn = pfn + 0x10, .count = kSmallPool});
  }
  return scene;
}

Scene SmallScene() {
  return SmallScene(
      {{SpaceKind::kProtectedVm, 32}, {SpaceKind::kNormalVm, 32}, {SpaceKind::kDevice, 32}});
}

Playground SmallPlayground() {
  return {.pages = {{0x403f8, 16}, {0x40300, 4}, {0x40480, 2}},
          .blocks = {},
          .guest_frames = {0x801fa, 12},
          .life_cycle = false,
          .boundary_values = false};
}

Scene LargeScene() {
  Scene scene;
  scene.layout = {.ram = {{0x40000, 0x1000}, {0x80010, 300}},
                  .mmio = {{0x9000, 8}, {0xa000, 64}},
                  .monitor = {{0x40000, 0x100}, {0x9004, 1}},
                  .secure = {{0x40fc0, 8}},
                  .host_ipa_bits = 36,
                  .shares_with_secure = true,
                  .spaces = {{SpaceKind::kProtectedVm, 32},
                             {SpaceKind::kProtectedVm, 40},
                             {SpaceKind::kNormalVm, 36},
                             {SpaceKind::kNormalVm, 48},
                             {SpaceKind::kDevice, 32},
                             {SpaceKind::kDevice, 40}}};
  NameSpaces(scene.layout);
  std::uint64_t pfn = 0x40100;
  for (unsigned space = 0; space < scene.layout.spaces.size(); ++space, pfn += 0x20) {
    scene.set_up.push_back({.kind = Kind::kCreateVm, .vm = space, .pfn = pfn});
    scene.set_up.push_back({.kind = Kind::kTopUp, .vm = space, .pfn = pfn + 8, .count = 24});
  }
  return scene;
}

Playground LargePlayground() {
  return {.pages = {{0x401c0, 0x40},
                    {0x403e0, 0x40},
                    {0x407f0, 0x20},
                    {0x40a00, 0x200},
                    {0x80010, 300},
                    {0x9000, 8},
                    {0x40fbe, 12},
                    {0x40200, 0xc00}},
          .blocks = {{0x40c00, 512}, {0x40e00, 512}, {0x40d00, 512}},
          .guest_frames = {0x801e0, 0x80}};
}

Playground BlockPlayground() {
  return {.pages = {{0x401c0, 0x20}, {0x40bfe, 2}, {0x40d80, 2}, {0x40e80, 1}, {0x80010, 40}},
          .blocks = {{0x40200, 512},
                     {0x40400, 512},
                     {0x40600, 512},
                     {0x40800, 512},
                     {0x40a00, 512},
                     {0x40c00, 512},
                     {0x40d00, 512}},
          .guest_frames = {0x81200, 8},
          .block_every = 3,
          .end_every = 4000};
}

}  // namespace ravelin::model
