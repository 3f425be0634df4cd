# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""Every planted mistake still applies to the code, and names a rule of the observer."""

import pathlib
import sys

_HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(_HERE), str(_HERE.parents[1] / "toolchain")]

from planted import MISTAKES, Planted  # noqa: E402
from ravelin_cli import paths  # noqa: E402


def _trouble(mistake: Planted, rules: str) -> str:
    """Why the entry is wrong, or nothing."""
    text = (paths.REPOSITORY / mistake.file).read_text(encoding="utf-8")
    found = text.count(mistake.old)
    if found != 1:
        return f"its text stands {found} times in {mistake.file}"
    return "" if f'"{mistake.rule}"' in rules else f"there is no rule {mistake.rule}"


def main() -> int:
    """Prints a CHECK line for each entry."""
    rules = (_HERE / "report.cc").read_text(encoding="utf-8")
    failed = False
    for mistake in MISTAKES:
        trouble = _trouble(mistake, rules)
        failed |= bool(trouble)
        print(f"CHECK fail {mistake.name}: {trouble}" if trouble else f"CHECK pass {mistake.name}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
