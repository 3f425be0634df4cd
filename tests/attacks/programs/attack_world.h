// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// The world in which attack-calls makes its calls: VMs in every phase, pages in every state, and a
// picture of what the monitor says about all of them.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/attacks/programs/attack_device.h"
#include "tests/attacks/programs/raw_vm.h"
#include "tests/attacks/programs/report.h"

namespace ravelin::attacks {

inline constexpr std::uint64_t kFirstGfn = 0x80008;
inline constexpr std::uint64_t kDeviceGfn = 0x9000;  // the UART
inline constexpr std::uint64_t kNoPfn = ~std::uint64_t{0};

struct World {
  World();
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  AttackDevice device;
  std::uint64_t stale_handle;                   // of a VM that is gone, and whose place is reused
  RawVm created{device, RAVELIN_VM_PROTECTED};  // vCPU 0 and one page, not launched
  RawVm running{device, RAVELIN_VM_PROTECTED};  // launched, with one page
  RawVm normal{device, RAVELIN_VM_NORMAL};      // launched, with one page
  RawVm dying{device, RAVELIN_VM_PROTECTED};    // destroyed, its page not yet reclaimed
  Block spare = device.Allocate(8);             // the host's own pages
  Block shared = device.Allocate(1);            // shared with the monitor, no run page
  std::uint64_t created_pfn;                    // the page of each VM
  std::uint64_t running_pfn = 0;
  std::uint64_t normal_pfn = 0;
  std::uint64_t dying_pfn = 0;
  std::uint64_t carveout_pfn;
};

// What the monitor says about memory and VMs.
struct Picture {
  std::uint64_t free_pages;
  std::uint64_t donated_pages;
  std::uint64_t live_vms;
  std::vector<std::optional<std::uint64_t>> pages;

  friend bool operator==(const Picture&, const Picture&) = default;
};

// One check made of many calls: each must fail with its status, and change nothing.
class Refusals {
 public:
  Refusals(const World& world, Report& report, std::string name)
      : world_(&world), report_(&report), name_(std::move(name)), before_(Take()) {}
  Refusals(const Refusals&) = delete;
  Refusals& operator=(const Refusals&) = delete;
  // Reports the check.
  ~Refusals();

  void Raw(std::string_view what, std::int64_t status, const RawCall& call);

  // `status` is what `call(arguments...)` must return; `what` says what is wrong with it.
  template <typename... Arguments>
  void Call(std::string_view what, std::int64_t status, std::uint32_t call,
            Arguments... arguments) {
    Raw(what, status, {{RAVELIN_HOST_CALL_BASE + call, static_cast<std::uint64_t>(arguments)...}});
  }

 private:
  [[nodiscard]] Picture Take() const;

  const World* world_;
  Report* report_;
  std::string name_;
  std::string failure_;  // the first one
  Picture before_;
};

}  // namespace ravelin::attacks
