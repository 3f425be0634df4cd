# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""The ./ravelin demo command: the scenario "demo", told on the terminal."""

from __future__ import annotations

from . import paths, scenario
from .artifacts import Artifacts
from .console import Console
from .errors import ExitCode, RavelinError

_NAME = "demo"


def run(console: Console, made: Artifacts) -> ExitCode:
    """Runs the scenario and prints its checks. RavelinError if there is none."""
    found = [item for item in scenario.discover() if item.name == _NAME]
    if not found:
        raise RavelinError(f"tests/qemu has no scenario '{_NAME}'", ExitCode.INPUT_INVALID)
    results = scenario.run(found[0], made, paths.cache_folder("logs", "qemu"))
    for result in results:
        console.say(f"{'ok  ' if result.passed else 'FAIL'} {result.name} {result.why}".rstrip())
    return ExitCode.OK if all(result.passed for result in results) else ExitCode.TESTS_FAILED
