# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""Runs the targets in tests/fuzz under libFuzzer, from the inputs in tests/fuzz/corpus.

A run begins with every input of the corpus. The same seed gives the same inputs
in the same order; how far it gets depends on the time. What makes a target
fail is kept in the cache, and the way to repeat it is printed.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import os
import pathlib
import re
import shutil
import tempfile
import time

from . import bazel, paths
from .console import Console
from .errors import ExitCode, RavelinError
from .scenario import Result

TARGETS = ("device_tree", "guest_calls", "host_calls", "ownership", "page_table", "run_page")
_PACKAGE = "//tests/fuzz"
_WORKERS = 2
# Bytes of an input; a device tree is longer than a sequence of operations.
_LONGEST_INPUT = {name: 4096 if name == "device_tree" else 512 for name in TARGETS}
_OPTIONS = (
    "-len_control=0",
    "-print_final_stats=1",
    "-rss_limit_mb=2048",
    "-timeout=20",
)
# What does not grow with the length of the run, and no search for leaks at its end.
_ENVIRONMENT = {"ASAN_OPTIONS": "quarantine_size_mb=1:detect_leaks=0"}
_DONE = re.compile(r"^#(\d+)\s+DONE\s+cov: (\d+) ft: \d+ corp: (\d+)/", re.MULTILINE)
_REASON = re.compile(
    r"^(?:FUZZ|Invariant broken|SUMMARY|ERROR): .*|.*runtime error: .*", re.MULTILINE
)


@dataclasses.dataclass(frozen=True)
class Plan:
    """How long each target runs, and from which seed."""

    seconds: int
    seed: int


def default_seed() -> int:
    """RAVELIN_SEED, or 1: a run of the tests repeats the one before."""
    text = os.environ.get("RAVELIN_SEED", "1")
    if not text.isdecimal():
        raise RavelinError(f"RAVELIN_SEED={text} is no number", ExitCode.USAGE)
    return int(text)


def share(total_seconds: int, targets: int = len(TARGETS)) -> int:
    """The seconds of each of some targets that together need `total_seconds`."""
    return max(1, total_seconds * min(_WORKERS, targets) // targets)


def corpus_of(target: str) -> pathlib.Path:
    """The inputs of a target that the repository keeps."""
    return paths.REPOSITORY / "tests" / "fuzz" / "corpus" / target


def build(console: Console, targets: tuple[str, ...] = TARGETS) -> dict[str, pathlib.Path]:
    """Builds the targets with libFuzzer; their programs."""
    bazel.build(console, [f"{_PACKAGE}:{name}" for name in targets], ["--config=fuzz"])
    folder = bazel.folder(console, "fuzz") / "tests" / "fuzz"
    return {name: folder / name for name in targets}


def _longest(target: str) -> str:
    return f"-max_len={_LONGEST_INPUT.get(target, 64)}"


def _reason(output: str, program: pathlib.Path, status: int, kept: list[pathlib.Path]) -> str:
    found = _REASON.search(output)
    why = found.group(0).strip() if found else f"exit status {status}"
    if kept:
        why += f"; repeat with: {program} {kept[0]}"
    return why


def run_target(console: Console, name: str, program: pathlib.Path, plan: Plan) -> Result:
    """Runs one target. Its note counts executions, edges and inputs."""
    crashes = paths.cache_folder("fuzz", "crashes", name)
    before = set(crashes.iterdir())
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as found:
        command = [program, *_OPTIONS, f"-seed={plan.seed}", f"-max_total_time={plan.seconds}"]
        command += [_longest(name), f"-artifact_prefix={crashes}/", found]
        command += [corpus_of(name)] if corpus_of(name).is_dir() else []
        status, output = console.attempt(command, environment=_ENVIRONMENT)
    seconds = time.monotonic() - started
    done = _DONE.search(output)
    if status != 0 or not done:
        kept = sorted(set(crashes.iterdir()) - before)
        return Result(f"fuzz/{name}", seconds, _reason(output, program, status, kept))
    executions, edges, inputs = (int(number) for number in done.groups())
    note = f"{executions} executions, {edges} edges, {inputs} inputs, seed {plan.seed}"
    return Result(f"fuzz/{name}", seconds, note=note)


def run(console: Console, programs: dict[str, pathlib.Path], plan: Plan) -> list[Result]:
    """Runs built targets, two at a time."""
    with concurrent.futures.ThreadPoolExecutor(_WORKERS) as pool:
        jobs = [pool.submit(run_target, console, *item, plan) for item in programs.items()]
        return [job.result() for job in jobs]


def _merge(console: Console, program: pathlib.Path, sources: list[pathlib.Path]) -> pathlib.Path:
    """The smallest set of the sources' inputs that reaches all that they reach, in a new folder."""
    merged = pathlib.Path(tempfile.mkdtemp())
    command = [program, "-set_cover_merge=1", _longest(program.name), merged, *sources]
    what = f"merging inputs of {program.name}"
    console.run(command, what, ExitCode.TESTS_FAILED, environment=_ENVIRONMENT)
    return merged


def grow(console: Console, name: str, plan: Plan, limit: int) -> int:
    """Looks for new inputs and keeps `limit` of them in the corpus, those that reach most."""
    program = build(console, (name,))[name]
    corpus = corpus_of(name)
    corpus.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as found:
        command = [program, *_OPTIONS, "-reduce_inputs=1", f"-seed={plan.seed}"]
        command += [f"-max_total_time={plan.seconds}", _longest(name), found, corpus]
        what = f"fuzzing {name}"
        console.run(command, what, ExitCode.TESTS_FAILED, environment=_ENVIRONMENT)
        merged = _merge(console, program, [corpus, pathlib.Path(found)])
    # Of a covering set, long inputs cover most.
    chosen = sorted(merged.iterdir(), key=lambda path: -path.stat().st_size)[:limit]
    for path in corpus.iterdir():
        path.unlink()
    for path in chosen:
        shutil.copyfile(path, corpus / path.name[:12])
    shutil.rmtree(merged)
    return len(chosen)


def known(name: str) -> str:
    """The name, if there is such a target. RavelinError otherwise."""
    if name not in TARGETS:
        raise RavelinError(f"no target {name}; there are {', '.join(TARGETS)}", ExitCode.USAGE)
    return name
