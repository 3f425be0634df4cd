# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""The command line of ./ravelin."""

from __future__ import annotations

import argparse
import pathlib
import sys
import time
from collections.abc import Callable

from . import artifacts, bazel, bench, coverage, demo, fuzzing, machine, setup, symbolize, testing
from .console import Console
from .errors import ExitCode, RavelinError

_EPILOG = """\
Everything fetched or built outside of Bazel is in ~/.cache/ravelin, or where
RAVELIN_CACHE says; ARM_GNU_TOOLCHAIN names another Arm GNU Toolchain.

exit status:
  0  success                      4  something did not build
  1  a test failed                5  the machine did not start or did not behave
  2  wrong use of the command     6  an input file is wrong
  3  something could not be fetched or installed
"""
_FUZZ_TARGETS = ", ".join(fuzzing.TARGETS)


def _add_machine_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cpu", default="max", help="QEMU's CPU model (default: max)")
    parser.add_argument("--smp", type=int, default=2, metavar="N", help="CPUs (default: 2)")
    parser.add_argument("--memory", default="2G", metavar="SIZE", help="RAM (default: 2G)")
    parser.add_argument(
        "--mode",
        choices=("protected", "nvhe", "none"),
        default="protected",
        help="ravelin.mode: protected VMs (default), normal VMs only, or no VMs",
    )
    parser.add_argument(
        "--kernel", type=pathlib.Path, metavar="FILE", help="another arm64 Image for the host"
    )
    parser.add_argument(
        "--append", default="", metavar="TEXT", help="added to the host's command line"
    )
    parser.add_argument(
        "--without-monitor",
        action="store_true",
        help="boot the host's kernel at EL2 by itself, for comparison",
    )


