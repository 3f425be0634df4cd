// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// attack-registers IMAGE: builds a protected VM by raw host calls, runs raw_guest in it, and looks
// for anything of the guest that reaches the host besides what the exit allows: general, vector and
// system registers, the run page, donated pages, and what comes back when the VM is gone.

#include <algorithm>
#include <array>
#include <cstdio>
#include <span>
#include <string>

#include "tests/attacks/programs/attack_device.h"
#include "tests/attacks/programs/raw_vm.h"
#include "tests/attacks/programs/report.h"
#include "tests/guests/raw_guest.h"

namespace ravelin::attacks {
namespace {

constexpr std::uint64_t kHostPattern = 0x4057700d4057700d;
constexpr std::uint64_t kPageShift = 12;

bool IsGuestCanary(std::uint64_t word) { return RAW_CANARY <= word && word <= RAW_LAST_CANARY; }

template <typename Words>
bool HoldsCanary(const Words& words) {
  return std::any_of(std::begin(words), std::end(words), IsGuestCanary);
}

bool IsZero(std::span<const std::uint64_t> words) {
  return std::all_of(words.begin(), words.end(), [](std::uint64_t word) { return word == 0; });
}

std::string Hex(std::uint64_t value) {
  std::array<char, 20> text{};
  std::snprintf(text.data(), text.size(), "%#llx", static_cast<unsigned long long>(value));
  return text.data();
}

// What all runs together let the host see.
struct Leaks {
  std::uint64_t x = 0;
  std::uint64_t q = 0;
  std::uint64_t system = 0;
  bool result = false;
  bool run_page = false;
};

class Attack {
 public:
  Attack(const char* image, Report& report)
      : report_(&report), vm_(device_, RAVELIN_VM_PROTECTED), image_(ReadImage(image)) {}

  void Run() {
    Start();
    ReachCanaries();
    ReachEmptyPage();
    CheckShutdown();
    CheckRegisterAccess();
    CheckLeaks();
    CheckWhatComesBack();
  }

 private:
  void Start() {
    image_pfn_ = vm_.GivePage(RAW_ENTRY >> kPageShift, image_);
    vm_.CreateVcpu(RAW_ENTRY);
    vm_.Launch();
    CheckDonated("launch_page_unreadable", image_pfn_);
  }

  void CheckDonated(std::string_view name, std::uint64_t pfn) {
    PageWords words{};
    const bool readable = device_.Read(pfn, words);
    const bool writable = device_.Write(pfn, words);
    report_->Check(name, !readable && !writable, readable ? "it can be read" : "it can be written");
  }

  // Runs to the next exit and collects what the host can see of the guest.
  ravelin_exit RunAndCollect() {
    const attack_run run = vm_.Run();
    leaks_.x |= run.changed_x;
    leaks_.q |= run.changed_q;
    leaks_.system |= run.changed_system;
    leaks_.result |= HoldsCanary(run.x) || HoldsCanary(run.q) || HoldsCanary(run.system_after);
    leaks_.run_page |= HoldsCanary(vm_.ReadRunPage());
    return vm_.ReadExit();
  }

  // The value that the guest reports at `offset`; the exit must say that and nothing else.
  std::uint64_t AwaitReport(std::uint64_t offset) {
    const ravelin_exit exit = RunAndCollect();
    const bool plain = exit.reason == RAVELIN_EXIT_MMIO && exit.ipa == RAW_REPORT_PAGE + offset &&
                       exit.access == RAVELIN_ACCESS_WRITE && exit.size == 8 && exit.event == 0 &&
                       exit.deadline == 0 && exit.function == 0 && IsZero(exit.args);
    if (!plain) {
      GiveUp("expected the report " + std::to_string(offset) + ", got exit " +
             std::to_string(exit.reason) + " at " + Hex(exit.ipa));
    }
    vm_.Reply({.kind = RAVELIN_REPLY_VALUE, .values = {kHostPattern}});
    return exit.value;
  }

