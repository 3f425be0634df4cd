// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// A VM made by raw host calls, without the driver: what a hostile host kernel can build. Every step
// that should work ends the program if it does not.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "hyp/abi/run_page.h"
#include "tests/attacks/programs/attack_device.h"

namespace ravelin::attacks {

using PageWords = std::array<std::uint64_t, kPageSize / sizeof(std::uint64_t)>;

class RawVm {
 public:
  // `device` must outlive the VM.
  RawVm(const AttackDevice& device, std::uint64_t kind);
  RawVm(const RawVm&) = delete;
  RawVm& operator=(const RawVm&) = delete;
  ~RawVm() { TearDown(); }

  [[nodiscard]] std::uint64_t handle() const { return handle_; }
  [[nodiscard]] std::uint64_t run_pfn() const { return run_.pfn; }

  // vCPU 0, which starts at `entry`.
  void CreateVcpu(std::uint64_t entry);
  void Launch() const;
  // Gives the VM a page with these contents: donated to a protected VM, lent to a normal one.
  // Returns its frame.
  std::uint64_t GivePage(std::uint64_t gfn, std::span<const std::uint64_t> contents);

  // Runs vCPU 0 until an exit that is neither an interrupt nor a wait; the run page then has it.
  attack_run Run() const;
  [[nodiscard]] PageWords ReadRunPage() const;
  [[nodiscard]] ravelin_exit ReadExit() const;
  void Reply(const ravelin_reply& reply) const;

  void Destroy();
  // Takes the guest's pages back from the dying VM, as its kind has it; they are the host's then,
  // and still allocated.
  void ReclaimPages();
  // Frees the dying VM without pages; its metadata is the host's then, and still allocated.
  void FreeObjects();
  // Whatever of the three steps is left, and the memory. False if some of it did not come back.
  bool TearDown();

  [[nodiscard]] const std::vector<Block>& guest_blocks() const { return guest_blocks_; }
  // All but guest pages.
  [[nodiscard]] const std::vector<Block>& metadata_blocks() const { return metadata_blocks_; }

 private:
  enum class Phase { kAlive, kDying, kEmpty, kGone };

  Block AllocateMetadata(std::uint64_t pages);
  void TopUp();
  [[nodiscard]] Answer TryGive(std::uint64_t gfn, std::uint64_t pfn) const;

  const AttackDevice* device_;
  std::uint64_t kind_;
  std::uint64_t handle_ = 0;
  Phase phase_ = Phase::kAlive;
  Block run_{};
  bool has_run_page_ = false;
  std::vector<Block> guest_blocks_;
  std::vector<std::uint64_t> guest_gfns_;  // where they are, in the same order
  std::vector<Block> metadata_blocks_;
};

// The words of a file that is shorter than a page.
PageWords ReadImage(const char* path);

}  // namespace ravelin::attacks
