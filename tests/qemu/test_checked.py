# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""The monitor with the specification of page ownership beside it (//hyp:ravelin_checked).

Each operation is compared, and what differs stops the machine. RAVELIN_RANDOM_CALLS is the number
of random calls, RAVELIN_RANDOM_SEED repeats a run.
"""

import dataclasses
import os
import pathlib
import time

from ravelin_cli import bazel
from ravelin_cli.scenario import Bench, Driven, Scenario, load

_CHECKED = "//hyp:ravelin_checked"
_PLANTED = "//hyp:ravelin_planted_bug"
_CALLS = int(os.environ.get("RAVELIN_RANDOM_CALLS", "120000"))
_SEED = int(os.environ.get("RAVELIN_RANDOM_SEED", str(int(time.time()))))
_RANDOM = f"random.calls={_CALLS} random.seed={_SEED}"
_SCRIPT = "random_calls.sh"
_SECONDS = 300
_ALSO = (
    "boot-max",
    "demo",
    "vm-normal",
    "vm-protected",
    "attack-calls",
    "probe",
    "vmm-on-ravelin-max",
)

_CHECKS = (
    "modules_load",
    "calls_agree",
    "world_agrees",
    "all_came_back",
    "every_call_compared",
)


def _also_checked() -> list[Scenario]:
    """The scenarios of other files that also run on the checked image."""
    here = pathlib.Path(__file__).resolve()
    others = [path for path in sorted(here.parent.glob("test_*.py")) if path.name != here.name]
    found = {scenario.name: scenario for path in others for scenario in load(path)}
    return [
        dataclasses.replace(
            found[name],
            name=f"checked-{name}",
            monitor=_CHECKED,
            timeout=2 * found[name].timeout,
        )
        for name in _ALSO
    ]


def _planted_bug(bench: Bench) -> None:
    """An image in which VmUnshareHost forgets a page now and then: the report names it."""
    machine = bench.boot(monitor=bazel.output(_PLANTED), append=f"ravelin.test={_SCRIPT} {_RANDOM}")
    machine.expect(r"specification disagree after:", _SECONDS, fatal=())
    operation = machine.expect(r"Ravelin:   ([^\n]*)\n", _SECONDS, fatal=())
    bench.check("bug_is_found", operation.group(1).startswith("VmUnshareHost"), operation.group(1))
    machine.expect(r"PANIC: the monitor does what the specification says", _SECONDS, fatal=())
    stopped = machine.expect(r"machine stopped", _SECONDS, fatal=())
    bench.check("machine_stops", stopped is not None)


SCENARIOS = [
    *_also_checked(),
    Scenario(
        "checked-random",
        _SCRIPT,
        _CHECKS,
        console=(r"operations compared at EL2",),
        monitor=_CHECKED,
        append=_RANDOM,
        memory="1G",
        timeout=_SECONDS,
    ),
    Driven("checked-finds-bug", _planted_bug, ("bug_is_found", "machine_stops"), (_PLANTED,)),
]
