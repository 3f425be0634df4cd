// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

#include "host_shim/vmm/console_port.h"
#include "host_shim/vmm/linux/layout.h"

namespace ravelin::vmm {
namespace {

constexpr std::uint64_t kMebibyte = std::uint64_t{1} << 20;
constexpr unsigned kFewestIpaBits = 32;
constexpr unsigned kMostIpaBits = 48;
// 0 to 2 mean something else; the highest number means "any".
constexpr std::uint32_t kFirstGuestCid = 3;
constexpr std::uint32_t kLastGuestCid = 0xfffffffe;

constexpr std::string_view kUsage = R"(usage: ravelin-vmm --kernel FILE [options]
       ravelin-vmm --image FILE [options]

Runs a virtual machine through /dev/kvm: a Linux kernel with several CPUs and virtio devices, or a
raw image with one CPU and a UART.

  --memory MIB       guest memory in mebibytes (default 256; 4 for a raw image)
  --protected        protected VM: the host cannot read its memory and registers
  --ipa-bits N       width of guest addresses, 32 to 48 (default 36)
  --verbose          print what is done and how long it took
  --help             print this text

With --kernel:
  --kernel FILE      arm64 Image, not compressed
  --initrd FILE      initial ramdisk
  --append TEXT      the kernel's command line
  --smp N            CPUs, 1 to 64 (default 1)
  --serial TARGET    the PL011 UART (ttyAMA0): "stdio" (default) or a file for its output
  --console TARGET   add a virtio console (hvc0): "stdio" or a file for its output
  --disk FILE[,ro]   add a virtio disk with the file's contents; may be repeated
  --rng              add a virtio entropy device
  --vsock CID:PATH   add virtio sockets: the guest is CID; on the host, PATH is a Unix socket where
                     "CONNECT port" and a newline reach the guest's port, and a guest's connection
                     to port P of the host arrives at the Unix socket PATH_P

With --image:
  --image FILE       raw image; it is loaded at the base address and entered there
  --base ADDRESS     guest address of the memory (default 0x80000000)
  --hold-until FILE  guests that ask what to do next are told to wait until FILE exists

A raw image finds the memory's size in x0, a PL011 UART at 0x09000000 and the mailbox at 0x0a000000.

exit codes: 0 the guest shut down, 1 wrong usage, 2 set-up failed, 3 the guest failed, crashed or was
stopped, 4 the guest asked for a reset, 5 interrupted by SIGINT or SIGTERM
)";

std::optional<std::uint64_t> ParseNumber(std::string_view text) {
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  if (hex) text.remove_prefix(2);
  std::uint64_t value = 0;
  const auto parsed = std::from_chars(text.begin(), text.end(), value, hex ? 16 : 10);
  if (parsed.ec != std::errc{} || parsed.ptr != text.end()) return std::nullopt;
  return value;
}

std::optional<unsigned> ParseInRange(std::string_view text, unsigned lowest, unsigned highest) {
  const auto value = ParseNumber(text);
  if (!value || *value < lowest || *value > highest) return std::nullopt;
  return static_cast<unsigned>(*value);
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
  const auto bits = ParseInRange(text, kFewestIpaBits, kMostIpaBits);
  if (bits) options.ipa_bits = *bits;
  return bits.has_value();
}

bool SetCpus(Options& options, std::string_view text) {
  const auto cpus = ParseInRange(text, 1, kMostCpus);
  if (cpus) options.cpus = *cpus;
  return cpus.has_value();
}

template <std::string Options::* kMember>
bool SetText(Options& options, std::string_view text) {
  options.*kMember = text;
  return !text.empty();
}

bool AddDisk(Options& options, std::string_view text) {
  constexpr std::string_view kReadOnly = ",ro";
  const bool is_read_only = text.ends_with(kReadOnly);
  if (is_read_only) text.remove_suffix(kReadOnly.size());
  if (text.empty() || options.disks.size() == kMostDisks) return false;
  options.disks.push_back({.path = std::string{text}, .is_read_only = is_read_only});
  return true;
}

bool SetVsock(Options& options, std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || colon + 1 == text.size()) return false;
  const auto cid = ParseInRange(text.substr(0, colon), kFirstGuestCid, kLastGuestCid);
  if (!cid) return false;
  options.vsock = VsockOption{.cid = *cid, .path = std::string{text.substr(colon + 1)}};
  return true;
}

void SetProtected(Options& options) { options.kind = VmKind::kProtected; }
void SetRng(Options& options) { options.rng = true; }
void SetVerbose(Options& options) { options.verbose = true; }
void SetHelp(Options& options) { options.help = true; }

