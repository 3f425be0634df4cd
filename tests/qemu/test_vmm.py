# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""ravelin-vmm runs a Linux guest on the KVM of an unmodified kernel at EL2, without the monitor."""

from ravelin_cli.scenario import Scenario

_CHECKS = (
    "has_kvm",
    "raw_image_runs",
    "linux_powers_off",
    "two_cpus",
    "clock_is_right",
    "disk_is_read",
    "disk_is_copied",
    "disk_was_written",
    "disk_has_a_name",
    "random_bytes",
    "timers_tick",
    "console_input",
    "uart_output",
    "early_console",
    "sigterm_stops",
)

SCENARIOS = [
    Scenario(
        "vmm-on-kvm",
        "vmm_on_kvm.sh",
        _CHECKS,
        cpu="neoverse-n1",
        memory="1G",
        append="kvm-arm.mode=nvhe",
        monitor="",
        initramfs="tests/vmm/vmm_host.json",
        timeout=240,
    ),
]
