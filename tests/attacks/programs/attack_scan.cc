// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// attack-scan: reads all of RAM (or the monitor's own memory) by the hostile kernel module, looks
// for 64 bytes, and compares what it finds with what is expected.

#include <array>
#include <cstdio>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "tests/attacks/programs/attack_device.h"
#include "tests/attacks/programs/report.h"
#include "tests/guests/secret.h"

namespace ravelin::attacks {
namespace {

constexpr const char* kUsage =
    "usage: attack-scan [--pattern FILE] [--carveout] [--ask-owners] [--plant]\n"
    "                   [--expect-match] [--expect-no-match] [--expect-fault] "
    "[--expect-all-fault]\n"
    "\n"
    "Reads every page of RAM by the kernel's own mapping, and looks for the secret of "
    "secret_guest\n"
    "or for the 64 bytes of FILE (each xor 0x5a).\n"
    "  --ask-owners        also asks the monitor whose each readable page is: slow\n"
    "  --plant             puts the pattern into a page of the kernel first, to be found\n"
    "  --carveout          reads the monitor's memory instead of the host's RAM\n"
    "  --expect-...        exit code 1 if it is not so\n";

struct Request {
  const char* pattern_file = nullptr;
  bool carveout = false;
  bool ask_owners = false;
  bool plant = false;
  bool expect_match = false;
  bool expect_no_match = false;
  bool expect_all_fault = false;
  bool expect_fault = false;
};

struct Flag {
  std::string_view name;
  bool Request::* field;
};

constexpr std::array kFlags = {
    Flag{"--carveout", &Request::carveout},
    Flag{"--ask-owners", &Request::ask_owners},
    Flag{"--plant", &Request::plant},
    Flag{"--expect-match", &Request::expect_match},
    Flag{"--expect-no-match", &Request::expect_no_match},
    Flag{"--expect-all-fault", &Request::expect_all_fault},
    Flag{"--expect-fault", &Request::expect_fault},
};

bool TakeFlag(Request& request, std::string_view name) {
  for (const Flag& flag : kFlags) {
    if (flag.name != name) continue;
    request.*flag.field = true;
    return true;
  }
  return false;
}

std::optional<Request> Parse(int argc, char** argv) {
  Request request;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view{argv[i]} == "--pattern" && i + 1 < argc) {
      request.pattern_file = argv[++i];
    } else if (!TakeFlag(request, argv[i])) {
      return std::nullopt;
    }
  }
  return request;
}

void LoadPattern(const char* path, attack_scan& scan) {
  std::FILE* file = std::fopen(path, "rb");
  if (file == nullptr) GiveUp(std::string{"cannot open "} + path);
  const std::size_t words = std::fread(scan.pattern, sizeof(scan.pattern[0]), kSecretWords, file);
  std::fclose(file);
  if (words != kSecretWords) GiveUp(std::string{path} + " is too short");
}

void SetPattern(const Request& request, attack_scan& scan) {
  scan.mask = kSecretMask;
  if (request.pattern_file != nullptr) return LoadPattern(request.pattern_file, scan);
  for (std::size_t i = 0; i < kSecretWords; ++i) scan.pattern[i] = MaskedSecretWord(i);
}

void SetRange(const Request& request, const AttackDevice& device, attack_scan& scan) {
  if (!request.carveout) return;
  scan.first_pfn = device.Info(RAVELIN_INFO_CARVEOUT_PFN);
  scan.count = device.Info(RAVELIN_INFO_CARVEOUT_PAGES);
}

void PrintPfns(const char* name, std::span<const __u64> pfns, std::uint64_t count) {
  if (count == 0) return;
  std::printf("%s", name);
  for (std::uint64_t i = 0; i < count && i < pfns.size(); ++i) {
    std::printf(" %#llx", static_cast<unsigned long long>(pfns[i]));
  }
  std::printf("\n");
}

void Print(const attack_scan& scan) {
  std::printf("%llu pages read, %llu faulted, %llu unmapped, %llu matches\n",
              static_cast<unsigned long long>(scan.pages_read),
              static_cast<unsigned long long>(scan.pages_faulted),
              static_cast<unsigned long long>(scan.pages_unmapped),
              static_cast<unsigned long long>(scan.matches));
  PrintPfns("faulted_pfns", scan.faulted_pfns, scan.pages_faulted);
  PrintPfns("matched_pfns", scan.matched_pfns, scan.matches);
}

// A page of the kernel that holds the pattern as long as this lives.
class Plant {
 public:
  Plant(const AttackDevice& device, const attack_scan& scan)
      : device_(&device), block_(device.Allocate(1)) {
    std::array<std::uint64_t, kSecretWords> words{};
    for (std::size_t i = 0; i < words.size(); ++i) words[i] = scan.pattern[i] ^ scan.mask;
    Put(words);
  }
  Plant(const Plant&) = delete;
  Plant& operator=(const Plant&) = delete;
  ~Plant() {
    Put(std::array<std::uint64_t, kSecretWords>{});
    if (!device_->Free(block_)) GiveUp("a page of the kernel is gone");
  }

 private:
  void Put(const std::array<std::uint64_t, kSecretWords>& words) const {
    if (!device_->Write(block_.pfn, words)) GiveUp("a page of the kernel is not writable");
  }

  const AttackDevice* device_;
  Block block_;
};

// The first expectation that does not hold.
const char* Disappointment(const Request& request, const attack_scan& scan) {
  const std::uint64_t seen = scan.pages_read + scan.pages_faulted;
  if (seen == 0) return "nothing was scanned";
  if (scan.read_but_foreign != 0) return "a foreign page was readable";
  if (request.expect_match && scan.matches == 0) return "the pattern was not found";
  if (request.expect_no_match && scan.matches != 0) return "the pattern was found";
  if (request.expect_fault && scan.pages_faulted == 0) return "no page faulted";
  if (request.expect_fault && scan.faulted_but_host != 0) return "a page of the host faulted";
  if (request.expect_all_fault && scan.pages_read != 0) return "a page was readable";
  return nullptr;
}

int Main(int argc, char** argv) {
  const auto request = Parse(argc, argv);
  if (!request) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  const AttackDevice device;
  attack_scan scan{};
  SetPattern(*request, scan);
  SetRange(*request, device, scan);
  scan.ask_owners = request->ask_owners ? 1 : 0;
  std::optional<Plant> plant;
  if (request->plant) plant.emplace(device, scan);
  device.Scan(scan);
  Print(scan);
  const char* disappointment = Disappointment(*request, scan);
  if (disappointment == nullptr) return 0;
  std::printf("%s\n", disappointment);
  return 1;
}

}  // namespace
}  // namespace ravelin::attacks

int main(int argc, char** argv) { return ravelin::attacks::Main(argc, argv); }
