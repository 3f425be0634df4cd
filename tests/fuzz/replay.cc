// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Runs a fuzz target over the files that are named, without libFuzzer.
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <span>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int count, char** words) {
  const std::span paths(words, static_cast<std::size_t>(count));
  for (const char* const path : paths.subspan(1)) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
      std::cerr << path << ": cannot be read\n";
      return EXIT_FAILURE;
    }
    std::cerr << path << "\n";
    const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  }
  std::cerr << count - 1 << " inputs\n";
  return count > 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
