// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/kvm/memory_checks.h"

#include <sys/resource.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <thread>

#include "tests/kvm/check.h"
#include "tests/kvm/guest_code.h"
#include "tests/kvm/kvm.h"

namespace ravelin::kvm {
namespace {

constexpr std::size_t kPages = 64;
constexpr int kKills = 50;
constexpr unsigned kUser = 1000;
constexpr std::chrono::seconds kSettleLimit{10};
constexpr std::chrono::milliseconds kPollInterval{10};

struct Figures {
  std::int64_t live_vms = MonitorFigure("live_vms");
  std::int64_t donated_pages = MonitorFigure("donated_pages");
  std::int64_t free_pages = MonitorFigure("free_pages");

  friend bool operator==(const Figures&, const Figures&) = default;
};

// A process that was killed gives its VM back when it is gone, which is a little later.
void ExpectBack(Check& check, const Figures& before) {
  const auto deadline = std::chrono::steady_clock::now() + kSettleLimit;
  Figures after;
  while (!(after == before) && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(kPollInterval);
    after = {};
  }
  check.Equal("live VMs", after.live_vms, before.live_vms);
  check.Equal("donated pages", after.donated_pages, before.donated_pages);
  check.Equal("free pages of the monitor", after.free_pages, before.free_pages);
}

// The first KVM_RUN of a protected VM with this memory.
int FirstRun(const Mapping& memory) {
  const ReadyVm vm{Kind::kProtected, memory};
  return vm.vcpu().Run();
}

void CheckKindsOfMemory() {
  Check check{"kinds_of_memory"};
  Mapping shared{1, MAP_SHARED | MAP_ANONYMOUS};
  shared.Load(kOffGuest, kOffGuestEnd);
  check.Equal("shared memory", FirstRun(shared), -EINVAL);

  const Fd file{::memfd_create("kvm-api", MFD_CLOEXEC)};
  if (::ftruncate(file.get(), kPageSize) != 0) GiveUp("no memfd");
  Mapping of_file{1, MAP_PRIVATE, file.get()};
  of_file.Load(kOffGuest, kOffGuestEnd);
  check.Equal("memory of a file", FirstRun(of_file), -EINVAL);

  Mapping memory{2};
  memory.Load(kOffGuest, kOffGuestEnd);
  {
    const Vm vm{Kind::kProtected};
    const Vcpu vcpu{vm.fd(), 0};
    check.Equal("half a mapping", vm.SetSlot(0, kGuestBase, kPageSize, memory.address()), 0);
    check.Equal("init", vcpu.Init(), 0);
    check.Equal("KVM_RUN on half a mapping", vcpu.Run(), -EINVAL);
  }
  check.Equal("KVM_RUN on all of it", FirstRun(memory), 0);
}

// The guest touches what the VMM has not mapped.
void CheckHole(Kind kind, const char* name) {
  Check check{name};
  Mapping memory{2};
  memory.Load(kTouchGuest, kTouchGuestEnd);
  const ReadyVm vm{kind, memory};
  check.Equal("setting X0", vm.vcpu().Set(GeneralRegister(0), kGuestBase + kPageSize), 0);
  check.Equal("setting X1", vm.vcpu().Set(GeneralRegister(1), 1), 0);
  ::munmap(memory.data() + kPageSize, kPageSize);
  check.Equal("KVM_RUN", vm.vcpu().Run(), -EFAULT);
}

// A VM whose guest touches all of its kPages pages, except the first.
class TouchingVm {
 public:
  TouchingVm(Kind kind, const Mapping& memory) : ready_(kind, memory) {
    const bool set = vcpu().Set(GeneralRegister(0), kGuestBase + kPageSize) == 0 &&
                     vcpu().Set(GeneralRegister(1), memory.pages() - 1) == 0;
    if (!set) GiveUp("cannot set registers");
  }
  [[nodiscard]] const Vcpu& vcpu() const { return ready_.vcpu(); }
  [[nodiscard]] Vm& vm() { return ready_.vm(); }

