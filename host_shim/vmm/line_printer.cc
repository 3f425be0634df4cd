// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/line_printer.h"

namespace ravelin::vmm {
namespace {

// A guest must not send control sequences to the terminal of whoever runs the VMM.
char Printable(char character) {
  const bool printable = character >= ' ' && character <= '~';
  return printable || character == '\t' ? character : '.';
}

}  // namespace

void LinePrinter::Put(char character) {
  if (character == '\r') return;
  if (character == '\n') {
    sink_(line_);
    line_.clear();
    return;
  }
  line_.push_back(Printable(character));
  if (line_.size() >= kLongestLine) Flush();
}

void LinePrinter::Flush() {
  if (line_.empty()) return;
  sink_(line_);
  line_.clear();
}

}  // namespace ravelin::vmm
