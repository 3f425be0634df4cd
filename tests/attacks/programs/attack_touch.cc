// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// attack-touch read|write PFN: a kernel thread accesses a frame and says whether it came back.
// Exit code 0: it died, as it must where the frame is not the host's; 1: it came back.

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "tests/attacks/programs/attack_device.h"

namespace ravelin::attacks {
namespace {

std::optional<std::uint64_t> ParseAccess(std::string_view text) {
  if (text == "read") return ATTACK_TOUCH_READ;
  if (text == "write") return ATTACK_TOUCH_WRITE;
  return std::nullopt;
}

int Main(int argc, char** argv) {
  const auto access = argc == 3 ? ParseAccess(argv[1]) : std::nullopt;
  if (!access) {
    std::fputs("usage: attack-touch read|write PFN\n", stderr);
    return 2;
  }
  const std::uint64_t pfn = std::strtoull(argv[2], nullptr, 0);
  const attack_touch touch = AttackDevice{}.Touch(pfn, *access);
  std::puts(touch.survived != 0 ? "the thread came back" : "the thread died");
  return touch.survived != 0 ? 1 : 0;
}

}  // namespace
}  // namespace ravelin::attacks

int main(int argc, char** argv) { return ravelin::attacks::Main(argc, argv); }
