// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// The lines that the test harness collects: "CHECK pass NAME" and "CHECK fail NAME: why".
#pragma once

#include <string_view>

namespace ravelin::attacks {

class Report {
 public:
  // `why`: what was seen, printed if the check failed.
  void Check(std::string_view name, bool passed, std::string_view why);

  // Ends the program: 0 if all checks passed.
  [[nodiscard]] int exit_code() const { return failed_ ? 1 : 0; }

 private:
  bool failed_ = false;
};

// Prints `what` and ends the program: the attack could not even be tried.
[[noreturn]] void GiveUp(std::string_view what);

}  // namespace ravelin::attacks
