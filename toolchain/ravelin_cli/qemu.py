# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""QEMU 10, unpacked beside the machine's own, and the headers for its plugins.

The machine's QEMU runs everything but the observer (tests/observer), whose plugin
reads registers and stored values: the first release that gives them is 10.
"""

from __future__ import annotations

import os
import pathlib
import shutil

from . import apt, paths
from .console import Console
from .errors import ExitCode, FetchError

_SUITE = "bookworm-backports"
_PROGRAM = "qemu-system-arm"
_SOURCE = "qemu"
# The header of the interface includes GLib's.
_GLIB_SUITE = "bookworm"
_GLIB = "libglib2.0-dev"
_HEADER = "include/qemu/qemu-plugin.h"
_TRIPLET = "x86_64-linux-gnu"


def program() -> pathlib.Path:
    """Where the cache has the emulator (which may be missing)."""
    return paths.cache() / "qemu" / "current" / "usr" / "bin" / "qemu-system-aarch64"


def _headers() -> pathlib.Path:
    return paths.cache() / "third_party" / "qemu_plugin"


def present() -> bool:
    """Whether the cache holds the emulator and the headers."""
    return program().exists() and (_headers() / "include" / "qemu-plugin.h").exists()


def fetch(console: Console) -> None:
    """Fetches the newest QEMU of the suite and the headers of the same version."""
    suite = apt.Suite(console, _SUITE, ("amd64",))
    version = suite.version(_PROGRAM)
    name = version.replace(":", "_")
    console.say(f"      {version}")
    _fetch_program(console, suite, name)
    _fetch_headers(console, suite, name)


def _fetch_program(console: Console, suite: apt.Suite, name: str) -> None:
    base = paths.cache_folder("qemu")
    folder = base / name
    if not folder.exists():
        partial = base / f".{name}.{os.getpid()}"
        apt.unpack(console, suite.download([_PROGRAM]), partial)
        partial.replace(folder)
    paths.point(base / "current", folder)
    console.run([program(), "--version"], "starting QEMU", ExitCode.SETUP_FAILED)


def _fetch_headers(console: Console, suite: apt.Suite, name: str) -> None:
    base = paths.cache_folder("third_party")
    folder = base / f"qemu_plugin-{name}"
    if not folder.exists():
        partial = base / f".{folder.name}.{os.getpid()}"
        include = partial / "include"
        include.mkdir(parents=True)
        _unpack_plugin_header(console, _source_archive(console, suite), include)
        _unpack_glib(console, partial / "glib", include)
        partial.replace(folder)
    paths.point(_headers(), folder)


def _source_archive(console: Console, suite: apt.Suite) -> pathlib.Path:
    """QEMU's sources: no binary package has the header."""
    for file in suite.source_files(_SOURCE):
        if ".orig.tar" in file.name and not file.name.endswith(".asc"):
            archive = paths.cache_folder("debs") / file.name
            if not archive.exists():
                apt.fetch(console, file.uri, file.digest, archive)
            return archive
    raise FetchError(f"{suite.codename} lists no sources of {_SOURCE}")


def _unpack_plugin_header(console: Console, archive: pathlib.Path, include: pathlib.Path) -> None:
    words = ["tar", "-xf", archive, "-C", include, "--strip-components=3", "--wildcards"]
    console.run([*words, f"*/{_HEADER}"], f"unpacking {archive.name}", ExitCode.SETUP_FAILED)


def _unpack_glib(console: Console, scratch: pathlib.Path, include: pathlib.Path) -> None:
    suite = apt.Suite(console, _GLIB_SUITE, ("amd64",))
    apt.unpack(console, suite.download([_GLIB]), scratch)
    target = include / "glib-2.0"
    (scratch / "usr" / "include" / "glib-2.0").replace(target)
    configuration = scratch / "usr" / "lib" / _TRIPLET / "glib-2.0" / "include" / "glibconfig.h"
    configuration.replace(target / "glibconfig.h")
    shutil.rmtree(scratch)
