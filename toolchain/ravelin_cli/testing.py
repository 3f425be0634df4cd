# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""The ./ravelin test command: every kind of test, one line each, and the count."""

from __future__ import annotations

import dataclasses
import fnmatch
import json
import os
import pathlib
import re
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Callable, Mapping, Sequence

from . import artifacts, coverage, fuzzing, lint, paths, scenario, thorough
from .console import Console, first_errors
from .errors import RavelinError
from .scenario import Result

_CHECK = re.compile(r"^CHECK (pass|fail) ([^\s:]+)(?::?[ ]?(.*))?$", re.MULTILINE)
_UNIT_REASON = re.compile(r"Failure$|runtime error:|ERROR: \w+Sanitizer|WARNING: ThreadSan|FAILED")
_UNIT_CONFIGS = ("", "asan", "tsan")
_FUZZING_SECONDS = 60


@dataclasses.dataclass(frozen=True)
class Group:
    """Tests that run together; `run` gives their results.

    `prepare` builds what they need. Where it failed once, it is not tried again.
    `minutes` is not 0 for what runs only with --thorough.
    """

    name: str
    run: Callable[[], list[Result]]
    prepare: Callable[[], object] = lambda: None
    minutes: int = 0


class _Runner:
    """Runs groups and keeps the count."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._results: list[Result] = []
        self._thorough = 0

    def run(self, group: Group) -> None:
        results = group.run()
        self._thorough += len(results) if group.minutes else 0
        for result in results:
            self._report(result)

    def _report(self, result: Result) -> None:
        self._results.append(result)
        verdict = "pass" if result.passed else "FAIL"
        text = result.note if result.passed else result.why
        more = f": {text}" if text else ""
        self._console.say(f"{verdict} {result.seconds:7.1f} s  {result.name}{more}")

    def add_failure(self, name: str, why: str) -> None:
        """Counts something that could not even start."""
        self._report(Result(name, 0, why))

    def finish(self) -> bool:
        """Prints the failures and the count; whether all passed, and some ran."""
        failures = [result for result in self._results if not result.passed]
        if failures:
            self._console.say(f"\nFailures (log: {self._console.log_path}):")
        for result in failures:
            self._console.say(f"  {result.name}: {result.why}")
        passed = len(self._results) - len(failures)
        if self._thorough:
            self._console.say(f"of the results, long tests gave {self._thorough}")
        self._console.say(f"{passed} passed, {len(failures)} failed")
        return not failures and passed > 0


def _unit_failure(summary: dict) -> str:
    """The status of a failed test and the first line of its log that says why."""
    status = summary["overallStatus"].lower()
    for output in summary.get("failed", []):
        log = pathlib.Path(urllib.parse.urlparse(output["uri"]).path)
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        reason = next((line for line in lines if _UNIT_REASON.search(line)), "")
        return f"{status}: {reason.strip()} (log: {log})"
    return f"{status}: see the log"


def _unit_results(events: pathlib.Path, prefix: str) -> list[Result]:
    """The tests in a stream of Bazel's build events."""
    results = []
    for line in events.read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        summary = event.get("testSummary")
        if not summary:
            continue
        status = summary["overallStatus"]
        seconds = int(summary.get("totalRunDurationMillis", 0)) / 1000
        why = "" if status in ("PASSED", "FLAKY") else _unit_failure(summary)
        results.append(Result(f"{prefix} {event['id']['testSummary']['label']}", seconds, why))
    return results


def _unit_tests(console: Console, config: str, targets: list[str]) -> list[Result]:
    prefix = f"unit({config})" if config else "unit"
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        events = pathlib.Path(folder) / "events.json"
        command = ["bazel", "test", "--keep_going", f"--build_event_json_file={events}"]
        command += [f"--config={config}"] if config else []
        status, output = console.attempt([*command, "--", *targets])
        results = _unit_results(events, prefix) if events.exists() else []
    if status != 0 and all(result.passed for result in results):
        why = first_errors(output).strip().split("\n")[0] or f"bazel exited with status {status}"
        results.append(Result(f"{prefix} build", time.monotonic() - started, why))
    return results


def _unit_group(console: Console, config: str) -> Group:
    name = f"unit({config})" if config else "unit"
    return Group(name, lambda: _unit_tests(console, config, ["//..."]))


def _fuzzing_group(console: Console) -> Group:
    programs: dict[str, pathlib.Path] = {}

    def run() -> list[Result]:
        plan = fuzzing.Plan(fuzzing.share(_FUZZING_SECONDS), fuzzing.default_seed())
        return fuzzing.run(console, programs, plan)

    return Group("fuzz", run, lambda: programs.update(fuzzing.build(console)))


def _one(name: str, find: Callable[[], str]) -> Group:
    """A group of one test; `find` gives the reason of its failure, or nothing."""

    def run() -> list[Result]:
        started = time.monotonic()
        why = find()
        return [Result(name, time.monotonic() - started, why)]

    return Group(name, run)