def _add_fuzz(add: Callable[..., argparse.ArgumentParser]) -> None:
    parser = add("fuzz", "look for inputs that break the monitor", f"Targets: {_FUZZ_TARGETS}.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="default: all of them")
    parser.add_argument(
        "--seconds", type=int, default=60, metavar="N", help="for all targets (default: 60)"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="default: RAVELIN_SEED, or 1")
    parser.add_argument(
        "--keep", type=int, default=0, metavar="N", help="replace the corpus by N inputs found"
    )


def _add_test(add: Callable[..., argparse.ArgumentParser]) -> None:
    parser = add(
        "test",
        "run every test",
        "Unit tests (also under ASan and UBSan), clang-format, clang-tidy, fuzz targets, QEMU"
        " scenarios and check scripts. The last line is 'N passed, N failed'.",
    )
    parser.add_argument(
        "--only", default="", metavar="PATTERN", help="names that contain or match PATTERN"
    )
    parser.add_argument("--list", action="store_true", help="print the names, run nothing")
    parser.add_argument(
        "--thorough", action="store_true", help="run the long tests too: about two hours more"
    )


def _add_bench(add: Callable[..., argparse.ArgumentParser]) -> None:
    parser = add(
        "bench",
        "count the instructions that operations take in EL2",
        "Exact, under QEMU; compared with what is recorded in tests/bench.",
    )
    parser.add_argument(
        "--cpu", action="append", default=[], choices=bench.CPUS, help="only this model; repeatable"
    )
    parser.add_argument(
        "--record", action="store_true", help="rewrite what is recorded, compare with nothing"
    )


def _add_coverage(add: Callable[..., argparse.ArgumentParser]) -> None:
    parser = add("coverage", "say which lines and branches the unit tests and the model reach")
    areas = ", ".join(coverage.AREAS)
    parser.add_argument("areas", nargs="*", metavar="AREA", help=f"of {areas} (default: all)")
    parser.add_argument(
        "--update",
        action="store_true",
        help="bring the list of explained branches up to date; new ones still need a reason",
    )


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "-v", "--verbose", action="store_true", help="show every command and its output"
    )
    parser = argparse.ArgumentParser(
        prog="./ravelin",
        description="Builds, boots and tests the Ravelin security monitor. Each command"
        " installs what it misses.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, text: str, more: str = "") -> argparse.ArgumentParser:
        return commands.add_parser(
            name, parents=[common], help=text, description=f"{text[0].upper()}{text[1:]}. {more}"
        )

    add("demo", "show a protected VM keep a secret from its host")
    _add_test(add)
    _add_fuzz(add)
    _add_coverage(add)
    parser_run = add(
        "run", "open a host shell under the monitor in QEMU", "Ctrl-A X ends QEMU."
    )
    _add_machine_options(parser_run)
    add("build", "build the monitor, the Linux modules and the host's initramfs")
    parser_setup = add(
        "setup", "install packages, toolchains, sources and kernels", "The other commands do this."
    )
    parser_setup.add_argument(
        "--update", action="store_true", help="fetch the newest versions of what moves"
    )
    _add_bench(add)
    parser_symbolize = add(
        "symbolize",
        "name the functions in a monitor's panic report",
        "Reads a console log and prints it with function, file and line behind each address.",
    )
    parser_symbolize.add_argument(
        "log", nargs="?", default="-", metavar="LOG", help="the console log; - is standard input"
    )
    parser_symbolize.add_argument(
        "--elf", type=pathlib.Path, metavar="FILE", help="the image's ELF file (default: built)"
    )
    return parser


def _setup(console: Console, arguments: argparse.Namespace) -> ExitCode:
    setup.ensure(console, arguments.update)
    console.say("Everything is in place.")
    return ExitCode.OK


def _build(console: Console, arguments: argparse.Namespace) -> ExitCode:
    del arguments
    setup.ensure(console)
    made = artifacts.build_all(console)
    places = {"monitor": made.monitor, "host kernel": made.kernel, "initramfs": made.initramfs}
    for name, path in places.items():
        console.say(f"{name + ':':13}{path}")
    for path in made.modules:
        console.say(f"{'module:':13}{path}")
    return ExitCode.OK


def _options(made: artifacts.Artifacts, arguments: argparse.Namespace) -> machine.Options:
    return machine.Options(
        kernel=arguments.kernel or made.kernel,
        initramfs=made.initramfs,
        monitor=None if arguments.without_monitor else made.monitor,
        cpu=arguments.cpu,
        smp=arguments.smp,
        memory=arguments.memory,
        mode=arguments.mode,
        append=arguments.append,
        reboots=True,
    )


def _run(console: Console, arguments: argparse.Namespace) -> ExitCode:
    if arguments.kernel and not arguments.kernel.is_file():
        raise RavelinError(f"--kernel: no file {arguments.kernel}", ExitCode.INPUT_INVALID)
    setup.ensure(console)
    options = _options(artifacts.build_for_boot(console), arguments)
    console.detail("+ " + " ".join(machine.command(options, interactive=True)))
    status = machine.interact(options)
    if status != 0:
        raise RavelinError(f"{machine.QEMU} exited with status {status}", ExitCode.MACHINE_FAILED)
    return ExitCode.OK


def _demo(console: Console, arguments: argparse.Namespace) -> ExitCode:
    del arguments
    setup.ensure(console)
    return demo.run(console, artifacts.build_for_boot(console))


def _bench(console: Console, arguments: argparse.Namespace) -> ExitCode:
    return bench.run(console, arguments.cpu, arguments.record)


def _test(console: Console, arguments: argparse.Namespace) -> ExitCode:
    if arguments.list:
        testing.list_tests(console, arguments.only)
        return ExitCode.OK
    try:
        setup.ensure(console, thorough=arguments.thorough)
    except RavelinError as error:
        console.say(f"ravelin: {error}")
        console.say("0 passed, 1 failed")
        return error.code
    passed = testing.run(console, arguments.only, arguments.thorough)
    return ExitCode.OK if passed else ExitCode.TESTS_FAILED


def _fuzz(console: Console, arguments: argparse.Namespace) -> ExitCode:
    targets = tuple(fuzzing.known(name) for name in arguments.targets) or fuzzing.TARGETS
    setup.ensure(console)
    seed = fuzzing.default_seed() if arguments.seed is None else arguments.seed
    plan = fuzzing.Plan(fuzzing.share(arguments.seconds, len(targets)), seed)
    if arguments.keep:
        for name in targets:
            count = fuzzing.grow(console, name, plan, arguments.keep)
            console.say(f"{name}: {count} inputs in {fuzzing.corpus_of(name)}")
        return ExitCode.OK
    results = fuzzing.run(console, fuzzing.build(console, targets), plan)
    for result in results:
        verdict, text = ("pass", result.note) if result.passed else ("fail", result.why)
        console.say(f"CHECK {verdict} {result.name.removeprefix('fuzz/')}: {text}")
    return ExitCode.OK if all(result.passed for result in results) else ExitCode.TESTS_FAILED


def _coverage(console: Console, arguments: argparse.Namespace) -> ExitCode:
    for name in arguments.areas:
        if name not in coverage.AREAS:
            raise RavelinError(f"no area {name}: {', '.join(coverage.AREAS)}", ExitCode.USAGE)
    setup.ensure(console)
    for name in arguments.areas or coverage.AREAS:
        area = coverage.AREAS[name]
        report = coverage.measure(console, area)
        if arguments.update and area.explained:
            coverage.update(report)
        for line in coverage.describe(area, report):
            console.say(line)
    return ExitCode.OK


def _symbolize(console: Console, arguments: argparse.Namespace) -> ExitCode:
    del console
    try:
        text = sys.stdin.read() if arguments.log == "-" else pathlib.Path(arguments.log).read_text()
    except OSError as error:
        raise RavelinError(f"{arguments.log}: {error.strerror}", ExitCode.INPUT_INVALID) from error
    elf = arguments.elf or bazel.output(f"{artifacts.MONITOR}.elf")
    print("\n".join(symbolize.annotate(text.splitlines(), elf)))
    return ExitCode.OK


_COMMANDS = {
    "bench": _bench,
    "build": _build,
    "coverage": _coverage,
    "demo": _demo,
    "fuzz": _fuzz,
    "run": _run,
    "setup": _setup,
    "symbolize": _symbolize,
    "test": _test,
}


def main(words: list[str]) -> int:
    """Runs one command; returns the exit status."""
    arguments = _parser().parse_args(words)
    console = Console(arguments.command, arguments.verbose)
    started = time.monotonic()
    try:
        code = _COMMANDS[arguments.command](console, arguments)
    except RavelinError as error:
        console.detail(f"failed with status {int(error.code)}")
        print(f"ravelin: {error}", file=sys.stderr)
        return int(error.code)
    except KeyboardInterrupt:
        print("ravelin: interrupted", file=sys.stderr)
        return int(ExitCode.INTERRUPTED)
    console.detail(f"done in {time.monotonic() - started:.1f} s")
    return int(code)
