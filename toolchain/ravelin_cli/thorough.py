# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""The long tests of ./ravelin test --thorough: one table of commands.

A command runs in the repository's root. It reports by `CHECK pass NAME` and
`CHECK fail NAME: why`, or by its exit status alone.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping

from . import paths

_RAVELIN = str(paths.REPOSITORY / "ravelin")
# Optimised, in an output folder of its own: bazel-bin stays what the other tests need.
_BAZEL_RUN = ("bazel", "run", "-c", "opt", "--symlink_prefix=/")


@dataclasses.dataclass(frozen=True)
class LongTest:
    """One row: `minutes` is about what two idle cores need."""

    name: str
    command: tuple[str, ...]
    minutes: int
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)


LONG_TESTS = (
    LongTest(
        "model",
        (*_BAZEL_RUN, "//tests/model:random_test"),
        35,
        {"RAVELIN_OPERATIONS": "1000000000"},
    ),
    LongTest(
        "storm",
        (_RAVELIN, "test", "--only", "qemu/storm-*"),
        45,
        {"RAVELIN_STORM_CALLS": "100000000"},
    ),
    LongTest("fuzz", (_RAVELIN, "fuzz", "--seconds", "600"), 10),
    LongTest("litmus", (sys.executable, "tests/litmus/run.py"), 1),
    LongTest("mutants", (sys.executable, "tests/mutants/run.py"), 25),
    LongTest("planted", (sys.executable, "tests/observer/plant.py"), 12),
)
