# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""Writes 64 bytes of the monitor's image, each xor 0x5a, for a scan of RAM.

    make_pattern.py OUTPUT FILE...

The image is the FILE that is no ELF file. Masked, the pattern is not found in
the file that holds it.
"""

import pathlib
import sys

_MASK = 0x5A
_BYTES = 64
_DISTINCT = 32  # enough that nothing else in RAM looks like it


def _pattern(image: bytes) -> bytes:
    """The first chunk of code, from a quarter of the image on, that is varied enough."""
    for start in range(len(image) // 4 // _BYTES * _BYTES, len(image), _BYTES):
        chunk = image[start : start + _BYTES]
        if len(set(chunk)) >= _DISTINCT and image.count(chunk) == 1:
            return chunk
    raise SystemExit("the image has no 64 bytes that are varied enough")


def main(output: str, *files: str) -> None:
    """Writes `output`."""
    images = [data for data in map(_read, files) if not data.startswith(b"\x7fELF")]
    if len(images) != 1:
        raise SystemExit("one raw image is needed")
    pathlib.Path(output).write_bytes(bytes(byte ^ _MASK for byte in _pattern(images[0])))


def _read(name: str) -> bytes:
    return pathlib.Path(name).read_bytes()


if __name__ == "__main__":
    main(*sys.argv[1:])