 private:
  ReadyVm ready_;
};

void CheckCharge(Kind kind, const char* name) {
  Check check{name};
  const Figures before;
  Mapping memory{kPages};
  memory.Load(kTouchGuest, kTouchGuestEnd);
  {
    const TouchingVm vm{kind, memory};
    check.Equal("locked pages before", LockedPages(), 0);
    check.True("the guest ends", vm.vcpu().RunsInto(KVM_EXIT_SYSTEM_EVENT));
    check.Equal("locked pages", LockedPages(), kPages);
  }
  check.Equal("locked pages afterwards", LockedPages(), 0);
  ExpectBack(check, before);
  // It is the VMM's again: wiped if it was the guest's, with what the guest wrote if not.
  const auto word = *reinterpret_cast<std::uint64_t*>(memory.data() + kPageSize);
  check.Equal("what the guest wrote", static_cast<std::int64_t>(word),
              kind == Kind::kProtected ? 0 : kPages - 1);
}

// Of memory that the VMM has locked itself, a protected VM's pages are counted once.
void CheckLockedMemory() {
  Check check{"locked_memory"};
  Mapping memory{kPages};
  memory.Load(kTouchGuest, kTouchGuestEnd);
  check.Equal("mlock", ::mlock(memory.data(), memory.bytes()), 0);
  check.Equal("locked pages before", LockedPages(), kPages);
  {
    const TouchingVm vm{Kind::kProtected, memory};
    check.True("the guest ends", vm.vcpu().RunsInto(KVM_EXIT_SYSTEM_EVENT));
    check.Equal("locked pages", LockedPages(), kPages);
    check.Equal("mlock again", ::mlock(memory.data(), memory.bytes()), 0);
    check.Equal("locked pages after mlock", LockedPages(), kPages);
  }
  check.Equal("locked pages afterwards", LockedPages(), 0);
}

// Runs `body` in a process of its own; its exit status, or -1.
template <typename Body>
int InChild(Body body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// How KVM_RUN fails for a user who may lock `limit` pages; the process leaves the rest to its end.
int ErrorWithLimit(Kind kind, std::uint64_t limit, std::size_t touched) {
  return InChild([=] {
    Mapping memory{kPages};
    for (std::size_t i = 0; i < touched; ++i) memory.data()[i * kPageSize] = std::byte{1};
    memory.Load(kTouchGuest, kTouchGuestEnd);
    const TouchingVm vm{kind, memory};
    const rlimit bytes{.rlim_cur = limit * kPageSize, .rlim_max = limit * kPageSize};
    if (::setrlimit(RLIMIT_MEMLOCK, &bytes) != 0 || ::setresuid(kUser, kUser, kUser) != 0) return 1;
    const int first = -vm.vcpu().Run();
    // It stays so, and what it has is within the limit.
    if (first != 0 && -vm.vcpu().Run() != first) return 1;
    return first;
  });
}

void CheckLimit() {
  Check check{"memlock_limit"};
  const Figures before;
  for (const Kind kind : {Kind::kNormal, Kind::kProtected}) {
    check.Equal("nothing may be locked", ErrorWithLimit(kind, 0, 1), ENOMEM);
    check.Equal("too little at the start", ErrorWithLimit(kind, kPages / 2, kPages), ENOMEM);
    check.Equal("too little on the way", ErrorWithLimit(kind, kPages - 1, 1), ENOMEM);
    check.Equal("just enough", ErrorWithLimit(kind, kPages, 1), 0);
  }
  ExpectBack(check, before);
}

// A fork has none of a protected VM's memory, and the VMM cannot ask for it.
void CheckFork() {
  Check check{"fork_has_no_guest_memory"};
  Mapping memory{kPages};
  memory.Load(kTouchGuest, kTouchGuestEnd);
  const TouchingVm vm{Kind::kProtected, memory};
  check.True("the guest ends", vm.vcpu().RunsInto(KVM_EXIT_SYSTEM_EVENT));
  check.Equal("MADV_DOFORK", ::madvise(memory.data(), memory.bytes(), MADV_DOFORK), -1);
  const int seen = InChild([&] {
    unsigned char resident = 0;
    return ::mincore(memory.data(), kPageSize, &resident) == 0 ? 1 : 0;
  });
  check.Equal("pages in the child", seen, 0);
}

// Whichever file is closed last ends the VM.
void CheckClosing(Kind kind, const char* name) {
  Check check{name};
  const Figures before;
  Mapping memory{kPages};
  memory.Load(kTouchGuest, kTouchGuestEnd);
  {
    TouchingVm vm{kind, memory};
    vm.vm().TakeFd().Close();
    check.Equal("live VMs without the VM's file", Figures{}.live_vms, before.live_vms + 1);
    check.True("the guest ends", vm.vcpu().RunsInto(KVM_EXIT_SYSTEM_EVENT));
  }
  // The mapping of kvm_run is gone with the vCPU: nothing holds the VM any more.
  ExpectBack(check, before);
}

// A process that dies at any moment of its VM's life leaves nothing behind.
void CheckKill(Kind kind, const char* name) {
  Check check{name};
  const Figures before;
  for (int i = 0; i < kKills; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      for (;;) {
        Mapping memory{kPages};
        memory.Load(kTouchGuest, kTouchGuestEnd);
        const TouchingVm vm{kind, memory};
        static_cast<void>(vm.vcpu().Run());
      }
    }
    std::this_thread::sleep_for(std::chrono::microseconds{1000 + 337 * i});
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    check.True("it was killed", WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  }
  ExpectBack(check, before);
}

}  // namespace

void CheckMemory() {
  CheckKindsOfMemory();
  CheckHole(Kind::kNormal, "normal_hole");
  CheckHole(Kind::kProtected, "protected_hole");
  CheckCharge(Kind::kNormal, "normal_charge");
  CheckCharge(Kind::kProtected, "protected_charge");
  CheckLockedMemory();
  CheckLimit();
  CheckFork();
  CheckClosing(Kind::kNormal, "normal_closing");
  CheckClosing(Kind::kProtected, "protected_closing");
  CheckKill(Kind::kNormal, "normal_kill");
  CheckKill(Kind::kProtected, "protected_kill");
}

}  // namespace ravelin::kvm
