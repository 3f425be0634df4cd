// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// loop-vms COUNTER_GUEST SECRET_GUEST COUNT: runs COUNT protected VMs one after the other, then
// kills one while it runs, and compares the memory of host and monitor before and after.

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>

#include "host_shim/vmm/machine.h"
#include "host_shim/vmm/options.h"
#include "tests/attacks/programs/attack_device.h"
#include "tests/attacks/programs/report.h"

namespace ravelin::attacks {
namespace {

// Run first, so that the kernel has the caches that it will keep.
constexpr int kWarmUps = 5;
// The host's own memory use moves a little; one page lost for each of 200 VMs would be more.
constexpr std::int64_t kNoisePages = 100;
constexpr std::chrono::seconds kSettleLimit{15};
constexpr std::chrono::seconds kSettleTime{1};
constexpr std::chrono::milliseconds kPollInterval{100};

struct Figures {
  std::int64_t host_free_pages;
  std::uint64_t monitor_free_pages;
  std::uint64_t donated_pages;
  std::uint64_t live_vms;
};

// Free pages of all zones, those on the lists of single CPUs included (which MemFree leaves out).
std::int64_t HostFreePages() {
  std::ifstream file{"/proc/zoneinfo"};
  std::int64_t pages = 0;
  std::int64_t number = 0;
  std::string word;
  std::string before;
  while (file >> word) {
    const bool is_count = word == "count:" || (before == "pages" && word == "free");
    if (is_count && file >> number) pages += number;
    before = word;
  }
  if (pages == 0) GiveUp("cannot read /proc/zoneinfo");
  return pages;
}

void DropCaches() {
  ::sync();
  const vmm::UniqueFd file{::open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC)};
  if (::write(file.get(), "3", 1) != 1) GiveUp("cannot drop caches");
}

Figures Measure(const AttackDevice& device) {
  DropCaches();
  return {
      .host_free_pages = HostFreePages(),
      .monitor_free_pages = device.Info(RAVELIN_INFO_FREE_PAGES),
      .donated_pages = device.Info(RAVELIN_INFO_DONATED_PAGES),
      .live_vms = device.Info(RAVELIN_INFO_LIVE_VMS),
  };
}

bool IsBack(const Figures& before, const Figures& after) {
  return after.host_free_pages >= before.host_free_pages - kNoisePages &&
         after.monitor_free_pages == before.monitor_free_pages &&
         after.donated_pages == before.donated_pages && after.live_vms == before.live_vms;
}

// The kernel frees some memory a little later.
Figures MeasureSettled(const AttackDevice& device, const Figures& before) {
  const auto deadline = std::chrono::steady_clock::now() + kSettleLimit;
  Figures after = Measure(device);
  while (!IsBack(before, after) && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(kPollInterval);
    after = Measure(device);
  }
  return after;
}

vmm::Result<std::unique_ptr<vmm::Machine>> Create(const char* image, vmm::Command command) {
  return vmm::Machine::Create({.image = image,
                               .memory_bytes = vmm::kDefaultMemoryMib << 20,
                               .base = vmm::kDefaultBase,
                               .kind = vmm::VmKind::kProtected,
                               .ipa_bits = vmm::kDefaultIpaBits},
                              {.print_line = [](std::string_view /*line*/) {},
                               .next_command = [command] { return command; }});
}

void RunOne(const char* image) {
  auto machine = Create(image, vmm::Command::kFinish);
  if (!machine) GiveUp(machine.error().text);
  const vmm::Outcome outcome = (*machine)->Run();
  if (outcome.end != vmm::End::kShutdown) GiveUp(outcome.reason);
}

// A VMM that ends only by being killed.
void KillOne(const char* image) {
  const pid_t child = ::fork();
  if (child == 0) {
    auto machine = Create(image, vmm::Command::kWait);
    if (!machine) ::_exit(1);
    static_cast<void>((*machine)->Run());
    ::_exit(1);
  }
  std::this_thread::sleep_for(std::chrono::seconds{1});
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (!WIFSIGNALED(status)) GiveUp("the VMM ended before it was killed");
}

void Compare(Report& report, const std::string& prefix, const Figures& before,
             const Figures& after) {
  const std::int64_t lost = before.host_free_pages - after.host_free_pages;
  report.Check(prefix + "_host_memory", lost <= kNoisePages,
               std::to_string(lost) + " pages are lost");
  report.Check(prefix + "_monitor_pages", after.monitor_free_pages == before.monitor_free_pages,
               std::to_string(before.monitor_free_pages) + " free pages before, " +
                   std::to_string(after.monitor_free_pages) + " after");
  report.Check(prefix + "_donated_pages", after.donated_pages == before.donated_pages,
               std::to_string(before.donated_pages) + " donated before, " +
                   std::to_string(after.donated_pages) + " after");
  report.Check(prefix + "_live_vms", after.live_vms == before.live_vms,
               std::to_string(after.live_vms) + " VMs live");
}

void PrintSpeed(int count, std::chrono::steady_clock::duration elapsed) {
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(elapsed).count();
  std::printf("%d VMs in %lld ms, %lld ms each\n", count, static_cast<long long>(millis),
              static_cast<long long>(millis / count));
}

int Main(int argc, char** argv) {
  const int count = argc == 4 ? std::atoi(argv[3]) : 0;
  if (count <= 0) GiveUp("usage: loop-vms COUNTER_GUEST SECRET_GUEST COUNT");
  const AttackDevice device;
  Report report;
  for (int i = 0; i < kWarmUps; ++i) RunOne(argv[1]);
  KillOne(argv[2]);
  std::this_thread::sleep_for(kSettleTime);
  const Figures before = Measure(device);

  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < count; ++i) RunOne(argv[1]);
  PrintSpeed(count, std::chrono::steady_clock::now() - start);
  Compare(report, "loop", before, MeasureSettled(device, before));

  KillOne(argv[2]);
  Compare(report, "kill", before, MeasureSettled(device, before));
  return report.exit_code();
}

}  // namespace
}  // namespace ravelin::attacks

int main(int argc, char** argv) { return ravelin::attacks::Main(argc, argv); }
