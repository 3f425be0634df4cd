// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// The two kinds of VM.
#pragma once

namespace ravelin::vmm {

enum class VmKind {
  kNormal,
  kProtected,
};

}  // namespace ravelin::vmm
