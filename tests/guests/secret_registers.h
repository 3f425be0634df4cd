// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// The part of secret_guest that keeps the secret in registers.
#pragma once

#include <cstdint>

namespace ravelin::guest {

// Puts the secret's eight words into x19..x28 and q0..q31, in turn, asks `command_register` again
// and again until the answer is not 1 (wait), and compares. Returns how many registers differ.
extern "C" std::uint64_t WaitWithSecret(const std::uint64_t* secret,
                                        std::uint64_t command_register);

}  // namespace ravelin::guest
