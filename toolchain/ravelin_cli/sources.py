# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""Third-party sources: fixed versions, pinned by SHA-256, each with a second source."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import shutil

from . import apt, paths
from .console import Console
from .errors import ExitCode, FetchError


@dataclasses.dataclass(frozen=True)
class Origin:
    """One place for one version of a library: a source package's upstream archive.

    The files in `folders` of the archive, together, are the library.
    """

    codename: str
    package: str
    file: str
    sha256: str
    version: str
    folders: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Library:
    """A library that Bazel builds from the cache's third_party folder."""

    name: str
    origins: tuple[Origin, ...]


LIBRARIES = (
    Library(
        "libfdt",
        (
            Origin(
                "trixie",
                "device-tree-compiler",
                "device-tree-compiler_1.7.2.orig.tar.xz",
                "92d8ca769805ae1f176204230438fe52808f4e1c7944053c9eec0e649b237539",
                "1.7.2",
                ("libfdt",),
            ),
            # The same library, as Trusted Firmware carries it.
            Origin(
                "trixie",
                "arm-trusted-firmware",
                "arm-trusted-firmware_2.12.1+dfsg.orig.tar.xz",
                "332c08d71867b7f0dce0bce4cb2abd80f19cb3e0a2de6fe07245c111189d6fb7",
                "tf-2.12.1",
                ("lib/libfdt", "include/lib/libfdt"),
            ),
        ),
    ),
)


def present(library: Library) -> bool:
    """Whether the cache holds the library."""
    return (paths.cache() / "third_party" / library.name / "VERSION.ravelin").exists()


def fetch(console: Console, library: Library) -> None:
    """Fetches a library from the first origin that has it. FetchError if none has."""
    failures = []
    for origin in library.origins:
        try:
            _fetch_from(console, library, origin)
            return
        except FetchError as error:
            failures.append(str(error))
            console.say(f"      {error}")
    raise FetchError(f"no source has {library.name}: " + "; ".join(failures))


def _fetch_from(console: Console, library: Library, origin: Origin) -> None:
    base = paths.cache_folder("third_party")
    folder = base / f"{library.name}-{origin.version}"
    if not (folder / "VERSION.ravelin").exists():
        archive = paths.cache_folder("debs") / origin.file
        if not archive.exists():
            uri = _address(console, origin)
            apt.fetch(console, uri, f"SHA256:{origin.sha256}", archive)
        partial = base / f".{folder.name}.{os.getpid()}"
        _unpack(console, archive, origin, partial / library.name)
        (partial / "VERSION.ravelin").write_text(f"{origin.version} {origin.sha256}\n")
        shutil.rmtree(folder, ignore_errors=True)
        partial.replace(folder)
    paths.point(base / library.name, folder)


def _unpack(console: Console, archive: pathlib.Path, origin: Origin, target: pathlib.Path) -> None:
    """Puts the files of the origin's folders into `target`."""
    whole = target.parent.with_name(f"{target.parent.name}.whole")
    whole.mkdir(parents=True, exist_ok=True)
    target.mkdir(parents=True, exist_ok=True)
    command = ["tar", "-xf", archive, "-C", whole]
    console.run(command, f"unpacking {archive.name}", ExitCode.SETUP_FAILED)
    (top,) = whole.iterdir()
    for folder in origin.folders:
        for path in (top / folder).iterdir():
            if path.suffix in (".c", ".h"):
                shutil.copyfile(path, target / path.name)
    shutil.rmtree(whole)


def _address(console: Console, origin: Origin) -> str:
    files = apt.Suite(console, origin.codename, ("amd64",)).source_files(origin.package)
    for file in files:
        if file.name == origin.file:
            return file.uri
    names = ", ".join(file.name for file in files)
    raise FetchError(f"{origin.codename} lists no {origin.file}, but {names}")
