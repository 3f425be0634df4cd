// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/kvm/check.h"

#include <cstdio>
#include <cstdlib>

namespace ravelin::kvm {

bool Check::any_failed_ = false;

Check::~Check() {
  const bool passed = failure_.empty();
  any_failed_ |= !passed;
  const std::string line =
      passed ? "CHECK pass " + name_ + "\n" : "CHECK fail " + name_ + ": " + failure_ + "\n";
  std::fputs(line.c_str(), stdout);
  std::fflush(stdout);
}

void Check::Equal(std::string_view what, std::int64_t seen, std::int64_t wanted) {
  if (seen == wanted || !failure_.empty()) return;
  failure_ =
      std::string{what} + " is " + std::to_string(seen) + " instead of " + std::to_string(wanted);
}

void Check::True(std::string_view what, bool holds) {
  if (!holds && failure_.empty()) failure_ = "not true: " + std::string{what};
}

void GiveUp(std::string_view what) {
  std::fputs((std::string{what} + "\n").c_str(), stderr);
  std::exit(2);
}

}  // namespace ravelin::kvm
