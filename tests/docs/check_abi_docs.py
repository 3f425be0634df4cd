# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""The documents that are generated say what their sources say now."""

from __future__ import annotations

import importlib.util
import sys
import types

from ravelin_cli import paths

# The generators import what they share from their own folder.
sys.path.insert(0, str(paths.REPOSITORY / "docs"))

_GENERATORS = ("docs/generate_abi.py", "docs/generate_ownership.py")


def load(path: str) -> types.ModuleType:
    """A script of the repository as a module."""
    file = paths.REPOSITORY / path
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    return module


def first_difference(actual: str, wanted: str) -> str:
    """The first line that differs; empty if none does."""
    pairs = zip(actual.splitlines() + [""], wanted.splitlines() + [""])
    for number, (have, want) in enumerate(pairs, start=1):
        if have != want:
            return f"line {number} is '{have[:60]}' and should be '{want[:60]}'"
    return "" if actual == wanted else "it has more or fewer lines than it should"


def check(path: str) -> str:
    """Why the generator's document is not up to date; empty if it is."""
    generator = load(path)
    target = paths.REPOSITORY / generator.TARGET
    if not target.exists():
        return f"there is no {generator.TARGET}: run {path}"
    try:
        wanted = generator.render(paths.REPOSITORY)
    except (KeyError, ValueError) as error:
        return f"{path} cannot read its source: {error}"
    why = first_difference(target.read_text(encoding="utf-8"), wanted)
    return f"{generator.TARGET}: {why}; run {path}" if why else ""


def main() -> int:
    """Prints one CHECK line for each document."""
    failed = False
    for path in _GENERATORS:
        why = check(path)
        failed = failed or bool(why)
        print(f"CHECK fail {path}: {why}" if why else f"CHECK pass {path}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
