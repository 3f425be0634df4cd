# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""What runs the fuzz targets reports a bug, and every target is run and has inputs."""

import pathlib
import re
import subprocess
import sys

from ravelin_cli import fuzzing, paths
from ravelin_cli.console import Console

_BUG = "known_bug"
_MOST_INPUTS = 64
_LARGEST_CORPUS = 64 * 1024


def _report(name: str, trouble: str) -> bool:
    print(f"CHECK fail {name}: {trouble}" if trouble else f"CHECK pass {name}")
    return not trouble


def _bug_trouble(console: Console) -> str:
    """Why the known bug counts as not reported, or nothing."""
    program = fuzzing.build(console, (_BUG,))[_BUG]
    result = fuzzing.run_target(console, _BUG, program, fuzzing.Plan(seconds=60, seed=1))
    if "AddressSanitizer" not in result.why:
        return f"it was not reported: {result.why or result.note}"
    named = re.search(r"repeat with: (\S+) (\S+)$", result.why)
    if not named or not pathlib.Path(named.group(2)).read_bytes().startswith(b"BUG"):
        return f"the input was not kept: {result.why}"
    repeated = subprocess.run(named.groups(), capture_output=True, check=False)
    pathlib.Path(named.group(2)).unlink()
    return "" if repeated.returncode != 0 else "the input that was kept does not fail"


def _corpus_trouble(name: str) -> str:
    """What is wrong with a target's inputs, or nothing."""
    corpus = fuzzing.corpus_of(name)
    sizes = [path.stat().st_size for path in corpus.iterdir()] if corpus.is_dir() else []
    if not 0 < len(sizes) <= _MOST_INPUTS:
        return f"{len(sizes)} inputs in {corpus}"
    total = sum(sizes)
    return "" if total <= _LARGEST_CORPUS else f"{total} bytes in {corpus}"


def _table_trouble() -> str:
    """Whether fuzzing.TARGETS are the targets of the BUILD file."""
    text = (paths.REPOSITORY / "tests" / "fuzz" / "BUILD").read_text(encoding="utf-8")
    declared = sorted(re.findall(r'ravelin_fuzz_target\(\n    name = "(\w+)"', text))
    return "" if declared == sorted(fuzzing.TARGETS) else f"BUILD has {', '.join(declared)}"


def main() -> int:
    """Prints a CHECK line for each rule."""
    console = Console("check_fuzz", verbose=False)
    passed = [_report("known_bug", _bug_trouble(console)), _report("targets", _table_trouble())]
    passed += [_report(f"corpus/{name}", _corpus_trouble(name)) for name in fuzzing.TARGETS]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
