# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""The cost of operations in EL2 (tests/bench) does not grow."""

from ravelin_cli import bench as costs
from ravelin_cli.scenario import Bench, Driven

_CPU = "neoverse-n1"
_SHOWN = 5


def _say(found: list[str]) -> str:
    return "; ".join(found[:_SHOWN])


def _compare(bench: Bench) -> None:
    """Measures twice, and compares with the recorded figures and the goals."""
    figures = costs.read_figures(bench.boot(**costs.machine_options(_CPU)))
    again = costs.read_figures(bench.boot(**costs.machine_options(_CPU)))
    recorded = costs.baseline(_CPU)
    bench.check("reproducible", figures == again, "two runs differ")
    missing = costs.missing(figures, recorded)
    bench.check("recorded", not missing, f"./ravelin bench --record: {_say(missing)}")
    grown = costs.grown(figures, recorded)
    bench.check("growth", not grown, _say(grown))
    above = costs.above_goals(figures, costs.goals()) if costs.GATE_ON_GOALS else []
    bench.check("goals", not above, _say(above))


SCENARIOS = [
    Driven("bench", _compare, ("reproducible", "recorded", "growth", "goals"), (costs.PAYLOAD,))
]
