# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""The ./ravelin demo command: the scenario "demo", told on the terminal as it happens."""

from __future__ import annotations

from . import paths, scenario
from .artifacts import Artifacts
from .console import Console
from .errors import ExitCode, RavelinError

_NAME = "demo"


def run(console: Console, made: Artifacts) -> ExitCode:
    """Boots the host and says what is tried and what happens. RavelinError if it cannot."""
    found = [item for item in scenario.discover() if item.name == _NAME]
    if not found:
        raise RavelinError(f"tests/qemu has no scenario '{_NAME}'", ExitCode.INPUT_INVALID)
    console.say("booting Debian's kernel under the monitor in QEMU (no Arm hardware: be patient)")
    bench = scenario.Bench(_NAME, made, paths.cache_folder("logs", "qemu"))
    try:
        failures = scenario.tell(found[0], bench, console.say)
    finally:
        bench.close()
    for failure in failures:
        console.say(f"ravelin: {failure}")
    return ExitCode.TESTS_FAILED if failures else ExitCode.OK
