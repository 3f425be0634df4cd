# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""The uninstrumented monitor, watched from outside by a plugin of QEMU (tests/observer).

The figures of each run are in ~/.cache/ravelin/logs/qemu/NAME.observer.
"""

import re

from ravelin_cli import bazel, observer, paths
from ravelin_cli.errors import RavelinError
from ravelin_cli.machine import Options
from ravelin_cli.scenario import Bench, Driven

_STORM = "//tests/storm:storm"
# Instructions of the longest visit of EL2 that is not a CPU's start: twice what was ever seen.
# Calls on ranges return early, so that none grows with its range.
_LIMIT = 60_000
_SECONDS = 180
_CHECKS = ("run", "violations", "coverage")
# Below these figures the observer has seen next to nothing, and so its silence means nothing.
_LEAST = {"el2_visits": 10_000, "descriptor_stores": 2_000, "breaks": 1_000, "tlbis": 1_000}


def _watch(bench: Bench, name: str, options: Options, end: str) -> None:
    """Runs a machine until its console shows `end`, and reports what the observer has seen."""
    with observer.observation(_LIMIT) as watched:
        machine = bench.start(watched.options(options))
        trouble = ""
        try:
            machine.expect(end, _SECONDS)
            machine.wait(_SECONDS)
        except RavelinError as error:
            trouble = str(error)
            machine.stop()
        failed = re.findall(r"^CHECK fail .*$", machine.log, re.MULTILINE)
        troubles = [trouble, *failed] if trouble else failed
        bench.check("run", not troubles, "; ".join(troubles))
        report = watched.report()
    log = paths.cache_folder("logs", "qemu") / f"{name}.observer"
    log.write_text(report.text, encoding="utf-8")
    print(f"      {name}: {report.summary()}", flush=True)
    bench.check("violations", not report.violations, report.trouble())
    few = [key for key, least in _LEAST.items() if report.figures.get(key, 0) < least]
    bench.check("coverage", not few, "too few: " + ", ".join(few))


def _storm(bench: Bench) -> None:
    """Random host calls on four CPUs."""
    append = "storm.calls=50000 storm.seconds=1 storm.seed=1 storm.matrix=0"
    kernel = bazel.output(_STORM)
    options = bench.options(kernel=kernel, initramfs=None, smp=4, memory="512M", append=append)
    _watch(bench, "observer-storm", options, r"^STORM passed\n")


def _demo(bench: Bench) -> None:
    """A stock Linux with protected and normal VMs, and the attacks on them."""
    options = bench.options(memory="1G", append="ravelin.test=demo.sh")
    _watch(bench, "observer-demo", options, r"^TESTS done")


SCENARIOS = [
    Driven("observer-storm", _storm, _CHECKS, (_STORM, observer.PLUGIN)),
    Driven("observer-demo", _demo, _CHECKS, (observer.PLUGIN,)),
]
