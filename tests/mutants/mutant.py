# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""What a mutant is: an edit that removes one protection, and the test that has to notice.

`old` stands exactly once in `file`; `new` takes its place. The mutant still has to compile: what
would be unused is named in `new`. run.py applies and tries each; check_mutants.py keeps the lists
(in_machine.py, in_tests.py, in_interrupts.py) in step with the code.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class InMachine:
    """`scenario`, run with the mutated image, must print `CHECK fail check`."""

    scenario: str
    check: str

    def __str__(self) -> str:
        return f"{self.scenario}/{self.check}"


@dataclasses.dataclass(frozen=True)
class InTests:
    """One of these targets, built with the mutated code for the build machine, must fail."""

    targets: tuple[str, ...]

    def __str__(self) -> str:
        return " or ".join(self.targets)


@dataclasses.dataclass(frozen=True)
class Mutant:
    """A protection removed."""

    name: str
    file: str
    old: str
    new: str
    killer: InMachine | InTests

    @property
    def noticed_by(self) -> str:
        """Who has to notice."""
        return str(self.killer)
