// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// A started monitor, and the test as its host kernel: 16 MiB of RAM, of which the first MiB is the
// carve-out, and every host call. One at a time, because the monitor's state is global. When it
// goes, it ends all VMs by host calls and expects that every page is back.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <set>
#include <vector>

#include "gtest/gtest.h"
#include "hyp/abi/host_call.h"
#include "hyp/abi/run_page.h"
#include "hyp/base/mode.h"
#include "hyp/base/types.h"
#include "hyp/call/host_call.h"
#include "hyp/vm/vcpu.h"
#include "hyp/vm/vm.h"
#include "stage2/ownership/page_record.h"
#include "stage2/ownership/transition.h"

namespace ravelin::testing {

// x0 to x2 of a host call.
struct Answer {
  std::int64_t status = 0;
  std::uint64_t value = 0;
  std::uint64_t found = 0;

  friend bool operator==(const Answer&, const Answer&) = default;
};
void PrintTo(const Answer& answer, std::ostream* stream);

class Host {
 public:
  static constexpr PfnRange kRam{Pfn{0x40000}, PageCount{0x1000}};
  static constexpr PfnRange kCarveOut{Pfn{0x40000}, PageCount{0x100}};
  static constexpr Pfn kNotRam{0x50000};
  static constexpr unsigned kMachineIpaBits = 40;
  static constexpr unsigned kVmIpaBits = 36;  // the root is one page

  // Everything that a call may change: records, tables (by the log of their writes), counters, VMs,
  // their interrupt controllers, vCPUs with their registers, run pages.
  struct Snapshot {
    std::vector<stage2::PageRecord> records;
    std::vector<std::uint64_t> words;
    std::vector<std::byte> registers;

    friend bool operator==(const Snapshot&, const Snapshot&) = default;
  };

  explicit Host(Mode mode = Mode::kProtected);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  // `number` counts from RAVELIN_HOST_CALL_BASE.
  template <std::convertible_to<std::uint64_t>... Arguments>
  Answer Call(std::uint64_t number, Arguments... arguments) {
    return Dispatch({RAVELIN_HOST_CALL_BASE + number, static_cast<std::uint64_t>(arguments)...});
  }
  Answer Dispatch(const call::Registers& registers);
  // Repeats a call on a range behind what is done, as hyp/abi/host_call.h says.
  template <typename Part>
  static void Whole(PfnRange range, Part part) {
    for (Answer answer{RAVELIN_INCOMPLETE}; answer.status == RAVELIN_INCOMPLETE;) {
      answer = part(range);
      ASSERT_GE(answer.status, RAVELIN_SUCCESS);
      ASSERT_EQ(answer.status == RAVELIN_SUCCESS, answer.value == range.count.raw());
      range = {range.first + PageCount{answer.value}, PageCount{range.count.raw() - answer.value}};
    }
  }

  // Pages of the host that nobody has asked for yet.
  [[nodiscard]] Pfn Take(std::uint64_t count = 1, std::uint64_t alignment = 1);
  [[nodiscard]] Pfn TakeShared();
  [[nodiscard]] std::uint64_t Info(std::uint64_t item);
  [[nodiscard]] stage2::PageState StateOf(Pfn pfn) const;

  // VM_CREATE, with `tables` pages for its stage-2 table.
  [[nodiscard]] VmHandle CreateVm(VmKind kind, std::uint64_t tables = 8);
  void CreateVcpu(VmHandle vm, std::uint32_t index);
  // DESTROY, RECLAIM or UNSHARE of all its pages, FREE.
  void EndVm(VmHandle vm);

  // The monitor's own view.
  [[nodiscard]] Vcpu& VcpuOf(VmHandle vm, std::uint32_t index = 0);
  [[nodiscard]] ravelin_run_page& RunPageOf(VmHandle vm, std::uint32_t index = 0);
  [[nodiscard]] Snapshot TakeSnapshot();

 private:
  void Boot(Mode mode);
  void SnapshotVm(VmHandle handle, Snapshot& snapshot);
  void TakeAllBack(VmHandle vm);
  // What the VM has: frames that it owns, or, of a normal VM, the frames where it borrows, as if
  // they were physical ones.
  [[nodiscard]] std::vector<PfnRange> MappedPages(VmHandle vm);

  std::vector<stage2::PageRecord> records_;
  std::set<std::uint32_t> vms_;
  std::uint64_t taken_ = 0;
  std::uint64_t free_pages_ = 0;
};

}  // namespace ravelin::testing
