// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/model/sequence.h"

#include <algorithm>
#include <cstdlib>

#include "hyp/arch/fake/machine.h"
#include "hyp/base/invariant.h"
#include "tests/model/text.h"

namespace ravelin::model {
namespace {

std::optional<std::string> StepAndCheck(const Scene& scene, Checker& checker,
                                        const Operation& operation, std::uint64_t index) {
  std::optional<std::string> wrong = checker.Step(operation);
  if (!wrong && index % scene.full_check_every == scene.full_check_every - 1) {
    wrong = checker.CheckAll();
  }
  return wrong;
}

}  // namespace

void Prepare(const Scene& scene, Checker& checker) {
  for (const Operation& whole : scene.set_up) {
    Operation rest = whole;
    do {
      const auto wrong = checker.Step(rest);
      Invariant(!wrong.has_value(), "the set-up of a scene agrees");
      Invariant(checker.last_done() != 0 || scene.set_up_may_fail,
                "the set-up of a scene succeeds");
      rest.pfn += checker.last_done();
      rest.gfn += checker.last_done();
      rest.count -= checker.last_done();
    } while (rest.count != 0 && checker.last_done() != 0);
  }
  fake::FailReserveAfter(scene.monitor_reserves);
}

std::optional<Divergence> Run(const Scene& scene, const std::vector<Operation>& operations) {
  Checker checker(scene.layout, scene.host_tables, scene.shortage);
  Prepare(scene, checker);
  for (std::size_t i = 0; i < operations.size(); ++i) {
    if (auto wrong = StepAndCheck(scene, checker, operations[i], i)) {
      return Divergence{
          {operations.begin(), operations.begin() + static_cast<std::ptrdiff_t>(i) + 1}, *wrong};
    }
  }
  if (auto wrong = checker.CheckAll()) {
    return Divergence{operations, *wrong};
  }
  return std::nullopt;
}

std::optional<Divergence> RunRandom(const Scene& scene, const Playground& playground,
                                    std::uint64_t seed, std::uint64_t count,
                                    Statistics& statistics) {
  Checker checker(scene.layout, scene.host_tables, scene.shortage);
  Prepare(scene, checker);
  Generator generator(playground, seed);
  std::vector<Operation> done;
  done.reserve(count);
  std::optional<std::string> wrong;
  for (std::uint64_t i = 0; i < count && !wrong; ++i) {
    done.push_back(generator.Next(checker.specification()));
    wrong = StepAndCheck(scene, checker, done.back(), i);
    generator.Note(done.back(), checker.last_done());
  }
  if (!wrong) {
    wrong = checker.CheckAll();
  }
  statistics.Add(checker.statistics());
  return wrong ? std::optional(Divergence{std::move(done), *wrong}) : std::nullopt;
}

std::vector<Operation> Shrink(std::vector<Operation> operations,
                              const std::function<bool(const std::vector<Operation>&)>& fails,
                              unsigned attempts) {
  std::size_t chunk = std::max<std::size_t>(operations.size() / 2, 1);
  while (attempts > 0) {
    bool shorter = false;
    for (std::size_t at = 0; at < operations.size() && attempts > 0; --attempts) {
      const std::size_t end = std::min(at + chunk, operations.size());
      std::vector<Operation> rest(operations.begin(),
                                  operations.begin() + static_cast<std::ptrdiff_t>(at));
      rest.insert(rest.end(), operations.begin() + static_cast<std::ptrdiff_t>(end),
                  operations.end());
      if (!rest.empty() && fails(rest)) {
        operations = std::move(rest);
        shorter = true;
      } else {
        at = end;
      }
    }
    if (chunk == 1 && !shorter) {
      break;
    }
    chunk = shorter ? std::min(chunk, operations.size()) : std::max<std::size_t>(chunk / 2, 1);
  }
  return operations;
}

std::string Explain(const Scene& scene, const std::optional<Divergence>& divergence) {
  if (!divergence) {
    return {};
  }
  Scene closely = scene;
  const auto fails = [&](const std::vector<Operation>& operations) {
    return Run(closely, operations).has_value();
  };
  std::vector<Operation> shortest = Shrink(divergence->operations, fails);
  closely.full_check_every = 1;
  shortest = Shrink(shortest, fails);
  const auto last = Run(closely, shortest);
  return "Engine and specification differ. Set-up:\n" + ToString(scene.set_up) +
         "Shortest sequence found (of " + std::to_string(divergence->operations.size()) + "):\n" +
         ToString(shortest) + "Then:\n" + (last ? last->what : divergence->what);
}

std::uint64_t FromEnvironment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 0);
}

}  // namespace ravelin::model
