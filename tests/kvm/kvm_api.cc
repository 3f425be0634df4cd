// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// kvm-api: what /dev/kvm promises (host_shim/driver/README.md), against the driver and the monitor
// that run.

#include "tests/kvm/check.h"
#include "tests/kvm/memory_checks.h"
#include "tests/kvm/run_checks.h"
#include "tests/kvm/set_up_checks.h"

int main() {
  ravelin::kvm::CheckSetUp();
  ravelin::kvm::CheckRuns();
  ravelin::kvm::CheckMemory();
  return ravelin::kvm::Check::any_failed() ? 1 : 0;
}
