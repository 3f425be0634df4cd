// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// What the host could learn of a protected VM: every register of the guest is a secret, each exit
// is caused in many ways, and the whole run page is searched.
#include <array>
#include <cstring>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "hyp/arch/fake/cpu.h"
#include "hyp/base/bits.h"
#include "hyp/testing/guest.h"
#include "hyp/testing/host.h"

namespace ravelin::pvm_handlers {
namespace {

using testing::DataAbort;
using testing::Guest;
using testing::Host;
using testing::InstructionAbort;
using testing::OfClass;

constexpr std::uint64_t kDevice = 0x900'0000;
constexpr std::uint64_t kPage = 0x8000'3000;
// No byte of it is 0, and no two bytes that follow each other occur in an address or a reason.
constexpr std::uint64_t kSecret = 0xe5c7'b9ad'f3d1'cbe9;
constexpr std::uint64_t kSecretPage = 0xffff'e5c7'b9ad'f000;

void FillWithSecrets(GuestRegisters& registers) {
  registers.x.fill(kSecret);
  fake::Cpu& cpu = fake::ThisCpu();
  std::array<std::uint64_t, sizeof(El1State) / 8> el1{};
  el1.fill(kSecret);
  std::memcpy(&cpu.el1, el1.data(), sizeof(cpu.el1));
  cpu.fp.q.fill(kSecret);
  cpu.timer = {.ctl = 0, .cval = kSecret};
}

// Whether two neighbouring bytes of the secret stand anywhere in `bytes`.
bool HoldsSecret(const std::vector<unsigned char>& bytes) {
  for (std::size_t at = 0; at + 2 <= bytes.size(); ++at) {
    for (unsigned shift = 0; shift + 16 <= 64; shift += 8) {
      if (bytes[at] == (kSecret >> shift & 0xff) &&
          bytes[at + 1] == (kSecret >> (shift + 8) & 0xff)) {
        return true;
      }
    }
  }
  return false;
}

class SecrecyTest : public ::testing::Test {
 protected:
  // A guest full of secrets exits; the run page afterwards, without the fields named in `allowed`.
  std::vector<unsigned char> RunPageAfter(const fake::GuestStep& step) {
    fake::GuestStep secret = step;
    secret.acts = [&](GuestRegisters& registers) {
      const std::uint64_t pc = registers.pc;
      const std::uint64_t pstate = registers.pstate;
      FillWithSecrets(registers);
      if (step.acts) {
        step.acts(registers);
      }
      registers.pc = pc;
      registers.pstate = pstate;
    };
    fake::ThisCpu().script.push_back(secret);
    fake::ThisCpu().script.push_back({.exit = arch::ExitKind::kIrq, .syndrome = {}, .acts = {}});
    host_.Call(RAVELIN_HOST_VCPU_RUN, guest_.handle().raw(), 0U);
    fake::ThisCpu().script.clear();
    std::vector<unsigned char> bytes(kPageSize);
    std::memcpy(bytes.data(), &guest_.run_page(), bytes.size());
    return bytes;
  }
  void KeepsSecrets(const arch::Syndrome& syndrome) {
    const auto bytes =
        RunPageAfter({.exit = arch::ExitKind::kSynchronous, .syndrome = syndrome, .acts = {}});
    EXPECT_FALSE(HoldsSecret(bytes)) << std::hex << "esr " << syndrome.esr;
  }

