# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""Every removal in mutants.py still applies to the code, and names a check that exists."""

import pathlib
import sys

_HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(_HERE), str(_HERE.parents[1] / "toolchain")]

from mutants import MUTANTS, Mutant  # noqa: E402
from ravelin_cli import paths, scenario  # noqa: E402


def _trouble(mutant: Mutant, checks: dict[str, tuple[str, ...]]) -> str:
    """Why the entry is wrong, or nothing."""
    text = (paths.REPOSITORY / mutant.file).read_text(encoding="utf-8")
    found = text.count(mutant.old)
    if found != 1:
        return f"its text stands {found} times in {mutant.file}"
    if mutant.check not in checks.get(mutant.scenario, ()):
        return f"there is no check {mutant.scenario}/{mutant.check}"
    return ""


def main() -> int:
    """Prints a CHECK line for each entry."""
    checks = {item.name: item.checks for item in scenario.discover()}
    failed = False
    for mutant in MUTANTS:
        trouble = _trouble(mutant, checks)
        failed |= bool(trouble)
        print(f"CHECK fail {mutant.name}: {trouble}" if trouble else f"CHECK pass {mutant.name}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
