// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// What a visit may read and how long it may be, and the figures.
#include <sstream>

#include "tests/observer/trace.h"

namespace ravelin::observer {
namespace {

class VisitsTest : public Trace {
 protected:
  [[nodiscard]] std::string Report() const {
    std::ostringstream text;
    checker_.Print(text);
    return text.str();
  }
};

TEST_F(VisitsTest, TheSameBytesAreReadOnce) {
  Load(kHostPage, 8);
  Load(kHostPage + 8, 8);
  ExpectNothing();
  Load(kHostPage + 4, 2);
  ExpectOnly(Rule::kDoubleFetch);
}

TEST_F(VisitsTest, TheNextVisitReadsAgain) {
  Load(kHostPage, 8);
  EnterHost();
  HostCalls({});
  Load(kHostPage, 8);
  ExpectNothing();
}

TEST_F(VisitsTest, AnotherCpuReadsToo) {
  Load(kHostPage, 8);
  here_.cpu = CpuIndex{1};
  Load(kHostPage, 8);
  ExpectNothing();
}

TEST_F(VisitsTest, TheMonitorsOwnMemoryIsReadAsOftenAsItLikes) {
  Load(kMonitor, 8);
  Load(kMonitor, 8);
  Load(Pa{0x4200'0000}, 8);  // mapped nowhere
  Load(Pa{0x4200'0000}, 8);
  ExpectNothing();
}

TEST_F(VisitsTest, AGuestsMemoryCountsAsWell) {
  Load(kVmPage, 4);
  Load(kVmPage, 4);
  ExpectOnly(Rule::kDoubleFetch);
}

TEST_F(VisitsTest, AVisitHasALimit) {
  EnterHost(0, kVisitLimit);
  HostCalls({});
  ExpectNothing();
  EnterHost(0, kVisitLimit + 1);
  ExpectOnly(Rule::kVisit);
}

TEST_F(VisitsTest, TheStartOfACpuHasNone) {
  here_.cpu = CpuIndex{1};
  checker_.Enter(here_, {.start = true}, 0);
  Execute(kSetVtcr, kVtcr);
  Execute(kSetHcr, 1);
  EnterHost(0, 100 * kVisitLimit);
  ExpectNothing();
}

TEST_F(VisitsTest, StageTwoIsOn) {
  Execute(kSetHcr, 0);
  EnterHost();
  ExpectOnly(Rule::kStage2Off);
}

TEST_F(VisitsTest, FiguresAreByCause) {
  EnterHost();
  HostCalls({0xc600'1000});
  EnterHost(0, 10);
  HostCalls({0xc600'1000});
  EnterHost(0, 30);
  checker_.Enter(here_, {.vector = 0x400, .esr = 0x24ULL << 26}, 0);
  const std::string report = Report();
  EXPECT_NE(report.find("visit host hvc 0xc6001000 count 2 mean 20 max 30"), std::string::npos)
      << report;
}

TEST_F(VisitsTest, CausesByVectorAndWorld) {
  EnterHost();
  checker_.Enter(here_, {.vector = 0x400, .esr = 0x24ULL << 26}, 200);
  EnterVm();
  checker_.Enter(here_, {.vector = 0x480}, 300);
  EnterVm();
  checker_.Enter(here_, {.vector = 0x580}, 400);
  EnterVm();
  const std::string report = Report();
  for (const char* cause : {"visit host sync 0x24 count 1", "visit guest irq 0x0 count 1",
                            "visit guest serror 0x0 count 1", "visit cpu start 0x0 count 1"}) {
    EXPECT_NE(report.find(cause), std::string::npos) << cause << '\n' << report;
  }
}

TEST(WaitingTest, ALoopIsWaiting) {
  Waiting waiting;
  waiting.Observe(Va{0x100}, 10);
  waiting.Observe(Va{0x100}, 13);
  waiting.Observe(Va{0x100}, 16);
  EXPECT_EQ(waiting.total(), 6U);
}

TEST(WaitingTest, WorkIsNot) {
  Waiting waiting;
  waiting.Observe(Va{0x100}, 10);
  waiting.Observe(Va{0x200}, 13);   // elsewhere
  waiting.Observe(Va{0x200}, 100);  // later
  EXPECT_EQ(waiting.total(), 0U);
}

TEST(ReportTest, CountsAllAndKeepsSome) {
  Report report;
  for (unsigned i = 0; i < 50; ++i) {
    report.Add(Rule::kOwner, {CpuIndex{1}, Va{0x10}}, 0x4000, "twice");
  }
  EXPECT_EQ(report.Total(), 50U);
  EXPECT_LT(report.violations().size(), 50U);
  std::ostringstream text;
  report.Print(text);
  EXPECT_NE(text.str().find("violation owner cpu 1 pc 0x10 address 0x4000 twice\n"),
            std::string::npos);
  EXPECT_NE(text.str().find("violations owner 50\nviolations 50\n"), std::string::npos);
}

}  // namespace
}  // namespace ravelin::observer
