# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""Names and source lines for the addresses in a monitor's panic report."""

from __future__ import annotations

import pathlib
import re
import shutil
import subprocess
from collections.abc import Iterable

from . import armgnu
from .errors import ExitCode, RavelinError

_ADDRESS = re.compile(r"image\+0x([0-9a-fA-F]+)")
_BASE = "__image_start"


def _tool(name: str) -> str:
    """addr2line or nm, from whichever arm64 toolchain there is."""
    gcc = armgnu.located()
    beside = gcc.with_name(f"aarch64-none-elf-{name}") if gcc else None
    if beside and beside.exists():
        return str(beside)
    found = shutil.which(f"aarch64-linux-gnu-{name}")
    if not found:
        raise RavelinError(f"no arm64 {name}: run ./ravelin setup", ExitCode.SETUP_FAILED)
    return found


def _run(command: list[str], text: str = "") -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RavelinError(
            f"{command[0]} failed: {done.stderr.strip()}", ExitCode.INPUT_INVALID
        )
    return done.stdout


def _image_base(elf: pathlib.Path) -> int:
    for line in _run([_tool("nm"), str(elf)]).splitlines():
        fields = line.split()
        if fields[-1] == _BASE:
            return int(fields[0], 16)
    raise RavelinError(f"{elf} has no symbol {_BASE}", ExitCode.INPUT_INVALID)


def _names(elf: pathlib.Path, offsets: list[int]) -> dict[int, str]:
    """For each offset, "Function (file:line)", followed by the callers that it is inlined into."""
    base = _image_base(elf)
    addresses = "".join(f"{base + offset:#x}\n" for offset in offsets)
    text = _run([_tool("addr2line"), "-a", "-i", "-C", "-f", "-e", str(elf)], addresses)
    names = {}
    for block in re.split(r"^0x", text, flags=re.MULTILINE)[1:]:
        address, *lines = block.splitlines()
        frames = [f"{name} ({place})" for name, place in zip(lines[::2], lines[1::2])]
        names[int(address, 16) - base] = " in ".join(frames)
    return names


def annotate(lines: Iterable[str], elf: pathlib.Path) -> list[str]:
    """The report's lines, with a name behind each image address.

    RavelinError if the ELF file is missing or has no image base.
    """
    if not elf.exists():
        raise RavelinError(f"{elf} does not exist: run ./ravelin build", ExitCode.INPUT_INVALID)
    text = list(lines)
    offsets = sorted({int(match, 16) for line in text for match in _ADDRESS.findall(line)})
    names = _names(elf, offsets) if offsets else {}

    def replace(match: re.Match[str]) -> str:
        return f"{match.group(0)} {names[int(match.group(1), 16)]}"

    return [_ADDRESS.sub(replace, line) for line in text]
