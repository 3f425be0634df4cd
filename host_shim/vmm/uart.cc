// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/uart.h"

namespace ravelin::vmm {
namespace {

// A guest must not send control sequences to the terminal of whoever runs the VMM.
char Printable(char character) {
  const bool printable = character >= ' ' && character <= '~';
  return printable || character == '\t' ? character : '.';
}

}  // namespace

std::uint64_t Uart::Read(std::uint64_t offset, unsigned /*size*/) {
  return offset == kFlagRegister ? kReceiveEmpty | kSendEmpty : 0;
}

void Uart::Write(std::uint64_t offset, unsigned /*size*/, std::uint64_t value) {
  if (offset == kDataRegister) Put(static_cast<char>(value & 0xff));
}

void Uart::Put(char character) {
  if (character == '\r') return;
  if (character == '\n') {
    sink_(line_);
    line_.clear();
    return;
  }
  line_.push_back(Printable(character));
  if (line_.size() >= kLongestLine) Flush();
}

void Uart::Flush() {
  if (line_.empty()) return;
  sink_(line_);
  line_.clear();
}

}  // namespace ravelin::vmm
