# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""Where things are: the repository, and the cache outside of it."""

from __future__ import annotations

import os
import pathlib

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


def cache() -> pathlib.Path:
    """The folder for everything fetched or built outside of Bazel (RAVELIN_CACHE)."""
    named = os.environ.get("RAVELIN_CACHE")
    folder = pathlib.Path(named) if named else pathlib.Path.home() / ".cache" / "ravelin"
    return folder.expanduser().absolute()


def cache_folder(*parts: str) -> pathlib.Path:
    """A folder in the cache, made if it is missing."""
    folder = cache().joinpath(*parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def out() -> pathlib.Path:
    """The folder for the results of ./ravelin build: one for each working copy."""
    return cache_folder("out", str(REPOSITORY).strip("/").replace("/", "-"))


def point(link: pathlib.Path, target: pathlib.Path) -> None:
    """Makes `link` a symbolic link to `target`, replacing an older link in one step."""
    temporary = link.with_name(f".{link.name}.{os.getpid()}")
    temporary.symlink_to(target)
    temporary.replace(link)
