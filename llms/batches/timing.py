"""When requests become a job, and how large a job may be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BatchTiming:
    """Requests that come within `quiet` seconds of each other, for at most `longest` seconds, go
    into one job of at most `lines` requests and `bytes` bytes.

    Who does not wait for a job is told to look again in `next_look` seconds, and for an old job in
    up to `rarest_look`.
    """

    quiet: float = 1.0
    longest: float = 30.0
    lines: int = 50_000
    bytes: int = 50_000_000
    next_look: float = 60.0
    rarest_look: float = 900.0
