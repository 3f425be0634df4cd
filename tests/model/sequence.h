// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Running lists of operations, and making a list that fails as short as it can be.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/model/checker.h"
#include "tests/model/generator.h"

namespace ravelin::model {

struct Divergence {
  std::vector<Operation> operations;  // the last one shows it
  std::string what;
};

// A world in its first state, ready for operations. `set_up` runs first and belongs to the world.
struct Scene {
  Layout layout;
  std::vector<Operation> set_up;
  std::uint64_t host_tables = Engine::kAdvised;
  Shortage shortage;
  std::uint64_t monitor_reserves = ~std::uint64_t{0};  // after set_up; then ReserveMonitorMap fails
  std::uint64_t full_check_every = 4096;               // operations
  bool set_up_may_fail = false;                        // for want of memory
};

// Brings a fresh world to the first state of the scene, in which both agree.
void Prepare(const Scene& scene, Checker& checker);

// Runs the list in a fresh world.
[[nodiscard]] std::optional<Divergence> Run(const Scene& scene,
                                            const std::vector<Operation>& operations);

// Runs `count` random operations in a fresh world. Adds to `statistics`.
[[nodiscard]] std::optional<Divergence> RunRandom(const Scene& scene, const Playground& playground,
                                                  std::uint64_t seed, std::uint64_t count,
                                                  Statistics& statistics);

// Delta debugging: leaves operations out as long as `fails` still says so. At most `attempts`
// runs.
[[nodiscard]] std::vector<Operation> Shrink(
    std::vector<Operation> operations,
    const std::function<bool(const std::vector<Operation>&)>& fails, unsigned attempts = 4000);

// Shrinks and says what a person needs: the shortest list found, and what differs after it.
// Empty if there is no divergence.
[[nodiscard]] std::string Explain(const Scene& scene, const std::optional<Divergence>& divergence);

// Sanitizers make all of this about fifteen times slower.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

// The number in an environment variable, else `otherwise`.
[[nodiscard]] std::uint64_t FromEnvironment(const char* name, std::uint64_t otherwise);

}  // namespace ravelin::model
