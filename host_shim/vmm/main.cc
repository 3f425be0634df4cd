// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "host_shim/vmm/linux_machine.h"
#include "host_shim/vmm/machine.h"
#include "host_shim/vmm/options.h"

namespace ravelin::vmm {
namespace {

enum ExitCode : int {
  kExitShutdown = 0,
  kExitUsage = 1,
  kExitSetUp = 2,
  kExitGuestFailed = 3,
  kExitReset = 4,
  kExitInterrupted = 5,
};

constexpr std::chrono::milliseconds kPollInterval{20};

// The CPU that a signal stops. Set before the handler is installed.
const Vcpu* signalled_vcpu = nullptr;

void HandleSignal(int /*signal*/) { signalled_vcpu->RequestStop(); }

void StopOnSignals(const Vcpu& vcpu) {
  signalled_vcpu = &vcpu;
  struct sigaction action{};
  action.sa_handler = HandleSignal;
  for (const int signal : {SIGINT, SIGTERM}) ::sigaction(signal, &action, nullptr);
}

void PrintLine(std::string_view line) {
  std::fputs((std::string{line} + "\n").c_str(), stdout);
  std::fflush(stdout);
}

class StopWatch {
 public:
  [[nodiscard]] std::string Elapsed() const {
    const auto elapsed = std::chrono::steady_clock::now() - start_;
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(elapsed).count();
    return std::to_string(micros) + " us";
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// Tells a guest to wait while `file` does not exist.
Command CommandOfFile(const std::string& file) {
  if (file.empty() || ::access(file.c_str(), F_OK) == 0) return Command::kFinish;
  const timespec interval{.tv_sec = 0, .tv_nsec = std::chrono::nanoseconds{kPollInterval}.count()};
  ::nanosleep(&interval, nullptr);
  return Command::kWait;
}

MachineConfig ConfigOf(const Options& options) {
  return {
      .image = options.image,
      .memory_bytes = options.memory_bytes,
      .base = options.base,
      .kind = options.kind,
      .ipa_bits = options.ipa_bits,
  };
}

int CodeOf(End end) {
  switch (end) {
    case End::kShutdown:
      return kExitShutdown;
    case End::kReset:
      return kExitReset;
    case End::kInterrupted:
      return kExitInterrupted;
    case End::kStopped:
      break;
  }
  return kExitGuestFailed;
}

// Says what went wrong, and returns `code`.
int Complain(std::string_view text, int code) {
  std::fputs(("ravelin-vmm: " + std::string{text} + "\n").c_str(), stderr);
  return code;
}

void Say(const Options& options, const std::string& text) {
  if (options.verbose) PrintLine("vmm: " + text);
}

// Runs a machine that has been set up, takes it down, and says how it went.
template <typename Machine>
int RunToEnd(const Options& options, std::unique_ptr<Machine> machine) {
  const StopWatch run;
  const Outcome outcome = machine->Run();
  Say(options, outcome.reason + " after " + run.Elapsed());

  const StopWatch tear_down;
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  machine.reset();
  Say(options, "torn down in " + tear_down.Elapsed());
  if (outcome.end == End::kShutdown) return kExitShutdown;
  return Complain(outcome.reason, CodeOf(outcome.end));
}

int RunImage(const Options& options) {
  const StopWatch set_up;
  auto machine = Machine::Create(ConfigOf(options), {.print_line = PrintLine, .next_command = [&] {
                                                       return CommandOfFile(options.hold_until);
                                                     }});
  if (!machine) return Complain(machine.error().text, kExitSetUp);
  Say(options, "set up in " + set_up.Elapsed());
  StopOnSignals((*machine)->vcpu());
  return RunToEnd(options, std::move(*machine));
}

int RunLinux(const Options& options) {
  const StopWatch set_up;
  auto machine =
      LinuxMachine::Create(options, [](std::string_view text) { Complain(text, kExitShutdown); });
  if (!machine) return Complain(machine.error().text, kExitSetUp);
  Say(options, "set up in " + set_up.Elapsed());
  return RunToEnd(options, std::move(*machine));
}

int Main(std::span<const char* const> arguments) {
  const auto options = ParseOptions(arguments);
  if (!options) return Complain(options.error().text + " (--help shows the options)", kExitUsage);
  if (options->help) {
    std::fputs(std::string{UsageText()}.c_str(), stdout);
    return kExitShutdown;
  }
  return options->kernel.empty() ? RunImage(*options) : RunLinux(*options);
}

}  // namespace
}  // namespace ravelin::vmm

int main(int argc, char** argv) {
  return ravelin::vmm::Main(std::span{argv, static_cast<std::size_t>(argc)}.subspan(1));
}
