// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// attack-process IMAGE protected|normal: runs secret_guest and, while it lives, reads its memory as
// host processes can: by the VMM's own mapping, by system calls that copy from it, and from another
// process. In a normal VM every one of these finds the secret, which shows that the attacks work.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>

#include "host_shim/vmm/machine.h"
#include "host_shim/vmm/options.h"
#include "tests/attacks/programs/report.h"
#include "tests/guests/secret.h"

namespace ravelin::attacks {
namespace {

constexpr std::size_t kPageSize = vmm::kPageSize;
constexpr std::size_t kSecretPages = 64;  // as in secret_guest
constexpr std::chrono::milliseconds kPollInterval{20};
constexpr std::chrono::seconds kStartLimit{60};

using Page = std::array<std::uint64_t, kPageSize / sizeof(std::uint64_t)>;

// A guest that runs in a thread of its own until it is released.
class RunningGuest {
 public:
  RunningGuest(const char* image, vmm::VmKind kind) {
    auto machine = vmm::Machine::Create(
        {.image = image,
         .memory_bytes = vmm::kDefaultMemoryMib << 20,
         .base = vmm::kDefaultBase,
         .kind = kind,
         .ipa_bits = vmm::kDefaultIpaBits},
        {.print_line = PrintLine, .next_command = [this] { return NextCommand(); }});
    if (!machine) GiveUp(machine.error().text);
    machine_ = std::move(*machine);
    thread_ = std::thread{[this] { outcome_ = machine_->Run(); }};
  }

  void AwaitSecret() const {
    const auto deadline = std::chrono::steady_clock::now() + kStartLimit;
    while (!waiting_ && std::chrono::steady_clock::now() < deadline) Sleep();
    if (!waiting_) GiveUp("the guest does not start");
  }

  vmm::Outcome Finish() {
    released_ = true;
    thread_.join();
    return outcome_;
  }

  [[nodiscard]] std::byte* PageAt(std::size_t index) const {
    return machine_->memory().host_address() + index * kPageSize;
  }
  [[nodiscard]] std::size_t page_count() const { return machine_->memory().size() / kPageSize; }

 private:
  static void Sleep() { std::this_thread::sleep_for(kPollInterval); }

  static void PrintLine(std::string_view line) {
    std::fputs(("  " + std::string{line} + "\n").c_str(), stdout);
    std::fflush(stdout);
  }

  vmm::Command NextCommand() {
    waiting_ = true;
    if (released_) return vmm::Command::kFinish;
    Sleep();
    return vmm::Command::kWait;
  }

  std::atomic<bool> waiting_ = false;
  std::atomic<bool> released_ = false;
  vmm::Outcome outcome_{};
  std::unique_ptr<vmm::Machine> machine_;
  std::thread thread_;
};

bool HoldsSecret(const Page& page) {
  for (std::size_t start = 0; start + kSecretWords <= page.size(); ++start) {
    std::size_t same = 0;
    while (same < kSecretWords && (page[start + same] ^ kSecretMask) == MaskedSecretWord(same))
      ++same;
    if (same == kSecretWords) return true;
  }
  return false;
}

// The result of one attempt to read: what errno said, or 0 with the page.
struct Attempt {
  int error;
  Page page;
};

// Lets the kernel copy from the guest's page into a file.
Attempt ReadBySystemCall(const vmm::UniqueFd& file, const std::byte* guest) {
  Attempt attempt{};
  if (::pwrite(file.get(), guest, kPageSize, 0) != kPageSize) return {errno, {}};
  if (::pread(file.get(), attempt.page.data(), kPageSize, 0) != kPageSize) return {errno, {}};
  return attempt;
}

struct Survey {
  std::size_t readable = 0;
  std::size_t refused = 0;
  std::size_t secret = 0;
  std::size_t other_errors = 0;
  std::byte* target = nullptr;  // a page to attack: refused, or with the secret
};

Survey SurveyMemory(const RunningGuest& guest) {
  Survey survey;
  const vmm::UniqueFd file{::memfd_create("survey", MFD_CLOEXEC)};
  for (std::size_t i = 0; i < guest.page_count(); ++i) {
    const Attempt attempt = ReadBySystemCall(file, guest.PageAt(i));
    const bool secret = attempt.error == 0 && HoldsSecret(attempt.page);
    const bool refused = attempt.error == EFAULT;
    survey.readable += attempt.error == 0;
    survey.refused += refused;
    survey.secret += secret;
    survey.other_errors += attempt.error != 0 && !refused;
    if (secret || refused) survey.target = guest.PageAt(i);
  }
  return survey;
}

sigjmp_buf recovery;
void Recover(int signal) { siglongjmp(recovery, signal); }

// The signal that `access` gives, or 0.
template <typename Access>
int SignalOf(Access access) {
  struct sigaction action{};
  action.sa_handler = Recover;
  for (const int signal : {SIGBUS, SIGSEGV}) ::sigaction(signal, &action, nullptr);
  const int signal = sigsetjmp(recovery, 1);
  if (signal == 0) access();
  return signal;
}

int SignalOfRead(std::byte* guest) {
  return SignalOf([=] { static_cast<void>(*reinterpret_cast<volatile std::uint64_t*>(guest)); });
}

int SignalOfWrite(std::byte* guest) {
  return SignalOf([=] { *reinterpret_cast<volatile std::uint64_t*>(guest) = 0; });
}

// Lets the kernel copy into the guest's page.
int ErrorOfRead(std::byte* guest) {
  const vmm::UniqueFd zero{::open("/dev/zero", O_RDONLY | O_CLOEXEC)};
  return ::read(zero.get(), guest, sizeof(std::uint64_t)) < 0 ? errno : 0;
}

int ErrorOfProcessVmRead(pid_t process, std::byte* guest) {
  Page page{};
  const iovec local{.iov_base = page.data(), .iov_len = kPageSize};
  const iovec remote{.iov_base = guest, .iov_len = kPageSize};
  if (::process_vm_readv(process, &local, 1, &remote, 1, 0) < 0) return errno;
  return HoldsSecret(page) ? 0 : ENODATA;
}

int ErrorOfProcMem(pid_t process, std::byte* guest) {
  Page page{};
  const std::string path = "/proc/" + std::to_string(process) + "/mem";
  const vmm::UniqueFd memory{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!memory.ok()) return errno;
  const auto address = static_cast<off_t>(reinterpret_cast<std::uintptr_t>(guest));
  if (::pread(memory.get(), page.data(), kPageSize, address) < 0) return errno;
  return HoldsSecret(page) ? 0 : ENODATA;
}

// Runs `attack` in another process; its errno, or 1000 + the signal that killed it.
template <typename Attack>
int FromAnotherProcess(Attack attack, std::byte* guest) {
  constexpr int kKilled = 1000;
  const pid_t victim = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) ::_exit(attack(victim, guest));
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child) GiveUp("cannot run another process");
  return WIFEXITED(status) ? WEXITSTATUS(status) : kKilled + WTERMSIG(status);
}

