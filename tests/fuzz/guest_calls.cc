// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Any call of a guest, by HVC or SMC, with any registers. Must hold: the four calls that change
// memory do what hyp/abi/guest_call.h says, told by a list of six pages; a normal guest does not
// have them; every call leaves X4 to X30 alone; what a guest does not share the host cannot use.
#include <array>
#include <cstdint>
#include <optional>

#include "hyp/abi/guest_call.h"
#include "hyp/testing/guest.h"
#include "hyp/testing/host.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/verdict.h"

namespace ravelin::fuzz {
namespace {

using testing::Guest;
using testing::Host;

constexpr unsigned kMaxSteps = 48;
constexpr std::uint64_t kPattern = 0x5ec2'e700'0000'0000;

enum class State : std::uint8_t { kMissing, kOwn, kShared, kGuarded };

struct Page {
  std::uint64_t ipa = 0;
  State state = State::kMissing;
  Pfn pfn;
};

constexpr std::array<std::uint64_t, 16> kFunctions{
    RAVELIN_GUEST_MEM_SHARE,        RAVELIN_GUEST_MEM_UNSHARE,      RAVELIN_GUEST_MMIO_GUARD_MAP,
    RAVELIN_GUEST_MMIO_GUARD_UNMAP, RAVELIN_GUEST_MEM_SHARE,        RAVELIN_GUEST_MEM_UNSHARE,
    RAVELIN_GUEST_MMIO_GUARD_MAP,   RAVELIN_GUEST_MMIO_GUARD_UNMAP, RAVELIN_GUEST_FEATURES,
    RAVELIN_GUEST_MEMINFO,          RAVELIN_GUEST_MMIO_GUARD_INFO,  RAVELIN_GUEST_UID,
    RAVELIN_SMCCC_VERSION,          RAVELIN_SMCCC_ARCH_FEATURES,    RAVELIN_PSCI_VERSION,
    RAVELIN_PSCI_FEATURES,
};

class Session {
 public:
  Session(VmKind kind, Input& input)
      : guest_(host_, kind), protected_(kind == VmKind::kProtected), input_(input) {}

  void Run() {
    for (unsigned i = 0; i < kMaxSteps && !input_.empty() && !off_; ++i) {
      if ((input_.Byte() & 3) == 0) {
        GivePage(pages_[input_.Byte() % pages_.size()]);
      } else {
        Call();
      }
      CheckAccess();
    }
  }

 private:
  void GivePage(Page& page) {
    if (page.state == State::kMissing) {
      page.pfn = guest_.GivePage(page.ipa);
      page.state = State::kOwn;
    }
  }

  Page* FindPage(std::uint64_t ipa) {
    for (Page& page : pages_) {
      if (page.ipa == ipa) {
        return &page;
      }
    }
    return nullptr;
  }

  std::uint64_t Argument() {
    const unsigned how = input_.Byte();
    const std::uint64_t ipa = pages_[how % pages_.size()].ipa;
    return how < 0xc0   ? ipa
           : how < 0xd0 ? ipa + 1
           : how < 0xe8 ? input_.Pick(kEdges)
                        : input_.Number(8);
  }

  void Call() {
    GuestRegisters before = guest_.registers();
    const unsigned how = input_.Byte();
    const bool by_smc = (how & 0x80) != 0;
    const std::uint64_t immediate = (how & 0x70) == 0x70 ? input_.Number(2) : 0;
    before.x[0] = (how & 0xf) == 0xf ? input_.Number(4) : kFunctions[how % kFunctions.size()];
    before.x[1] = Argument();
    const unsigned reserved = input_.Byte();
    before.x[2] = reserved < 0xf0 ? 0 : reserved;
    before.x[3] = reserved < 0xf8 ? 0 : input_.Number(8);
    for (unsigned i = 4; i < before.x.size(); ++i) {
      before.x[i] = kPattern | i;
    }
    guest_.registers() = before;
    guest_.Next(testing::OfClass(by_smc ? ExceptionClass::kSmc : ExceptionClass::kHvc, immediate));
    const ravelin_exit exit = guest_.Run();
    Require(exit.reason == RAVELIN_EXIT_IRQ || exit.reason == RAVELIN_EXIT_MEMORY_FAULT ||
                exit.reason == RAVELIN_EXIT_SYSTEM_EVENT,
            "an exit that no call causes");
    off_ = exit.reason == RAVELIN_EXIT_SYSTEM_EVENT;
    CheckRegisters(before, exit, by_smc);
    if (immediate != 0) {
      return Require(guest_.x(0) == kNotSupported, "a call with an immediate");
    }
    CheckMemoryCall(before, exit);
  }

