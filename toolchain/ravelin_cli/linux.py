# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""The host's Linux: Debian's newest 6.1 cloud kernel for arm64, unmodified.

The kernel, the headers that its modules are built against, and a static busybox
are unpacked into the cache, keyed by version. Nothing is installed.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
import shutil

from . import apt, paths
from .console import Console
from .errors import ExitCode, FetchError, RavelinError

_SUITE = "bookworm"
_NAME = r"linux-image-(6\.1\.0-(\d+)-cloud-arm64)"
_TRIES = 3
_IMAGE_MAGIC = b"ARM\x64"
_IMAGE_MAGIC_OFFSET = 0x38


@dataclasses.dataclass(frozen=True)
class Kernel:
    """An unpacked kernel."""

    folder: pathlib.Path

    @property
    def release(self) -> str:
        """What `uname -r` prints under it."""
        return (self.folder / "RELEASE").read_text(encoding="utf-8").strip()

    @property
    def image(self) -> pathlib.Path:
        """The arm64 Image."""
        return self.folder / "vmlinuz"

    def module(self, name: str) -> pathlib.Path:
        """A module of the kernel's own package, by its name. RavelinError if there is none."""
        found = sorted((self.folder / "image" / "lib" / "modules").rglob(f"{name}.ko"))
        if not found:
            raise RavelinError(f"kernel {self.release} has no module {name}", ExitCode.BUILD_FAILED)
        return found[0]

    @property
    def build_tree(self) -> pathlib.Path:
        """The folder to give to `make -C` for building a module."""
        return self.folder / "headers" / "usr" / "src" / f"linux-headers-{self.release}"


def current() -> Kernel | None:
    """The kernel in the cache, if there is one."""
    folder = paths.cache() / "linux" / "current"
    return Kernel(folder.resolve()) if (folder / "RELEASE").exists() else None


def require() -> Kernel:
    """The kernel in the cache. RavelinError if there is none."""
    kernel = current()
    if not kernel:
        raise RavelinError("no kernel in the cache: run ./ravelin setup", ExitCode.SETUP_FAILED)
    return kernel


def busybox() -> pathlib.Path:
    """Where the cache has the static arm64 busybox (which may be missing)."""
    return paths.cache() / "busybox" / "current" / "bin" / "busybox"


def _suite(console: Console) -> apt.Suite:
    return apt.Suite(console, _SUITE, ("arm64", "amd64"))


def fetch(console: Console) -> Kernel:
    """Fetches the newest kernel that the mirror really has.

    A release whose files are missing is named and skipped; FetchError after the
    third.
    """
    suite = _suite(console)
    releases = {}
    for name in suite.package_names(_NAME):
        found = re.fullmatch(_NAME, name)
        if found:
            releases[int(found.group(2))] = found.group(1)
    failures = []
    for number in sorted(releases, reverse=True)[:_TRIES]:
        try:
            return _fetch_release(console, suite, releases[number])
        except FetchError as error:
            failures.append(str(error))
            console.say(f"      {error}; trying an older kernel")
    raise FetchError(f"no 6.1 cloud kernel for arm64 in {_SUITE}: " + "; ".join(failures))


def _fetch_release(console: Console, suite: apt.Suite, release: str) -> Kernel:
    version = suite.version(f"linux-image-{release}")
    base = paths.cache_folder("linux")
    folder = base / f"{version}-{release}"
    if not (folder / "RELEASE").exists():
        image_package = f"linux-image-{release}"
        common = release.replace("-cloud-arm64", "-common")
        header_packages = [
            f"linux-headers-{release}",
            f"linux-headers-{common}",
            "linux-kbuild-6.1:amd64",
        ]
        size = suite.size_of([image_package, *header_packages]) // 1_000_000
        console.say(f"      {release} ({version}), {size} MB")
        images = suite.download([image_package])
        headers = suite.download(header_packages)
        partial = base / f".{folder.name}.{os.getpid()}"
        _unpack_image(console, images, release, partial)
        apt.unpack(console, headers, partial / "headers")
        _relocate_headers(partial / "headers", folder / "headers", release, common)
        (partial / "RELEASE").write_text(release + "\n", encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        partial.replace(folder)
    paths.point(base / "current", folder)
    return Kernel(folder)


def _unpack_image(
    console: Console, packages: list[pathlib.Path], release: str, folder: pathlib.Path
) -> None:
    whole = folder / "image"
    apt.unpack(console, packages, whole)
    image = whole / "boot" / f"vmlinuz-{release}"
    header = image.read_bytes()[: _IMAGE_MAGIC_OFFSET + 4]
    if header[_IMAGE_MAGIC_OFFSET:] != _IMAGE_MAGIC:
        raise FetchError(f"{image.name} of {packages[0].name} is no arm64 Image")
    image.replace(folder / "vmlinuz")


def _relocate_headers(
    unpacked: pathlib.Path, final: pathlib.Path, release: str, common: str
) -> None:
    """Makes the headers refer to each other where they will be, not in /usr/src."""
    tree = unpacked / "usr" / "src" / f"linux-headers-{release}"
    makefile = tree / "Makefile"
    text = makefile.read_text(encoding="utf-8")
    installed = f"/usr/src/linux-headers-{common}"
    if installed not in text:
        raise FetchError(f"the Makefile of linux-headers-{release} does not include {installed}")
    makefile.write_text(text.replace(installed, f"{final}{installed}"), encoding="utf-8")


def fetch_busybox(console: Console) -> pathlib.Path:
    """Fetches the static arm64 busybox; returns its path."""
    suite = _suite(console)
    base = paths.cache_folder("busybox")
    folder = base / suite.version("busybox-static")
    if not (folder / "bin" / "busybox").exists():
        partial = base / f".{folder.name}.{os.getpid()}"
        apt.unpack(console, suite.download(["busybox-static"]), partial)
        partial.replace(folder)
    paths.point(base / "current", folder)
    return busybox()
