# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""The parts of ./ravelin that no other test would notice breaking."""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys
import unittest
from unittest import mock

from ravelin_cli import (
    apt,
    bazel,
    bench,
    cpio,
    machine,
    observer,
    paths,
    scenario,
    symbolize,
    testing,
    thorough,
)
from ravelin_cli.console import Console

_RAVELIN = paths.REPOSITORY / "ravelin"


class AptTest(unittest.TestCase):
    """Reading the machine's configuration."""

    def test_one_line_and_stanza_agree(self) -> None:
        stanza = "Types: deb\nURIs: http://m/d\nSuites: bookworm\nComponents: main\n"
        line = "deb http://m/d bookworm main\n# deb http://m/x sid main\n"
        self.assertEqual(apt._deb822_sources(stanza), apt._one_line_sources(line))

    def test_key_of_a_line(self) -> None:
        (source,) = apt._one_line_sources("deb [arch=amd64 signed-by=/k.gpg] http://m s main")
        self.assertEqual(source.signed_by, "/k.gpg")


class BenchTest(unittest.TestCase):
    """When a figure is a failure."""

    _OLD = {"a/1": bench.Figure(100, 1, 1, 100), "b/512": bench.Figure(1000, 512, 2, 500)}

    def _grown(self, name: str, *numbers: int) -> list[str]:
        return bench.grown({**self._OLD, name: bench.Figure(*numbers)}, self._OLD)

    def test_a_little_more_is_no_failure(self) -> None:
        self.assertEqual(self._grown("a/1", 105, 1, 1, 105), [])
        self.assertEqual(self._grown("a/1", 10, 1, 1, 10), [])

    def test_more_is_a_failure(self) -> None:
        self.assertEqual(self._grown("a/1", 106, 1, 1, 106), ["a/1: 100 -> 106"])

    def test_a_longer_visit_is_a_failure(self) -> None:
        found = self._grown("b/512", 900, 512, 1, 900)
        self.assertEqual(found, ["b/512, longest visit: 500 -> 900"])

    def test_what_is_not_recorded_or_not_measured(self) -> None:
        figures = {"a/1": self._OLD["a/1"], "c/1": self._OLD["a/1"]}
        self.assertEqual(bench.missing(figures, self._OLD), ["b/512", "c/1"])

    def test_goals(self) -> None:
        wanted = bench.Goals(400, {"a/1": 100})
        self.assertEqual(
            bench.above_goals(self._OLD, wanted), ["b/512, longest visit: 500 of 400"]
        )
        wanted = bench.Goals(500, {"a/1": 99})
        self.assertEqual(bench.above_goals(self._OLD, wanted), ["a/1: 100 of 99"])

    def test_every_goal_is_measured(self) -> None:
        recorded = bench.baseline(bench.CPUS[0])
        self.assertEqual(bench.goals().instructions.keys() - recorded.keys(), set())


class CpioTest(unittest.TestCase):
    """The archive that Linux unpacks."""

    def test_parents_come_before_children(self) -> None:
        data = cpio.archive([cpio.file("a/b/c", b"text")])
        names = re.findall(rb"070701[0-9A-F]{104}([^\0]+)\0", data)
        self.assertEqual(names, [b"a", b"a/b", b"a/b/c", b"TRAILER!!!"])

    def test_order_of_entries_does_not_matter(self) -> None:
        entries = [cpio.file("x", b"1"), cpio.link("y", "x")]
        self.assertEqual(cpio.archive(entries), cpio.archive(entries[::-1]))


class MachineTest(unittest.TestCase):
    """QEMU's command line."""

    def test_commas_are_doubled(self) -> None:
        image = pathlib.Path("/image")
        options = machine.Options(image, image, image, append="x=1,2")
        words = " ".join(machine.command(options))
        self.assertIn("ravelin.mode=protected x=1,,2", words)

    def test_a_missing_kernel_is_an_error(self) -> None:
        options = machine.Options(pathlib.Path("/no,such"), None, None)
        with machine.Machine(options) as running:
            with self.assertRaisesRegex(machine.RavelinError, "the machine ended"):
                running.expect("login", timeout=20)


