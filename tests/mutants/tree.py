# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""A copy of the repository that an edit is made in, and Bazel there."""

import pathlib
import shutil
import subprocess
from typing import Protocol

from ravelin_cli import paths
from ravelin_cli.errors import ExitCode, RavelinError

_SKIPPED = shutil.ignore_patterns(".git", "bazel-*", "__pycache__")
# Exit status of `bazel test` when all was built and a test failed.
_TESTS_FAILED = 3


class Edit(Protocol):
    """`old` stands exactly once in `file`; `new` takes its place."""

    name: str
    file: str
    old: str
    new: str
    noticed_by: str


def update(copy: pathlib.Path) -> None:
    """Makes `copy` the tree as it is now, touching only what differs: builds stay incremental."""
    fresh = copy.with_name(copy.name + ".fresh")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(paths.REPOSITORY, fresh, ignore=_SKIPPED, symlinks=True)
    if copy.exists():
        shutil.rmtree(copy)
    fresh.rename(copy)


def apply(edit: Edit, copy: pathlib.Path) -> None:
    """Makes the edit. RavelinError if its text is not there."""
    path = copy / edit.file
    text = path.read_text(encoding="utf-8")
    if text.count(edit.old) != 1:
        why = f"the text of {edit.name} is not in {edit.file} exactly once"
        raise RavelinError(why, ExitCode.TESTS_FAILED)
    path.write_text(text.replace(edit.old, edit.new), encoding="utf-8")


def bazel(scratch: pathlib.Path, copy: pathlib.Path, *words: str) -> int:
    """Runs Bazel on the copy; its exit status. What does not build is an error."""
    command = ["bazel", f"--output_base={scratch / 'bazel'}", words[0]]
    command += [f"--symlink_prefix={scratch / 'links'}/", *words[1:]]
    ran = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    if ran.returncode not in (0, _TESTS_FAILED):
        errors = [line for line in ran.stderr.splitlines() if "error:" in line or "ERROR" in line]
        why = f"the mutant does not build: {(errors or ['no error line'])[0]}"
        raise RavelinError(why, ExitCode.BUILD_FAILED)
    return ran.returncode
