#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""Plants mistakes in the monitor, one at a time, and sees the observer name them.

    tests/observer/plant.py [--only PATTERN] [--list]

For each mistake of planted.py: copies the tree to a scratch folder, makes the
edit, builds the monitor there, runs a short storm or a script of a Linux host
under the observer, and expects a violation of the rule. It prints a CHECK line
for each, and ends with the count; the exit status is 0 if every mistake was
named.
"""

import functools
import pathlib
import sys
from collections.abc import Sequence

_HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(_HERE), str(_HERE.parents[1] / "toolchain"), str(_HERE.parent / "mutants")]

import tree  # noqa: E402
import trial  # noqa: E402
from planted import MISTAKES, Planted  # noqa: E402
from ravelin_cli import artifacts, bazel, observer, paths, setup  # noqa: E402
from ravelin_cli.console import Console  # noqa: E402
from ravelin_cli.errors import RavelinError  # noqa: E402
from ravelin_cli.machine import Machine, Options  # noqa: E402

_IMAGE = "//hyp:ravelin"
_STORM = "//tests/storm:storm"
_STORM_OPTIONS = "storm.calls=20000 storm.seconds=1 storm.seed=1 storm.matrix=0"
# Instructions of a visit: many times what the storm needs.
_LIMIT = 100_000
# A broken monitor may hang.
_SECONDS = 120


def _options(mistake: Planted, made: artifacts.Artifacts, image: pathlib.Path) -> Options:
    if mistake.script:
        append = f"ravelin.test={mistake.script}"
        return Options(made.kernel, made.initramfs, image, memory="1G", append=append)
    storm = bazel.output(_STORM)
    return Options(storm, None, image, cpu="cortex-a53", memory="512M", append=_STORM_OPTIONS)


def _observe(options: Options) -> observer.Report:
    """Runs the machine to its end, whatever that is."""
    with observer.observation(_LIMIT) as watched:
        with Machine(watched.options(options)) as machine:
            try:
                machine.expect(r"^(STORM passed|TESTS done|CHECK fail [^\n]*)", _SECONDS)
            except RavelinError as error:
                print(f"{error}", flush=True)
        return watched.report()


def _trouble(mistake: Planted, *, made: artifacts.Artifacts, scratch: pathlib.Path) -> str:
    """Why the mistake counts as unnoticed, or nothing."""
    copy = scratch / "tree"
    tree.update(copy)
    tree.apply(mistake, copy)
    tree.bazel(scratch, copy, "build", _IMAGE)
    image = scratch / "links" / "bin" / "hyp" / "ravelin"
    report = _observe(_options(mistake, made, image))
    seen = ", ".join(report.violations) or "none"
    return "" if mistake.rule in report.violations else f"no {mistake.rule}; violations: {seen}"


def _prepare(chosen: Sequence[Planted]) -> trial.Trial:
    del chosen
    console = Console("plant", verbose=False)
    setup.ensure(console)
    made = artifacts.build_for_boot(console, [_STORM, observer.PLUGIN])
    return functools.partial(_trouble, made=made, scratch=paths.cache_folder("planted"))


if __name__ == "__main__":
    sys.exit(trial.main(__doc__, MISTAKES, _prepare))
