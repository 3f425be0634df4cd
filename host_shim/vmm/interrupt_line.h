// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// A level-triggered interrupt of the guest, as its device sees it.
#pragma once

namespace ravelin::vmm {

class InterruptLine {
 public:
  virtual ~InterruptLine() = default;
  // Devices call it on changes only.
  virtual void Set(bool high) = 0;
};

}  // namespace ravelin::vmm
