// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Any host call with any registers, against a started monitor on the fake machine. While a vCPU
// runs, another CPU goes on making calls. Must hold: a call that fails changes nothing and returns
// nothing but its status; a page is the host's to use exactly if PAGE_QUERY says so; in the end the
// host gets every page back (hyp/testing/host.h).
#include <array>
#include <cstdint>
#include <deque>
#include <thread>

#include "hyp/arch/fake/cpu.h"
#include "hyp/arch/fake/machine.h"
#include "hyp/testing/host.h"
#include "hyp/vm/monitor.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/verdict.h"

namespace ravelin::fuzz {
namespace {

using testing::Host;

constexpr unsigned kMaxCalls = 96;
// Frames that calls name: few, so that they meet. Objects are aligned to 8 pages.
constexpr std::uint64_t kPages = Host::kCarveOut.end().raw() + 0x100;

constexpr std::array<std::uint64_t, 8> kIpaBits{31, 32, 33, 36, 39, 40, 41, 48};

class Session {
 public:
  Session(Mode mode, Input& input) : host_(mode), input_(input) {}

  void Run() {
    for (unsigned i = 0; i < kMaxCalls && !input_.empty(); ++i) {
      CallOnce();
    }
    CheckAccess();
  }

 private:
  std::uint64_t Handle(std::uint64_t which) {
    return handles_.empty() ? 0x101 : handles_[which % handles_.size()];
  }

  // One register: what kind of number, and which one.
  std::uint64_t Argument() {
    const unsigned byte = input_.Byte();
    const std::uint64_t which = byte & 0x1f;
    switch (byte >> 5) {
      case 0:
        return which < 24 ? which : kIpaBits[which - 24];
      case 1:
        return Handle(which);
      case 2:
        return kPages + which * fake::kContiguousPages;
      case 3:
        return kPages + input_.Byte() + which;
      case 4:
        return kEdges[which % kEdges.size()];
      case 5:
        return (which << 18) + input_.Byte();
      case 6:
        return Host::kRam.first.raw() + input_.Number(2) % (Host::kRam.count.raw() + 2);
      default:
        return input_.Number(8);
    }
  }

  // Half of the strings of bytes name a call that exists, with its usual number of arguments.
  call::Registers Decode() {
    const unsigned first = input_.Byte();
    call::Registers registers{RAVELIN_HOST_CALL_BASE + first % (RAVELIN_HOST_CALL_COUNT + 1)};
    const unsigned arguments = first >= 0xf8 ? 6 : input_.Byte() % 7U;
    for (unsigned i = 1; i <= arguments; ++i) {
      registers[i] = Argument();
    }
    if (first == 0xff) {
      registers[0] = input_.Number(4);
    }
    return WithContiguousObject(registers);
  }

  // The stand-in's memory is contiguous in parts: a VM or vCPU begins with one.
  static call::Registers WithContiguousObject(call::Registers registers) {
    if (registers[0] == RAVELIN_HOST_CALL_BASE + RAVELIN_HOST_VM_CREATE ||
        registers[0] == RAVELIN_HOST_CALL_BASE + RAVELIN_HOST_VCPU_CREATE) {
      registers[3] = AlignDown(registers[3], fake::kContiguousPages);
    }
    return registers;
  }

  void CallOnce() {
    const call::Registers registers = Decode();
    const bool runs = registers[0] == RAVELIN_HOST_CALL_BASE + RAVELIN_HOST_VCPU_RUN;
    if (runs && depth_ == 0) {
      OtherCpuMeanwhile(input_.Byte() % 4);
    }
    const Host::Snapshot before = host_.TakeSnapshot();
    const testing::Answer answer = host_.Dispatch(registers);
    if (answer.status < 0) {
      // What others did while a vCPU ran stays done.
      Require(overlapped_ || host_.TakeSnapshot() == before, "a call failed and changed something");
      Require(answer.value == 0, "a call failed and returned a value");
    }
    overlapped_ = false;
    const bool known = answer.status <= RAVELIN_INCOMPLETE && answer.status >= RAVELIN_NOT_MAPPED;
    Require(known || registers[0] == RAVELIN_CALL_UID, "a status that the ABI does not have");
    const bool created = registers[0] == RAVELIN_HOST_CALL_BASE + RAVELIN_HOST_VM_CREATE;
    if (created && answer.status == RAVELIN_SUCCESS) {
      handles_.push_back(answer.value);
    }
    fake::ThisCpu().script.clear();
    fake::ClearLog();
  }

  // Its calls come from the same input.
  void OtherCpuMeanwhile(unsigned calls) {
    if (calls == 0) {
      return;
    }
    fake::ThisCpu().script.push_back(
        {.exit = arch::ExitKind::kIrq, .syndrome = {}, .acts = [this, calls](GuestRegisters&) {
           ++depth_;
           std::thread([this, calls] {
             for (unsigned i = 0; i < calls; ++i) {
               CallOnce();
             }
           }).join();
           --depth_;
           overlapped_ = true;
         }});
  }

  // The host's table agrees with what the host is told: for the pages that calls name.
  void CheckAccess() {
    for (Pfn pfn{kPages}; pfn < Pfn{kPages + 0x120}; pfn = pfn + PageCount{1}) {
      const std::uint64_t access = host_.Call(RAVELIN_HOST_PAGE_QUERY, pfn.raw()).value;
      const auto pages = PageOwnership().Lock();
      const auto target = pages->host_table().Resolve(Gfn{pfn.raw()});
      Require(target.has_value() == (access != RAVELIN_PAGE_FOREIGN),
              "the host's table and PAGE_QUERY differ");
      Require(!target || *target == pfn, "the host's table is not the identity");
    }
  }

  Host host_;
  Input& input_;
  std::deque<std::uint64_t> handles_;
  unsigned depth_ = 0;
  bool overlapped_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  StopAtFailedExpectations();
  Input input(data, size);
  constexpr std::array kModes{Mode::kProtected, Mode::kProtected, Mode::kNvhe, Mode::kNone};
  Session(input.Pick(kModes), input).Run();
  return 0;
}

}  // namespace ravelin::fuzz
