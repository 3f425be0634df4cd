# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""The stock kernel boots at EL1 with all its CPUs: on each model, by either compiler."""

from ravelin_cli.scenario import Scenario

_CPU_MODELS = ("max", "neoverse-n1", "cortex-a53")


def _boot(name: str, cpu: str, monitor: str) -> Scenario:
    return Scenario(
        name=f"boot-{name}",
        script="boot.sh",
        checks=("started_at_el1", "all_cpus_online"),
        cpu=cpu,
        smp=4,
        append="ravelin.cpus=4",
        monitor=monitor,
    )


SCENARIOS = [
    *(_boot(cpu, cpu, "//hyp:ravelin") for cpu in _CPU_MODELS),
    _boot("debian-gcc", "max", "//hyp:ravelin_debian"),
]
