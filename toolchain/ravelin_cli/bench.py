# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""The ./ravelin bench command: what each operation costs in EL2, in instructions.

A payload in the place of the host's kernel (tests/bench) measures with the counter, which advances
by 1 ns for each instruction here, so that figures are exact and the same in every run.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
import subprocess
from collections.abc import Mapping

from . import artifacts, bazel, paths, qemu, setup
from .console import Console
from .errors import ExitCode, RavelinError
from .machine import QEMU, Machine, Options

PAYLOAD = "//tests/bench:ownership_payload"
# Not "max": its extensions make single instructions out of work that real CPUs do in many.
CPUS = ("neoverse-n1", "cortex-a53", "neoverse-n2")
# A figure above its goal is a failure, not only a remark.
GATE_ON_GOALS = False
# A figure may grow so far over the recorded one.
_GROWTH = 1.05
_SECONDS = 60
_FOLDER = paths.REPOSITORY / "tests" / "bench"
_BASELINE = _FOLDER / "baseline.json"
_GOALS = _FOLDER / "goals.json"
_COUNTING = "-icount shift=0,sleep=off -seed 1 -rtc base=2024-01-01T00:00:00,clock=vm"
_LINE = re.compile(r"^BENCH (\S+/\S+) (\d+) (\d+) (\d+) (\d+)$", re.MULTILINE)
_END = r"^BENCH (done|failed: [^\n]*)\n"


@dataclasses.dataclass(frozen=True)
class Figure:
    """What an operation took: instructions in all, and of its longest host call."""

    instructions: int
    pages: int
    visits: int
    longest: int


Figures = dict[str, Figure]


@dataclasses.dataclass(frozen=True)
class Goals:
    """The most instructions of operations, and of any single visit of EL2."""

    visit: int
    instructions: dict[str, int]


def machine_options(cpu: str) -> dict[str, object]:
    """The fields of machine.Options that make instructions countable."""
    return {
        "kernel": bazel.output(PAYLOAD),
        "initramfs": None,
        "cpu": cpu,
        "smp": 1,
        "memory": "512M",
        "qemu": tuple(_COUNTING.split()),
    }


def read_figures(machine: Machine) -> Figures:
    """What the payload prints. RavelinError if it does not come to its end."""
    verdict = machine.expect(_END, _SECONDS).group(1)
    if verdict != "done":
        raise RavelinError(f"the bench {verdict}", ExitCode.MACHINE_FAILED)
    found = _LINE.findall(machine.log)
    return {name: Figure(*(int(number) for number in numbers)) for name, *numbers in found}


def _read(path: pathlib.Path) -> dict:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RavelinError(f"{path}: {error}", ExitCode.INPUT_INVALID) from error


def baseline(cpu: str) -> Figures:
    """The figures that are recorded in the repository; empty for another CPU."""
    return {name: Figure(*numbers) for name, numbers in _read(_BASELINE).get(cpu, {}).items()}


def goals() -> Goals:
    """What every operation may cost."""
    data = _read(_GOALS)
    return Goals(data["visit"], data["instructions"])


def missing(figures: Figures, recorded: Mapping[str, object]) -> list[str]:
    """Operations that are recorded, or have a goal, and were not measured, or the reverse."""
    return sorted(recorded.keys() ^ figures.keys())


def grown(figures: Figures, recorded: Figures) -> list[str]:
    """Each operation that takes more than it may, compared with what is recorded, and how much."""
    found = []
    for name, old in recorded.items():
        new = figures.get(name, old)
        if new.instructions > old.instructions * _GROWTH:
            found.append(f"{name}: {old.instructions} -> {new.instructions}")
        elif new.longest > old.longest * _GROWTH:
            found.append(f"{name}, longest visit: {old.longest} -> {new.longest}")
    return found


def above_goals(figures: Figures, wanted: Goals) -> list[str]:
    """Each operation above its goal, or with a visit that is too long, and by how much."""
    found = []
    for name, figure in figures.items():
        limit = wanted.instructions.get(name)
        if limit is not None and figure.instructions > limit:
            found.append(f"{name}: {figure.instructions} of {limit}")
        elif figure.longest > wanted.visit:
            found.append(f"{name}, longest visit: {figure.longest} of {wanted.visit}")
    return found


