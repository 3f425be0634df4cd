// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/model/text.h"

#include <array>
#include <sstream>

namespace ravelin::model {

std::string ToString(const Operation& operation) {
  std::array<char, 160> line{};
  return std::string(Print(operation, line));
}

std::string ToString(const std::vector<Operation>& operations) {
  std::ostringstream text;
  for (std::size_t i = 0; i < operations.size(); ++i) {
    text << "  " << i + 1 << ". " << ToString(operations[i]) << "\n";
  }
  return text.str();
}

std::string ToString(const Differences& differences) {
  std::ostringstream text;
  for (const Difference& difference : differences.kept()) {
    text << "  " << difference.what << " (0x" << std::hex << difference.where << std::dec << ")\n";
  }
  if (differences.count() > differences.kept().size()) {
    text << "  ... " << differences.count() << " differences in all\n";
  }
  return text.str();
}

}  // namespace ravelin::model
