// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// How a target says that an input has found something: the process aborts, and whoever runs it
// keeps the input.
#pragma once

#include <string_view>

namespace ravelin::fuzz {

[[noreturn]] void Fail(std::string_view what);

inline void Require(bool holds, std::string_view what) {
  if (!holds) {
    Fail(what);
  }
}

// From here on a failed EXPECT_ of GoogleTest aborts too: the harnesses in hyp/testing use them.
void StopAtFailedExpectations();

}  // namespace ravelin::fuzz
