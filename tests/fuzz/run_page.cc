// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// A guest with any accesses to memory and devices, and a host that fills the run page with anything
// before each run, and again while the guest runs. Must hold: a reply does to the guest's registers
// exactly what hyp/abi/run_page.h allows after the last exit; an exit says what the access was and
// has 0 in every other field; what the host writes during the run has no effect.
#include <array>
#include <cstdint>
#include <cstring>
#include <functional>

#include "hyp/arch/fake/cpu.h"
#include "hyp/testing/guest.h"
#include "hyp/testing/host.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/verdict.h"

namespace ravelin::fuzz {
namespace {

using testing::Access;
using testing::Guest;
using testing::Host;

constexpr unsigned kMaxRuns = 24;
constexpr std::uint64_t kGuarded = 0x900'0000;
constexpr std::uint64_t kMissing = 0x4000'0000;
constexpr std::array<std::uint64_t, 3> kVectorOffset{0x400, 0, 0x200};  // from EL0, SP_EL0, SP_EL1

// What the guest finds when it goes on.
struct Expected {
  GuestRegisters registers;
  bool aborted = false;
};

class Session {
 public:
  Session(VmKind kind, Input& input) : guest_(host_, kind), input_(input) {
    if (kind == VmKind::kProtected) {
      guest_.Guard(kGuarded);
    }
  }

  void Run() {
    for (unsigned i = 0; i < kMaxRuns && !input_.empty() && !stopped_; ++i) {
      RunOnce();
    }
  }

 private:
  ravelin_reply AnyReply() {
    constexpr std::array<std::uint64_t, 8> kKinds{RAVELIN_REPLY_NONE,
                                                  RAVELIN_REPLY_VALUE,
                                                  RAVELIN_REPLY_VALUE,
                                                  RAVELIN_REPLY_VALUE,
                                                  RAVELIN_REPLY_EXTERNAL_ABORT,
                                                  RAVELIN_REPLY_EXTERNAL_ABORT,
                                                  3,
                                                  ~std::uint64_t{0}};
    ravelin_reply reply{.kind = input_.Pick(kKinds), .values = {}};
    for (auto& value : reply.values) {
      value = Value();
    }
    return reply;
  }

