# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""The host as a whole: CPU hotplug, the monitor's modes, power-off and reboot."""

from ravelin_cli.scenario import Bench, Driven, Scenario

_CPUS = 4
_BOOT_SECONDS = 120
_SHELL = r"Ravelin host shell"

_HOTPLUG = (
    "modules_load",
    *(f"cpu{cpu}_off_and_on" for cpu in range(1, _CPUS)),
    "all_cpus_back",
    *(f"cpu{cpu}_runs_a_vm" for cpu in range(_CPUS)),
)


def _power_off(bench: Bench) -> None:
    """The shell's `poweroff` ends the machine."""
    machine = bench.boot(smp=_CPUS)
    machine.expect(_SHELL, _BOOT_SECONDS)
    machine.send("poweroff -f\n")
    machine.expect(r"reboot: Power down", _BOOT_SECONDS)
    status = machine.wait(_BOOT_SECONDS)
    bench.check("machine_ends", status == 0, f"QEMU's exit status is {status}")


def _reboot(bench: Bench) -> None:
    """After `reboot` the monitor starts the host again, with all CPUs."""
    machine = bench.boot(smp=_CPUS, reboots=True)
    machine.expect(_SHELL, _BOOT_SECONDS)
    machine.send("reboot -f\n")
    machine.expect(r"reboot: Restarting system", _BOOT_SECONDS)
    machine.expect(r"CPU: All CPU\(s\) started at EL1", _BOOT_SECONDS)
    bench.check("host_starts_again", True)
    shell = machine.expect(r"Ravelin host shell: \S+ (\d+) CPUs", _BOOT_SECONDS)
    bench.check("all_cpus_again", int(shell.group(1)) == _CPUS, f"{shell.group(1)} CPUs")


SCENARIOS = [
    Scenario("hotplug", "hotplug.sh", _HOTPLUG, smp=_CPUS),
    Scenario(
        "mode-nvhe",
        "mode_nvhe.sh",
        (
            "started_at_el1",
            "modules_load",
            "mode_is_nvhe",
            "normal_vm_runs",
            "protected_vm_refused",
            "monitor_unreadable",
        ),
        mode="nvhe",
    ),
    Scenario(
        "mode-none",
        "mode_none.sh",
        ("started_at_el1", "driver_refuses", "monitor_unreadable"),
        mode="none",
    ),
    Driven("poweroff", _power_off, ("machine_ends",)),
    Driven("reboot", _reboot, ("host_starts_again", "all_cpus_again")),
]
