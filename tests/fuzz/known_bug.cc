// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// A target with a known bug, which check_fuzz.py sees reported: an input that begins with "BUG"
// reads behind an array.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <span>

namespace {

// Instrumented, unlike the entries of the other targets, because the bug is here.
std::uint8_t Classify(std::span<const std::uint8_t> bytes) {
  const std::array<std::uint8_t, 4> classes{1, 2, 3, 4};
  const bool bug = bytes.size() >= 3 && bytes[0] == 'B' && bytes[1] == 'U' && bytes[2] == 'G';
  return *(classes.data() + (bug ? classes.size() : bytes.size() % classes.size()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return Classify({data, size}) == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