  void ReachCanaries() {
    if (AwaitReport(RAW_REPORT_READY) != 1) GiveUp("the guest did not report its start");
    const std::uint64_t changed = AwaitReport(RAW_REPORT_CHANGED);
    report_->Check("guest_registers_intact", changed == 0,
                   std::to_string(changed) + " registers of the guest changed");
  }

  void ReachEmptyPage() {
    const ravelin_exit fault = RunAndCollect();
    const bool expected = fault.reason == RAVELIN_EXIT_MEMORY_FAULT && fault.ipa == RAW_EMPTY_PAGE;
    report_->Check("memory_fault_is_page_aligned", expected,
                   "exit " + std::to_string(fault.reason) + " at " + Hex(fault.ipa));
    PageWords pattern{};
    pattern.fill(kHostPattern);
    const std::uint64_t pfn = vm_.GivePage(RAW_EMPTY_PAGE >> kPageShift, pattern);
    CheckDonated("donated_page_unreadable", pfn);
    vm_.Reply({.kind = RAVELIN_REPLY_NONE, .values = {}});
    const std::uint64_t found = AwaitReport(RAW_REPORT_FOUND);
    report_->Check("zeroed_after_launch", found == 0, "the guest found " + Hex(found));
  }

  void CheckShutdown() {
    const ravelin_exit exit = RunAndCollect();
    const bool off =
        exit.reason == RAVELIN_EXIT_SYSTEM_EVENT && exit.event == RAVELIN_EVENT_SHUTDOWN;
    report_->Check("shut_down", off, "exit " + std::to_string(exit.reason));
  }

  void CheckRegisterAccess() {
    const Answer get = device_.Call(RAVELIN_HOST_VCPU_GET_REG, vm_.handle(), 0, 19);
    report_->Check("get_reg_refused", get.status == RAVELIN_WRONG_KIND && !IsGuestCanary(get.value),
                   "status " + std::to_string(get.status) + ", value " + Hex(get.value));
    const Answer set = device_.Call(RAVELIN_HOST_VCPU_SET_REG, vm_.handle(), 0, RAVELIN_REG_PC, 0);
    report_->Check("set_reg_refused", set.status != RAVELIN_SUCCESS, "it succeeded");
  }

  void CheckLeaks() {
    report_->Check("general_registers_hidden", leaks_.x == 0 && !leaks_.result,
                   "changed x registers: " + Hex(leaks_.x));
    report_->Check("vector_registers_hidden", leaks_.q == 0,
                   "changed q registers: " + Hex(leaks_.q));
    report_->Check("system_registers_hidden", leaks_.system == 0,
                   "changed system registers: " + Hex(leaks_.system));
    report_->Check("run_page_hides_registers", !leaks_.run_page,
                   "a guest value is in the run page");
  }

  [[nodiscard]] bool AreZero(std::span<const Block> blocks) const {
    for (const Block& block : blocks) {
      for (std::uint64_t i = 0; i < block.pages(); ++i) {
        PageWords words{};
        if (!device_.Read(block.pfn + i, words) || !IsZero(words)) return false;
      }
    }
    return true;
  }

  void CheckWhatComesBack() {
    vm_.Destroy();
    vm_.ReclaimPages();
    report_->Check("wiped_at_reclaim", AreZero(vm_.guest_blocks()), "a guest page is not zero");
    vm_.FreeObjects();
    report_->Check("metadata_wiped", AreZero(vm_.metadata_blocks()), "a metadata page is not zero");
    report_->Check("all_came_back", vm_.TearDown(), "some pages are not the host's");
  }

  AttackDevice device_;
  Report* report_;
  RawVm vm_;
  PageWords image_;
  std::uint64_t image_pfn_ = 0;
  Leaks leaks_;
};

int Main(int argc, char** argv) {
  if (argc != 2) GiveUp("usage: attack-registers IMAGE");
  Report report;
  Attack{argv[1], report}.Run();
  return report.exit_code();
}

}  // namespace
}  // namespace ravelin::attacks

int main(int argc, char** argv) { return ravelin::attacks::Main(argc, argv); }