  std::uint64_t Value() {
    const unsigned how = input_.Byte();
    return how < 0x80 ? std::uint64_t{0x8182'8384'8586'8788} + how : input_.Pick(kEdges);
  }

  // The reply, done to what the guest was at its last exit.
  Expected After(const ravelin_reply& reply) {
    Expected expected{.registers = guest_.registers()};
    GuestRegisters& registers = expected.registers;
    const bool mmio = last_.reason == RAVELIN_EXIT_MMIO;
    const bool faulted = mmio || last_.reason == RAVELIN_EXIT_MEMORY_FAULT ||
                         last_.reason == RAVELIN_EXIT_NOT_DECODABLE;
    if (reply.kind == RAVELIN_REPLY_EXTERNAL_ABORT && faulted) {
      const std::uint64_t mode = registers.pstate & 0xf;
      registers.pc = Guest::kVectors + kVectorOffset[mode == 0 ? 0 : mode == 4 ? 1 : 2];
      expected.aborted = true;
    } else if (reply.kind == RAVELIN_REPLY_VALUE && mmio) {
      if (last_.access == RAVELIN_ACCESS_READ && access_.reg != 31) {
        registers.x[access_.reg] = Loaded(reply.values[0]);
      }
      registers.pc += 4;
      registers.pstate &= ~std::uint64_t{0x20'0c00};  // BTYPE and single step
    }
    return expected;
  }

  // LDR, LDRB, LDRSH and so on.
  [[nodiscard]] std::uint64_t Loaded(std::uint64_t value) const {
    const unsigned spare = 64 - 8 * access_.size;
    value <<= spare;
    value = access_.sign_extend
                ? static_cast<std::uint64_t>(static_cast<std::int64_t>(value) >> spare)
                : value >> spare;
    return access_.wide ? value : value & 0xffff'ffff;
  }

  void RunOnce() {
    const ravelin_reply reply = AnyReply();
    ravelin_run_page& page = guest_.run_page();
    std::memset(&page, 0xa5, sizeof(page));
    page.reply = reply;
    const Expected expected = After(reply);
    const ExecutionPoint left = guest_.vcpu().point();
    PlanExit([this, expected, left](const GuestRegisters& found) {
      CheckEntry(expected, left, found);
      std::memset(&guest_.run_page(), 0x5a, sizeof(ravelin_run_page));
    });
    last_ = guest_.Run();
    CheckExit();
    Require(page.reply.kind == 0x5a5a'5a5a'5a5a'5a5a, "the reply of the next run is the host's");
    stopped_ = last_.reason == RAVELIN_EXIT_STOPPED;
  }

  static void CheckEntry(const Expected& expected, ExecutionPoint left,
                         const GuestRegisters& found) {
    Require(found.x == expected.registers.x, "a reply changes another register");
    Require(found.pc == expected.registers.pc, "the guest goes on elsewhere");
    if (expected.aborted) {
      const El1State& el1 = fake::ThisCpu().el1;
      Require(el1.elr == left.pc && el1.spsr == left.pstate, "where the abort came from");
      Require((el1.esr & 0x3f) == 0x10, "not an external abort");
    } else {
      Require(found.pstate == expected.registers.pstate, "a reply changes PSTATE");
    }
  }

  // What the guest does next, behind the check of what it finds.
  void PlanExit(const std::function<void(const GuestRegisters&)>& check) {
    const unsigned how = input_.Byte();
    constexpr std::array<std::uint64_t, 6> kStates{testing::kEl0t,
                                                   testing::kEl1t,
                                                   testing::kEl1h,
                                                   testing::kEl1hMasked,
                                                   testing::kEl1h | 0x20'0000,
                                                   testing::kEl1h | 0xc00};
    const std::uint64_t pstate = input_.Pick(kStates);
    const std::uint64_t value = Value();
    access_ = {.write = (how & 1) != 0,
               .size = 1U << (how >> 1 & 3),
               .reg = input_.Byte() % 32U,
               .sign_extend = (how & 8) != 0,
               .wide = (how & 0x10) != 0,
               .decoded = (how & 0x60) != 0x60};
    ipa_ = ((how & 0x80) != 0 ? kMissing : kGuarded) + (std::uint64_t{input_.Byte()} << 4);
    const auto acts = [this, check, pstate, value](GuestRegisters& registers) {
      check(registers);
      registers.pc = Guest::kPc;
      registers.pstate = pstate;
      for (unsigned i = 0; i < registers.x.size(); ++i) {
        registers.x[i] = (std::uint64_t{i} << 56) ^ value;
      }
      stored_ = access_.reg == 31 ? 0 : registers.x[access_.reg];
    };
    switch (input_.Byte() % 8) {
      case 0:
        return guest_.NextIrq(acts);
      case 1:
        return guest_.Next(testing::InstructionAbort(ipa_), acts);
      case 2:
        return guest_.Next(testing::OfClass(ExceptionClass::kWfx), acts);
      case 3:
        return AnySyndrome(acts);
      default:
        return guest_.Next(testing::DataAbort(ipa_, access_), acts);
    }
  }

  // Read here as the architecture defines it (Arm ARM, ESR_EL2, ISS of a data abort).
  void AnySyndrome(const Guest::Acts& acts) {
    const std::uint64_t esr = input_.Number(4);
    access_ = {.write = (esr >> 6 & 1) != 0,
               .size = 1U << (esr >> 22 & 3),
               .reg = static_cast<unsigned>(esr >> 16 & 0x1f),
               .sign_extend = (esr >> 21 & 1) != 0,
               .wide = (esr >> 15 & 1) != 0};
    guest_.Next({.esr = esr, .far = Value(), .hpfar = input_.Number(5)}, acts);
  }

  void CheckExit() {
    const bool mmio = last_.reason == RAVELIN_EXIT_MMIO;
    Require(last_.reason <= RAVELIN_EXIT_STOPPED, "an exit that the ABI does not have");
    Require(mmio || (last_.size == 0 && last_.value == 0), "an unused field of the exit is not 0");
    Require(last_.function == 0 && last_.args[0] == 0 && last_.args[6] == 0, "no hypercall");
    if (last_.reason == RAVELIN_EXIT_IRQ) {
      Require(last_.ipa == 0 && last_.access == 0 && last_.event == 0, "an interrupt says nothing");
    }
    if (mmio && last_.ipa == ipa_ && last_.access == RAVELIN_ACCESS_WRITE && access_.write &&
        last_.size == access_.size) {
      Require((last_.value ^ stored_) << (64 - 8 * access_.size) == 0, "another value is written");
    }
    Require(!mmio || last_.size == 8 || last_.value >> (8 * last_.size) == 0,
            "more of a register than the access has");
  }

  Host host_;
  Guest guest_;
  Input& input_;
  ravelin_exit last_{};
  Access access_;
  std::uint64_t ipa_ = 0;
  std::uint64_t stored_ = 0;
  bool stopped_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  StopAtFailedExpectations();
  Input input(data, size);
  const VmKind kind = (input.Byte() & 1) != 0 ? VmKind::kNormal : VmKind::kProtected;
  Session(kind, input).Run();
  return 0;
}

}  // namespace ravelin::fuzz
