// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The worlds in which the engine is compared with the specification.
#pragma once

#include "tests/model/generator.h"
#include "tests/model/sequence.h"

namespace ravelin::model {

// Three pages of interest, of which the first two end one 2 MiB block and the third begins the
// next, with a protected VM (0) and a normal one (1).
[[nodiscard]] Scene SmallScene();
inline constexpr Frames kSmallPages{0x403fe, 3};
inline constexpr std::uint64_t kSmallFrame = 0x801ff;  // the last frame under one level-3 table

// 8 blocks of 2 MiB and a region that is not aligned to anything, 4 VMs with spaces of different
// widths.
[[nodiscard]] Scene LargeScene();
[[nodiscard]] Playground LargePlayground();

// Random operations on the small scene: some pages around the block boundary.
[[nodiscard]] Playground SmallPlayground();

}  // namespace ravelin::model
