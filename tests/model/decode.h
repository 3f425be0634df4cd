// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Strings of bytes as operations, for fuzzing: every string means something.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tests/model/operation.h"

namespace ravelin::model {

// Six bytes for each operation on the small scene; what is left over counts for nothing.
[[nodiscard]] std::vector<Operation> Decode(std::span<const std::uint8_t> bytes);

// Runs the bytes in a fresh small world. Empty, or what differs, explained.
[[nodiscard]] std::string RunBytes(std::span<const std::uint8_t> bytes);

}  // namespace ravelin::model
