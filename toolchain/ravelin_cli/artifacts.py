# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""What ./ravelin build makes: the monitor, the modules and the host's initramfs."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Iterable

from . import bazel, initramfs, kbuild, linux
from .console import Console

MONITOR = "//hyp:ravelin"


@dataclasses.dataclass(frozen=True)
class Artifacts:
    """Paths of everything that a boot needs."""

    monitor: pathlib.Path
    kernel: pathlib.Path
    initramfs: pathlib.Path
    modules: tuple[pathlib.Path, ...]


def build(console: Console, targets: list[str]) -> Artifacts:
    """Builds Bazel targets, the modules and the initramfs.

    RavelinError names the part that failed.
    """
    console.plan(3)
    console.step("building the monitor and the programs (Bazel)")
    bazel.build(console, targets)
    console.step("building the Linux modules (Kbuild)")
    kernel = linux.require()
    modules = kbuild.build(console, kernel)
    console.step("putting the host's initramfs together")
    return Artifacts(bazel.output(MONITOR), kernel.image, initramfs.build(), tuple(modules))


def build_all(console: Console) -> Artifacts:
    """Builds everything that the repository can build."""
    return build(console, ["//..."])


def build_for_boot(console: Console, images: Iterable[str] = ()) -> Artifacts:
    """Builds what a boot needs, and nothing else; `images` are labels beside the monitor."""
    return build(console, sorted({MONITOR, *images, *initramfs.labels()}))
