# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""Formatting and static analysis of our C++."""

from __future__ import annotations

import pathlib

from . import paths
from .console import Console

_FOLDERS = ("hyp", "stage2", "pvm_handlers", "attestation", "host_shim", "tests", "toolchain")
_SUFFIXES = {".cc", ".h"}


def sources() -> list[pathlib.Path]:
    """Our C++ files; the Linux modules are C in the kernel's style, and left out."""
    modules = [f for f in _modules() if f.exists()]
    files = []
    for folder in _FOLDERS:
        for path in sorted((paths.REPOSITORY / folder).rglob("*")):
            in_module = any(module in path.parents for module in modules)
            if path.suffix in _SUFFIXES and path.is_file() and not in_module:
                files.append(path)
    return files


def _modules() -> list[pathlib.Path]:
    root = paths.REPOSITORY
    return [root / "host_shim" / "driver", root / "tests" / "attacks" / "module"]


def clang_format(console: Console) -> str:
    """What clang-format would change; empty if nothing."""
    command = ["clang-format-19", "--dry-run", "-Werror", "--style=file", *sources()]
    status, output = console.attempt(command)
    return "" if status == 0 else _first_finding(output, "clang-format")


def clang_tidy(console: Console, config: str) -> str:
    """What clang-tidy finds; empty if nothing. Bazel repeats it only on changes.

    Looks at what compiles for the build machine or, with the configuration
    "el2_debian", at what compiles for EL2 only.
    """
    command = ["bazel", "build", "--config=tidy", *([f"--config={config}"] if config else [])]
    status, output = console.attempt([*command, "--", "//..."])
    return "" if status == 0 else _first_finding(output, "clang-tidy")


def _first_finding(output: str, tool: str) -> str:
    findings = [line for line in output.splitlines() if ": error: " in line or "ERROR:" in line]
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    preferred = [line for line in findings if ": error: " in line] or findings
    return (preferred[0] + more) if preferred else f"{tool} failed: see the log"
