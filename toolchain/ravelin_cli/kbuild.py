# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""Linux modules, built by Kbuild against the headers in the cache.

Kbuild writes beside its sources; a copy of them in the cache keeps the
repository clean. The copy is updated only where sources changed, so that make
does nothing when nothing changed.
"""

from __future__ import annotations

import os
import pathlib
import shutil

from . import linux, paths
from .console import Console
from .errors import ExitCode, RavelinError

MODULES = ("host_shim/driver", "tests/attacks/module")
_SHARED = ("hyp/abi",)
_CROSS = "aarch64-linux-gnu-"
_SOURCES = {".c", ".h", ".S"}
_SOURCE_NAMES = {"Makefile", "Kbuild"}


def present() -> list[pathlib.Path]:
    """The folders with a module in them, relative to the repository."""
    folders = [pathlib.Path(name) for name in MODULES]
    root = paths.REPOSITORY
    names = ("Kbuild", "Makefile")
    return [f for f in folders if any((root / f / name).exists() for name in names)]


def _wanted(path: pathlib.Path) -> bool:
    generated = path.name.endswith(".mod.c")
    return (path.suffix in _SOURCES or path.name in _SOURCE_NAMES) and not generated


def _mirror(source: pathlib.Path, target: pathlib.Path) -> None:
    """Makes `target` have the sources of `source`, touching only what differs."""
    target.mkdir(parents=True, exist_ok=True)
    wanted = {path.relative_to(source) for path in source.rglob("*") if _wanted(path)}
    for name in wanted:
        data = (source / name).read_bytes()
        copy = target / name
        if not copy.exists() or copy.read_bytes() != data:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(data)
    for copy in list(target.rglob("*")):
        if _wanted(copy) and copy.relative_to(target) not in wanted:
            copy.unlink()


def build(console: Console, kernel: linux.Kernel) -> list[pathlib.Path]:
    """Builds every module; returns the .ko files. RavelinError if one fails."""
    tree = paths.out() / "modules"
    stamp = tree / "KERNEL"
    if stamp.exists() and stamp.read_text(encoding="utf-8") != kernel.release:
        shutil.rmtree(tree)
    for name in (*_SHARED, *(str(folder) for folder in present())):
        _mirror(paths.REPOSITORY / name, tree / name)
    tree.mkdir(parents=True, exist_ok=True)
    stamp.write_text(kernel.release, encoding="utf-8")
    return [module for folder in present() for module in _build_one(console, kernel, tree, folder)]


def _build_one(
    console: Console, kernel: linux.Kernel, tree: pathlib.Path, folder: pathlib.Path
) -> list[pathlib.Path]:
    command = ["make", "-C", kernel.build_tree, f"M={tree / folder}", "ARCH=arm64"]
    command += [f"CROSS_COMPILE={_CROSS}", f"RAVELIN_ROOT={tree}", f"-j{os.cpu_count()}", "modules"]
    console.run(command, f"building the Linux module in {folder}", ExitCode.BUILD_FAILED)
    modules = sorted((tree / folder).glob("*.ko"))
    if not modules:
        raise RavelinError(f"Kbuild made no module in {folder}", ExitCode.BUILD_FAILED)
    return modules
