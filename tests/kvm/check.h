// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// The lines that the test harness collects: "CHECK pass NAME" and "CHECK fail NAME: why".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ravelin::kvm {

// One check made of many expectations. Its line is printed when it ends.
class Check {
 public:
  explicit Check(std::string_view name) : name_(name) {}
  Check(const Check&) = delete;
  Check& operator=(const Check&) = delete;
  ~Check();

  // `what` is what was looked at. A negative number is an errno.
  void Equal(std::string_view what, std::int64_t seen, std::int64_t wanted);
  void True(std::string_view what, bool holds);

  [[nodiscard]] static bool any_failed() { return any_failed_; }

 private:
  static bool any_failed_;

  std::string name_;
  std::string failure_;  // the first one
};

// Prints `what` and ends the program: the checks cannot go on.
[[noreturn]] void GiveUp(std::string_view what);

}  // namespace ravelin::kvm
