# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""Every litmus test names code that exists, and what it takes away is in it."""

import pathlib
import re
import sys

_HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE))

import run  # noqa: E402
from ravelin_cli import paths  # noqa: E402

_SOURCE = re.compile(r"^\s*source: (\S+): (.*?)(?: \*\))?$", re.MULTILINE)


def _trouble(path: pathlib.Path) -> str:
    """What is wrong with a litmus test, or nothing."""
    sources = _SOURCE.findall(path.read_text(encoding="utf-8"))
    if not sources:
        return "it names no source"
    for file, text in sources:
        place = paths.REPOSITORY / file
        if not place.is_file() or text not in place.read_text(encoding="utf-8"):
            return f"`{text}` is not in {file}"
    try:
        runs = run.runs_of(path)
    except ValueError as error:
        return str(error)
    return "" if len(runs) > 1 else "nothing is taken away, so that it cannot fail"


def main() -> int:
    """Prints a CHECK line for each test."""
    files = sorted(_HERE.glob("*.litmus"))
    troubles = {path.stem: _trouble(path) for path in files}
    for name, trouble in troubles.items():
        print(f"CHECK fail {name}: {trouble}" if trouble else f"CHECK pass {name}")
    return 1 if any(troubles.values()) or not files else 0


if __name__ == "__main__":
    sys.exit(main())
