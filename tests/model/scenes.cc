// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/model/scenes.h"

namespace ravelin::model {

Scene SmallScene() {
  Scene scene;
  scene.layout = {.ram = {{0x40000, 0x600}},
                  .carve_out = {0x40000, 0x80},
                  .host_ipa_bits = 36,
                  .vms = {{true, 32}, {false, 32}}};
  scene.set_up = {
      {.kind = Kind::kCreateVm, .vm = 0, .pfn = 0x40080},
      {.kind = Kind::kTopUp, .vm = 0, .pfn = 0x40090, .count = 8},
      {.kind = Kind::kCreateVm, .vm = 1, .pfn = 0x400a0},
      {.kind = Kind::kTopUp, .vm = 1, .pfn = 0x400b0, .count = 8},
  };
  return scene;
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
                  .carve_out = {0x40000, 0x100},
                  .host_ipa_bits = 36,
                  .vms = {{true, 32}, {true, 40}, {false, 36}, {false, 48}}};
  std::uint64_t pfn = 0x40100;
  for (unsigned vm = 0; vm < 4; ++vm, pfn += 0x20) {
    scene.set_up.push_back({.kind = Kind::kCreateVm, .vm = vm, .pfn = pfn});
    scene.set_up.push_back({.kind = Kind::kTopUp, .vm = vm, .pfn = pfn + 8, .count = 24});
  }
  return scene;
}

Playground LargePlayground() {
  return {.pages = {{0x40180, 0x40},
                    {0x403e0, 0x40},
                    {0x407f0, 0x20},
                    {0x40a00, 0x200},
                    {0x80010, 300},
                    {0x40200, 0xc00}},
          .blocks = {{0x40c00, 512}, {0x40e00, 512}, {0x40d00, 512}},
          .guest_frames = {0x801e0, 0x80}};
}

}  // namespace ravelin::model
