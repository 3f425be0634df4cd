// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Operations and differences as text, for tests on the build machine.
#pragma once

#include <string>
#include <vector>

#include "tests/model/comparison.h"
#include "tests/model/operation.h"

namespace ravelin::model {

[[nodiscard]] std::string ToString(const Operation& operation);
// Numbered, one in a line.
[[nodiscard]] std::string ToString(const std::vector<Operation>& operations);
[[nodiscard]] std::string ToString(const Differences& differences);

}  // namespace ravelin::model
