// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// A driver made of bytes, for fuzzing: the bytes are the guest's memory, the rings are at fixed
// places in it, and the block device serves what they offer. It must come to an end, and must not
// touch anything outside guest memory.
#pragma once

#include <cstddef>
#include <span>

namespace ravelin::vmm::test {

// What is missing at the end of the memory is zero; what is too much is left out.
void ServeHostileQueue(std::span<const std::byte> bytes);

}  // namespace ravelin::vmm::test