// Which kind of guest an option is for.
enum class For {
  kAny,
  kImage,
  kLinux,
};

struct ValueOption {
  std::string_view name;
  For guest;
  bool (*set)(Options&, std::string_view);
};

struct FlagOption {
  std::string_view name;
  For guest;
  void (*set)(Options&);
};

constexpr std::array kValueOptions = {
    ValueOption{"--memory", For::kAny, SetMemory},
    ValueOption{"--ipa-bits", For::kAny, SetIpaBits},
    ValueOption{"--image", For::kImage, SetText<&Options::image>},
    ValueOption{"--base", For::kImage, SetBase},
    ValueOption{"--hold-until", For::kImage, SetText<&Options::hold_until>},
    ValueOption{"--kernel", For::kLinux, SetText<&Options::kernel>},
    ValueOption{"--initrd", For::kLinux, SetText<&Options::initrd>},
    ValueOption{"--append", For::kLinux, SetText<&Options::append>},
    ValueOption{"--smp", For::kLinux, SetCpus},
    ValueOption{"--serial", For::kLinux, SetText<&Options::serial>},
    ValueOption{"--console", For::kLinux, SetText<&Options::console>},
    ValueOption{"--disk", For::kLinux, AddDisk},
    ValueOption{"--vsock", For::kLinux, SetVsock},
};

constexpr std::array kFlagOptions = {
    FlagOption{"--protected", For::kAny, SetProtected},
    FlagOption{"--verbose", For::kAny, SetVerbose},
    FlagOption{"--help", For::kAny, SetHelp},
    FlagOption{"--rng", For::kLinux, SetRng},
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

// The options of the other kind of guest must not have been there.
struct Seen {
  std::string image_option;
  std::string linux_option;

  void Note(For guest, std::string_view name) {
    if (guest == For::kImage) image_option = name;
    if (guest == For::kLinux) linux_option = name;
  }
};

Result<void> CheckGuest(const Options& options, const Seen& seen) {
  if (options.image.empty() && options.kernel.empty()) {
    return PlainFailure("option --kernel or --image is missing");
  }
  if (!seen.image_option.empty() && !seen.linux_option.empty()) {
    return PlainFailure("options " + seen.image_option + " and " + seen.linux_option +
                        " do not go together");
  }
  return {};
}

// A protected guest reaches the upper half of its addresses by what it shares.
Result<void> CheckMemory(const Options& options) {
  const bool is_linux = !options.kernel.empty();
  const bool has_alias = is_linux && options.kind == VmKind::kProtected;
  const unsigned bits = options.ipa_bits - (has_alias ? 1 : 0);
  const std::uint64_t limit = std::uint64_t{1} << bits;
  const std::uint64_t base = Raw(is_linux ? kRamBase : options.base);
  if (options.memory_bytes <= limit && base <= limit - options.memory_bytes) return {};
  return PlainFailure("the guest's memory does not fit " + std::to_string(bits) + "-bit addresses");
}

Result<Options> Complete(Options options, const Seen& seen) {
  if (options.help) return options;
  if (auto checked = CheckGuest(options, seen); !checked) return Failure{checked.error()};
  if (options.memory_bytes == 0) {
    const auto mib = options.kernel.empty() ? kDefaultMemoryMib : kDefaultLinuxMemoryMib;
    options.memory_bytes = mib * kMebibyte;
  }
  if (options.serial == kStdio && options.console == kStdio) {
    return PlainFailure("--serial and --console cannot both be 'stdio'");
  }
  if (options.serial.empty()) options.serial = options.console == kStdio ? "/dev/null" : kStdio;
  if (auto checked = CheckMemory(options); !checked) return Failure{checked.error()};
  return options;
}

}  // namespace

Result<Options> ParseOptions(std::span<const char* const> arguments) {
  Options options;
  Seen seen;
  while (!arguments.empty()) {
    const std::string_view name = arguments.front();
    arguments = arguments.subspan(1);
    if (const FlagOption* flag = FindOption(kFlagOptions, name)) {
      flag->set(options);
      seen.Note(flag->guest, name);
      continue;
    }
    const ValueOption* option = FindOption(kValueOptions, name);
    if (option == nullptr) return PlainFailure("unknown option '" + std::string{name} + "'");
    if (auto taken = TakeValue(options, *option, arguments); !taken) return Failure{taken.error()};
    seen.Note(option->guest, name);
    arguments = arguments.subspan(1);
  }
  return Complete(std::move(options), seen);
}

std::string_view UsageText() { return kUsage; }

}  // namespace ravelin::vmm
