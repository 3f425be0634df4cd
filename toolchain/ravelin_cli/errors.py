# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""What can go wrong, as exit codes that scripts may rely on."""

from __future__ import annotations

import enum


class ExitCode(enum.IntEnum):
    """The exit status of ./ravelin."""

    OK = 0
    TESTS_FAILED = 1
    USAGE = 2
    SETUP_FAILED = 3
    BUILD_FAILED = 4
    MACHINE_FAILED = 5
    INPUT_INVALID = 6
    INTERRUPTED = 130


class RavelinError(Exception):
    """A failure that one sentence explains to the person at the terminal."""

    def __init__(self, message: str, code: ExitCode) -> None:
        super().__init__(message)
        self.code = code


class FetchError(RavelinError):
    """A file that could not be fetched or verified; another source may have it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, ExitCode.SETUP_FAILED)
