# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""herd7, which knows Arm's memory model: for the litmus tests of --thorough.

Debian's newest suite packages it for a newer C library than this machine's. It
is unpacked beside that library, as the Arm GNU Toolchain is (armgnu.py), and
started by its loader.
"""

from __future__ import annotations

import os
import pathlib

from . import apt, paths
from .console import Console
from .errors import ExitCode

_SUITE = "sid"
_PACKAGES = ["herdtools7", "libc6", "libgmp10"]
_LIBRARY_FOLDER = "usr/lib/x86_64-linux-gnu"


def _current() -> pathlib.Path:
    return paths.cache() / "herdtools7" / "current"


def present() -> bool:
    """Whether the cache has it."""
    return (_current() / "usr" / "bin" / "herd7").exists()


def _command_in(root: pathlib.Path) -> list[str | pathlib.Path]:
    libraries = root / _LIBRARY_FOLDER
    loader = [libraries / "ld-linux-x86-64.so.2", "--library-path", libraries]
    models = root / "usr" / "share" / "herdtools7" / "herd"
    return [*loader, root / "usr" / "bin" / "herd7", "-set-libdir", models]


def command() -> list[str | pathlib.Path]:
    """The words that start it."""
    return _command_in(_current())


def fetch(console: Console) -> None:
    """Fetches and unpacks the newest release, verified by the suite's signed list."""
    suite = apt.Suite(console, _SUITE, ("amd64",))
    base = paths.cache_folder("herdtools7")
    final = base / suite.version(_PACKAGES[0])
    if not final.exists():
        console.say(f"      {final.name}, {suite.size_of(_PACKAGES) // 1_000_000} MB")
        partial = base / f".{final.name}.{os.getpid()}"
        apt.unpack(console, suite.download(_PACKAGES), partial)
        partial.replace(final)
    console.run([*_command_in(final), "-version"], "starting herd7", ExitCode.SETUP_FAILED)
    paths.point(_current(), final)


def ensure(console: Console) -> None:
    """Fetches it if the cache does not have it. RavelinError if that fails."""
    if not present():
        fetch(console)
