# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""The QEMU scenarios: what a file tests/qemu/test_*.py declares, and how it runs.

A `Scenario` boots the host once; its /init runs /tests/<script>, which prints
`CHECK pass NAME` or `CHECK fail NAME: why`. A `Driven` scenario is a function
that boots machines itself and talks to their consoles.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import pathlib
import re
import sys
import time
from collections.abc import Callable

from . import bazel, initramfs, paths
from .artifacts import Artifacts
from .errors import RavelinError
from .machine import Machine, Options

DONE = "TESTS done"
_STORY = rf"^(?:STORY ([^\n]*)|{DONE}[^\n]*)\n"
_CHECK = re.compile(r"^CHECK (pass|fail) ([^\s:]+)(?::?[ ]?(.*))?$", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Scenario:
    """One boot of the host and the checks that must pass in it.

    `console` are patterns that the console must show before the checks are done.
    `monitor` is the label of the image, or empty to boot without one. `initramfs` names
    another list of the host's files than the usual one.
    """

    name: str
    script: str
    checks: tuple[str, ...]
    console: tuple[str, ...] = ()
    cpu: str = "max"
    smp: int = 2
    memory: str = "2G"
    mode: str = "protected"
    append: str = ""
    monitor: str = "//hyp:ravelin"
    initramfs: str = ""
    timeout: float = 120

    @property
    def images(self) -> tuple[str, ...]:
        """The labels that it boots."""
        files = initramfs.labels(self.initramfs) if self.initramfs else []
        return (self.monitor, *files) if self.monitor else tuple(files)


@dataclasses.dataclass(frozen=True)
class Result:
    """The outcome of one test; `why` is empty if it passed. `note` has its figures."""

    name: str
    seconds: float
    why: str = ""
    note: str = ""

    @property
    def passed(self) -> bool:
        """Whether the test passed."""
        return not self.why


class Bench:
    """What a driven scenario works with: machines to boot, and checks to report."""

    def __init__(self, name: str, artifacts: Artifacts, logs: pathlib.Path) -> None:
        self.artifacts = artifacts
        self.results: list[Result] = []
        self._name = name
        self._logs = logs
        self._machines: list[Machine] = []
        self._started = time.monotonic()

    def options(self, **changes: object) -> Options:
        """The usual machine, with changes: the fields of machine.Options."""
        usual = Options(self.artifacts.kernel, self.artifacts.initramfs, self.artifacts.monitor)
        return dataclasses.replace(usual, **changes)

    def boot(self, **changes: object) -> Machine:
        """Starts a machine; it is stopped when the scenario ends."""
        return self.start(self.options(**changes))

    def start(self, options: Options) -> Machine:
        """As boot, with options made from those of options()."""
        machine = Machine(options)
        self._machines.append(machine)
        return machine

    def check(self, name: str, passed: bool, why: str = "") -> None:
        """Reports one check."""
        now = time.monotonic()
        reason = "" if passed else (why or "the check does not hold")
        self.results.append(Result(f"{self._name}/{name}", now - self._started, reason))
        self._started = now

    def close(self) -> None:
        """Stops the machines, and keeps their consoles in the log folder."""
        for i, machine in enumerate(self._machines):
            machine.stop()
            text = f"+ {machine.describe()}\n{machine.log}"
            (self._logs / f"{self._name}.{i}.console").write_text(text, encoding="utf-8")


@dataclasses.dataclass(frozen=True)
class Driven:
    """A scenario with a function of its own; `checks` must all be reported.

    `images` are the labels that it boots beside the monitor.
    """

    name: str
    drive: Callable[[Bench], None]
    checks: tuple[str, ...]
    images: tuple[str, ...] = ()


AnyScenario = Scenario | Driven


def load(path: pathlib.Path) -> list[AnyScenario]:
    """The SCENARIOS of one test file. RavelinError if it cannot be loaded."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return list(module.SCENARIOS)


def discover() -> list[AnyScenario]:
    """All scenarios, by file name."""
    files = sorted((paths.REPOSITORY / "tests" / "qemu").glob("test_*.py"))
    return [scenario for path in files for scenario in load(path)]


def _boot(scenario: Scenario, bench: Bench) -> Machine:
    """Starts the machine of a scripted scenario."""
    files = {"initramfs": initramfs.build(scenario.initramfs)} if scenario.initramfs else {}
    return bench.boot(
        cpu=scenario.cpu,
        smp=scenario.smp,
        memory=scenario.memory,
        mode=scenario.mode,
        **files,
        monitor=bazel.output(scenario.monitor) if scenario.monitor else None,
        append=f"ravelin.test={scenario.script} {scenario.append}".strip(),
    )


def tell(scenario: Scenario, bench: Bench, say: Callable[[str], None]) -> list[str]:
    """Boots once and says each line behind `STORY ` as it comes; the reasons of failed checks.

    RavelinError if the machine stops or falls silent.
    """
    machine = _boot(scenario, bench)
    while line := machine.expect(_STORY, scenario.timeout).group(1):
        say(line)
    passed = {name for verdict, name, _ in _CHECK.findall(machine.log) if verdict == "pass"}
    return [f"the check {name} did not pass" for name in scenario.checks if name not in passed]


def _drive_script(scenario: Scenario, bench: Bench) -> None:
    """Boots once, waits for the script's end, and reports what it printed."""
    machine = _boot(scenario, bench)
    try:
        machine.expect(rf"^{DONE}", scenario.timeout)
        machine.wait(scenario.timeout)
    finally:
        for verdict, name, why in _CHECK.findall(machine.log):
            bench.check(name, verdict == "pass", why)
        for pattern in scenario.console:
            found = re.search(pattern, machine.log, re.MULTILINE)
            bench.check(f"console:{pattern}", bool(found), "not on the console")


def run(scenario: AnyScenario, artifacts: Artifacts, logs: pathlib.Path) -> list[Result]:
    """Runs one scenario. A check that is missing is a failure, as is a time-out."""
    bench = Bench(scenario.name, artifacts, logs)
    started = time.monotonic()
    trouble = ""
    try:
        if isinstance(scenario, Driven):
            scenario.drive(bench)
        else:
            _drive_script(scenario, bench)
    except RavelinError as error:
        trouble = str(error)
    finally:
        bench.close()
    reported = {result.name for result in bench.results}
    for name in scenario.checks:
        if f"{scenario.name}/{name}" not in reported:
            why = trouble or "the check was not reported"
            bench.results.append(Result(f"{scenario.name}/{name}", 0, why))
    whole = Result(scenario.name, time.monotonic() - started, trouble)
    return [whole, *bench.results]
