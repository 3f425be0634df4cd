# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""The Arm GNU Toolchain, unpacked beside a C library of its own.

Debian's newest suite packages Arm's release, built for a newer C library than
this machine's. The programs run when their loader and libraries come from the
same suite: those are unpacked with them, and written into each program.
"""

from __future__ import annotations

import os
import pathlib
import shutil

from . import apt, paths
from .console import Console
from .errors import ExitCode

_SUITE = "sid"
_TOOLCHAIN = [
    "gcc-aarch64-none-elf",
    "binutils-aarch64-none-elf",
    "libstdc++-aarch64-none-elf",
    "picolibc-aarch64-none-elf",
]
_LIBRARIES = [
    "libc6",
    "libgcc-s1",
    "libgmp10",
    "libisl23",
    "libmpc3",
    "libmpfr6",
    "libstdc++6",
    "libzstd1",
    "zlib1g",
]
_LOADER = b"/lib64/ld-linux"
_LIBRARY_FOLDER = "usr/lib/x86_64-linux-gnu"
_GCC = "aarch64-none-elf-gcc"


def located() -> pathlib.Path | None:
    """The compiler that the build will use, or None: environment, PATH, cache."""
    named = os.environ.get("ARM_GNU_TOOLCHAIN")
    if named:
        root = pathlib.Path(named)
        return next((p for p in (root / "bin" / _GCC, root / _GCC) if p.exists()), None)
    on_path = shutil.which(_GCC)
    if on_path:
        return pathlib.Path(on_path)
    cached = _current() / "usr" / "bin" / _GCC
    return cached if cached.exists() else None


def _current() -> pathlib.Path:
    return paths.cache() / "arm-gnu-toolchain" / "current"


def _names_the_loader(path: pathlib.Path) -> bool:
    """Whether a file is a dynamically linked program."""
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        start = file.read(4096)
    return start.startswith(b"\x7fELF") and _LOADER in start


def _patch(console: Console, root: pathlib.Path, final: pathlib.Path) -> None:
    """Makes every program below `root` use the libraries that will be in `final`."""
    libraries = final / _LIBRARY_FOLDER
    programs = [path for path in sorted(root.rglob("*")) if _names_the_loader(path)]
    for program in programs:
        command = ["patchelf", "--set-interpreter", libraries / "ld-linux-x86-64.so.2"]
        command += ["--force-rpath", "--set-rpath", libraries, program]
        console.run(command, f"patching {program.name}", ExitCode.SETUP_FAILED)


def fetch(console: Console) -> pathlib.Path:
    """Fetches and unpacks the newest release; returns its folder in the cache."""
    suite = apt.Suite(console, _SUITE, ("amd64",))
    version = suite.version(_TOOLCHAIN[0])
    base = paths.cache_folder("arm-gnu-toolchain")
    final = base / version.replace(":", "_")
    if not final.exists():
        packages = [*_TOOLCHAIN, *_LIBRARIES]
        console.say(f"      {version}, {suite.size_of(packages) // 1_000_000} MB")
        partial = base / f".{final.name}.{os.getpid()}"
        apt.unpack(console, suite.download(packages), partial)
        _patch(console, partial, final)
        partial.replace(final)
    console.run(
        [final / "usr" / "bin" / _GCC, "--version"],
        "starting the Arm GNU Toolchain",
        ExitCode.SETUP_FAILED,
    )
    paths.point(_current(), final)
    return final
