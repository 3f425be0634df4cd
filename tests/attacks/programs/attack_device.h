// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// The hostile kernel module (tests/attacks/module/attack_abi.h) as a class. A request that the
// module itself cannot carry out ends the program; what the monitor answers is a result.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "host_shim/vmm/unique_fd.h"
#include "hyp/abi/host_call.h"
#include "tests/attacks/module/attack_abi.h"

namespace ravelin::attacks {

inline constexpr std::size_t kPageSize = ATTACK_PAGE_BYTES;

// A call of the monitor as it goes into the registers; x[0] may be anything.
struct RawCall {
  std::array<std::uint64_t, 7> x{};
};

struct Answer {
  std::int64_t status;
  std::uint64_t value;
};

// 2^order pages of the host kernel.
struct Block {
  std::uint64_t pfn;
  std::uint64_t order;

  [[nodiscard]] std::uint64_t pages() const { return std::uint64_t{1} << order; }
};

class AttackDevice {
 public:
  AttackDevice();

  [[nodiscard]] Answer Raw(const RawCall& call) const;

  // Host call number `number` (RAVELIN_HOST_*) with its arguments; the others are 0.
  template <typename... Arguments>
  [[nodiscard]] Answer Call(std::uint32_t number, Arguments... arguments) const {
    return Raw({{RAVELIN_HOST_CALL_BASE + number, static_cast<std::uint64_t>(arguments)...}});
  }

  // INFO(item, argument).
  [[nodiscard]] std::uint64_t Info(std::uint64_t item, std::uint64_t argument = 0) const;
  // PAGE_QUERY; nothing if the frame is not RAM.
  [[nodiscard]] std::optional<std::uint64_t> Query(std::uint64_t pfn) const;

  // The smallest block with at least `pages` pages.
  [[nodiscard]] Block Allocate(std::uint64_t pages) const;
  // False: the host does not own all of it any more.
  [[nodiscard]] bool Free(const Block& block) const;

  // Copies from and to a frame, a whole number of 64-bit words. False: the access faulted.
  [[nodiscard]] bool Read(std::uint64_t pfn, std::span<std::uint64_t> words) const;
  [[nodiscard]] bool Write(std::uint64_t pfn, std::span<const std::uint64_t> words) const;

  void Scan(attack_scan& scan) const;
  [[nodiscard]] attack_touch Touch(std::uint64_t pfn, std::uint64_t access) const;
  [[nodiscard]] attack_run Run(std::uint64_t handle, std::uint64_t index) const;

 private:
  [[nodiscard]] bool Copy(attack_copy copy) const;

  vmm::UniqueFd fd_;
};

}  // namespace ravelin::attacks
