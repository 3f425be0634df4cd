#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""Writes docs/ownership.md from stage2/ownership/transition.h and page_record.h.

    docs/generate_ownership.py            writes docs/ownership.md
    docs/generate_ownership.py --stdout   prints it

The monitor decides by that table, the tests walk it, and this is the same table
for readers. What cannot be read is an error: a table that has changed its form
must not lead to a document that is wrong.
"""

from __future__ import annotations

import pathlib
import re
import sys

from generated import REPOSITORY, run, table

_SOURCE = "stage2/ownership/transition.h"
_RECORD = "stage2/ownership/page_record.h"
TARGET = "docs/ownership.md"

_HEAD = """\
# The table of page ownership

One record of 8 bytes per page says who owns the page and to whom it is lent. Every change of a
record is one cell of this table: an operation, which says who acts, meets a page in a state, and
the result is the page's next state or the error that the caller sees. What the operations do to
translation tables, TLBs, caches and contents is in
[architecture.md](architecture.md#page-ownership).

This file is generated from `stage2/ownership/transition.h` and `page_record.h` by
`docs/generate_ownership.py`. The monitor decides by these headers, and its tests walk all of the
table."""

_STATES = """\
## States

A page of the host counts its uses by others: mappings in normal VMs (loans), mappings for devices
(maps), use as a run page (pins). It does not name the VMs, because there may be several, and one VM
may have the page at several frames: merged pages, the zero page, a VMM that has forked. The table
of each VM says which pages it borrows and where. All other pages that can change name their holder,
a VM by its VMID or a device domain by its number, and the one frame at which the holder has them."""

_TABLE = """\
## Transitions

For a call that names the page's own VM or device domain, or a page without one. A name is the next
state, capitals are the error. Of two names the second one is for the end of the last use. LIMIT,
which is not in the table, is the error of a counter that is full. A call on several pages is allowed
if every page allows it, and changes nothing otherwise."""

_MMIO = """\
## MMIO

Pages of devices that can be given away have records, too. They take these operations; for all
others they are NOT_RAM. Nothing of them is wiped or cleaned."""

_OTHER = "## The VM or device domain of somebody else"

_ENUMERATOR = re.compile(r"^\s*k(\w+),[ \t]*(?://[ \t]*(.*))?$", re.MULTILINE)
_CELL = re.compile(
    r"^inline constexpr Cell k(\w+) = (To|Till|No)\((?:PageState|Error)::k(\w+)"
    r"(?:, PageState::k(\w+))?\);",
    re.MULTILINE,
)
_EFFECT = re.compile(r"^\s*/\* (\w+) \*/ \{([^{}]*)\},$", re.MULTILINE)
_ROW = re.compile(r"^\s*/\*\s*(\w+)\s*\*/\s*\{\{(.*?)\}\},", re.MULTILINE)
_OTHER_COMMENT = re.compile(r"((?:^//[^\n]*\n)+)constexpr Cell ForOther", re.MULTILINE)


def _enumerators(source: str, text: str, name: str) -> list[tuple[str, str]]:
    body = re.search(rf"enum class {name} [^{{]*\{{(.*?)\}};", text, re.DOTALL)
    if not body:
        raise ValueError(f"{source}: no enum class {name}")
    return _ENUMERATOR.findall(body.group(1))


def _count(source: str, text: str, name: str) -> int:
    found = re.search(rf"constexpr std::size_t {name} = (\d+);", text)
    if not found:
        raise ValueError(f"{source}: no {name}")
    return int(found.group(1))


def _error(name: str) -> str:
    """WrongOwner as the ABI spells it: WRONG_OWNER."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()


def _rows(text: str, states: int) -> list[tuple[str, list[str]]]:
    cells = {
        name: _error(target) if kind == "No" else " / ".join(filter(None, (target, last)))
        for name, kind, target, last in _CELL.findall(text)
    }
    rows = []
    for operation, line in _ROW.findall(text):
        names = [cell.strip().removeprefix("k") for cell in line.split(",")]
        if len(names) != states:
            raise ValueError(f"{_SOURCE}: {operation} has {len(names)} cells, not {states}")
        rows.append((operation, [cells[name] for name in names]))
    return rows


def _other_vm(text: str) -> str:
    comment = _OTHER_COMMENT.search(text)
    if not comment:
        raise ValueError(f"{_SOURCE}: no comment above ForOther")
    return " ".join(line.removeprefix("//").strip() for line in comment.group(1).splitlines())


def render(repository: pathlib.Path = REPOSITORY) -> str:
    """The whole document."""
    text = (repository / _SOURCE).read_text(encoding="utf-8")
    record = (repository / _RECORD).read_text(encoding="utf-8")
    states = _enumerators(_RECORD, record, "PageState")
    operations = [name for name, _ in _enumerators(_SOURCE, text, "Operation")]
    rows = _rows(text, len(states))
    if len(states) != _count(_RECORD, record, "kPageStates"):
        raise ValueError(f"{_RECORD}: an enumerator cannot be read")
    if len(operations) != _count(_SOURCE, text, "kOperations"):
        raise ValueError(f"{_SOURCE}: an enumerator cannot be read")
    effects = _EFFECT.findall(text)
    if [operation for operation, _ in effects] != operations:
        raise ValueError(f"{_SOURCE}: the effects are not the operations in their order")
    if [operation for operation, _ in rows] != operations:
        raise ValueError(f"{_SOURCE}: the rows are not the operations in their order")
    parts = [
        _HEAD,
        _STATES,
        table(["state", "the page is"], [[f"`{name}`", what] for name, what in states]),
        _TABLE,
        table(
            ["operation", *(name for name, _ in states)],
            [[f"`{operation}`", *cells] for operation, cells in rows],
        ),
        _MMIO,
        ", ".join(f"`{name}`" for name, effect in effects if "takes_mmio" in effect) + ".",
        _OTHER,
        _other_vm(text),
    ]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], __doc__, TARGET, render))
