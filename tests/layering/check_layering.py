# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""No library depends, even indirectly, on a layer above its own.

The layers, from below: base, stage2, vm,
virt, then the two handler folders and the call table side by side, then boot.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict

from ravelin_cli import paths
from ravelin_cli.console import Console
from ravelin_cli.errors import ExitCode

_HANDLERS = {"pvm_handlers", "hyp/vm_handlers"}
_ABOVE_VIRT = {*_HANDLERS, "hyp/call", "hyp/boot"}
_ABOVE_VM = {"hyp/virt", *_ABOVE_VIRT}
_ABOVE_STAGE2 = {"hyp/vm", *_ABOVE_VM}
_OUTSIDE = {"attestation", "host_shim"}
_MONITOR = {"stage2", *_ABOVE_STAGE2, "hyp/arch", "hyp/platform", "hyp/trace"}

# For each folder, the folders that nothing in it may reach.
FORBIDDEN = {
    "hyp/base": {*_MONITOR, *_OUTSIDE} - {"hyp/arch"},
    "hyp/abi": {"hyp/base", *_MONITOR, *_OUTSIDE},
    "stage2": {*_ABOVE_STAGE2, *_OUTSIDE},
    "hyp/vm": {*_ABOVE_VM, *_OUTSIDE},
    "hyp/virt": {*_ABOVE_VIRT, *_OUTSIDE},
    "pvm_handlers": {"hyp/vm_handlers", "hyp/call", "hyp/boot", *_OUTSIDE},
    "hyp/vm_handlers": {"pvm_handlers", "hyp/call", "hyp/boot", *_OUTSIDE},
    "hyp/call": {"hyp/boot", *_OUTSIDE},
    "attestation": {*_MONITOR, "host_shim"},
    "host_shim": {"hyp/base", *_MONITOR, "attestation"},
}

_EDGE = re.compile(r'^\s*"(//[^"]+)" -> "(//[^"]+)"', re.MULTILINE)


def folder_of(label: str) -> str:
    """The layer that a label belongs to: //hyp/vm/x:y is in hyp/vm."""
    parts = label.removeprefix("//").split(":")[0].split("/")
    return "/".join(parts[:2]) if parts[0] == "hyp" else parts[0]


def read_graph(console: Console) -> dict[str, set[str]]:
    """Every label's direct dependencies, from Bazel."""
    command = ["bazel", "query", "--output=graph", "--nograph:factored", "kind(rule, //...)"]
    text = console.run(command, "bazel query", ExitCode.BUILD_FAILED)
    graph = defaultdict(set)
    for source, target in _EDGE.findall(text):
        graph[source].add(target)
    return graph


def reached(graph: dict[str, set[str]], label: str) -> dict[str, list[str]]:
    """What a label depends on, each with the path that leads there."""
    found = {label: [label]}
    queue = [label]
    for current in queue:
        for target in graph.get(current, set()) - found.keys():
            found[target] = [*found[current], target]
            queue.append(target)
    return found


def violation(graph: dict[str, set[str]], folder: str) -> str:
    """The first forbidden path from a library of the folder; empty if there is none."""
    for label in sorted(graph):
        if folder_of(label) != folder or label.endswith("_test"):
            continue
        for target, path in reached(graph, label).items():
            if folder_of(target) in FORBIDDEN[folder]:
                return " -> ".join(path)
    return ""


def main() -> int:
    """Prints one CHECK line for each folder that exists."""
    console = Console("layering", verbose=False)
    graph = read_graph(console)
    failed = False
    for folder in FORBIDDEN:
        if not (paths.REPOSITORY / folder).exists():
            continue
        why = violation(graph, folder)
        failed = failed or bool(why)
        print(f"CHECK fail {folder}: {why}" if why else f"CHECK pass {folder}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
