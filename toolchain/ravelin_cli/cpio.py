# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""A writer for the "newc" cpio archives that Linux takes as its initramfs.

The same content gives the same bytes: no time stamps, owners or inode numbers of
the build machine.
"""

from __future__ import annotations

import dataclasses
import stat

_END = "TRAILER!!!"


@dataclasses.dataclass(frozen=True)
class Entry:
    """One file, folder, link or device of the archive; `path` has no leading slash."""

    path: str
    mode: int
    data: bytes = b""
    device: tuple[int, int] = (0, 0)


def folder(path: str, mode: int = 0o755) -> Entry:
    """A folder."""
    return Entry(path, stat.S_IFDIR | mode)


def file(path: str, data: bytes, mode: int = 0o644) -> Entry:
    """A regular file."""
    return Entry(path, stat.S_IFREG | mode, data)


def link(path: str, target: str) -> Entry:
    """A symbolic link."""
    return Entry(path, stat.S_IFLNK | 0o777, target.encode())


def character_device(path: str, major: int, minor: int, mode: int = 0o600) -> Entry:
    """A character device node."""
    return Entry(path, stat.S_IFCHR | mode, device=(major, minor))


def _padding(length: int) -> bytes:
    return bytes(-length % 4)


def _record(entry: Entry, inode: int) -> bytes:
    name = entry.path.encode() + b"\0"
    links = 2 if stat.S_ISDIR(entry.mode) else 1
    major, minor = entry.device
    fields = (inode, entry.mode, 0, 0, links, 0, len(entry.data), 0, 0, major, minor, len(name), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    head = header + name
    return head + _padding(len(head)) + entry.data + _padding(len(entry.data))


def _with_parents(entries: list[Entry]) -> list[Entry]:
    """Sorted by path, with a folder for every parent that is not listed."""
    known = {entry.path: entry for entry in entries}
    for entry in entries:
        parts = entry.path.split("/")[:-1]
        for i in range(len(parts)):
            parent = "/".join(parts[: i + 1])
            known.setdefault(parent, folder(parent))
    return [known[path] for path in sorted(known)]


def archive(entries: list[Entry]) -> bytes:
    """The archive's bytes. A later entry replaces an earlier one of the same path."""
    records = [_record(entry, i + 1) for i, entry in enumerate(_with_parents(entries))]
    return b"".join(records) + _record(Entry(_END, 0), 0)
