// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

namespace ravelin::vmm {
namespace {

constexpr std::uint64_t kMebibyte = std::uint64_t{1} << 20;
constexpr unsigned kFewestIpaBits = 32;
constexpr unsigned kMostIpaBits = 48;

constexpr std::string_view kUsage =
    R"(usage: ravelin-vmm --image FILE [options]

Runs a raw image as a virtual machine with one CPU, through /dev/kvm.

  --image FILE       raw image; it is loaded at the base address and entered there
  --memory MIB       guest memory in mebibytes (default 4)
  --base ADDRESS     guest address of the memory (default 0x80000000)
  --protected        protected VM: the host cannot read its memory and registers
  --ipa-bits N       width of guest addresses, 32 to 48 (default 36)
  --hold-until FILE  guests that ask what to do next are told to wait until FILE exists
  --verbose          print what is done and how long it took
  --help             print this text

The guest finds the memory's size in x0, a PL011 UART at 0x09000000 and the mailbox at 0x0a000000.

exit codes: 0 the guest shut down, 1 wrong usage, 2 set-up failed, 3 the guest failed or was
stopped, 4 the guest asked for a reset, 5 interrupted by a signal
)";

std::optional<std::uint64_t> ParseNumber(std::string_view text) {
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  if (hex) text.remove_prefix(2);
  std::uint64_t value = 0;
  const auto parsed = std::from_chars(text.begin(), text.end(), value, hex ? 16 : 10);
  if (parsed.ec != std::errc{} || parsed.ptr != text.end()) return std::nullopt;
  return value;
}

bool SetMemory(Options& options, std::string_view text) {
  const auto mib = ParseNumber(text);
  if (!mib || *mib == 0 || *mib > std::numeric_limits<std::uint64_t>::max() / kMebibyte)
    return false;
  options.memory_bytes = *mib * kMebibyte;
  return true;
}

bool SetBase(Options& options, std::string_view text) {
  const auto base = ParseNumber(text);
  if (!base || *base % kPageSize != 0) return false;
  options.base = Ipa{*base};
  return true;
}

bool SetIpaBits(Options& options, std::string_view text) {
  const auto bits = ParseNumber(text);
  if (!bits || *bits < kFewestIpaBits || *bits > kMostIpaBits) return false;
  options.ipa_bits = static_cast<unsigned>(*bits);
  return true;
}

bool SetImage(Options& options, std::string_view text) {
  options.image = text;
  return !text.empty();
}

bool SetHoldUntil(Options& options, std::string_view text) {
  options.hold_until = text;
  return !text.empty();
}

struct ValueOption {
  std::string_view name;
  bool (*set)(Options&, std::string_view);
};

struct FlagOption {
  std::string_view name;
  bool Options::* flag;
};

constexpr std::array kValueOptions = {
    ValueOption{"--image", SetImage},
    ValueOption{"--memory", SetMemory},
    ValueOption{"--base", SetBase},
    ValueOption{"--ipa-bits", SetIpaBits},
    ValueOption{"--hold-until", SetHoldUntil},
};

constexpr std::array kFlagOptions = {
    FlagOption{"--protected", &Options::is_protected},
    FlagOption{"--verbose", &Options::verbose},
    FlagOption{"--help", &Options::help},
};

template <typename Table>
auto FindOption(const Table& table, std::string_view name) -> decltype(table.data()) {
  const auto found = std::find_if(table.begin(), table.end(),
                                  [&](const auto& entry) { return entry.name == name; });
  return found == table.end() ? nullptr : &*found;
}

Result<void> TakeValue(Options& options, const ValueOption& option,
                       std::span<const char* const> rest) {
  const std::string name{option.name};
  if (rest.empty()) return PlainFailure("option " + name + " needs a value");
  if (option.set(options, rest.front())) return {};
  return PlainFailure("option " + name + " cannot be '" + rest.front() + "'");
}

Result<Options> CheckComplete(Options options) {
  if (options.help) return options;
  if (options.image.empty()) return PlainFailure("option --image is missing");
  const std::uint64_t limit = std::uint64_t{1} << options.ipa_bits;
  if (options.memory_bytes > limit || Raw(options.base) > limit - options.memory_bytes) {
    return PlainFailure("the guest's memory does not fit " + std::to_string(options.ipa_bits) +
                        "-bit addresses");
  }
  return options;
}

}  // namespace

Result<Options> ParseOptions(std::span<const char* const> arguments) {
  Options options;
  while (!arguments.empty()) {
    const std::string_view name = arguments.front();
    arguments = arguments.subspan(1);
    if (const FlagOption* flag = FindOption(kFlagOptions, name)) {
      options.*(flag->flag) = true;
      continue;
    }
    const ValueOption* option = FindOption(kValueOptions, name);
    if (option == nullptr) return PlainFailure("unknown option '" + std::string{name} + "'");
    if (auto taken = TakeValue(options, *option, arguments); !taken) return Failure{taken.error()};
    arguments = arguments.subspan(1);
  }
  return CheckComplete(std::move(options));
}

std::string_view UsageText() { return kUsage; }

}  // namespace ravelin::vmm
