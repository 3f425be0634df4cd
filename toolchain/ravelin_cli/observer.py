# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""A machine under the observer (tests/observer): how it is started, and what it reports."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import re
import tempfile
from collections.abc import Iterator

from . import bazel, paths, qemu
from .errors import ExitCode, RavelinError
from .machine import Options

PLUGIN = "//tests/observer:libobserver.so"
_RAM_BASE = 0x40000000
# RAM is a file that the plugin maps too: where files are memory already.
_SHARED_MEMORY = pathlib.Path("/dev/shm")
_VIOLATION = re.compile(r"^violation (\S+) (.*)$", re.MULTILINE)
_COUNT = re.compile(r"^violations (\S+) (\d+)$", re.MULTILINE)
_FIGURE = re.compile(r"^figure (\S+) (\d+)", re.MULTILINE)
_LONGEST = re.compile(r"^figure longest_visit (\d+) (\S+ \S+) 0x([0-9a-f]+)$", re.MULTILINE)
_HOST_CALLS = paths.REPOSITORY / "hyp" / "abi" / "host_call.h"
_TOTALS = ("visits", "instructions")


def host_calls() -> dict[int, str]:
    """The names of the host's calls by function identifier."""
    text = _HOST_CALLS.read_text(encoding="utf-8")
    base = int(re.search(r"RAVELIN_HOST_CALL_BASE (0x[0-9A-F]+)u", text).group(1), 16)
    numbers = re.findall(r"^#define RAVELIN_HOST_(\w+) (\d+)u$", text, re.MULTILINE)
    return {base + int(number): name for name, number in numbers}


@dataclasses.dataclass(frozen=True)
class Report:
    """What the observer saw: violations by rule, each with an example, and figures."""

    text: str
    violations: dict[str, int]
    examples: dict[str, str]
    figures: dict[str, int]

    def trouble(self) -> str:
        """The violations in a line; empty if there are none."""
        counts = self.violations.items()
        return "; ".join(f"{rule} x{count}: {self.examples[rule]}" for rule, count in counts)

    def summary(self) -> str:
        """The figures of EL2 in a line."""
        visits, instructions = (self.figures.get(f"el2_{name}", 0) for name in _TOTALS)
        longest = _LONGEST.search(self.text)
        text = f"{visits} visits of EL2, {instructions} instructions"
        if not longest:
            return text
        length, kind, number = longest.groups()
        cause = host_calls().get(int(number, 16), f"0x{number}")
        return f"{text}; the longest: {length} in {kind} {cause}"


def parse(text: str) -> Report:
    """Reads the plugin's report."""
    examples: dict[str, str] = {}
    for rule, example in _VIOLATION.findall(text):
        examples.setdefault(rule, example)
    violations = {rule: int(count) for rule, count in _COUNT.findall(text)}
    figures = {name: int(value) for name, value in _FIGURE.findall(text)}
    return Report(text, violations, examples, figures)


class Observation:
    """One run under the observer; `report()` when QEMU has ended."""

    def __init__(self, folder: pathlib.Path, limit: int) -> None:
        self._ram = folder / "ram"
        self._out = folder / "report"
        self._limit = limit

    def options(self, options: Options) -> Options:
        """The same machine, watched."""
        backend = f"memory-backend-file,id=ram,size={options.memory},mem-path={self._ram},share=on"
        plugin = f"{bazel.output(PLUGIN)},ram={self._ram},base={_RAM_BASE:#x}"
        plugin += f",out={self._out},limit={self._limit}"
        return dataclasses.replace(
            options,
            program=str(qemu.program()),
            machine=f"{options.machine},memory-backend=ram",
            qemu=(*options.qemu, "-object", backend, "-plugin", plugin),
        )

    def report(self) -> Report:
        """RavelinError if the observer did not come to its end."""
        text = self._out.read_text(encoding="utf-8") if self._out.exists() else ""
        if not text.endswith("end\n"):
            raise RavelinError("the observer has left no report", ExitCode.MACHINE_FAILED)
        return parse(text)


@contextlib.contextmanager
def observation(limit: int) -> Iterator[Observation]:
    """An observation with a place for its files, which ends with it."""
    parent = _SHARED_MEMORY if _SHARED_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="ravelin-observer-", dir=parent) as folder:
        yield Observation(pathlib.Path(folder), limit)
