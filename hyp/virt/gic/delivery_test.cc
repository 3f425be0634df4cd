// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// From a line, a write or an SGI to the list registers of the vCPU that takes the interrupt, and
// what follows when the guest has dealt with it.
#include "hyp/virt/gic/delivery.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <iterator>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "hyp/arch/fake/cpu.h"
#include "hyp/arch/interrupts.h"
#include "hyp/testing/gic_guest.h"

namespace ravelin::gic {
namespace {

using testing::GicGuest;
using enum testing::Register;
using ravelin::testing::Answer;
using ravelin::testing::Host;
using ravelin::testing::OfClass;
using testing::Route;
namespace lr = arch::list_register;

constexpr std::uint64_t kSpi = 40;
constexpr std::uint64_t kOtherSpi = 70;
constexpr std::uint64_t kLevelPriority = 0xa0;

std::vector<std::uint64_t> Listed() {
  std::vector<std::uint64_t> found;
  std::ranges::copy_if(fake::ThisCpu().list, std::back_inserter(found),
                       [](std::uint64_t value) { return value != 0; });
  return found;
}

std::uint64_t ListedIntid(std::size_t at) {
  return at < Listed().size() ? lr::Intid::Get(Listed()[at]) : 0;
}

// What the guest does with the first list register.
void Take() {
  std::uint64_t& value = fake::ThisCpu().list[0];
  value = (value & ~lr::kPending) | lr::kActive;
}
void End() { fake::ThisCpu().list[0] &= ~(lr::kPending | lr::kActive); }

class DeliveryTest : public ::testing::TestWithParam<VmKind> {
 protected:
  DeliveryTest() { guest_.EnableAll(); }

  Answer Line(std::uint64_t intid, std::uint64_t level) {
    return host_.Call(RAVELIN_HOST_VM_IRQ_LINE, guest_.handle().raw(), intid, level);
  }
  void MakeEdge(std::uint64_t intid) {
    guest_.WriteDistributor(kConfiguration + intid / 16 * 4, 2ULL << (intid % 16 * 2));
  }
  // A stay in the guest that ends with an interrupt of the host.
  void Stay(const std::function<void()>& acts, std::uint32_t vcpu = 0) {
    guest_.NextIrq([acts](GuestRegisters&) { acts(); });
    EXPECT_EQ(guest_.Run(vcpu).reason, RAVELIN_EXIT_IRQ);
  }
  void ListsNothing(std::uint32_t vcpu = 0) {
    Stay([] { EXPECT_TRUE(Listed().empty()); }, vcpu);
  }
  void ListsOne(std::uint64_t intid, std::uint32_t vcpu = 0) {
    Stay(
        [intid] {
          ASSERT_EQ(Listed().size(), 1U);
          EXPECT_EQ(ListedIntid(0), intid);
          EXPECT_NE(Listed()[0] & lr::kPending, 0U);
        },
        vcpu);
  }

