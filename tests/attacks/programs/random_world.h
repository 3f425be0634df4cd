// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// The world of random-calls: pages of the host kernel to play with, four VMs that make what calls
// they are told (tests/guests/caller_guest.S), and the specification of page ownership, which says
// what each call has to do. The same operations as in tests/model, as host calls and guest calls.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hyp/base/result.h"
#include "tests/attacks/programs/attack_device.h"
#include "tests/attacks/programs/raw_vm.h"
#include "tests/model/generator.h"
#include "tests/model/specification.h"

namespace ravelin::attacks {

inline constexpr unsigned kVms = 4;  // two protected ones, two normal ones

struct Figures {
  std::uint64_t host_calls = 0;
  std::uint64_t guest_calls = 0;
  std::uint64_t accesses = 0;  // by the host and by guests
  std::uint64_t successes = 0;
  std::uint64_t vms = 0;
  std::array<std::uint64_t, model::kKinds> by_kind{};
};

class RandomWorld {
 public:
  // `image`: caller_guest.
  RandomWorld(const AttackDevice& device, const PageWords& image);
  RandomWorld(const RandomWorld&) = delete;
  RandomWorld& operator=(const RandomWorld&) = delete;

  [[nodiscard]] const model::Specification& specification() const { return *specification_; }
  [[nodiscard]] const model::Playground& playground() const { return playground_; }
  [[nodiscard]] const Figures& figures() const { return figures_; }

  // Makes the call and compares. Empty: all agrees, or the operation is none that a host or guest
  // can ask for here. `done`: pages.
  [[nodiscard]] std::string Step(model::Operation operation, std::uint64_t& done);

  // A VM comes, or goes another step towards its end.
  [[nodiscard]] std::string ChangeLife(unsigned vm);
  // Everything comes back.
  [[nodiscard]] std::string End();

 private:
  struct Guest {
    std::unique_ptr<RawVm> vm;
    bool dying = false;
    bool waits = false;  // for the answer to its last write
  };
  // How a call ended: pages, or an error.
  using Outcome = Result<std::uint64_t>;

  void Allocate();
  void Create(unsigned vm);
  [[nodiscard]] bool IsPossible(model::Operation& operation) const;
  [[nodiscard]] bool MayName(model::Operation& operation) const;
  [[nodiscard]] Outcome Carry(const model::Operation& operation);
  [[nodiscard]] Outcome CallHost(const model::Operation& operation);
  [[nodiscard]] Outcome CallFromGuest(const model::Operation& operation);
  [[nodiscard]] Outcome Access(const model::Operation& operation);
  [[nodiscard]] std::uint64_t RunGuest(unsigned vm, const std::array<std::uint64_t, 4>& registers);
  [[nodiscard]] ravelin_exit NextExit(Guest& guest);
  [[nodiscard]] model::Judgement Judge(const model::Operation& operation) const;
  [[nodiscard]] std::string CheckPage(std::uint64_t pfn);
  [[nodiscard]] std::string ReturnPages(unsigned vm);

  const AttackDevice* device_;
  PageWords image_;
  std::vector<Block> pool_;
  std::vector<model::Page> pages_;
  std::vector<model::FrameMap::Slot> mappings_;
  std::unique_ptr<model::Specification> specification_;
  model::Playground playground_;
  std::array<Guest, kVms> guests_;
  Figures figures_;
  std::uint64_t checks_ = 0;
};

}  // namespace ravelin::attacks
