# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""Interrupts of guests on four vCPUs: the monitor's controller, timers and PSCI."""

from ravelin_cli.scenario import Scenario

_CHECKS = (
    "modules_load",
    "gic_device",
    "gic_attributes",
    "irq_lines",
    "irqfd",
    "ioeventfd",
    *(
        f"{kind}_{check}"
        for kind in ("normal", "protected")
        for check in ("timer", "ipi", "level", "resample", "edge", "cpu_off", "end")
    ),
    "host_saw_nothing_unexpected",
)

SCENARIOS = [
    Scenario("irq-api", "irq_api.sh", _CHECKS),
    Scenario("irq-api-cortex-a53", "irq_api.sh", _CHECKS, cpu="cortex-a53", smp=4),
    Scenario("irq-api-neoverse-n1", "irq_api.sh", _CHECKS, cpu="neoverse-n1", smp=4),
]
