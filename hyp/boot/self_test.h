// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Faults on purpose, to see the monitor's own protections and its panic report at work. Only the
// image
// `//hyp:ravelin_selftest` has them (self_test.cc); the product links self_test_none.cc.
#pragma once

#include <string_view>

namespace ravelin::boot {

// `name`: the value of `ravelin.selftest=`, empty if absent. Runs on the boot CPU when everything
// is set up and before the host: returns if there is nothing to do.
void RunSelfTest(std::string_view name);

}  // namespace ravelin::boot
