# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""Initramfs archives, put together from lists: the host's is in tests/qemu/initramfs.json.

docs/building.md describes the format of the lists.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import pathlib

from . import bazel, cpio, linux, paths
from .errors import ExitCode, RavelinError

HOST = "tests/qemu/initramfs.json"
_KINDS = ("label", "path", "module", "busybox", "kernel", "kernel_module", "initramfs")
_MODULES = ("module", "kernel_module")


@dataclasses.dataclass(frozen=True)
class Item:
    """One line of the list: what becomes which file."""

    destination: str
    kind: str
    source: str
    mode: int


def _item(manifest: str, position: int, line: dict[str, str]) -> Item:
    kinds = [kind for kind in _KINDS if kind in line]
    unknown = set(line) - {"dest", "mode", *_KINDS}
    if "dest" not in line or len(kinds) != 1 or unknown:
        raise RavelinError(
            f"{manifest}: file {position} needs 'dest' and one of {', '.join(_KINDS)}",
            ExitCode.INPUT_INVALID,
        )
    kind = kinds[0]
    default_mode = "644" if kind in _MODULES else "755"
    mode = int(line.get("mode", default_mode), 8)
    return Item(line["dest"].strip("/"), kind, line[kind], mode)


def _read(manifest: str) -> dict:
    try:
        return json.loads((paths.REPOSITORY / manifest).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RavelinError(f"{manifest}: {error}", ExitCode.INPUT_INVALID) from error


def items(manifest: str = HOST) -> list[Item]:
    """The files of a list. RavelinError names a malformed line."""
    return [_item(manifest, i + 1, line) for i, line in enumerate(_read(manifest)["files"])]


def labels(manifest: str = HOST) -> list[str]:
    """The Bazel targets that a list needs, with those of the archives in it."""
    own = {item.source for item in items(manifest) if item.kind == "label"}
    nested = [labels(item.source) for item in items(manifest) if item.kind == "initramfs"]
    return sorted(own.union(*nested))


def _source_path(item: Item) -> pathlib.Path:
    if item.kind == "label":
        return bazel.output(item.source)
    if item.kind == "module":
        return paths.out() / "modules" / item.source
    if item.kind == "busybox":
        return linux.busybox()
    if item.kind == "kernel":
        return linux.require().image
    if item.kind == "kernel_module":
        return linux.require().module(item.source)
    if item.kind == "initramfs":
        return build(item.source)
    return paths.REPOSITORY / item.source


def _files(manifest: str, item: Item) -> list[cpio.Entry]:
    """The entries for one line; a folder gives one entry for each file below it."""
    source = _source_path(item)
    if source.is_dir():
        files = [path for path in sorted(source.rglob("*")) if path.is_file()]
        names = [f"{item.destination}/{path.relative_to(source)}" for path in files]
        return [cpio.file(n, path.read_bytes(), item.mode) for n, path in zip(names, files)]
    try:
        return [cpio.file(item.destination, source.read_bytes(), item.mode)]
    except OSError as error:
        raise RavelinError(
            f"{manifest}: /{item.destination} comes from {source}, which cannot be read"
            f" ({error.strerror})",
            ExitCode.BUILD_FAILED,
        ) from error


def _entries(manifest: str) -> list[cpio.Entry]:
    content = _read(manifest)
    entries = [cpio.folder(name.strip("/")) for name in content["folders"]]
    entries += [cpio.character_device("dev/console", 5, 1)]
    entries += [cpio.link(f"bin/{name}", "busybox") for name in content["applets"]]
    for item in items(manifest):
        entries += _files(manifest, item)
    return entries


def build(manifest: str = HOST) -> pathlib.Path:
    """Writes the archive; returns its path, which is keyed by its content."""
    name = pathlib.PurePath(manifest).stem
    data = cpio.archive(_entries(manifest))
    key = hashlib.sha256(data).hexdigest()[:16]
    path = paths.out() / f"{name}-{key}.cpio"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        for old in path.parent.glob(f"{name}-*.cpio"):
            old.unlink()
        temporary = path.with_suffix(".part")
        temporary.write_bytes(data)
        temporary.replace(path)
    paths.point(path.parent / f"{name}.cpio", path)
    return path
