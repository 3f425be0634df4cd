# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""Host calls at full speed from a bare-metal payload in the place of Linux (tests/storm).

RAVELIN_STORM_CALLS is the number of random calls and raises the time for the phases in which all
CPUs call at once; RAVELIN_STORM_SEED repeats a run.
"""

import functools
import os
import re
import time

from ravelin_cli import bazel
from ravelin_cli.errors import RavelinError
from ravelin_cli.scenario import Bench, Driven

_PAYLOAD = "//tests/storm:storm"
_CALLS = 3_200_000
_SECONDS = 3
# Many times what an idle machine needs.
_TIMEOUT = 300
_CHECK = re.compile(r"^CHECK (pass|fail) ([^\s:]+)(?:: (.*))?$", re.MULTILINE)
_CHECKS = (
    "start",
    "address_sweep",
    "address_sweep_with_vms",
    "call_matrix",
    "model",
    "model_on_two_cpus",
    "model_on_all_cpus",
    "chaos",
    "chaos_on_two_cpus",
    "chaos_on_all_cpus",
    "observer",
    "guests",
    "address_sweep_at_end",
)


def _storm(bench: Bench, cpu: str) -> None:
    """Runs all phases on one machine and reports their checks."""
    calls = int(os.environ.get("RAVELIN_STORM_CALLS", _CALLS))
    seed = int(os.environ.get("RAVELIN_STORM_SEED", time.time()))
    times = max(1, calls // _CALLS)
    machine = bench.boot(
        kernel=bazel.output(_PAYLOAD),
        initramfs=None,
        cpu=cpu,
        smp=4,
        memory="512M",
        append=f"storm.calls={calls} storm.seconds={_SECONDS * times} storm.seed={seed}",
    )
    try:
        machine.expect(r"^(STORM passed|CHECK fail [^\n]*)\n", _TIMEOUT * times)
        machine.wait(_TIMEOUT)
    except RavelinError as error:
        raise RavelinError(f"storm.seed={seed}: {error}", error.code) from error
    finally:
        for verdict, name, why in _CHECK.findall(machine.log):
            bench.check(name, verdict == "pass", f"storm.seed={seed}: {why}")


SCENARIOS = [
    Driven(f"storm-{cpu}", functools.partial(_storm, cpu=cpu), _CHECKS, (_PAYLOAD,))
    for cpu in ("cortex-a53", "max")
]
