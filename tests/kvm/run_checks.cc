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

// One vCPU runs while another waits to be switched on: which others run is the VMM's choice in a
// normal VM, and the guest's in a protected one.
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
  if (kind == Kind::kProtected) {
    check.True("a vCPU that the guest has not switched on cannot run",
               eager.RunsInto(KVM_EXIT_FAIL_ENTRY));
    check.True("the first vCPU ends the VM", vm.vcpu().RunsInto(KVM_EXIT_SYSTEM_EVENT));
  } else {
    check.Equal("an entry point", eager.Set(kPc, kGuestBase), 0);
    check.True("a vCPU that the VMM has not left off ends the VM",
               eager.RunsInto(KVM_EXIT_SYSTEM_EVENT));
  }
  waiting.run().immediate_exit = 1;
  ::pthread_kill(thread.native_handle(), SIGUSR1);
  thread.join();
  check.Equal("the one that waits is interrupted", result, -EINTR);
}

int SetPower(const Vcpu& vcpu, std::uint32_t state) {
  kvm_mp_state power{.mp_state = state};
  return Ioctl(vcpu.fd(), KVM_SET_MP_STATE, &power);
}

std::uint32_t PowerOf(const Vcpu& vcpu) {
  kvm_mp_state power{.mp_state = ~0U};
  return Ioctl(vcpu.fd(), KVM_GET_MP_STATE, &power) == 0 ? power.mp_state : ~0U;
}

void CheckPower(Kind kind, const char* name) {
  Check check{name};
  Mapping memory{1};
  memory.Load(kSpinGuest, kSpinGuestEnd);
  const ReadyVm vm{kind, memory};
  const Vcpu other{vm.vm().fd(), 1};
  const bool is_protected = kind == Kind::kProtected;
  check.Equal("init", other.Init(1U << KVM_ARM_VCPU_POWER_OFF), 0);
  check.Equal("the first vCPU", PowerOf(vm.vcpu()), KVM_MP_STATE_RUNNABLE);
  check.Equal("the other", PowerOf(other), KVM_MP_STATE_STOPPED);
  check.Equal("no such state", SetPower(other, KVM_MP_STATE_HALTED), -EINVAL);
  check.Equal("KVM_RUN", RunUntilAlarm(vm.vcpu()), -EINTR);

  check.Equal("switching off", SetPower(vm.vcpu(), KVM_MP_STATE_STOPPED),
              is_protected ? -EPERM : 0);
  check.Equal("switching on", SetPower(other, KVM_MP_STATE_RUNNABLE), is_protected ? -EPERM : 0);
  check.Equal("the first vCPU then", PowerOf(vm.vcpu()),
              is_protected ? KVM_MP_STATE_RUNNABLE : KVM_MP_STATE_STOPPED);
  check.Equal("the other then", PowerOf(other),
              is_protected ? KVM_MP_STATE_STOPPED : KVM_MP_STATE_RUNNABLE);
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
  CheckPower(Kind::kNormal, "normal_power");
  CheckPower(Kind::kProtected, "protected_power");
  CheckNoFirstVcpu();
  CheckOtherProcess();
}

}  // namespace ravelin::kvm
