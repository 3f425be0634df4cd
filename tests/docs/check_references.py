# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""What the documents name exists: links, files, tests, and the monitor's refusals."""

from __future__ import annotations

import pathlib
import re
import sys
from collections.abc import Callable, Iterator

from ravelin_cli import paths, scenario

_LINK = re.compile(r"\]\((?!https?:)([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")
_FOLDERS = r"hyp|stage2|pvm_handlers|host_shim|tests|toolchain|third_party|docs|LICENSES"
_PATH = re.compile(rf"(?:{_FOLDERS})/[\w./-]+\.\w+")
_TEST = re.compile(r"qemu/(?![A-Z])([\w-]+)(?:/(\w[\w-]*))?")
_REFUSALS = (
    re.compile(r'\b(?:Refusal|Refuse)\(\s*"((?:[^"\\]|\\.)*)"'),
    re.compile(r'refused: ((?:[^"\\]|\\.)*?)\\r\\n"'),
)


def documents() -> list[pathlib.Path]:
    """Our Markdown files."""
    found = paths.REPOSITORY.glob("*.md")
    for folder in _FOLDERS.split("|"):
        found = [*found, *(paths.REPOSITORY / folder).rglob("*.md")]
    return sorted(found)


def anchor(heading: str) -> str:
    """The anchor that the usual renderers give a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def _anchors(document: pathlib.Path) -> set[str]:
    return {anchor(text) for text in _HEADING.findall(document.read_text(encoding="utf-8"))}


def broken_links() -> Iterator[str]:
    """Links between documents that lead nowhere."""
    for document in documents():
        for link in _LINK.findall(document.read_text(encoding="utf-8")):
            name, _, fragment = link.partition("#")
            target = document.parent / name if name else document
            if not target.exists() or (fragment and fragment not in _anchors(target)):
                yield f"{document.name}: {link}"


def missing_files() -> Iterator[str]:
    """Files named in code quotes that do not exist. A word in capitals stands for any name."""
    for document in documents():
        for code in _CODE.findall(document.read_text(encoding="utf-8")):
            if _PATH.fullmatch(code) and not re.search(r"[A-Z]{3}", pathlib.Path(code).name):
                if not (paths.REPOSITORY / code).exists() and not code.endswith(".ko"):
                    yield f"{document.name}: {code}"


def missing_tests() -> Iterator[str]:
    """Scenarios and their checks that no file in tests/qemu declares."""
    declared = {item.name: item.checks for item in scenario.discover()}
    for document in documents():
        for code in _CODE.findall(document.read_text(encoding="utf-8")):
            test = _TEST.fullmatch(code)
            if not test:
                continue
            name, check = test.groups()
            if name not in declared or (check and check not in declared[name]):
                yield f"{document.name}: {code}"


def undocumented_refusals() -> Iterator[str]:
    """Reasons for which the monitor refuses to start that docs/porting.md does not list."""
    text = (paths.REPOSITORY / "docs" / "porting.md").read_text(encoding="utf-8")
    for source in sorted((paths.REPOSITORY / "hyp").rglob("*")):
        if source.suffix not in {".cc", ".S"}:
            continue
        code = re.sub(r'"\s*\n\s*"', "", source.read_text(encoding="utf-8"))
        for pattern in _REFUSALS:
            for reason in pattern.findall(code):
                reason = reason.replace("\\\\", "\\")
                if f"`{reason}`" not in text:
                    yield f"{source.name}: {reason}"


_CHECKS: dict[str, Callable[[], Iterator[str]]] = {
    "links": broken_links,
    "files": missing_files,
    "tests": missing_tests,
    "refusals": undocumented_refusals,
}


def main() -> int:
    """Prints one CHECK line for each kind of reference."""
    failed = False
    for name, find in _CHECKS.items():
        broken = list(find())
        failed = failed or bool(broken)
        why = "; ".join(broken)
        print(f"CHECK fail {name}: {why}" if broken else f"CHECK pass {name}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
