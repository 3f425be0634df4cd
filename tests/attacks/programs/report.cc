// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/attacks/programs/report.h"

#include <cstdio>
#include <cstdlib>
#include <string>

namespace ravelin::attacks {
namespace {

void PrintLine(std::FILE* file, const std::string& text) {
  std::fputs((text + "\n").c_str(), file);
  std::fflush(file);
}

}  // namespace

void Report::Check(std::string_view name, bool passed, std::string_view why) {
  failed_ |= !passed;
  if (passed) return PrintLine(stdout, "CHECK pass " + std::string{name});
  PrintLine(stdout, "CHECK fail " + std::string{name} + ": " + std::string{why});
}

void GiveUp(std::string_view what) {
  PrintLine(stderr, std::string{what});
  std::exit(2);
}

}  // namespace ravelin::attacks
