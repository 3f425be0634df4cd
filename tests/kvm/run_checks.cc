// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/kvm/run_checks.h"

#include <pthread.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>

#include "tests/kvm/check.h"
#include "tests/kvm/guest_code.h"
#include "tests/kvm/kvm.h"

namespace ravelin::kvm {
namespace {

constexpr std::chrono::milliseconds kShortWhile{100};

void CatchSignals() {
  struct sigaction action{};
  action.sa_handler = [](int /*signal*/) {};  // no SA_RESTART: KVM_RUN ends with EINTR
  for (const int signal : {SIGALRM, SIGUSR1}) ::sigaction(signal, &action, nullptr);
}

// Repeats, so that it cannot come too early.
void SetAlarm(suseconds_t microseconds) {
  const itimerval timer{.it_interval = {.tv_sec = 0, .tv_usec = microseconds},
                        .it_value = {.tv_sec = 0, .tv_usec = microseconds}};
  ::setitimer(ITIMER_REAL, &timer, nullptr);
}

// KVM_RUN, ended by an alarm.
int RunUntilAlarm(const Vcpu& vcpu) {
  SetAlarm(std::chrono::microseconds{kShortWhile}.count());
  const int result = vcpu.Run();
  SetAlarm(0);
  return result;
}

void CheckSignal(Kind kind, const char* name) {
  Check check{name};
  Mapping memory{1};
  memory.Load(kSpinGuest, kSpinGuestEnd);
  const ReadyVm vm{kind, memory};
  for (int i = 0; i < 3; ++i) {
    check.Equal("KVM_RUN", RunUntilAlarm(vm.vcpu()), -EINTR);
    check.Equal("exit reason", vm.vcpu().run().exit_reason, KVM_EXIT_INTR);
  }
  vm.vcpu().run().immediate_exit = 1;
  check.Equal("immediate exit", vm.vcpu().Run(), -EINTR);
}

// KVM_EXIT_MMIO at kDevice + `offset`, 4 bytes.
bool IsMmio(const kvm_run& run, std::uint64_t offset, bool is_write) {
  return run.mmio.phys_addr == kDevice + offset && run.mmio.len == 4 &&
         (run.mmio.is_write != 0) == is_write;
}

void CheckMmio(Kind kind, const char* name) {
  Check check{name};
  constexpr std::uint32_t kAnswer = 0x89abcdef;
  Mapping memory{1};
  memory.Load(kMmioGuest, kMmioGuestEnd);
  const ReadyVm vm{kind, memory};
  const Vcpu& vcpu = vm.vcpu();
  kvm_run& run = vcpu.run();
  check.Equal("setting X0", vcpu.Set(GeneralRegister(0), kDevice), 0);

  check.True("the guest reads", vcpu.RunsInto(KVM_EXIT_MMIO) && IsMmio(run, 0, false));
  std::memcpy(run.mmio.data, &kAnswer, sizeof(kAnswer));
  // The answer is taken by a run that ends at once, too.
  run.immediate_exit = 1;
  check.Equal("immediate exit", vcpu.Run(), -EINTR);
  run.immediate_exit = 0;
  std::memset(run.mmio.data, 0, sizeof(run.mmio.data));

  check.True("the guest writes", vcpu.RunsInto(KVM_EXIT_MMIO) && IsMmio(run, 8, true));
  std::uint32_t written = 0;
  std::memcpy(&written, run.mmio.data, sizeof(written));
  check.Equal("what it writes", written, kAnswer + 1);

  check.True("the guest ends", vcpu.RunsInto(KVM_EXIT_SYSTEM_EVENT));
  check.Equal("event", run.system_event.type, KVM_SYSTEM_EVENT_SHUTDOWN);
  check.Equal("running on", RunUntilAlarm(vcpu), -EINTR);
}

void CheckSealed(Kind kind, const char* name) {
  Check check{name};
  Mapping memory{1};
  memory.Load(kSpinGuest, kSpinGuestEnd);
  const ReadyVm vm{kind, memory};
  const bool is_protected = kind == Kind::kProtected;
  check.Equal("KVM_RUN", RunUntilAlarm(vm.vcpu()), -EINTR);

  check.Equal("another vCPU", Ioctl(vm.vm().fd(), KVM_CREATE_VCPU, 1), -EBUSY);
  check.Equal("init again", vm.vcpu().Init(), -EPERM);
  check.Equal("another slot",
              vm.vm().SetSlot(1, kGuestBase * 2, kPageSize, memory.address() + kPageSize),
              is_protected ? -EPERM : 0);
  check.Equal("setting PC", vm.vcpu().Set(kPc, kGuestBase), is_protected ? -EPERM : 0);
  std::uint64_t pc = 0;
  check.Equal("getting PC", vm.vcpu().Get(kPc, pc), is_protected ? -EPERM : 0);
  if (!is_protected) {
    check.Equal("deleting the slot", vm.vm().SetSlot(0, kGuestBase, 0, 0), 0);
    check.Equal("pages in use", LockedPages(), 0);
  }
}

void CheckOff() {
  Check check{"vcpu_off_waits"};
  Mapping memory{1};
  memory.Load(kOffGuest, kOffGuestEnd);
  const ReadyVm vm{Kind::kProtected, memory};
  check.Equal("init", vm.vcpu().Init(1U << KVM_ARM_VCPU_POWER_OFF), 0);
  check.Equal("KVM_RUN", RunUntilAlarm(vm.vcpu()), -EINTR);
  check.Equal("init again", vm.vcpu().Init(), -EPERM);
}

// The first vCPU runs while another waits to be switched on. The monitor starts no other by itself.
void CheckSeveralVcpus(Kind kind, const char* name) {
  Check check{name};
  Mapping memory{1};
  memory.Load(kOffGuest, kOffGuestEnd);
  const ReadyVm vm{kind, memory};
  const Vcpu waiting{vm.vm().fd(), 1};
  const Vcpu eager{vm.vm().fd(), 2};
  check.Equal("init of the vCPU that is off", waiting.Init(1U << KVM_ARM_VCPU_POWER_OFF), 0);
  check.Equal("init of the other", eager.Init(), 0);

  int result = 0;
  std::thread thread{[&] { result = waiting.Run(); }};
  std::this_thread::sleep_for(kShortWhile);
  check.True("a vCPU that nobody switched on cannot run", eager.RunsInto(KVM_EXIT_FAIL_ENTRY));
  check.True("the first vCPU ends the VM", vm.vcpu().RunsInto(KVM_EXIT_SYSTEM_EVENT));
  waiting.run().immediate_exit = 1;
  ::pthread_kill(thread.native_handle(), SIGUSR1);
  thread.join();
  check.Equal("the one that waits is interrupted", result, -EINTR);
}

void CheckNoFirstVcpu() {
  Check check{"no_first_vcpu"};
  const Vm vm{Kind::kProtected};
  const Vcpu vcpu{vm.fd(), 1};
  check.Equal("init", vcpu.Init(), 0);
  check.Equal("KVM_RUN", vcpu.Run(), -ENOENT);
  check.Equal("KVM_RUN again", vcpu.Run(), -ENOENT);
}

// A VM is its maker's: another process cannot use it, even with its file.
void CheckOtherProcess() {
  Check check{"other_process"};
  Mapping memory{1};
  memory.Load(kSpinGuest, kSpinGuestEnd);
  const ReadyVm vm{Kind::kProtected, memory};
  const pid_t child = ::fork();
  if (child == 0) {
    const bool refused = vm.vm().SetSlot(memory) == -EIO && vm.vcpu().Run() == -EIO;
    ::_exit(refused ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  check.Equal("its exit status", status, 0);
  check.Equal("KVM_RUN of the maker", RunUntilAlarm(vm.vcpu()), -EINTR);
}

}  // namespace

void CheckRuns() {
  CatchSignals();
  CheckSignal(Kind::kNormal, "normal_signal");
  CheckSignal(Kind::kProtected, "protected_signal");
  CheckMmio(Kind::kNormal, "normal_mmio");
  CheckMmio(Kind::kProtected, "protected_mmio");
  CheckSealed(Kind::kNormal, "normal_after_run");
  CheckSealed(Kind::kProtected, "protected_after_run");
  CheckOff();
  CheckSeveralVcpus(Kind::kNormal, "normal_several_vcpus");
  CheckSeveralVcpus(Kind::kProtected, "protected_several_vcpus");
  CheckNoFirstVcpu();
  CheckOtherProcess();
}

}  // namespace ravelin::kvm
