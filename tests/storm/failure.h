// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The first failure of a phase: what is printed behind CHECK fail.
#pragma once

#include <cstdint>
#include <string_view>

namespace ravelin::storm {

// Keeps the first of a phase, with this CPU's last call. `why` is a literal.
void Fail(std::string_view why, std::uint64_t detail = 0);
bool HasFailed();

// As a condition that must hold; returns it.
bool Require(bool holds, std::string_view why, std::uint64_t detail = 0);

// Prints the result of a phase and how many calls it made. True: it passed. Other CPUs are off.
bool Report(std::string_view name);

}  // namespace ravelin::storm