  void CheckRegisters(const GuestRegisters& before, const ravelin_exit& exit, bool by_smc) {
    const GuestRegisters& after = guest_.registers();
    for (unsigned i = 4; i < before.x.size(); ++i) {
      Require(after.x[i] == before.x[i], "a call changes a register behind X3");
    }
    // The PC is behind an HVC and at an SMC; a call that is made again starts over.
    const std::uint64_t behind = before.pc + (by_smc ? 4 : 0);
    const bool again = exit.reason == RAVELIN_EXIT_MEMORY_FAULT;
    Require(after.pc == behind - (again ? 4 : 0), "the guest goes on elsewhere");
    Require(after.pstate == before.pstate, "a call changes PSTATE");
    for (const std::uint64_t word : {exit.ipa, exit.value, exit.function, exit.event}) {
      Require(word >> 40 != kPattern >> 40, "an exit shows a register");
    }
  }

  static constexpr auto kNotSupported = static_cast<std::uint64_t>(RAVELIN_SMCCC_NOT_SUPPORTED);
  static constexpr auto kInvalid = static_cast<std::uint64_t>(RAVELIN_SMCCC_INVALID_PARAMETER);

  static bool IsMemoryCall(std::uint64_t function) {
    return function == RAVELIN_GUEST_MEM_SHARE || function == RAVELIN_GUEST_MEM_UNSHARE ||
           function == RAVELIN_GUEST_MMIO_GUARD_MAP || function == RAVELIN_GUEST_MMIO_GUARD_UNMAP;
  }

  // The state of the page after the call, if the call succeeds.
  static std::optional<State> Next(std::uint64_t function, State state) {
    switch (function) {
      case RAVELIN_GUEST_MEM_SHARE:
        return state == State::kOwn ? std::optional(State::kShared) : std::nullopt;
      case RAVELIN_GUEST_MEM_UNSHARE:
        return state == State::kShared ? std::optional(State::kOwn) : std::nullopt;
      case RAVELIN_GUEST_MMIO_GUARD_MAP:
        return state == State::kMissing || state == State::kGuarded ? std::optional(State::kGuarded)
                                                                    : std::nullopt;
      default:
        return state == State::kGuarded ? std::optional(State::kMissing) : std::nullopt;
    }
  }

  void CheckMemoryCall(const GuestRegisters& before, const ravelin_exit& exit) {
    const std::uint64_t function = before.x[0];
    if (!IsMemoryCall(function)) {
      return Require(exit.reason != RAVELIN_EXIT_MEMORY_FAULT, "a call that names no page");
    }
    if (!protected_) {
      return Require(guest_.x(0) == kNotSupported, "a normal guest has no such call");
    }
    Page* const page = FindPage(before.x[1]);
    const bool well_formed = before.x[1] % kPageSize == 0 && before.x[2] == 0 && before.x[3] == 0;
    if (!well_formed || before.x[1] >> Host::kVmIpaBits != 0) {
      return Require(guest_.x(0) == kInvalid && exit.reason == RAVELIN_EXIT_IRQ,
                     "a call with wrong arguments");
    }
    if (page == nullptr) {
      off_ = true;  // a frame that the list does not have: the input ends here
      return;
    }
    if (function == RAVELIN_GUEST_MEM_SHARE && page->state == State::kMissing) {
      return Require(exit.reason == RAVELIN_EXIT_MEMORY_FAULT && exit.ipa == page->ipa,
                     "a missing page is asked for");
    }
    const std::optional<State> next = Next(function, page->state);
    Require(exit.reason == RAVELIN_EXIT_IRQ, "an exit that tells the host of a call");
    Require(guest_.x(0) == (next ? RAVELIN_SMCCC_SUCCESS : kInvalid), "another answer");
    page->state = next.value_or(page->state);
  }

  void CheckAccess() {
    for (const Page& page : pages_) {
      if (page.pfn.raw() == 0) {
        continue;
      }
      const std::uint64_t expected = !protected_                    ? RAVELIN_PAGE_LENT
                                     : page.state == State::kShared ? RAVELIN_PAGE_BORROWED
                                                                    : RAVELIN_PAGE_FOREIGN;
      Require(host_.Call(RAVELIN_HOST_PAGE_QUERY, page.pfn.raw()).value == expected,
              "what the host may do with the page");
    }
  }

  Host host_;
  Guest guest_;
  bool protected_;
  Input& input_;
  bool off_ = false;
  // At the edges of pages, blocks and the space; the VM has tables for all of them.
  std::array<Page, 6> pages_{{{0},
                              {0x1000},
                              {0x1f'f000},
                              {0x20'0000},
                              {0x8000'0000},
                              {(std::uint64_t{1} << Host::kVmIpaBits) - kPageSize}}};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  StopAtFailedExpectations();
  Input input(data, size);
  const VmKind kind = (input.Byte() & 7) == 7 ? VmKind::kNormal : VmKind::kProtected;
  Session(kind, input).Run();
  return 0;
}

}  // namespace ravelin::fuzz
