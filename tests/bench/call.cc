// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/call.h"

#include <algorithm>

#include "tests/support/console.h"
#include "tests/support/cpu.h"

namespace ravelin::bench {

void Cost::Add(const Cost& other) {
  instructions += other.instructions;
  visits += other.visits;
  longest = std::max(longest, other.longest);
}

void Stop(std::string_view why, std::uint64_t number, std::int64_t status) {
  Print("BENCH failed: ", why, ", call ", number, ", status ", status, "\n");
  PowerOff();
}

namespace {

struct Step {
  Cost cost;
  bool more;
};

Step CallOnce(const Words& in) {
  const Sample sample = MeasureCall(in);
  const auto status = static_cast<std::int64_t>(sample.out[0]);
  const bool more = status == RAVELIN_INCOMPLETE;
  if (status != RAVELIN_SUCCESS && !more) {
    Stop("a call failed", in[0] - RAVELIN_HOST_CALL_BASE, status);
  }
  const Cost cost{.instructions = sample.instructions,
                  .visits = 1,
                  .longest = sample.instructions,
                  .value = sample.out[1]};
  return {cost, more};
}

}  // namespace

Cost Call(std::uint64_t number, std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint64_t d,
          std::uint64_t e) {
  const Step step = CallOnce({RAVELIN_HOST_CALL_BASE + number, a, b, c, d, e});
  if (step.more) {
    Stop("a call is not complete", number, RAVELIN_INCOMPLETE);
  }
  return step.cost;
}

Cost CallUntilDone(std::uint64_t number, std::uint64_t handle) {
  Cost total;
  for (bool more = true; more;) {
    const Step step = CallOnce({RAVELIN_HOST_CALL_BASE + number, handle});
    total.Add(step.cost);
    more = step.more;
  }
  return total;
}

Cost CallForRange(std::uint64_t number, std::uint64_t handle,
                  std::initializer_list<std::uint64_t> frames, std::uint64_t pages,
                  std::uint64_t extra) {
  Cost total{.pages = pages};
  bool more = true;
  for (std::uint64_t done = 0; more;) {
    Words in = {RAVELIN_HOST_CALL_BASE + number, handle};
    std::size_t next = 2;
    for (const std::uint64_t frame : frames) {
      in[next++] = frame + done;
    }
    in[next++] = pages - done;
    in[next] = extra;
    const Step step = CallOnce(in);
    total.Add(step.cost);
    done += step.cost.value;
    more = step.more;
  }
  return total;
}

void Report(std::string_view operation, std::string_view form, const Cost& cost) {
  Print("BENCH ", operation, "/", form, " ", cost.instructions, " ", cost.pages, " ", cost.visits,
        " ", cost.longest, "\n");
}

}  // namespace ravelin::bench
