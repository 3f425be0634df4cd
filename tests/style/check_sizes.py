# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""No file is longer than 600 lines and no function longer than 60; each file says what it is.

Functions of C++ are measured by clang-tidy (readability-function-size).
"""

import ast
import pathlib
import subprocess
import sys
from collections.abc import Iterator

from ravelin_cli import paths

_MOST_LINES = 600
_MOST_FUNCTION_LINES = 60
_CODE = {".c", ".cc", ".h", ".S", ".py", ".bzl", ".ld"}
_LICENCE_LINES = 2


def _tracked() -> list[pathlib.Path]:
    command = ["git", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=paths.REPOSITORY, capture_output=True, check=True)
    return [paths.REPOSITORY / name.decode() for name in listed.stdout.split(b"\0") if name]


def _python_functions(text: str) -> Iterator[tuple[str, int]]:
    """Each function with its length."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            yield node.name, node.end_lineno - node.lineno + 1


def _c_functions(text: str) -> Iterator[tuple[str, int]]:
    """Each function with its length: in the kernel's style its braces stand in column 0."""
    lines = text.splitlines()
    start = 0
    for number, line in enumerate(lines):
        if line == "{":
            start = number
        elif line == "}" and start:
            yield lines[start - 1].strip(), number - start + 1
            start = 0


def _functions(path: pathlib.Path, text: str) -> Iterator[tuple[str, int]]:
    if path.suffix == ".py":
        return _python_functions(text)
    return _c_functions(text) if path.suffix == ".c" else iter(())


def _has_introduction(text: str) -> bool:
    """Whether a comment follows the licence."""
    lines = [line for line in text.splitlines() if not line.startswith("#!")]
    after = [line.strip("/*#; ") for line in lines[_LICENCE_LINES : _LICENCE_LINES + 3]]
    return any(after) and not after[0].startswith(("include", "pragma"))


def _troubles(path: pathlib.Path) -> Iterator[str]:
    name = path.relative_to(paths.REPOSITORY)
    text = path.read_text(encoding="utf-8")
    length = text.count("\n")
    if length > _MOST_LINES:
        yield f"{name} has {length} lines"
    for function, lines in _functions(path, text):
        if lines > _MOST_FUNCTION_LINES:
            yield f"{name}: {function} has {lines} lines"
    if path.suffix == ".h" and not _has_introduction(text):
        yield f"{name} does not say what it is"


def main() -> int:
    """Prints one CHECK line, with all that is too long."""
    code = [path for path in _tracked() if path.suffix in _CODE and path.exists()]
    troubles = [trouble for path in code for trouble in _troubles(path)]
    if troubles:
        print(f"CHECK fail sizes: {'; '.join(troubles)}")
        return 1
    print(f"CHECK pass sizes: {len(code)} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