class ObserverTest(unittest.TestCase):
    """Reading the observer's report."""

    _TEXT = (
        "visit host hvc 0xc6001010 count 2 mean 3 max 4 histogram <2^3:2\n"
        "figure el2_visits 2\nfigure el2_instructions 6\n"
        "figure longest_visit 4 host hvc 0xc6001010\n"
        "violation owner cpu 0 pc 0x1 address 0x2 first\n"
        "violation owner cpu 0 pc 0x3 address 0x4 second\n"
        "violations owner 7\nviolations 7\nend\n"
    )

    def test_violations_have_an_example(self) -> None:
        report = observer.parse(self._TEXT)
        self.assertEqual(report.violations, {"owner": 7})
        self.assertEqual(report.trouble(), "owner x7: cpu 0 pc 0x1 address 0x2 first")

    def test_the_longest_visit_has_the_name_of_its_call(self) -> None:
        summary = observer.parse(self._TEXT).summary()
        expected = "2 visits of EL2, 6 instructions; the longest: 4 in host hvc VM_RECLAIM"
        self.assertEqual(summary, expected)

    def test_no_report_is_an_error(self) -> None:
        with observer.observation(1) as watched:
            with self.assertRaisesRegex(machine.RavelinError, "no report"):
                watched.report()


class ScenarioTest(unittest.TestCase):
    """A missing check is a failure."""

    def test_unreported_check_fails(self) -> None:
        item = scenario.Driven("x", lambda bench: bench.check("a", True), ("a", "b"))
        results = scenario.run(item, None, pathlib.Path("/nonexistent"))
        self.assertEqual([result.name for result in results if not result.passed], ["x/b"])


class ThoroughTest(unittest.TestCase):
    """Long tests run only when they are asked for, and count like any other."""

    def _run(self, with_long_tests: bool, *code: str) -> tuple[bool, str]:
        item = thorough.LongTest("planted", (sys.executable, "-c", ";".join(code)), 1)
        said: list[str] = []
        console = Console("test", verbose=False)
        with mock.patch.object(thorough, "LONG_TESTS", (item,)):
            with mock.patch.object(console, "say", said.append):
                passed = testing.run(console, "thorough/", with_long_tests)
        return passed, "\n".join(said)

    def test_not_without_the_flag(self) -> None:
        passed, said = self._run(False, "print('CHECK pass a')")
        self.assertFalse(passed)
        self.assertIn("thorough/planted runs only with --thorough", said)

    def test_checks_are_counted(self) -> None:
        passed, said = self._run(True, "print('CHECK pass a')", "print('CHECK pass b')")
        self.assertTrue(passed)
        self.assertTrue(said.endswith("of the results, long tests gave 3\n3 passed, 0 failed"))

    def test_a_failed_check_fails(self) -> None:
        passed, said = self._run(True, "print('CHECK fail a: why')")
        self.assertFalse(passed)
        self.assertIn("thorough/planted/a: why", said)

    def test_a_silent_end_fails(self) -> None:
        passed, said = self._run(True, "raise SystemExit(3)")
        self.assertFalse(passed)
        self.assertIn("exit status 3", said)


class SymbolizeTest(unittest.TestCase):
    """Names behind the addresses of a panic report."""

    def test_start_of_the_image(self) -> None:
        elf = bazel.output("//hyp:ravelin.elf")
        (line,) = symbolize.annotate(["  #0 pc image+0x0"], elf)
        self.assertRegex(line, r"#0 pc image\+0x0 \S+ \(")


class CommandTest(unittest.TestCase):
    """Exit statuses and help."""

    def _status(self, *words: str) -> int:
        return subprocess.run([_RAVELIN, *words], capture_output=True, check=False).returncode

    def test_wrong_use(self) -> None:
        self.assertEqual(self._status("nonsense"), 2)

    def test_missing_input(self) -> None:
        self.assertEqual(self._status("symbolize", "/no/such/log"), 6)

    def test_help_everywhere(self) -> None:
        commands = ("setup", "build", "run", "test", "bench", "fuzz", "coverage", "demo")
        for name in (*commands, "symbolize"):
            self.assertEqual(self._status(name, "--help"), 0)


if __name__ == "__main__":
    sys.exit(0 if unittest.main(exit=False).result.wasSuccessful() else 1)
