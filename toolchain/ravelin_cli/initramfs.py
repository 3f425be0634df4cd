# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""The host's initramfs, put together from the list in tests/qemu/initramfs.json.

docs/building.md describes the format of that list.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import pathlib

from . import bazel, cpio, linux, paths
from .errors import ExitCode, RavelinError

MANIFEST = paths.REPOSITORY / "tests" / "qemu" / "initramfs.json"
_KINDS = ("label", "path", "module", "busybox")


@dataclasses.dataclass(frozen=True)
class Item:
    """One line of the list: what becomes which file."""

    destination: str
    kind: str
    source: str
    mode: int


def _item(position: int, line: dict[str, str]) -> Item:
    kinds = [kind for kind in _KINDS if kind in line]
    unknown = set(line) - {"dest", "mode", *_KINDS}
    if "dest" not in line or len(kinds) != 1 or unknown:
        raise RavelinError(
            f"{MANIFEST.name}: file {position} needs 'dest' and one of {', '.join(_KINDS)}",
            ExitCode.INPUT_INVALID,
        )
    kind = kinds[0]
    default_mode = "644" if kind == "module" else "755"
    mode = int(line.get("mode", default_mode), 8)
    return Item(line["dest"].strip("/"), kind, line[kind], mode)


def _read() -> dict:
    try:
        return json.loads(MANIFEST.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RavelinError(f"{MANIFEST}: {error}", ExitCode.INPUT_INVALID) from error


def items() -> list[Item]:
    """The files of the list. RavelinError names a malformed line."""
    return [_item(i + 1, line) for i, line in enumerate(_read()["files"])]


def labels() -> list[str]:
    """The Bazel targets that the list needs."""
    return sorted({item.source for item in items() if item.kind == "label"})


def _source_path(item: Item) -> pathlib.Path:
    if item.kind == "label":
        return bazel.output(item.source)
    if item.kind == "module":
        return paths.out() / "modules" / item.source
    if item.kind == "busybox":
        return linux.busybox()
    return paths.REPOSITORY / item.source


def _files(item: Item) -> list[cpio.Entry]:
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
            f"{MANIFEST.name}: /{item.destination} comes from {source}, which cannot be read"
            f" ({error.strerror})",
            ExitCode.BUILD_FAILED,
        ) from error


def _entries() -> list[cpio.Entry]:
    manifest = _read()
    entries = [cpio.folder(name.strip("/")) for name in manifest["folders"]]
    entries += [cpio.character_device("dev/console", 5, 1)]
    entries += [cpio.link(f"bin/{name}", "busybox") for name in manifest["applets"]]
    for item in items():
        entries += _files(item)
    return entries


def build() -> pathlib.Path:
    """Writes the archive; returns its path, which is keyed by its content."""
    data = cpio.archive(_entries())
    key = hashlib.sha256(data).hexdigest()[:16]
    path = paths.out() / f"initramfs-{key}.cpio"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        for old in path.parent.glob("initramfs-*.cpio"):
            old.unlink()
        temporary = path.with_suffix(".part")
        temporary.write_bytes(data)
        temporary.replace(path)
    paths.point(path.parent / "initramfs.cpio", path)
    return path
