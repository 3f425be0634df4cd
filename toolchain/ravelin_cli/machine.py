# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""The machine: QEMU's arm64 "virt" board, its serial console in our hands.

    with Machine(options) as machine:
        machine.expect(r"~ # ", timeout=60)
        machine.send("uname -r\n")

Everything that the console printed stays in `machine.log`.
"""

from __future__ import annotations

import codecs
import dataclasses
import os
import pathlib
import re
import shlex
import subprocess
import threading
import time
from collections.abc import Sequence

from .errors import ExitCode, RavelinError

QEMU = "qemu-system-aarch64"
_KERNEL_ADDRESS = 0x44000000
_INITRD_ADDRESS = 0x50000000
_CONSOLE = "console=ttyAMA0 earlycon"
_STOP_SECONDS = 5

# After one of these nothing more will come.
FATAL = (r"Kernel panic - not syncing[^\n]*\n", r"Ravelin: (refused|PANIC): [^\n]*\n")
_REPORT_SECONDS = 3


@dataclasses.dataclass(frozen=True)
class Options:
    """What to boot, and on which machine.

    Without a monitor the kernel itself starts at EL2, for comparison; without both,
    `qemu` says what runs. `qemu` are further words for QEMU's command line;
    `program` is another QEMU; `reboots` lets the machine start again on a reset
    instead of ending.
    """

    kernel: pathlib.Path | None
    initramfs: pathlib.Path | None
    monitor: pathlib.Path | None
    cpu: str = "max"
    smp: int = 2
    memory: str = "2G"
    mode: str = "protected"
    append: str = ""
    machine: str = "virt,virtualization=on,gic-version=3"
    reboots: bool = False
    program: str = QEMU
    qemu: tuple[str, ...] = ()

    def command_line(self) -> str:
        """The host kernel's command line."""
        mode = [f"ravelin.mode={self.mode}"] if self.monitor else []
        return " ".join([_CONSOLE, *mode, *([self.append] if self.append else [])])


def _option_value(text: str | pathlib.Path) -> str:
    """Text as a value inside one of QEMU's comma-separated options."""
    return str(text).replace(",", ",,")


def _payload(options: Options) -> list[str]:
    """The words that put monitor, kernel and ramdisk into memory."""
    if not options.monitor:
        if not options.kernel:
            return []
        words = ["-append", options.command_line(), "-kernel", str(options.kernel)]
        return words + (["-initrd", str(options.initramfs)] if options.initramfs else [])
    words = ["-kernel", str(options.monitor)]
    if options.kernel:
        bootargs = _option_value(options.command_line())
        device = f"guest-loader,addr={_KERNEL_ADDRESS:#x},kernel={_option_value(options.kernel)}"
        words += ["-device", f"{device},bootargs={bootargs}"]
    if options.initramfs:
        device = f"guest-loader,addr={_INITRD_ADDRESS:#x},initrd={_option_value(options.initramfs)}"
        words += ["-device", device]
    return words


# Pointer authentication with an algorithm that is cheap to emulate: a boot takes half the time.
_CPU_OPTIONS = {"max": "max,pauth-impdef=on"}


def command(options: Options, interactive: bool = False) -> list[str]:
    """QEMU's command line."""
    cpu = _CPU_OPTIONS.get(options.cpu, options.cpu)
    words = [options.program, "-M", options.machine, "-cpu", cpu, "-smp", str(options.smp)]
    words += ["-m", options.memory, "-nographic", "-nodefaults", "-net", "none"]
    words += ["-serial", "mon:stdio"] if interactive else ["-serial", "stdio", "-monitor", "none"]
    words += [] if options.reboots else ["-no-reboot"]
    return [*words, *_payload(options), *options.qemu]


def interact(options: Options) -> int:
    """Connects the terminal to the machine until it ends; QEMU's exit status."""
    try:
        return subprocess.call(command(options, interactive=True))
    except FileNotFoundError as error:
        raise RavelinError(f"{QEMU} is not installed", ExitCode.MACHINE_FAILED) from error


class Machine:
    """A running machine. Use it in a `with` statement: it ends there."""

    def __init__(self, options: Options) -> None:
        self.command = command(options)
        self._condition = threading.Condition()
        self._text = ""
        self._seen = 0
        self._ended = False
        self._started = time.monotonic()
        try:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        except FileNotFoundError as error:
            raise RavelinError(
                f"{options.program} is not installed", ExitCode.MACHINE_FAILED
            ) from error
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _read(self) -> None:
        """Collects the console until QEMU closes it."""
        descriptor = self._process.stdout.fileno()
        decoder = codecs.getincrementaldecoder("utf-8")("replace")  # a read may end inside a letter
        while data := os.read(descriptor, 65536):
            with self._condition:
                self._text += decoder.decode(data).replace("\r", "")
                self._condition.notify_all()
        with self._condition:
            self._ended = True
            self._condition.notify_all()

    @property
    def log(self) -> str:
        """Everything printed so far."""
        with self._condition:
            return self._text

    @property
    def last_line(self) -> str:
        """The last line with something on it."""
        lines = [line for line in self.log.splitlines() if line.strip()]
        return lines[-1].strip() if lines else "(nothing on the console)"

    @property
    def seconds(self) -> float:
        """Time since the machine was started."""
        return time.monotonic() - self._started

    def expect(self, pattern: str, timeout: float, fatal: Sequence[str] = FATAL) -> re.Match[str]:
        """Waits until the console prints `pattern` after what was expected before.

        Raises RavelinError, with the last line of the console, when the time is
        over, the machine ended, or it printed one of `fatal` first.
        """
        wanted = re.compile(pattern, re.MULTILINE)
        bad = re.compile("|".join(fatal)) if fatal else None
        deadline = time.monotonic() + timeout
        with self._condition:
            while True:
                found = wanted.search(self._text, self._seen)
                if found:
                    self._seen = found.end()
                    return found
                crash = bad.search(self._text, self._seen) if bad else None
                if crash:
                    self._condition.wait_for(lambda: self._ended, _REPORT_SECONDS)
                    raise self._failure(f"the machine printed '{crash.group(0).strip()}'", pattern)
                if self._ended:
                    raise self._failure("the machine ended", pattern)
                if not self._condition.wait(deadline - time.monotonic()):
                    raise self._failure(f"{timeout:.0f} s passed", pattern)

    def _failure(self, what: str, pattern: str) -> RavelinError:
        message = f"{what} while waiting for '{pattern}'; last line: {self.last_line}"
        return RavelinError(message, ExitCode.MACHINE_FAILED)

    def send(self, text: str) -> None:
        """Types text on the console. RavelinError if the machine has ended."""
        try:
            self._process.stdin.write(text.encode())
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise self._failure("the machine ended", text) from error

    def wait(self, timeout: float) -> int:
        """Waits for the machine to power off; QEMU's exit status.

        Raises RavelinError when the time is over.
        """
        try:
            status = self._process.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise self._failure(f"{timeout:.0f} s passed", "power-off") from error
        self._reader.join(_STOP_SECONDS)
        return status

    def stop(self) -> None:
        """Ends the machine if it still runs."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._reader.join(_STOP_SECONDS)
        for stream in (self._process.stdin, self._process.stdout):
            try:
                stream.close()
            except BrokenPipeError:
                continue

    def describe(self) -> str:
        """The command line, ready to be pasted into a shell."""
        return shlex.join(self.command)
