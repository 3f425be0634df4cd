// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The worlds that tests run in.
#pragma once

#include "tests/model/generator.h"
#include "tests/model/sequence.h"

namespace ravelin::model {

// 1536 pages, MMIO, the secure world, and these spaces, each with tables for a few frames.
[[nodiscard]] Scene SmallScene(const List<SpaceShape, kMaxSpaces>& spaces);
// Protected VM 0, normal VM 1, device domain 2.
[[nodiscard]] Scene SmallScene();
inline constexpr Frames kSmallPages{0x403fe, 3};       // around the end of a block
inline constexpr std::uint64_t kSmallFrame = 0x801ff;  // the last frame under one level-3 table
inline constexpr std::uint64_t kMonitorPage = 0x40001;
inline constexpr std::uint64_t kSecurePage = 0x401f0;
inline constexpr Frames kSmallMmio{0x9000, 3};
inline constexpr std::uint64_t kMonitorMmio = 0x9002;
// Operations of one space in a scene's set-up: its root and pool.
inline constexpr std::uint64_t kSmallPool = 8;

[[nodiscard]] Playground SmallPlayground();

// 4396 pages, two VMs of each kind and two device domains.
[[nodiscard]] Scene LargeScene();
[[nodiscard]] Playground LargePlayground();
// The same world with operations on whole blocks above all.
[[nodiscard]] Playground BlockPlayground();

}  // namespace ravelin::model
