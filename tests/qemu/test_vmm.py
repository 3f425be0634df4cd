# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""ravelin-vmm runs a Linux guest: on the KVM of an unmodified kernel at EL2, and on the monitor."""

from ravelin_cli.scenario import Scenario

_LINUX = (
    "linux_powers_off",
    "two_cpus",
    "clock_is_right",
    "disk_is_read",
    "disk_is_copied",
    "disk_was_written",
    "disk_has_a_name",
    "random_bytes",
    "timers_tick",
    "vsock_to_host",
    "vsock_refuses_a_port_without_listener",
    "vsock_reaches_guest",
    "vsock_from_host",
    "console_input",
    "uart_output",
    "early_console",
)
_ENDS = ("sigterm_stops", "reset_has_its_own_code", "kernel_is_refused_clearly")
_ON_KVM = ("has_kvm", "raw_image_runs", *_LINUX, *_ENDS)
_ON_RAVELIN = ("module_loads", *_LINUX, "host_saw_nothing_unexpected")

SCENARIOS = [
    Scenario(
        "vmm-on-kvm",
        "vmm_on_kvm.sh",
        _ON_KVM,
        cpu="neoverse-n1",
        memory="1G",
        append="kvm-arm.mode=nvhe",
        monitor="",
        initramfs="tests/vmm/vmm_host.json",
        timeout=600,
    ),
    *(
        Scenario(
            f"vmm-on-ravelin-{cpu}",
            "vmm_on_ravelin.sh",
            _ON_RAVELIN,
            cpu=cpu,
            memory="1G",
            initramfs="tests/vmm/vmm_host.json",
            timeout=600,
        )
        for cpu in ("cortex-a53", "neoverse-n1", "max")
    ),
]
