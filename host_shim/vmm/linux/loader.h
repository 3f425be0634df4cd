// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// Puts kernel, initrd and device tree into a guest's memory, as arm64 Linux wants them to be found
// (Documentation/arm64/booting.rst): the kernel behind an address that 2 MiB divide, the tree in a
// 2 MiB block of its own, the initrd behind it. None overlaps another.
#pragma once

#include <string>

#include "host_shim/vmm/error.h"
#include "host_shim/vmm/guest_memory.h"
#include "host_shim/vmm/linux/device_tree.h"

namespace ravelin::vmm {

struct LinuxFiles {
  std::string kernel;
  std::string initrd;  // empty: none
};

// Where the boot CPU starts, and what it finds in x0.
struct LinuxEntry {
  Ipa kernel;
  Ipa tree;
};

// `tree`: what is to be said beside the places, which are found here. Before the VM's first run. An
// error names the file.
Result<LinuxEntry> LoadLinux(const GuestMemory& memory, const LinuxFiles& files, TreeConfig tree);

}  // namespace ravelin::vmm
