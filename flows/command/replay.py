"""`stillhouse replay`."""

from __future__ import annotations

from pathlib import Path

from flows.command.named_version import named_version
from flows.refresh.replay import replay
from llms.errors import StillhouseError


class NotReplayed(StillhouseError):
    """A version made again is not the same bytes."""


def replay_version(name: str, to: Path | None) -> None:
    """Make a version again from what is published with it, and say whether it is byte-equal.

    Raises:
        NotReplayed: it is not; the sentence says what differs and why.
        StillhouseError: it cannot be made again.
    """
    with named_version(name) as version:
        replayed = replay(version, to)
    if replayed.folder is not None:
        print(f"Kept: {replayed.folder.absolute()}")
    if replayed.beside:
        print(f"Beside rows and rejections differ: {', '.join(replayed.beside)}")
    if not replayed.is_equal:
        raise NotReplayed(replayed.sentence)
    print(replayed.sentence)
