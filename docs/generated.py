# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""What the scripts that write documents (generate_*.py) have in common."""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Callable

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent


def table(heading: list[str], rows: list[list[str]]) -> str:
    """A Markdown table. Columns without any content are left out."""
    kept = [i for i in range(len(heading)) if any(row[i] for row in rows)]
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join("| " + " | ".join(line[i] for i in kept) + " |" for line in lines)


def run(words: list[str], usage: str, target: str, render: Callable[[], str]) -> int:
    """A generator's command line: writes `target`, or prints it with --stdout; the exit status."""
    if words == ["--stdout"]:
        print(render(), end="")
        return 0
    if words:
        print(usage, file=sys.stderr)
        return 2
    (REPOSITORY / target).write_text(render(), encoding="utf-8")
    return 0