def _command_results(
    console: Console,
    name: str,
    command: Sequence[str | pathlib.Path],
    environment: Mapping[str, str],
) -> list[Result]:
    """Runs a command: its CHECK lines, or else its exit status, are the results."""
    started = time.monotonic()
    status, output = console.attempt(command, environment=environment)
    seconds = time.monotonic() - started
    checks = _CHECK.findall(output)
    results = [
        Result(f"{name}/{check}", 0, note=text)
        if verdict == "pass"
        else Result(f"{name}/{check}", 0, text or "failed")
        for verdict, check, text in checks
    ]
    lines = output.strip().splitlines()
    last = lines[-1] if lines else "no output"
    failed_silently = status != 0 and all(result.passed for result in results)
    why = f"exit status {status}: {last}" if failed_silently else ""
    note = "" if _CHECK.match(last) or not checks else last
    return [Result(name, seconds, why, note), *results]


def _script_results(console: Console, path: pathlib.Path) -> list[Result]:
    """Runs a check_*.py, which may import ravelin_cli."""
    name = str(path.relative_to(paths.REPOSITORY))
    modules = [str(paths.REPOSITORY / "toolchain"), os.environ.get("PYTHONPATH", "")]
    environment = {"PYTHONPATH": os.pathsep.join(filter(None, modules))}
    return _command_results(console, name, [sys.executable, path], environment)


def _long_group(console: Console, item: thorough.LongTest) -> Group:
    name = f"thorough/{item.name}"
    run = lambda: _command_results(console, name, item.command, item.environment)
    return Group(name, run, minutes=item.minutes)


def _check_scripts() -> list[pathlib.Path]:
    return sorted((paths.REPOSITORY / "tests").glob("*/check_*.py"))


class _Built:
    """What ./ravelin build makes, made when the first group asks for it."""

    def __init__(self, console: Console, scenarios: list[scenario.AnyScenario]) -> None:
        self._console = console
        self._scenarios = scenarios
        self._artifacts: artifacts.Artifacts | None = None

    def get(self) -> artifacts.Artifacts:
        if not self._artifacts:
            images = {label for item in self._scenarios for label in item.images}
            self._artifacts = artifacts.build_for_boot(self._console, images)
        return self._artifacts


def _scenario_group(item: scenario.AnyScenario, built: _Built) -> Group:
    logs = paths.cache_folder("logs", "qemu")
    return Group(f"qemu/{item.name}", lambda: _qemu_results(item, built.get(), logs), built.get)


def _qemu_results(
    item: scenario.AnyScenario, made: artifacts.Artifacts, logs: pathlib.Path
) -> list[Result]:
    results = scenario.run(item, made, logs)
    return [dataclasses.replace(result, name=f"qemu/{result.name}") for result in results]


def _groups(console: Console) -> list[Group]:
    scenarios = scenario.discover()
    built = _Built(console, scenarios)
    groups = [_unit_group(console, config) for config in _UNIT_CONFIGS]
    groups.append(_one("clang-format", lambda: lint.clang_format(console)))
    groups.append(_one("clang-tidy", lambda: lint.clang_tidy(console, "")))
    groups.append(_one("clang-tidy(el2)", lambda: lint.clang_tidy(console, "el2_debian")))
    groups.append(_fuzzing_group(console))
    groups += [
        Group(f"coverage({area.name})", lambda area=area: [coverage.check(console, area)])
        for area in coverage.AREAS.values()
        if area.explained
    ]
    groups += [_scenario_group(item, built) for item in scenarios]
    for path in _check_scripts():
        name = str(path.relative_to(paths.REPOSITORY))
        run = lambda path=path: _script_results(console, path)
        groups.append(Group(name, run, built.get))
    return groups + [_long_group(console, item) for item in thorough.LONG_TESTS]


def _selected(groups: list[Group], pattern: str) -> list[Group]:
    """Groups whose name matches the shell pattern, or contains it."""
    return [g for g in groups if fnmatch.fnmatch(g.name, pattern) or pattern in g.name]


def list_tests(console: Console, pattern: str) -> None:
    """Prints the names that --only selects from."""
    for group in _selected(_groups(console), pattern):
        mark = f"  (--thorough, about {group.minutes} min)" if group.minutes else ""
        console.say(group.name + mark)


def _reason(prepare: Callable[[], object]) -> str:
    """Why the preparation failed; empty if it did not."""
    try:
        prepare()
    except RavelinError as error:
        return str(error).splitlines()[0]
    return ""


def run(console: Console, pattern: str, with_long_tests: bool) -> bool:
    """Runs the selected tests; whether all passed and there was at least one."""
    runner = _Runner(console)
    selected = _selected(_groups(console), pattern)
    groups = [group for group in selected if with_long_tests or not group.minutes]
    if selected and not groups:
        console.say(f"{selected[0].name} runs only with --thorough")
    broken: dict[Callable[[], object], str] = {}
    for group in groups:
        if group.prepare not in broken:
            broken[group.prepare] = _reason(group.prepare)
        if broken[group.prepare]:
            runner.add_failure(group.name, broken[group.prepare])
        else:
            runner.run(group)
    return runner.finish()
