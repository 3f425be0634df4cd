# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""The command line of what makes one edit after another and sees whether each is noticed."""

import argparse
import fnmatch
from collections.abc import Callable, Sequence

from ravelin_cli.errors import RavelinError
from tree import Edit

# Tries an edit; why it counts as unnoticed, or nothing.
Trial = Callable[[Edit], str]


def _is_noticed(edit: Edit, trial: Trial) -> bool:
    try:
        trouble = trial(edit)
    except RavelinError as error:
        trouble = str(error)
    if trouble:
        print(f"CHECK fail {edit.name}: {trouble}", flush=True)
    else:
        print(f"CHECK pass {edit.name}: noticed by {edit.noticed_by}", flush=True)
    return not trouble


def main(text: str, edits: Sequence[Edit], prepare: Callable[[Sequence[Edit]], Trial]) -> int:
    """Tries the edits that the command line chooses, a CHECK line for each; the exit status."""
    parser = argparse.ArgumentParser(description=text.splitlines()[0])
    parser.add_argument("--only", default="*", help="shell pattern of names")
    parser.add_argument("--list", action="store_true", help="print the names and end")
    arguments = parser.parse_args()
    chosen = [edit for edit in edits if fnmatch.fnmatch(edit.name, arguments.only)]
    if arguments.list:
        print("\n".join(edit.name for edit in chosen))
        return 0
    trial = prepare(chosen)
    noticed = [_is_noticed(edit, trial) for edit in chosen]
    print(f"{noticed.count(True)} passed, {noticed.count(False)} failed")
    return 0 if noticed and all(noticed) else 1
