#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""Writes docs/abi.md from the headers in hyp/abi, which are the only source of the ABI.

    docs/generate_abi.py            writes docs/abi.md
    docs/generate_abi.py --stdout   prints it

What a header may contain, so that this script can read it:

- one comment after the SPDX lines: what the interface is;
- groups of #define lines. A comment above a group describes it, a comment behind
  a line describes that constant. A blank line or a comment ends a group;
- structures of ravelin_u64, arrays of it and other structures of the same header.

A comment above one or two constants becomes a section of its own; a longer group
becomes a table.
"""

from __future__ import annotations

import dataclasses
import pathlib
import re
import sys

from generated import REPOSITORY, run, table

TARGET = "docs/abi.md"

# (header, title), in the order of the document.
_HEADERS = (
    ("hyp/abi/host_call.h", "Host calls"),
    ("hyp/abi/run_page.h", "The run page"),
    ("hyp/abi/guest_call.h", "Guest calls"),
)

_INTRODUCTION = """\
# The ABI

The three interfaces of the monitor: what the host kernel may call, the page through which an exit
of a vCPU and the host's answer cross, and what a guest may call. How they work together is in
[architecture.md](architecture.md).

This file is generated from `hyp/abi/*.h` by `docs/generate_abi.py`. Change the headers, then run
the script; `tests/docs/check_abi_docs.py` fails if this file is not up to date."""

_SPDX = re.compile(r"^/\* SPDX-[^\n]*\*/\n", re.MULTILINE)
_PIECE = re.compile(
    r"/\*(?P<comment>.*?)\*/[ \t]*(?P<end>\n|$)"
    r"|^\#define[ \t]+(?P<name>\w+)[ \t]+(?P<value>[^\n]*?)"
    r"[ \t]*(?:/\*[ \t]*(?P<meaning>[^\n]*?)[ \t]*\*/)?[ \t]*$"
    r"|^struct[ \t]+(?P<struct>\w+)[ \t]*\{(?P<members>.*?)^\};"
    r"|^[ \t]*(?P<blank>)\n",
    re.DOTALL | re.MULTILINE,
)
_MEMBER = re.compile(
    r"^\s*(?P<type>ravelin_u64|struct \w+)\s+(?P<name>\w+)(?:\[(?P<count>\w+)\])?;"
    r"(?:\s*/\*\s*(?P<meaning>.*?)\s*\*/)?",
    re.MULTILINE,
)
# Code already, a call with its arguments, or a word in capitals.
_WORD = re.compile(r"`[^`]*`|\b[A-Z][A-Z0-9_]*\([a-z0-9_, ]*\)|\b[A-Z][A-Z0-9_]+\b\*?")
_HOST_NUMBER = re.compile(r"RAVELIN_HOST_(?!CALL_)\w+$")


@dataclasses.dataclass
class Constant:
    """One #define."""

    name: str
    value: str
    meaning: str


@dataclasses.dataclass
class Group:
    """Constants that belong together, and the comment above them."""

    comment: str
    constants: list[Constant]


@dataclasses.dataclass
class Structure:
    """One structure: (offset, type, name, meaning) for each member."""

    name: str
    size: int
    members: list[tuple[int, str, str, str]]


def _text(comment: str) -> str:
    """A comment's paragraphs, one line each."""
    lines = [line.strip().removeprefix("*").strip() for line in comment.strip().splitlines()]
    paragraphs = "\n".join(lines).strip().split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _number(value: str) -> str:
    """A constant's value as the reader wants it: no suffix, no brackets."""
    return value.strip("()").removesuffix("u")


