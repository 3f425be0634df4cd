# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""Progress on the terminal, details in a log file, and commands run in between."""

from __future__ import annotations

import os
import pathlib
import re
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence

from . import paths
from .errors import ExitCode, RavelinError

_EXCERPT_LINES = 8
_KEPT_LOGS = 100
_ERROR = re.compile(r"\berror:|^ERROR|^E:|\bError \d|No rule to make")


def first_errors(output: str) -> str:
    """The lines that explain a command's failure: those with errors, or the last ones."""
    lines = [line for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if _ERROR.search(line)]
    excerpt = errors[:_EXCERPT_LINES] or lines[-_EXCERPT_LINES:]
    return "\n".join("    " + line for line in excerpt)


def _forget_old_logs(folder: pathlib.Path) -> None:
    """Keeps the newest logs only."""
    logs = sorted(folder.glob("*.log"), key=lambda path: path.stat().st_mtime)
    for path in logs[:-_KEPT_LOGS]:
        path.unlink(missing_ok=True)


class Console:
    """One command's output: short lines for people, everything into a log.

    Safe to use from several threads; lines never mix.
    """

    def __init__(self, command: str, verbose: bool) -> None:
        self.verbose = verbose
        self._lock = threading.Lock()
        self._step = 0
        self._steps = 0
        stamp = time.strftime("%Y%m%d-%H%M%S")
        self.log_path = paths.cache_folder("logs") / f"{command}-{stamp}-{os.getpid()}.log"
        self._log = self.log_path.open("w", encoding="utf-8")
        _forget_old_logs(self.log_path.parent)

    def plan(self, steps: int) -> None:
        """Says how many step() calls will follow."""
        self._step, self._steps = 0, steps

    def step(self, text: str) -> None:
        """Announces the next of the planned steps: `[3/7] text`."""
        self._step += 1
        self.say(f"[{self._step}/{self._steps}] {text}")

    def say(self, text: str) -> None:
        """Prints a line, and logs it."""
        with self._lock:
            print(text, flush=True)
            self._log.write(text + "\n")
            self._log.flush()

    def detail(self, text: str) -> None:
        """Logs a line, and prints it in verbose mode."""
        with self._lock:
            if self.verbose:
                print(text, file=sys.stderr, flush=True)
            self._log.write(text + "\n")
            self._log.flush()

    def run(
        self,
        command: Sequence[str | pathlib.Path],
        what: str,
        code: ExitCode,
        cwd: pathlib.Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> str:
        """Runs a command to its end and returns its output, both streams merged.

        Raises RavelinError with `code` when it cannot start or exits non-zero:
        "`what` failed", the command, its errors and the log's place.
        """
        status, output = self.attempt(command, cwd=cwd, environment=environment)
        if status == 0:
            return output
        errors = first_errors(output)
        raise RavelinError(
            f"{what} failed: {shlex.quote(str(command[0]))} exited with status {status}"
            f" (log: {self.log_path})" + (f"\n{errors}" if errors else ""),
            code,
        )

    def attempt(
        self,
        command: Sequence[str | pathlib.Path],
        cwd: pathlib.Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> tuple[int, str]:
        """Runs a command and returns its exit status (127: not found) and output."""
        words = [str(word) for word in command]
        self.detail("+ " + shlex.join(words))
        try:
            process = subprocess.Popen(
                words,
                cwd=cwd or paths.REPOSITORY,
                env={**os.environ, "LC_ALL": "C.UTF-8", **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            )
        except OSError as error:
            return 127, str(error)
        lines = []
        with process:
            for line in process.stdout or ():
                lines.append(line)
                self.detail(line.rstrip("\n"))
        return process.returncode, "".join(lines)
