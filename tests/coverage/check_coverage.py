# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""The judgement over coverage: what is not covered is named, by its text, until it is explained."""

import dataclasses
import json
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

from ravelin_cli import coverage

_AREA = coverage.Area("planted", (), ("stage2/",), explained=True)
_FILE = "stage2/planted.cc"
_SOURCE = "int f(int a) {\n  if (a > 1) {\n    return 2;\n  }\n  return 1;\n}\n"
_BRANCH = coverage.Branch(_FILE, "if (a > 1) {", "a > 1", "false")


def _data(line: int, *counts: tuple[int, int]) -> dict:
    """What llvm-cov says of one condition in some instantiations."""
    return {
        "files": [{"filename": _FILE, "summary": {"lines": {"count": 6, "covered": 5}}}],
        "functions": [
            {"filenames": [_FILE], "branches": [[line, 7, line, 12, *pair, 0, 0, 4]]}
            for pair in counts
        ],
    }


class CoverageTest(unittest.TestCase):
    """Planted sources and counts."""

    def _report(self, data: dict, source: str = _SOURCE) -> coverage.Report:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, _FILE)
            path.parent.mkdir()
            path.write_text(source, encoding="utf-8")
            return coverage.report_of(data, _AREA, pathlib.Path(folder))

    def test_an_unexplained_branch_is_trouble(self) -> None:
        report = self._report(_data(2, (3, 0)))
        (trouble,) = coverage.troubles(report, {})
        self.assertIn("`a > 1` is never false in `if (a > 1) {`", trouble)

    def test_an_explained_branch_is_none(self) -> None:
        report = self._report(_data(2, (3, 0)))
        self.assertEqual(coverage.troubles(report, {_BRANCH: "why"}), [])
        self.assertEqual(report.total(), coverage.FileFigures(6, 5, 2, 1))

    def test_a_line_that_moves_keeps_its_explanation(self) -> None:
        report = self._report(_data(4, (3, 0)), "\n\n" + _SOURCE)
        self.assertEqual(coverage.troubles(report, {_BRANCH: "why"}), [])

    def test_an_explanation_of_what_is_covered_is_trouble(self) -> None:
        report = self._report(_data(2, (3, 0), (0, 1)))
        (trouble,) = coverage.troubles(report, {_BRANCH: "why"})
        self.assertIn("tested now or gone", trouble)

    def test_an_explanation_without_a_reason_is_trouble(self) -> None:
        report = self._report(_data(2, (3, 0)))
        self.assertEqual(len(coverage.troubles(report, {_BRANCH: " "})), 1)

    def test_an_update_keeps_reasons_and_asks_for_new_ones(self) -> None:
        row = {**dataclasses.asdict(_BRANCH), "why": "kept"}
        gone = {**row, "condition": "gone"}
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "uncovered.json")
            path.write_text(json.dumps([row, gone]), encoding="utf-8")
            with mock.patch.object(coverage, "EXPLANATIONS", path):
                coverage.update(self._report(_data(2, (0, 0))))
                reasons = coverage.explanations()
        never_true = dataclasses.replace(_BRANCH, never="true")
        self.assertEqual(reasons, {_BRANCH: "kept", never_true: ""})

    def test_explanations_name_files_and_lines_that_exist(self) -> None:
        for branch in coverage.explanations():
            text = (coverage.paths.REPOSITORY / branch.file).read_text(encoding="utf-8")
            self.assertIn(branch.line, text)


if __name__ == "__main__":
    sys.exit(0 if unittest.main(exit=False).result.wasSuccessful() else 1)