class Header:
    """One header, read."""

    def __init__(self, path: pathlib.Path) -> None:
        text = _SPDX.sub("", path.read_text(encoding="utf-8"))
        self.introduction = ""
        self.parts: list[Group | Structure] = []
        self._sizes = {"ravelin_u64": 8}
        self._values: dict[str, str] = {}
        self._comment = ""
        self._open: Group | None = None
        for piece in _PIECE.finditer(text):
            self._take(piece)

    def _take(self, piece: re.Match[str]) -> None:
        if piece["comment"] is not None:
            self._take_comment(_text(piece["comment"]))
        elif piece["name"] is not None:
            self._take_constant(Constant(piece["name"], piece["value"], piece["meaning"] or ""))
        elif piece["struct"] is not None:
            self._take_structure(piece["struct"], piece["members"])
        else:
            self._comment, self._open = "", None

    def _take_comment(self, text: str) -> None:
        self._open = None
        if not self.introduction:
            self.introduction = text
        else:
            self._comment = text

    def _take_constant(self, constant: Constant) -> None:
        self._values[constant.name] = _number(constant.value)
        if not self._open:
            self._open = Group(self._comment, [])
            self._comment = ""
            self.parts.append(self._open)
        self._open.constants.append(constant)

    def _take_structure(self, name: str, text: str) -> None:
        offset = 0
        members = []
        for member in _MEMBER.finditer(text):
            count = member["count"]
            length = int(self._values.get(count, count)) if count else 1
            kind = member["type"].removeprefix("struct ")
            shown = member["type"].replace("ravelin_u64", "u64") + (f"[{length}]" if count else "")
            members.append((offset, shown, member["name"], member["meaning"] or ""))
            offset += self._sizes[kind] * length
        self._sizes[name] = offset
        self.parts.append(Structure(name, offset, members))
        self._comment, self._open = "", None

    def value(self, name: str) -> int:
        """The number of a constant."""
        return int(self._values[name], 0)

    def prose(self, text: str) -> str:
        """Text for Markdown: names as code, everything else as it reads."""
        done = 0
        out = []
        for match in _WORD.finditer(text):
            if self._is_name(match.group(0)):
                out.append(_escape(text[done : match.start()]))
                out.append(f"`{match.group(0).strip('`')}`")
                done = match.end()
        return "".join(out) + _escape(text[done:])

    def _is_name(self, word: str) -> bool:
        return any(sign in word for sign in "`(_") or f"RAVELIN_{word}" in self._values


def _escape(text: str) -> str:
    return text.replace("<", "&lt;").replace("*", "\\*").replace("|", "\\|")


def _call_number(header: Header, constant: Constant) -> str:
    if not _HOST_NUMBER.match(constant.name):
        return _number(constant.value)
    number = header.value(constant.name)
    return f"{number}, function identifier {header.value('RAVELIN_HOST_CALL_BASE') + number:#x}"


def _section(header: Header, group: Group) -> str:
    names = ", ".join(re.sub("^RAVELIN_(HOST_)?", "", c.name) for c in group.constants)
    values = "; ".join(f"`{c.name}` = {_call_number(header, c)}" for c in group.constants)
    return f"### {names}\n\n{values}\n\n{header.prose(group.comment)}"


def _constants(header: Header, group: Group) -> str:
    rows = [[f"`{c.name}`", _number(c.value), header.prose(c.meaning)] for c in group.constants]
    text = table(["constant", "value", "meaning"], rows)
    return f"{header.prose(group.comment)}\n\n{text}" if group.comment else text


def _structure(header: Header, structure: Structure) -> str:
    rows = [[str(o), f"`{n}`", k, header.prose(m)] for o, k, n, m in structure.members]
    text = table(["offset", "member", "type", "meaning"], rows)
    return f"### struct {structure.name}\n\n{structure.size} bytes.\n\n{text}"


def _part(header: Header, part: Group | Structure) -> str:
    if isinstance(part, Structure):
        return _structure(header, part)
    documented = part.comment and not any(c.meaning for c in part.constants)
    if documented and len(part.constants) <= 2:
        return _section(header, part)
    return _constants(header, part)


def _overview(header: Header) -> str:
    """The host calls in the order of their numbers."""
    rows = []
    for part in header.parts:
        for constant in part.constants if isinstance(part, Group) else []:
            if _HOST_NUMBER.match(constant.name):
                name = constant.name.removeprefix("RAVELIN_HOST_")
                number = header.value(constant.name)
                identifier = header.value("RAVELIN_HOST_CALL_BASE") + number
                rows.append([str(number), f"{identifier:#x}", f"`{name}`"])
    return table(["number", "function identifier", "call"], rows)


def render(repository: pathlib.Path = REPOSITORY) -> str:
    """The whole document."""
    parts = [_INTRODUCTION]
    for path, title in _HEADERS:
        header = Header(repository / path)
        parts += [f"## {title}", f"`{path}`", header.prose(header.introduction)]
        if title == "Host calls":
            parts.append(_overview(header))
        parts += [_part(header, part) for part in header.parts]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], __doc__, TARGET, render))
