# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""Which lines and branches of the monitor its tests on the build machine execute.

By clang's source-based coverage. A branch that no test takes both ways stands in
tests/coverage/uncovered.json with the reason, found again by its source text and
not by its line's number.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import json
import pathlib
import tempfile
import time

from . import bazel, paths
from .console import Console
from .errors import ExitCode, RavelinError
from .scenario import Result

_LLVM = pathlib.Path("/usr/lib/llvm-19/bin")
_WORKERS = 2
# Enough for every branch; the plain unit tests make more of them.
_ENVIRONMENT = {"RAVELIN_OPERATIONS": "200000"}
EXPLANATIONS = paths.REPOSITORY / "tests" / "coverage" / "uncovered.json"


@dataclasses.dataclass(frozen=True)
class Area:
    """Tests that are run together, and the folders of which they are to reach everything."""

    name: str
    tests: tuple[str, ...]
    folders: tuple[str, ...]
    explained: bool = False


AREAS = {
    area.name: area
    for area in (
        Area("stage2", ("//stage2/...", "//tests/model/..."), ("stage2/",), explained=True),
        Area(
            "hyp",
            ("//hyp/...", "//pvm_handlers/..."),
            ("hyp/base/", "hyp/boot/", "hyp/call/", "hyp/virt/", "hyp/vm/", "hyp/vm_handlers/")
            + ("pvm_handlers/",),
        ),
    )
}


@dataclasses.dataclass(frozen=True, order=True)
class Branch:
    """One way of a condition that was never taken: `never` is "true" or "false"."""

    file: str
    line: str
    condition: str
    never: str

    def __str__(self) -> str:
        return f"{self.file}: `{self.condition}` is never {self.never} in `{self.line}`"


@dataclasses.dataclass
class FileFigures:
    """What the tests reach of one file."""

    lines: int = 0
    lines_reached: int = 0
    ways: int = 0
    ways_taken: int = 0

    def __str__(self) -> str:
        lines = f"{self.lines_reached}/{self.lines} lines"
        return f"{lines}, {self.ways_taken}/{self.ways} ways of branches"


@dataclasses.dataclass
class Report:
    """The figures of each file, and the ways that no test takes."""

    files: dict[str, FileFigures]
    missing: set[Branch]

    def total(self) -> FileFigures:
        """The sum over the files."""
        total = FileFigures()
        for figures in self.files.values():
            for field in dataclasses.fields(FileFigures):
                name = field.name
                setattr(total, name, getattr(total, name) + getattr(figures, name))
        return total


def _counts(name: str, area: Area) -> bool:
    """Whether a file is the monitor's, not a test's."""
    ours = name.startswith(area.folders)
    return ours and "/testing/" not in name and not name.endswith("_test.cc")


def _programs(console: Console, area: Area) -> list[pathlib.Path]:
    query = f"tests({' + '.join(area.tests)})"
    labels = bazel.query(console, query)
    bazel.build(console, labels, ["--config=coverage"])
    folder = bazel.folder(console, "coverage")
    return [folder / label.removeprefix("//").replace(":", "/") for label in labels]


def _run(console: Console, program: pathlib.Path, profile: pathlib.Path) -> pathlib.Path:
    environment = {**_ENVIRONMENT, "LLVM_PROFILE_FILE": str(profile)}
    what = f"{program.name} for coverage"
    console.run([program], what, ExitCode.TESTS_FAILED, environment=environment)
    return profile


def _export(console: Console, programs: list[pathlib.Path], folder: pathlib.Path) -> dict:
    with concurrent.futures.ThreadPoolExecutor(_WORKERS) as pool:
        jobs = [
            pool.submit(_run, console, program, folder / f"{i}.profraw")
            for i, program in enumerate(programs)
        ]
        profiles = [job.result() for job in jobs]
    merged = folder / "merged.profdata"
    command = [_LLVM / "llvm-profdata", "merge", "-sparse", *profiles, "-o", merged]
    console.run(command, "llvm-profdata", ExitCode.TESTS_FAILED)
    exported = folder / "coverage.json"
    command = ["sh", "-c", 'out=$1; shift; exec "$@" > "$out"', "sh", exported]
    command += [_LLVM / "llvm-cov", "export", f"-instr-profile={merged}"]
    command += [word for program in programs for word in ("-object", program)]
    console.run(command, "llvm-cov", ExitCode.TESTS_FAILED)
    return json.loads(exported.read_text(encoding="utf-8"))["data"][0]