std::string Seen(int number) { return "saw " + std::to_string(number); }

void AttackProtected(Report& report, const Survey& survey) {
  report.Check("pages_refused", survey.refused >= kSecretPages && survey.other_errors == 0,
               std::to_string(survey.refused) + " pages were refused");
  report.Check("secret_not_readable", survey.secret == 0, "a page with the secret is readable");
  if (survey.target == nullptr) return;
  const int read_signal = SignalOfRead(survey.target);
  report.Check("own_read_sigbus", read_signal == SIGBUS, Seen(read_signal));
  const int write_signal = SignalOfWrite(survey.target);
  report.Check("own_write_sigbus", write_signal == SIGBUS, Seen(write_signal));
  const int read_error = ErrorOfRead(survey.target);
  report.Check("read_into_guest_efault", read_error == EFAULT, Seen(read_error));
  const int vm_read = FromAnotherProcess(ErrorOfProcessVmRead, survey.target);
  report.Check("process_vm_readv_refused", vm_read == EFAULT, Seen(vm_read));
  const int proc_mem = FromAnotherProcess(ErrorOfProcMem, survey.target);
  report.Check("proc_mem_refused", proc_mem == EIO || proc_mem == EFAULT, Seen(proc_mem));
}

void AttackNormal(Report& report, const Survey& survey) {
  report.Check("secret_readable", survey.secret >= kSecretPages,
               std::to_string(survey.secret) + " pages hold the secret");
  if (survey.target == nullptr) return;
  const int read_signal = SignalOfRead(survey.target);
  report.Check("own_read_works", read_signal == 0, Seen(read_signal));
  const int vm_read = FromAnotherProcess(ErrorOfProcessVmRead, survey.target);
  report.Check("process_vm_readv_works", vm_read == 0, Seen(vm_read));
  const int proc_mem = FromAnotherProcess(ErrorOfProcMem, survey.target);
  report.Check("proc_mem_works", proc_mem == 0, Seen(proc_mem));
}

int Main(int argc, char** argv) {
  const std::string_view kind = argc == 3 ? argv[2] : "";
  if (kind != "protected" && kind != "normal")
    GiveUp("usage: attack-process IMAGE protected|normal");
  const bool is_protected = kind == "protected";
  Report report;
  RunningGuest guest{argv[1], is_protected ? vmm::VmKind::kProtected : vmm::VmKind::kNormal};
  guest.AwaitSecret();
  const Survey survey = SurveyMemory(guest);
  if (is_protected) {
    AttackProtected(report, survey);
  } else {
    AttackNormal(report, survey);
  }
  const vmm::Outcome outcome = guest.Finish();
  report.Check("guest_unharmed", outcome.end == vmm::End::kShutdown, outcome.reason);
  return report.exit_code();
}

}  // namespace
}  // namespace ravelin::attacks

int main(int argc, char** argv) { return ravelin::attacks::Main(argc, argv); }
