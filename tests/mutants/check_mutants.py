# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""Every mutant still applies to the code, and names a check or a test that exists."""

import pathlib
import sys

_HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(_HERE), str(_HERE.parents[1] / "toolchain")]

import in_interrupts  # noqa: E402
import in_machine  # noqa: E402
import in_tests  # noqa: E402
from mutant import InTests, Mutant  # noqa: E402
from ravelin_cli import paths, scenario  # noqa: E402


def _is_declared(target: str) -> bool:
    """Whether a BUILD file declares the target."""
    folder, _, name = target.removeprefix("//").partition(":")
    build = paths.REPOSITORY / folder / "BUILD"
    return build.exists() and f'{name}"' in build.read_text(encoding="utf-8")


def _trouble(mutant: Mutant, checks: dict[str, tuple[str, ...]]) -> str:
    """Why the entry is wrong, or nothing."""
    text = (paths.REPOSITORY / mutant.file).read_text(encoding="utf-8")
    found = text.count(mutant.old)
    if found != 1:
        return f"its text stands {found} times in {mutant.file}"
    killer = mutant.killer
    if isinstance(killer, InTests):
        missing = [target for target in killer.targets if not _is_declared(target)]
        return f"there is no test {missing[0]}" if missing else ""
    if killer.check not in checks.get(killer.scenario, ()):
        return f"there is no check {killer}"
    return ""


def main() -> int:
    """Prints a CHECK line for each entry."""
    checks = {item.name: item.checks for item in scenario.discover()}
    failed = False
    for mutant in (*in_tests.MUTANTS, *in_interrupts.MUTANTS, *in_machine.MUTANTS):
        trouble = _trouble(mutant, checks)
        failed |= bool(trouble)
        print(f"CHECK fail {mutant.name}: {trouble}" if trouble else f"CHECK pass {mutant.name}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
