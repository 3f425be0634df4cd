# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""The monitor by itself: what it refuses to start on, and its report when it must stop."""

import dataclasses
import gzip
import pathlib
import tempfile

from ravelin_cli import bazel, symbolize
from ravelin_cli.scenario import Bench, Driven

_SECONDS = 30
_SELFTEST = "//hyp:ravelin_selftest"
_LOAD_ADDRESS = 0x40200000


@dataclasses.dataclass(frozen=True)
class Fault:
    """A fault on purpose: the report's first line, and a function in its backtrace."""

    name: str
    report: str
    function: str


_FAULTS = (
    Fault("invariant", "this rule is broken", "BreakInvariant"),
    Fault("stack-overflow", "stack overflow: the guard page", "Recurse"),
    Fault("write-code", "synchronous exception in the monitor", "WriteToCode"),
    Fault("write-constants", "synchronous exception in the monitor", "WriteToConstants"),
    Fault("execute-data", "synchronous exception in the monitor", "FinishBoot"),
    Fault("read-host-memory", "synchronous exception in the monitor", "ReadHostMemory"),
)


def _reports(bench: Bench) -> None:
    """Each fault stops the machine with a report that `./ravelin symbolize` can read."""
    image = bazel.output(_SELFTEST)
    elf = bazel.output(f"{_SELFTEST}.elf")
    for fault in _FAULTS:
        machine = bench.boot(monitor=image, initramfs=None, append=f"ravelin.selftest={fault.name}")
        machine.expect(r"machine stopped", _SECONDS, fatal=())
        report = "\n".join(symbolize.annotate(machine.log.splitlines(), elf))
        machine.stop()
        bench.check(fault.name, fault.report in report and fault.function in report, report[-200:])


def _packed_kernel(bench: Bench, folder: str) -> pathlib.Path:
    packed = pathlib.Path(folder) / "vmlinuz.gz"
    with gzip.open(packed, "wb", compresslevel=1) as target:
        target.write(bench.artifacts.kernel.read_bytes()[: 1 << 20])
    return packed


def _at_el3(bench: Bench) -> dict[str, object]:
    """The image at a board's reset, before any firmware."""
    loader = f"loader,addr={_LOAD_ADDRESS:#x}"
    image = bench.artifacts.monitor
    return {
        "machine": "virt,secure=on,virtualization=on,gic-version=3",
        "monitor": None,
        "kernel": None,
        "initramfs": None,
        "qemu": ("-device", f"{loader},file={image},force-raw=on", "-device", f"{loader},cpu-num=0"),
    }


def _refusals(bench: Bench) -> None:
    """What cannot work is refused with a sentence that names it."""
    with tempfile.TemporaryDirectory() as folder:
        cases = {
            "at_el1": ({"machine": "virt,gic-version=3"}, "entered at EL1"),
            "at_el3": (_at_el3(bench), "entered at EL3"),
            "gicv2": ({"machine": "virt,virtualization=on,gic-version=2"}, "no GICv3"),
            "no_kernel": ({"kernel": None}, "no host kernel"),
            "packed_kernel": ({"kernel": _packed_kernel(bench, folder)}, "gzip-compressed"),
            "no_image": ({"kernel": bench.artifacts.initramfs}, "no arm64 Image"),
            "mode": ({"mode": "secret"}, "ravelin.mode="),
            "selftest_in_product": ({"append": "ravelin.selftest=invariant"}, "ravelin_selftest"),
        }
        for name, (options, sentence) in cases.items():
            machine = bench.boot(**options)
            refusal = machine.expect(r"Ravelin: refused: ([^\n]*)\n", _SECONDS, fatal=())
            machine.stop()
            bench.check(name, sentence in refusal.group(1), refusal.group(1))


SCENARIOS = [
    Driven("monitor-reports", _reports, tuple(fault.name for fault in _FAULTS), (_SELFTEST,)),
    Driven(
        "monitor-refusals",
        _refusals,
        (
            "at_el1",
            "at_el3",
            "gicv2",
            "no_kernel",
            "packed_kernel",
            "no_image",
            "mode",
            "selftest_in_product",
        ),
    ),
]