  Host host_;
  GicGuest guest_{host_, GetParam()};
};

TEST_P(DeliveryTest, ALevelIsListedWithItsPriorityAndGroup) {
  ListsNothing();
  EXPECT_EQ(Line(kSpi, RAVELIN_LINE_HIGH), (Answer{RAVELIN_SUCCESS, 0}));
  Stay([] {
    EXPECT_EQ(Listed(),
              (std::vector<std::uint64_t>{kSpi | lr::Priority::Make(kLevelPriority) | lr::kGroup1 |
                                          lr::kPending | lr::kEoiMaintenance}));
    EXPECT_EQ(fake::ThisCpu().list_control, arch::list_control::kEnable);
  });
}

TEST_P(DeliveryTest, ALevelThatStaysHighComesAgainAfterItsEnd) {
  Line(kSpi, RAVELIN_LINE_HIGH);
  guest_.NextIrq([](GuestRegisters&) { End(); });  // the maintenance interrupt
  guest_.NextIrq([](GuestRegisters&) { EXPECT_EQ(ListedIntid(0), kSpi); });
  EXPECT_EQ(guest_.Run().reason, RAVELIN_EXIT_IRQ);
  Line(kSpi, RAVELIN_LINE_LOW);
  ListsNothing();
}

TEST_P(DeliveryTest, ALevelIsNotPendingWhileItIsActive) {
  Line(kSpi, RAVELIN_LINE_HIGH);
  Stay(Take);
  Stay([] {
    ASSERT_EQ(Listed().size(), 1U);
    EXPECT_EQ(Listed()[0] & (lr::kPending | lr::kActive), lr::kActive);
    End();
  });
  ListsOne(kSpi);
}

TEST_P(DeliveryTest, AnEdgeComesOnce) {
  MakeEdge(kSpi);
  Line(kSpi, RAVELIN_LINE_PULSE);
  Stay([] {
    EXPECT_EQ(ListedIntid(0), kSpi);
    EXPECT_EQ(Listed()[0] & lr::kEoiMaintenance, 0U);
  });
  ListsOne(kSpi);  // not taken yet
  Stay([] { End(); });
  ListsNothing();
}

TEST_P(DeliveryTest, AnEdgeWhileActiveComesAfterwards) {
  MakeEdge(kSpi);
  Line(kSpi, RAVELIN_LINE_PULSE);
  Stay(Take);
  Line(kSpi, RAVELIN_LINE_PULSE);
  Stay([] {
    ASSERT_EQ(Listed().size(), 1U);
    EXPECT_EQ(Listed()[0] & (lr::kPending | lr::kActive), lr::kPending | lr::kActive);
    fake::ThisCpu().list[0] &= ~lr::kActive;
  });
  ListsOne(kSpi);
}

TEST_P(DeliveryTest, ALineThatStaysHighIsOneEdge) {
  MakeEdge(kSpi);
  Line(kSpi, RAVELIN_LINE_HIGH);
  Stay(End);
  Line(kSpi, RAVELIN_LINE_HIGH);
  ListsNothing();
  Line(kSpi, RAVELIN_LINE_LOW);
  ListsNothing();
  Line(kSpi, RAVELIN_LINE_HIGH);
  ListsOne(kSpi);
}

TEST_P(DeliveryTest, DisabledInterruptsWait) {
  guest_.WriteDistributor(kClearEnable + 4, 1U << (kSpi - 32));
  Line(kSpi, RAVELIN_LINE_HIGH);
  ListsNothing();
  guest_.WriteDistributor(kCtlr, 0);
  guest_.WriteDistributor(kSetEnable + 4, 1U << (kSpi - 32));
  ListsNothing();
  guest_.WriteDistributor(kCtlr, 1);  // the other group
  ListsNothing();
  guest_.WriteDistributor(kCtlr, 2);
  ListsOne(kSpi);
}

TEST_P(DeliveryTest, TheMostUrgentAreListedFirst) {
  guest_.WriteDistributor(kPriority + kSpi, 0x20, 1);
  guest_.WriteDistributor(kPriority + kOtherSpi, 0x10, 1);
  for (const std::uint64_t intid : {std::uint64_t{33}, kSpi, std::uint64_t{34}, kOtherSpi}) {
    Line(intid, RAVELIN_LINE_HIGH);
  }
  Stay([] {
    ASSERT_EQ(Listed().size(), 4U);
    EXPECT_EQ(ListedIntid(0), kOtherSpi);
    EXPECT_EQ(ListedIntid(1), kSpi);
    EXPECT_EQ(ListedIntid(2), 33U);
    EXPECT_EQ(ListedIntid(3), 34U);
  });
}

TEST_P(DeliveryTest, MoreThanThereIsRoomForComeLater) {
  for (std::uint64_t intid = 32; intid < 38; ++intid) {
    MakeEdge(intid);
  }
  for (std::uint64_t intid = 32; intid < 38; ++intid) {
    guest_.WriteDistributor(kSetPending + 4, 1U << (intid - 32));
  }
  std::vector<std::uint64_t> taken;
  const auto serve = [&taken](GuestRegisters&) {
    namespace control = arch::list_control;
    EXPECT_EQ(fake::ThisCpu().list_control, control::kEnable | control::kUnderflow |
                                                control::kEndNotListed | control::kNoPending);
    for (std::uint64_t& value : fake::ThisCpu().list) {
      if (value != 0) {
        taken.push_back(lr::Intid::Get(value));
        value &= ~(lr::kPending | lr::kActive);
      }
    }
  };
  guest_.NextIrq(serve);  // and the list registers ask for maintenance
  guest_.NextIrq([&taken](GuestRegisters&) {
    EXPECT_EQ(fake::ThisCpu().list_control, arch::list_control::kEnable);
    taken.push_back(ListedIntid(0));
    taken.push_back(ListedIntid(1));
  });
  EXPECT_EQ(guest_.Run().reason, RAVELIN_EXIT_IRQ);
  EXPECT_EQ(taken, (std::vector<std::uint64_t>{32, 33, 34, 35, 36, 37}));
}

TEST_P(DeliveryTest, WhatIsActiveKeepsItsListRegister) {
  Line(kSpi, RAVELIN_LINE_HIGH);
  Stay(Take);
  for (const std::uint64_t intid : {33ULL, 34ULL, 35ULL, 36ULL}) {
    guest_.WriteDistributor(kPriority + intid, 0x10, 1);
    Line(intid, RAVELIN_LINE_HIGH);
  }
  Stay([] {
    ASSERT_EQ(Listed().size(), 4U);
    EXPECT_EQ(ListedIntid(0), kSpi);
    EXPECT_EQ(ListedIntid(1), 33U);
  });
}

TEST_P(DeliveryTest, AnEndWithoutListRegisterEndsTheMostUrgent) {
  for (const std::uint64_t intid : {33ULL, 34ULL, 35ULL, 36ULL, 37ULL, 38ULL}) {
    guest_.WriteDistributor(kPriority + intid, 8 * (intid - 32), 1);
    guest_.WriteDistributor(kSetActive + 4, 1U << (intid - 32));
  }
  Stay([] {
    EXPECT_EQ(ListedIntid(3), 36U);
    fake::ThisCpu().list_control |= arch::list_control::EndCount::Make(1);
  });
  EXPECT_EQ(guest_.ReadDistributor(kSetActive + 4), 0b1011110U);
}

TEST_P(DeliveryTest, ARouteLeadsToItsVcpuAlone) {
  guest_.WriteDistributor(Route(kSpi), 1, 8);
  Line(kSpi, RAVELIN_LINE_HIGH);
  ListsNothing(0);
  guest_.WriteDistributor(Route(kSpi), 0, 8);
  ListsOne(kSpi, 0);
  guest_.WriteDistributor(Route(kSpi), 0x0f00, 8);  // nobody
  ListsNothing(0);
}

TEST_P(DeliveryTest, AHostsLineNamesWhomToWake) {
  guest_.Next(OfClass(ExceptionClass::kWfx));
  EXPECT_EQ(guest_.Run().reason, RAVELIN_EXIT_WFX);
  EXPECT_EQ(Line(kSpi, RAVELIN_LINE_HIGH), (Answer{RAVELIN_SUCCESS, 1}));
  EXPECT_EQ(Line(kOtherSpi, RAVELIN_LINE_HIGH), (Answer{RAVELIN_SUCCESS, 0})) << "awake already";
  Stay([] { EXPECT_EQ(Listed().size(), 2U); });
}

TEST_P(DeliveryTest, AnInterruptThatIsThereEndsWfiAtOnce) {
  Line(kSpi, RAVELIN_LINE_HIGH);
  guest_.Next(OfClass(ExceptionClass::kWfx));
  guest_.NextIrq([](GuestRegisters&) { EXPECT_EQ(ListedIntid(0), kSpi); });
  EXPECT_EQ(guest_.Run().reason, RAVELIN_EXIT_IRQ);
  fake::ThisCpu().priority_mask = kLevelPriority;  // not let through
  guest_.Next(OfClass(ExceptionClass::kWfx));
  EXPECT_EQ(guest_.Run().reason, RAVELIN_EXIT_WFX);
}

TEST_P(DeliveryTest, AnInterruptWhileTheVcpuGoesToSleepIsNotLost) {
  guest_.Next(OfClass(ExceptionClass::kWfx));
  // Another CPU, after WFI has been looked at: the vCPU still says that it runs here.
  fake::ThisCpu().on_leave = [this] {
    std::thread([this] { Line(kSpi, RAVELIN_LINE_HIGH); }).join();
  };
  EXPECT_EQ(guest_.Run().reason, RAVELIN_EXIT_IRQ) << "not WFX: it has something to do";
  fake::ThisCpu().on_leave = {};
  ListsOne(kSpi);
}

// One CPU raises interrupts, another runs the vCPU, and lets it wait only when it may.
TEST_P(DeliveryTest, NoInterruptIsLostBetweenTwoCpus) {
  constexpr unsigned kRounds = 3000;
  constexpr std::chrono::seconds kPatience{60};
  MakeEdge(kSpi);
  std::atomic<unsigned> taken = 0;
  std::atomic<bool> woken = false;
  std::atomic<bool> given_up = false;
  const auto look = [&taken](GuestRegisters&) {
    if (ListedIntid(0) == kSpi) {
      End();
      ++taken;
    }
  };
  std::thread runner([&] {
    fake::ThisCpu().index = CpuIndex{1};
    while (taken < kRounds && !given_up) {
      fake::ThisCpu().script.clear();
      guest_.Next(OfClass(ExceptionClass::kWfx), look);
      const Answer ran = host_.Call(RAVELIN_HOST_VCPU_RUN, guest_.handle().raw(), 0U);
      while (ran.value == RAVELIN_EXIT_WFX && taken < kRounds && !woken && !given_up) {
        std::this_thread::yield();
      }
      woken = false;
    }
  });
  const auto start = std::chrono::steady_clock::now();
  for (unsigned round = 1; round <= kRounds && !given_up; ++round) {
    if (Line(kSpi, RAVELIN_LINE_PULSE).value != 0) {
      woken = true;
    }
    while (taken < round && !given_up) {
      given_up = std::chrono::steady_clock::now() - start > kPatience;
      std::this_thread::yield();
    }
  }
  runner.join();
  EXPECT_EQ(taken, kRounds);
}

TEST_P(DeliveryTest, AVcpuThatRunsElsewhereIsKicked) {
  guest_.NextIrq([this](GuestRegisters&) {
    std::thread([this] {
      fake::ThisCpu().index = CpuIndex{5};
      EXPECT_EQ(Line(kSpi, RAVELIN_LINE_HIGH), (Answer{RAVELIN_SUCCESS, 0}));
      EXPECT_EQ(fake::ThisCpu().kicks, (std::vector<CpuIndex>{CpuIndex{0}}));
    }).join();
    fake::ThisCpu().kicked = true;
  });
  guest_.NextIrq([](GuestRegisters&) { EXPECT_EQ(ListedIntid(0), kSpi); });
  EXPECT_EQ(guest_.Run().reason, RAVELIN_EXIT_IRQ);
}

TEST_P(DeliveryTest, AnEndOfWhichTheHostWantsToKnow) {
  EXPECT_EQ(Line(kSpi, RAVELIN_LINE_UNTIL_END).status, RAVELIN_SUCCESS);
  Stay(Take);
  guest_.NextIrq([](GuestRegisters&) { End(); });
  const ravelin_exit exit = guest_.Run();
  EXPECT_EQ(exit.reason, RAVELIN_EXIT_LINE_FELL);
  EXPECT_EQ(exit.value, kSpi);
  ListsNothing();
}

TEST_P(DeliveryTest, EndsAreToldOneByOne) {
  Line(kSpi, RAVELIN_LINE_UNTIL_END);
  Line(kOtherSpi, RAVELIN_LINE_UNTIL_END);
  guest_.Next(OfClass(ExceptionClass::kWfx), [](GuestRegisters&) {
    for (std::uint64_t& value : fake::ThisCpu().list) {
      value &= ~(lr::kPending | lr::kActive);
    }
  });
  EXPECT_EQ(guest_.Run().value, kSpi);
  const ravelin_exit exit = guest_.Run();
  EXPECT_EQ(exit.reason, RAVELIN_EXIT_LINE_FELL);
  EXPECT_EQ(exit.value, kOtherSpi);
  ListsNothing();
}

// --- SGIs

TEST_P(DeliveryTest, AnSgiToItself) {
  guest_.NextSgi(5ULL << 24 | 1);
  guest_.NextIrq([](GuestRegisters&) {
    EXPECT_EQ(Listed(), (std::vector<std::uint64_t>{5 | lr::Priority::Make(kLevelPriority) |
                                                    lr::kGroup1 | lr::kPending}));
    End();
  });
  EXPECT_EQ(guest_.Run().reason, RAVELIN_EXIT_IRQ);
  ListsNothing();
}

TEST_P(DeliveryTest, AnSgiNobodyHas) {
  for (const std::uint64_t value :
       {std::uint64_t{1} << 5, std::uint64_t{1} << 16 | 1, std::uint64_t{1} << 32 | 1,
        std::uint64_t{1} << 48 | 1, std::uint64_t{1} << 44 | 1, std::uint64_t{0}}) {
    guest_.NextSgi(value);
    guest_.NextIrq([](GuestRegisters&) { EXPECT_TRUE(Listed().empty()); });
    EXPECT_EQ(guest_.Run().reason, RAVELIN_EXIT_IRQ);
  }
}

// vCPU 1 is switched on by PSCI, and waits.
class SgiTest : public DeliveryTest {
 protected:
  SgiTest() {
    guest_.Next(OfClass(ExceptionClass::kHvc),
                [](GuestRegisters& registers) { registers.x = {0xc4000003, 1, 0x8000'0000, 0}; });
    EXPECT_EQ(guest_.Run().reason, RAVELIN_EXIT_WAKE);
    guest_.Next(OfClass(ExceptionClass::kWfx));
    EXPECT_EQ(guest_.Run(1).reason, RAVELIN_EXIT_WFX);
  }
  void WakesTheOther(std::uint64_t value) {
    guest_.NextSgi(value);
    const ravelin_exit exit = guest_.Run();
    EXPECT_EQ(exit.reason, RAVELIN_EXIT_WAKE);
    EXPECT_EQ(exit.value, 2U);
  }
};

TEST_P(SgiTest, ToAVcpuThatWaits) {
  WakesTheOther(3ULL << 24 | 2);
  ListsNothing(0);
  ListsOne(3, 1);
}

TEST_P(SgiTest, ToAllOthers) {
  WakesTheOther(std::uint64_t{1} << 40 | 3ULL << 24);
  ListsNothing(0);
  ListsOne(3, 1);
}

TEST_P(SgiTest, Group0MakesNoInterruptOfGroup1) {
  guest_.Next(ravelin::testing::Msr({.crn = 12, .crm = 11, .op2 = 7}, 9),
              [](GuestRegisters& registers) { registers.x[9] = 3ULL << 24 | 2; });
  guest_.NextIrq();
  EXPECT_EQ(guest_.Run().reason, RAVELIN_EXIT_IRQ);
  ListsNothing(1);
}

// --- Timers

constexpr std::uint64_t kFiring = 5;  // enabled, condition met
constexpr std::uint64_t kTimerLr = 27 | lr::Priority::Make(kLevelPriority) | lr::kGroup1 |
                                   lr::kHardware | lr::PhysicalIntid::Make(27) | lr::kPending;

TEST_P(DeliveryTest, AVirtualTimerThatFiresIsTheGuestsAlone) {
  guest_.NextIrq([](GuestRegisters&) { fake::ThisCpu().timer.ctl = kFiring; });
  guest_.NextIrq([](GuestRegisters&) {
    EXPECT_EQ(Listed(), (std::vector<std::uint64_t>{kTimerLr}));
    EXPECT_TRUE(fake::ThisCpu().timer_forwarded) << "the physical interrupt is silent";
  });
  EXPECT_EQ(guest_.Run().reason, RAVELIN_EXIT_IRQ) << "the second one is the host's";
  EXPECT_FALSE(fake::ThisCpu().timer_forwarded);
  Stay([] {
    EXPECT_EQ(Listed(), (std::vector<std::uint64_t>{kTimerLr})) << "still there";
    EXPECT_TRUE(fake::ThisCpu().timer_forwarded);
    End();  // deactivates the physical interrupt
    fake::ThisCpu().timer = {.ctl = 1, .cval = 100};
  });
  ListsNothing();
}

TEST_P(DeliveryTest, ATimerWhoseInterruptIsDisabledDoesNotLoop) {
  guest_.Write(GicGuest::Sgis(0) + kClearEnable, 1U << 27);
  guest_.NextIrq([](GuestRegisters&) { fake::ThisCpu().timer.ctl = kFiring; });
  guest_.NextIrq([](GuestRegisters&) {
    EXPECT_TRUE(Listed().empty());
    EXPECT_TRUE(fake::ThisCpu().timer_forwarded);
  });
  EXPECT_EQ(guest_.Run().reason, RAVELIN_EXIT_IRQ);
  guest_.Write(GicGuest::Sgis(0) + kSetEnable, 1U << 27);
  ListsOne(27);
}

TEST_P(DeliveryTest, ATimerThatIsTakenBackIsNotDelivered) {
  guest_.NextIrq([](GuestRegisters&) { fake::ThisCpu().timer.ctl = kFiring; });
  guest_.NextIrq([](GuestRegisters&) { fake::ThisCpu().timer.ctl = 0; });
  EXPECT_EQ(guest_.Run().reason, RAVELIN_EXIT_IRQ);
  ListsNothing();
}

TEST_P(DeliveryTest, ATimerThatFiresWhileTheVcpuGoesToSleepHasADeadline) {
  for (unsigned reads = 1; reads < 8; ++reads) {
    guest_.Next(OfClass(ExceptionClass::kWfx), [reads](GuestRegisters&) {
      fake::ThisCpu().timer = {.ctl = 1, .cval = 0x500};
      fake::ThisCpu().timer_reads_to_fire = reads;
    });
    const Answer ran = host_.Call(RAVELIN_HOST_VCPU_RUN, guest_.handle().raw(), 0U);
    EXPECT_TRUE(ran.value == RAVELIN_EXIT_IRQ || guest_.run_page().exit.deadline == 0x500) << reads;
    fake::ThisCpu().timer_reads_to_fire = 0;
    guest_.vcpu().state().timer = {};
  }
}

TEST_P(DeliveryTest, ATimerThatFiresForNobodyHasNoDeadline) {
  guest_.Write(GicGuest::Sgis(0) + kClearEnable, 1U << 27);
  guest_.Next(OfClass(ExceptionClass::kWfx),
              [](GuestRegisters&) { fake::ThisCpu().timer = {.ctl = kFiring, .cval = 0x500}; });
  EXPECT_EQ(guest_.Run().deadline, 0U);
}

TEST_P(DeliveryTest, ThePhysicalTimerIsEmulated) {
  fake::ThisCpu().counter = 1000;
  const auto timer = [](unsigned op2) {
    return ravelin::testing::SystemRegister{.op1 = 3, .crn = 14, .crm = 2, .op2 = op2};
  };
  const auto set = [](std::uint64_t value) {
    return [value](GuestRegisters& registers) { registers.x[9] = value; };
  };
  guest_.Next(ravelin::testing::Msr(timer(0), 9), set(500));
  guest_.Next(ravelin::testing::Msr(timer(1), 9), set(1));
  guest_.Next(ravelin::testing::Mrs(timer(2), 10));
  guest_.Next(ravelin::testing::Mrs(timer(0), 11));
  guest_.Next(ravelin::testing::Mrs(timer(1), 12));
  guest_.Next(OfClass(ExceptionClass::kWfx));
  const ravelin_exit exit = guest_.Run();
  EXPECT_EQ(guest_.x(10), 1500U);
  EXPECT_EQ(guest_.x(11), 500U);
  EXPECT_EQ(guest_.x(12), 1U);
  EXPECT_EQ(exit.reason, RAVELIN_EXIT_WFX);
  EXPECT_EQ(exit.deadline, 1500U);
  fake::ThisCpu().counter = 1500;
  ListsOne(30);
  guest_.Next(ravelin::testing::Mrs(timer(1), 12));
  guest_.Next(ravelin::testing::Msr(timer(1), 9), set(3));
  guest_.NextIrq([](GuestRegisters&) { EXPECT_TRUE(Listed().empty()); });
  EXPECT_EQ(guest_.Run().reason, RAVELIN_EXIT_IRQ);
  EXPECT_EQ(guest_.x(12), 5U);
}

TEST_P(DeliveryTest, TheDeadlineIsOfThePhysicalCounter) {
  fake::ThisCpu().counter = 0x1'0000;
  GicGuest later(host_, GetParam());
  later.Next(OfClass(ExceptionClass::kWfx), [](GuestRegisters&) {
    EXPECT_EQ(fake::ThisCpu().regime->counter_offset, 0x1'0000U);
    fake::ThisCpu().timer = {.ctl = 1, .cval = 0x500};
  });
  EXPECT_EQ(later.Run().deadline, 0x1'0500U);
}

INSTANTIATE_TEST_SUITE_P(Kinds, DeliveryTest,
                         ::testing::Values(VmKind::kNormal, VmKind::kProtected),
                         [](const auto& each) {
                           return each.param == VmKind::kNormal ? "Normal" : "Protected";
                         });
INSTANTIATE_TEST_SUITE_P(Kinds, SgiTest, ::testing::Values(VmKind::kNormal, VmKind::kProtected),
                         [](const auto& each) {
                           return each.param == VmKind::kNormal ? "Normal" : "Protected";
                         });

}  // namespace
}  // namespace ravelin::gic
