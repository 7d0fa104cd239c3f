"""`Limits`: what a program in a sandbox may use."""

from __future__ import annotations

from dataclasses import dataclass

MEBIBYTE = 2**20


@dataclass(frozen=True, slots=True)
class Limits:
    """What a program may use; sizes are in bytes.

    `seconds` are those on the wall from one answer to the next. `written` counts all that it ever
    writes, `files` those in its folder, folders too, and `output` what it prints or answers.
    """

    seconds: float = 5.0
    memory: int = 512 * MEBIBYTE
    written: int = 64 * MEBIBYTE
    file_size: int = 8 * MEBIBYTE
    files: int = 1_000
    open_files: int = 64
    output: int = MEBIBYTE