  Host host_;
  Guest guest_{host_, VmKind::kProtected};
};

TEST_F(SecrecyTest, TheSearchFindsWhatIsThere) {
  std::vector<unsigned char> bytes(16);
  EXPECT_FALSE(HoldsSecret(bytes));
  bytes[7] = 0xcb;
  bytes[8] = 0xd1;
  EXPECT_TRUE(HoldsSecret(bytes));
}

TEST_F(SecrecyTest, Interrupts) {
  EXPECT_FALSE(
      HoldsSecret(RunPageAfter({.exit = arch::ExitKind::kIrq, .syndrome = {}, .acts = {}})));
}

TEST_F(SecrecyTest, SErrors) {
  EXPECT_FALSE(
      HoldsSecret(RunPageAfter({.exit = arch::ExitKind::kSerror, .syndrome = {}, .acts = {}})));
}

TEST_F(SecrecyTest, EveryClassWithAnySyndrome) {
  std::mt19937_64 random(20261);
  for (unsigned ec = 0; ec < kExceptionClasses; ++ec) {
    for (int round = 0; round < 200; ++round) {
      arch::Syndrome syndrome = OfClass(ec, Field<24, 0>::Make(random()));
      syndrome.far = kSecretPage | random() % kPageSize;
      syndrome.hpfar = Field<43, 4>::Make(kPage >> kPageShift);
      KeepsSecrets(syndrome);
    }
  }
}

TEST_F(SecrecyTest, CallsThatFail) {
  for (const ExceptionClass ec : {ExceptionClass::kHvc, ExceptionClass::kSmc}) {
    KeepsSecrets(OfClass(ec));  // an unknown call with secret arguments
    KeepsSecrets(OfClass(ec, 0x1234));
  }
}

TEST_F(SecrecyTest, EveryCallWithSecretArguments) {
  for (const std::uint64_t owner :
       {0x8000'0000U, 0x8400'0000U, 0xc400'0000U, 0x8600'0000U, 0xc600'0000U, 0x8600'ff00U}) {
    for (std::uint64_t function = owner; function < owner + 0x40; ++function) {
      const auto bytes =
          RunPageAfter({.exit = arch::ExitKind::kSynchronous,
                        .syndrome = OfClass(ExceptionClass::kHvc),
                        .acts = [&](GuestRegisters& registers) { registers.x[0] = function; }});
      EXPECT_FALSE(HoldsSecret(bytes)) << std::hex << function;
      if (guest_.vcpu().status() != VcpuStatus::kReady) {
        guest_.vcpu().status() = VcpuStatus::kReady;  // it has switched itself off
      }
    }
  }
}

TEST_F(SecrecyTest, WaitingTellsTheDeadlineOnlyOfAnArmedTimer) {
  KeepsSecrets(OfClass(ExceptionClass::kWfx));
  const fake::GuestStep armed{.exit = arch::ExitKind::kSynchronous,
                              .syndrome = OfClass(ExceptionClass::kWfx),
                              .acts = [](GuestRegisters&) { fake::ThisCpu().timer.ctl = 1; }};
  EXPECT_TRUE(HoldsSecret(RunPageAfter(armed)));
  EXPECT_EQ(guest_.run_page().exit.deadline, kSecret);
  guest_.run_page().exit.deadline = 0;
  std::vector<unsigned char> rest(kPageSize);
  std::memcpy(rest.data(), &guest_.run_page(), rest.size());
  EXPECT_FALSE(HoldsSecret(rest));
}

TEST_F(SecrecyTest, FaultsTellThePageAndNotTheAddress) {
  for (const bool write : {false, true}) {
    KeepsSecrets(DataAbort(kPage + 0x5c7, {.write = write, .far = kSecretPage}));
    KeepsSecrets(DataAbort(kPage + 0x5c7, {.write = write, .decoded = false, .far = kSecretPage}));
  }
  KeepsSecrets(InstructionAbort(kPage + 0x5c4, {.far = kSecretPage}));
}

TEST_F(SecrecyTest, GuardedPagesTellTheBytesThatAreWritten) {
  guest_.Guard(kDevice);
  for (const unsigned size : {1U, 2U, 4U, 8U}) {
    KeepsSecrets(DataAbort(kDevice, {.size = size, .reg = 3, .far = kSecretPage}));
    KeepsSecrets(DataAbort(kDevice, {.write = true, .decoded = false, .far = kSecretPage}));
    RunPageAfter({.exit = arch::ExitKind::kSynchronous,
                  .syndrome = DataAbort(kDevice, {.write = true, .size = size, .reg = 3}),
                  .acts = {}});
    const std::uint64_t mask = ~std::uint64_t{0} >> (64 - 8 * size);
    EXPECT_EQ(guest_.run_page().exit.value, kSecret & mask);
    guest_.run_page().exit.value = 0;
    std::vector<unsigned char> rest(kPageSize);
    std::memcpy(rest.data(), &guest_.run_page(), rest.size());
    EXPECT_FALSE(HoldsSecret(rest));
  }
}

// After a run the CPU holds the host's registers only, and the host's own values.
TEST_F(SecrecyTest, NothingStaysInTheCpu) {
  fake::ThisCpu().el1 = {};
  fake::ThisCpu().fp = {};
  RunPageAfter({.exit = arch::ExitKind::kIrq, .syndrome = {}, .acts = {}});
  const El1State clean{};
  EXPECT_EQ(std::memcmp(&fake::ThisCpu().el1, &clean, sizeof(clean)), 0);
  EXPECT_EQ(fake::ThisCpu().fp.q[0], 0U);
  EXPECT_EQ(fake::ThisCpu().timer.cval, 0U);
}

}  // namespace
}  // namespace ravelin::pvm_handlers
