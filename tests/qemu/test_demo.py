# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""The scenario that `./ravelin demo` tells."""

from ravelin_cli.scenario import Scenario

_CHECKS = (
    "host_at_el1",
    "driver_loads",
    "normal_vm_starts",
    "normal_vm_found",
    "normal_vm_ends",
    "normal_process_reads",
    "protected_vm_starts",
    "protected_vm_talks",
    "scan_finds_no_secret",
    "stray_read",
    "stray_write",
    "monitor_unreadable",
    "monitor_not_found",
    "protected_vm_ends",
    "wiped",
    "own_read",
    "own_write",
    "own_syscall",
    "other_process",
    "proc_mem",
    "unharmed",
    "calls",
    "registers",
    "came_back",
)

SCENARIOS = [Scenario("demo", "demo.sh", _CHECKS, memory="1G")]
