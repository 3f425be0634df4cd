# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""What the monitor's image must not contain, by either compiler.

No floating-point or SIMD instruction outside the routines that switch a guest's
registers; no segment that is writable and executable; no global constructor; no
undefined symbol, and nothing of the C++ runtime; nothing of the executable
specification, which the checked image has.
"""

from __future__ import annotations

import pathlib
import re
import shutil
import subprocess
import sys

from ravelin_cli import armgnu, bazel

IMAGES = ("//hyp:ravelin.elf", "//hyp:ravelin_debian.elf")
CHECKED_IMAGE = "//hyp:ravelin_checked.elf"

# Assembly that saves and restores the registers of a VM.
_SWITCHES = {"FpSave", "FpRestore", "SveSave", "SveRestore"}
_VECTOR_OPERAND = re.compile(r"(?<![\w#.])(?:[vqdshbzp]\d{1,2})(?![\w])(?:\.\w+)?")
_FUNCTION = re.compile(r"^[0-9a-f]+ <(.+)>:$")
_INSTRUCTION = re.compile(r"^\s+[0-9a-f]+:\s+[0-9a-f]{8}\s+(\S+)\s*(.*)$")
_RUNTIME = re.compile(r"_Zn[wa]|_Zd[la]|__cxa_|__gxx_|_Unwind_|__dso_handle|atexit")
# Of tests/model: mangled names of its namespace, and the words of its reports.
_SPECIFICATION = (b"ravelin5model", b"the specification")
_CONSTRUCTORS = re.compile(r"\.(init_array|fini_array|ctors|dtors|preinit_array)\b")


def _binutils(name: str, *words: str | pathlib.Path) -> str:
    gcc = armgnu.located()
    tool = gcc.with_name(f"aarch64-none-elf-{name}") if gcc else None
    program = str(tool) if tool else shutil.which(f"aarch64-linux-gnu-{name}")
    done = subprocess.run([program, *words], capture_output=True, text=True, check=True)
    return done.stdout


def vector_instruction(disassembly: str) -> str:
    """The first instruction with a vector register; empty if there is none."""
    function = ""
    for line in disassembly.splitlines():
        header = _FUNCTION.match(line)
        if header:
            function = header.group(1)
            continue
        instruction = _INSTRUCTION.match(line)
        if not instruction or function in _SWITCHES:
            continue
        operands = re.sub(r"<[^>]*>|//.*", "", instruction.group(2))
        if _VECTOR_OPERAND.search(operands):
            return f"{instruction.group(1)} {operands.strip()} in {function}"
    return ""


def writable_code(segments: str) -> str:
    """The first LOAD segment with W and E flags; empty if there is none."""
    for line in segments.splitlines():
        fields = line.split()
        if fields[:1] == ["LOAD"] and "W" in "".join(fields[6:-1]) and "E" in "".join(fields[6:-1]):
            return line.strip()
    return ""


def constructor(sections: str) -> str:
    """The first section of constructors; empty if there is none."""
    found = _CONSTRUCTORS.search(sections)
    return found.group(0) if found else ""


def foreign_symbol(symbols: str) -> str:
    """The first undefined symbol or symbol of the C++ runtime; empty if there is none."""
    for line in symbols.splitlines():
        fields = line.split()
        if fields[-2] == "U" or _RUNTIME.search(fields[-1]):
            return line.strip()
    return ""


def specification(image: pathlib.Path) -> str:
    """What the file, symbols and debugging information included, has of the specification."""
    content = image.read_bytes()
    return ", ".join(word.decode() for word in _SPECIFICATION if word in content)


def check(image: pathlib.Path) -> list[tuple[str, str]]:
    """The name of each check and what is wrong, empty if nothing is."""
    return [
        ("no-vector-instruction", vector_instruction(_binutils("objdump", "-d", image))),
        ("no-writable-code", writable_code(_binutils("readelf", "-lW", image))),
        ("no-constructor", constructor(_binutils("readelf", "-SW", image))),
        ("no-foreign-symbol", foreign_symbol(_binutils("nm", image))),
        ("no-specification", specification(image)),
    ]


def main() -> int:
    """Prints one CHECK line for each check of each image."""
    failed = False
    for label in IMAGES:
        for name, why in check(bazel.output(label)):
            failed = failed or bool(why)
            test = f"{label.removeprefix('//hyp:')}/{name}"
            print(f"CHECK fail {test}: {why}" if why else f"CHECK pass {test}")
    # The check above can fail.
    found = specification(bazel.output(CHECKED_IMAGE))
    failed = failed or not found
    test = "ravelin_checked.elf/has-specification"
    print(f"CHECK pass {test}" if found else f"CHECK fail {test}: nothing of it is found")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