def _cells(name: str, figure: Figure, recorded: Figures, wanted: Goals) -> list[str]:
    """One row of the table."""
    per_page = f"{figure.instructions / figure.pages:.1f}" if figure.pages > 1 else ""
    old = recorded.get(name)
    change = figure.instructions - old.instructions if old else 0
    limit = wanted.instructions.get(name)
    verdict = "" if limit is None else "ok"
    if above_goals({name: figure}, wanted):
        verdict = "above"
    numbers = [figure.instructions, per_page, figure.visits, figure.longest]
    known = [f"{change:+d}" if change else "", "" if limit is None else limit, verdict]
    return [name, *(str(cell) for cell in (*numbers, *known))]


_HEADINGS = ["operation", "EL2", "per page", "visits", "longest", "change", "goal", ""]


def table(figures: Figures, recorded: Figures, wanted: Goals) -> list[str]:
    """All figures as lines of text."""
    rows = [_HEADINGS, *(_cells(name, f, recorded, wanted) for name, f in figures.items())]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEADINGS))]
    lines = []
    for row in rows:
        cells = [cell.rjust(width) for cell, width in zip(row[1:-1], widths[1:])]
        lines.append("  ".join([row[0].ljust(widths[0]), *cells, row[-1]]).rstrip())
    return lines


def _record(measured: dict[str, Figures]) -> None:
    """Rewrites the figures of the CPUs that were measured, one line for each operation."""
    data = _read(_BASELINE) if _BASELINE.exists() else {}
    for cpu, figures in measured.items():
        data[cpu] = {name: list(dataclasses.astuple(f)) for name, f in figures.items()}
    blocks = []
    for cpu, figures in data.items():
        lines = ",\n".join(f'    "{name}": {json.dumps(n)}' for name, n in figures.items())
        blocks.append(f'  "{cpu}": {{\n{lines}\n  }}')
    _BASELINE.write_text("{\n" + ",\n".join(blocks) + "\n}\n", encoding="utf-8")


def _has(program: str, cpu: str) -> bool:
    """Whether this QEMU knows the CPU."""
    try:
        command = [program, "-cpu", "help"]
        listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise RavelinError(f"{program} -cpu help: {error}", ExitCode.MACHINE_FAILED) from error
    return cpu in listing.split()


def _program(cpu: str) -> str:
    """The machine's QEMU, or the newer one in the cache where only that knows the CPU.

    They count the same.
    """
    return QEMU if _has(QEMU, cpu) else str(qemu.program())


def _measure(cpu: str) -> Figures:
    options = Options(
        monitor=bazel.output(artifacts.MONITOR), program=_program(cpu), **machine_options(cpu)
    )
    with Machine(options) as machine:
        return read_figures(machine)


def run(console: Console, cpus: list[str], record: bool) -> ExitCode:
    """Measures, and prints a table for each CPU; fails where a figure has grown."""
    setup.ensure(console)
    bazel.build(console, [artifacts.MONITOR, PAYLOAD])
    wanted = goals()
    measured = {}
    failures = []
    for cpu in cpus or CPUS:
        measured[cpu] = _measure(cpu)
        recorded = {} if record else baseline(cpu)
        console.say(f"\n{cpu}: instructions in EL2")
        for line in table(measured[cpu], recorded, wanted):
            console.say(line)
        failures += [f"{cpu}: grown: {text}" for text in grown(measured[cpu], recorded)]
        above = above_goals(measured[cpu], wanted) if GATE_ON_GOALS else []
        failures += [f"{cpu}: above its goal: {text}" for text in above]
    if record:
        _record(measured)
        console.say(f"\nrecorded in {_BASELINE.relative_to(paths.REPOSITORY)}")
    for failure in failures:
        console.say(failure)
    return ExitCode.TESTS_FAILED if failures else ExitCode.OK
