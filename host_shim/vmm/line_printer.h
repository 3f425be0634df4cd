// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// Turns what a guest prints into lines that a terminal can be given: no control characters, no line
// longer than kLongestLine.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace ravelin::vmm {

// Takes one whole line, without its end.
using LineSink = std::function<void(std::string_view)>;

class LinePrinter {
 public:
  // A guest that never ends its line gets it cut here.
  static constexpr std::size_t kLongestLine = 256;

  explicit LinePrinter(LineSink sink) : sink_(std::move(sink)) {}

  void Put(char character);
  // Hands out a line that has not ended yet.
  void Flush();

 private:
  LineSink sink_;
  std::string line_;
};

}  // namespace ravelin::vmm
