# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""Everything that this machine needs, fetched once: the steps of ./ravelin setup."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable

from . import apt, armgnu, herd, linux, paths, qemu, sources
from .console import Console
from .errors import FetchError

_PACKAGES = [
    "bazel-bootstrap",
    "bazel-platforms",
    "binutils",
    "clang-19",
    "clang-format-19",
    "clang-tidy-19",
    "device-tree-compiler",
    "g++",
    "g++-aarch64-linux-gnu",
    "gcc",
    "gcc-aarch64-linux-gnu",
    "googletest",
    "libclang-rt-19-dev",
    "llvm-19",
    "make",
    "patchelf",
    "qemu-system-arm",
    "xz-utils",
]


@dataclasses.dataclass(frozen=True)
class _Step:
    text: str
    done: Callable[[], bool]
    do: Callable[[], object]


def _fetch_toolchain(console: Console) -> None:
    """Fetches the Arm GNU Toolchain; without it the EL2 image is built by Debian's GCC."""
    try:
        armgnu.fetch(console)
    except FetchError as error:
        console.say(f"      {error}\n      the EL2 image will be built by aarch64-linux-gnu-g++")


def _steps(console: Console) -> list[_Step]:
    packages = apt.missing(_PACKAGES)
    steps = [
        _Step(
            f"installing {len(packages)} packages: {' '.join(packages)}",
            lambda: not packages,
            lambda: apt.install(console, packages),
        ),
        _Step(
            "fetching the Arm GNU Toolchain",
            lambda: armgnu.located() is not None,
            lambda: _fetch_toolchain(console),
        ),
    ]
    for library in sources.LIBRARIES:
        steps.append(
            _Step(
                f"fetching the sources of {library.name}",
                lambda library=library: sources.present(library),
                lambda library=library: sources.fetch(console, library),
            )
        )
    steps.append(
        _Step("fetching QEMU 10 for the observer", qemu.present, lambda: qemu.fetch(console))
    )
    steps.append(
        _Step(
            "fetching the host's Linux kernel and its headers",
            lambda: linux.current() is not None,
            lambda: linux.fetch(console),
        )
    )
    steps.append(
        _Step(
            "fetching busybox for arm64",
            lambda: linux.busybox().exists(),
            lambda: linux.fetch_busybox(console),
        )
    )
    return steps


def _steps_of_long_tests(console: Console) -> list[_Step]:
    return [_Step("fetching herd7", herd.present, lambda: herd.fetch(console))]


def ensure(console: Console, update: bool = False, thorough: bool = False) -> None:
    """Does the steps that are still to be done; all but the packages if `update`.

    Those that only the long tests need if `thorough`. Raises RavelinError at the first step that
    fails.
    """
    steps = _steps(console) + (_steps_of_long_tests(console) if thorough else [])
    todo = [step for i, step in enumerate(steps) if not step.done() or (update and i > 0)]
    console.plan(len(todo))
    for step in todo:
        console.step(step.text)
        step.do()
    _tell_bazel()


def _fingerprint() -> str:
    """Changes whenever Bazel has to look at compilers and sources again."""
    parts = [str(armgnu.located() or "debian")]
    current = paths.cache() / "arm-gnu-toolchain" / "current"
    names = ["qemu_plugin", *(library.name for library in sources.LIBRARIES)]
    links = [current, *(paths.cache() / "third_party" / name for name in names)]
    parts += [link.resolve().name for link in links if link.exists()]
    return ",".join(parts)


def _tell_bazel() -> None:
    lines = [
        "# Written by ./ravelin setup.",
        f"common --repo_env=RAVELIN_CACHE={paths.cache()}",
        f"common --repo_env=RAVELIN_SETUP={_fingerprint()}",
    ]
    _write_if_changed(paths.REPOSITORY / ".ravelin.bazelrc", "\n".join(lines) + "\n")


def _write_if_changed(path: pathlib.Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
