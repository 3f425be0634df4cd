#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""Removes one protection of the monitor at a time and sees the tests notice.

    tests/mutants/run.py [--only PATTERN] [--list]

For each mutant: copies the tree to a scratch folder, applies the edit, builds
there, runs the scenario or the tests that are named, and expects them to fail.
It prints a CHECK line for each, and ends with the count; the exit status is 0
if every removal was noticed.
"""

import dataclasses
import functools
import pathlib
import re
import shutil
import sys
from collections.abc import Sequence

_HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(_HERE), str(_HERE.parents[1] / "toolchain")]

import in_interrupts  # noqa: E402
import in_machine  # noqa: E402
import in_tests  # noqa: E402
import tree  # noqa: E402
import trial  # noqa: E402
from mutant import InMachine, InTests, Mutant  # noqa: E402
from ravelin_cli import artifacts, paths, scenario  # noqa: E402
from ravelin_cli.artifacts import Artifacts  # noqa: E402
from ravelin_cli.console import Console  # noqa: E402
from ravelin_cli.errors import ExitCode, RavelinError  # noqa: E402

_IMAGE = "//hyp:ravelin"
_MUTANTS = (*in_tests.MUTANTS, *in_interrupts.MUTANTS, *in_machine.MUTANTS)
# A mutant may loop for ever.
_TEST_SECONDS = 240


def _keep(made: Artifacts, scratch: pathlib.Path) -> Artifacts:
    """Copies of kernel and ramdisk: another build may replace them meanwhile."""
    initramfs = scratch / "initramfs.cpio"
    kernel = scratch / "vmlinuz"
    shutil.copyfile(made.initramfs, initramfs)
    shutil.copyfile(made.kernel, kernel)
    return dataclasses.replace(made, initramfs=initramfs, kernel=kernel)


def _failed_checks(name: str, image: pathlib.Path, made: Artifacts) -> set[str]:
    """The checks that the scenario saw fail with this image (not those it never reached)."""
    item = next(item for item in scenario.discover() if item.name == name)
    mutated = dataclasses.replace(item, monitor=f"{image.parent}:{image.name}")
    logs = paths.cache_folder("logs", "mutants")
    whole = scenario.run(mutated, made, logs)[0]
    console = (logs / f"{name}.0.console").read_text(encoding="utf-8")
    checks = re.findall(r"^CHECK (pass|fail) ([^\s:]+)", console, re.MULTILINE)
    if not checks:
        why = f"the scenario {name} reached no check: {whole.why}"
        raise RavelinError(why, ExitCode.TESTS_FAILED)
    return {check for verdict, check in checks if verdict == "fail"}


def _survival_in_tests(killer: InTests, scratch: pathlib.Path, copy: pathlib.Path) -> str:
    words = ("test", "-c", "opt", f"--test_timeout={_TEST_SECONDS}", "--test_output=summary")
    passed = tree.bazel(scratch, copy, *words, *killer.targets) == 0
    return f"{killer} pass" if passed else ""


def _survival_in_machine(
    killer: InMachine, scratch: pathlib.Path, copy: pathlib.Path, made: Artifacts
) -> str:
    tree.bazel(scratch, copy, "build", _IMAGE)
    failed = _failed_checks(killer.scenario, scratch / "links/bin/hyp/ravelin", made)
    seen = ", ".join(sorted(failed)) or "none"
    return "" if killer.check in failed else f"{killer} does not fail; failed checks: {seen}"


def _survival(mutant: Mutant, *, scratch: pathlib.Path, made: Artifacts | None) -> str:
    """Why the removal counts as unnoticed, or nothing."""
    copy = scratch / "tree"
    tree.update(copy)
    tree.apply(mutant, copy)
    if isinstance(mutant.killer, InTests):
        return _survival_in_tests(mutant.killer, scratch, copy)
    return _survival_in_machine(mutant.killer, scratch, copy, made)


def _prepare(chosen: Sequence[Mutant]) -> trial.Trial:
    scratch = paths.cache_folder("mutants")
    made = None
    if any(isinstance(mutant.killer, InMachine) for mutant in chosen):
        made = _keep(artifacts.build_for_boot(Console("mutants", verbose=False)), scratch)
    return functools.partial(_survival, scratch=scratch, made=made)


if __name__ == "__main__":
    sys.exit(trial.main(__doc__, _MUTANTS, _prepare))