def _source_text(lines: list[str], place: tuple[int, ...]) -> str:
    first_line, first, last_line, last = place
    if first_line == last_line:
        return lines[first_line - 1][first - 1 : last - 1]
    parts = [lines[first_line - 1][first - 1 :], *lines[first_line : last_line - 1]]
    return " ".join(part.strip() for part in [*parts, lines[last_line - 1][: last - 1]])


def _ways(data: dict, area: Area) -> dict[str, dict[tuple[int, ...], list[int]]]:
    """File -> place of a condition -> how often true and false, over all instantiations."""
    ways: dict[str, dict[tuple[int, ...], list[int]]] = {}
    for function in data["functions"]:
        for branch in function["branches"]:
            name = function["filenames"][branch[6]]
            if _counts(name, area):
                counted = ways.setdefault(name, {}).setdefault(tuple(branch[:4]), [0, 0])
                counted[0] += branch[4]
                counted[1] += branch[5]
    return ways


def report_of(data: dict, area: Area, root: pathlib.Path = paths.REPOSITORY) -> Report:
    """The report of what llvm-cov has exported."""
    files = {}
    for file in data["files"]:
        if _counts(file["filename"], area):
            summary = file["summary"]["lines"]
            files[file["filename"]] = FileFigures(summary["count"], summary["covered"])
    missing = set()
    for name, places in _ways(data, area).items():
        source = (root / name).read_text(encoding="utf-8").splitlines()
        figures = files.setdefault(name, FileFigures())
        for place, counted in places.items():
            figures.ways += 2
            figures.ways_taken += sum(1 for count in counted if count)
            for count, never in zip(counted, ("true", "false")):
                if not count:
                    line = source[place[0] - 1].strip()
                    missing.add(Branch(name, line, _source_text(source, place), never))
    return Report(dict(sorted(files.items())), missing)


def measure(console: Console, area: Area) -> Report:
    """Builds and runs the tests of an area. RavelinError if one fails."""
    programs = _programs(console, area)
    with tempfile.TemporaryDirectory() as folder:
        return report_of(_export(console, programs, pathlib.Path(folder)), area)


def explanations() -> dict[Branch, str]:
    """The branches of tests/coverage/uncovered.json, each with its reason."""
    rows = json.loads(EXPLANATIONS.read_text(encoding="utf-8"))
    return {
        Branch(row["file"], row["line"], row["condition"], row["never"]): row["why"]
        for row in rows
    }


def troubles(report: Report, reasons: dict[Branch, str]) -> list[str]:
    """Branches without a reason, and reasons without a branch."""
    new = sorted(report.missing - set(reasons))
    stale = sorted(set(reasons) - report.missing)
    empty = sorted(branch for branch, why in reasons.items() if not why.strip())
    return [
        *(f"{branch}: test it, or explain it in {EXPLANATIONS.name}" for branch in new),
        *(f"{branch}: explained, but it is tested now or gone" for branch in stale),
        *(f"{branch}: the reason is empty" for branch in empty),
    ]


def update(report: Report) -> None:
    """Drops what is tested by now, and adds what is not, for somebody to give the reason."""
    reasons = explanations()
    rows = [
        {**dataclasses.asdict(branch), "why": reasons.get(branch, "")}
        for branch in sorted(report.missing)
    ]
    EXPLANATIONS.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


def check(console: Console, area: Area) -> Result:
    """Measures an area of which every missing branch has to be explained."""
    started = time.monotonic()
    try:
        report = measure(console, area)
    except RavelinError as error:
        return Result(f"coverage({area.name})", time.monotonic() - started, str(error))
    found = troubles(report, explanations())
    for trouble in found:
        console.detail(trouble)
    why = f"{found[0]} (and {len(found) - 1} more)" if len(found) > 1 else "".join(found)
    note = f"{report.total()}, {len(report.missing)} explained"
    return Result(f"coverage({area.name})", time.monotonic() - started, why, note)


def describe(area: Area, report: Report) -> list[str]:
    """The report as lines for a person."""
    reasons = explanations() if area.explained else {}
    lines = [f"{name}: {figures}" for name, figures in report.files.items()]
    lines.append(f"{area.name}: {report.total()}")
    for branch in sorted(report.missing):
        lines.append(f"  {branch}" + (f": {reasons[branch]}" if branch in reasons else ""))
    return lines
