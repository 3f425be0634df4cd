#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""Asks herd7 whether Arm's memory model allows what must not happen (tests/litmus/*.litmus).

Each file says what must never be seen. Each of its `weakened:` lines names
instructions to replace; without them the model has to allow it, or else the
test could not fail. Ends with the count of tests, and of those as expected.
"""

import pathlib
import re
import sys
import tempfile

_HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parents[1] / "toolchain"))

from ravelin_cli import herd  # noqa: E402
from ravelin_cli.console import Console  # noqa: E402

_FIELD = re.compile(r"^\s*(variant|weakened): (.*?)(?: \*\))?$", re.MULTILINE)
_OBSERVATION = re.compile(r"^Observation \S+ (\w+) ", re.MULTILINE)


def _weakened(text: str, rule: str) -> str:
    """The test with the instructions of a rule replaced. ValueError if they are not there."""
    head, _, body = text.partition("*)")
    for pair in rule.split(" & "):
        old, new = (part.strip() for part in pair.split(" -> "))
        words = [re.escape(word) for word in old.replace("|", " | ").split()]
        pattern = re.compile(r"\s*".join(words))
        if not pattern.search(body):
            raise ValueError(f"no instruction {old}")
        body = pattern.sub(new, body)
    return head + "*)" + body


def _observe(console: Console, text: str, variant: str) -> str:
    """Never, Sometimes or Always, or what herd7 says instead."""
    with tempfile.NamedTemporaryFile("w", suffix=".litmus", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        options = ["-variant", variant] if variant else []
        _, output = console.attempt([*herd.command(), *options, file.name])
    found = _OBSERVATION.search(output)
    return found.group(1) if found else output.strip().splitlines()[-1]


def runs_of(path: pathlib.Path) -> list[tuple[str, str, str, str]]:
    """Name, text, variant and expected observation: of the test and of each weakened one."""
    text = path.read_text(encoding="utf-8")
    fields = _FIELD.findall(text)
    variant = next((value for name, value in fields if name == "variant"), "")
    runs = [(path.stem, text, variant, "Never")]
    rules = [value for name, value in fields if name == "weakened"]
    for i, rule in enumerate(rules, 1):
        runs.append((f"{path.stem}/weakened{i}", _weakened(text, rule), variant, "Sometimes"))
    return runs


def main() -> int:
    """Prints a CHECK line for each run, and the count."""
    console = Console("litmus", verbose=False)
    herd.ensure(console)
    expected = total = 0
    for path in sorted(_HERE.glob("*.litmus")):
        for name, text, variant, wanted in runs_of(path):
            seen = _observe(console, text, variant)
            total += 1
            expected += seen == wanted
            verdict = "pass" if seen == wanted else "fail"
            print(f"CHECK {verdict} {name}: {seen}, expected {wanted}", flush=True)
    print(f"{total} litmus tests, {expected} as expected")
    return 0 if total and expected == total else 1


if __name__ == "__main__":
    sys.exit(main())
