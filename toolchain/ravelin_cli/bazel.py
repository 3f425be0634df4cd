# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""Calls of Bazel."""

from __future__ import annotations

import pathlib
import re

from . import paths
from .console import Console
from .errors import ExitCode


def build(console: Console, targets: list[str], options: list[str] | None = None) -> None:
    """Builds targets. RavelinError if something does not compile."""
    command = ["bazel", "build", *(options or []), "--", *targets]
    console.run(command, f"bazel build {' '.join(targets)}", ExitCode.BUILD_FAILED)


def output(label: str) -> pathlib.Path:
    """Where the file of a label such as //hyp:ravelin is after a build."""
    package, _, name = label.removeprefix("//").partition(":")
    name = name or package.rsplit("/", 1)[-1]
    return paths.REPOSITORY / "bazel-bin" / package / name


def folder(console: Console, config: str) -> pathlib.Path:
    """The bazel-bin of a configuration that has an output folder of its own."""
    command = ["bazel", "info", f"--config={config}", "bazel-bin"]
    text = console.run(command, "bazel info", ExitCode.BUILD_FAILED)
    return pathlib.Path(text.strip().splitlines()[-1])


def query(console: Console, expression: str) -> list[str]:
    """The labels that `bazel query` prints."""
    text = console.run(["bazel", "query", expression], "bazel query", ExitCode.BUILD_FAILED)
    return re.findall(r"^(?:@\w+)?//\S+$", text, re.MULTILINE)
