// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/verdict.h"

#include <cstdlib>
#include <iostream>

#include "gtest/gtest.h"

namespace ravelin::fuzz {
namespace {

class Stopper : public testing::EmptyTestEventListener {
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (result.failed()) {
      Fail(result.message());
    }
  }
};

}  // namespace

void Fail(std::string_view what) {
  std::cerr << "FUZZ: " << what << "\n";
  std::abort();
}

void StopAtFailedExpectations() {
  // GoogleTest owns its listeners.
  static const bool once = [] {
    testing::UnitTest::GetInstance()->listeners().Append(new Stopper);
    return true;
  }();
  static_cast<void>(once);
}

}  // namespace ravelin::fuzz
