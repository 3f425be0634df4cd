# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""VMs and attacks on them: what runs, what is refused, what comes back."""

from ravelin_cli.scenario import Scenario

_PROTECTED = (
    "modules_load",
    "nothing_to_find_before",
    "counter_guest_runs",
    "secret_guest_starts",
    "guest_talks",
    "scan_finds_no_secret",
    "monitor_unreadable",
    "monitor_image_not_found",
    "stray_read_kills_its_thread",
    "stray_write_kills_its_thread",
    "host_lives",
    "secret_guest_finishes",
    "wiped_after_death",
    "pages_refused",
    "secret_not_readable",
    "own_read_sigbus",
    "own_write_sigbus",
    "read_into_guest_efault",
    "process_vm_readv_refused",
    "proc_mem_refused",
    "guest_unharmed",
    "wiped_after_attacked_guest",
    "monitor_image_would_be_found",
)

_NORMAL = (
    "modules_load",
    "counter_guest_runs",
    "secret_guest_starts",
    "guest_talks",
    "scan_finds_secret",
    "secret_guest_finishes",
    "secret_readable",
    "own_read_works",
    "process_vm_readv_works",
    "proc_mem_works",
    "guest_unharmed",
)

_CALLS = (
    "unknown_numbers",
    "reserved_registers",
    "handle_zero",
    "handle_stale",
    "handle_never_used",
    "handle_wide",
    "donate",
    "range",
    "share",
    "unshare",
    "change",
    "reclaim",
    "page_share",
    "topup",
    "create",
    "vcpu",
    "vcpu_registers",
    "interrupts",
    "power",
    "phases",
    "driver_still_works",
)

_REGISTERS = (
    "launch_page_unreadable",
    "guest_registers_intact",
    "memory_fault_is_page_aligned",
    "donated_page_unreadable",
    "zeroed_after_launch",
    "shut_down",
    "get_reg_refused",
    "set_reg_refused",
    "general_registers_hidden",
    "vector_registers_hidden",
    "system_registers_hidden",
    "run_page_hides_registers",
    "wiped_at_reclaim",
    "metadata_wiped",
    "all_came_back",
)

_LOOP = tuple(
    f"{part}_{figure}"
    for part in ("loop", "kill")
    for figure in ("host_memory", "monitor_pages", "donated_pages", "live_vms")
)

SCENARIOS = [
    Scenario("vm-normal", "vm_normal.sh", _NORMAL),
    Scenario("vm-protected", "vm_protected.sh", _PROTECTED),
    Scenario("vm-protected-cortex-a53", "vm_protected.sh", _PROTECTED, cpu="cortex-a53"),
    Scenario("attack-calls", "attack_calls.sh", _CALLS),
    Scenario("attack-registers", "attack_registers.sh", _REGISTERS),
    Scenario("probe", "probe.sh", ("normal_guest_ends", "protected_guest_ends")),
    Scenario("loop-vms", "loop_vms.sh", _LOOP, append="ravelin.vms=200", timeout=300),
]
