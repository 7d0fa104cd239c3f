"""Notes in the workspace of where runs wait for an answer.

A run without `PREFECT_API_URL` has a passing server of its own, which no setting names: a note is
how other processes find it, and how they know that the process of a run has ended.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import UUID

from prefect.settings import PREFECT_API_URL

from llms.home import home
from llms.store import this_process
from llms.store.processes import has_ended


@dataclass(frozen=True, slots=True)
class Note:
    """A run that waits, the server that it is recorded on, and its process."""

    run: str
    api_url: str
    process: str

    @property
    def is_stale(self) -> bool:
        """Whether the process has ended, so that no answer reaches it."""
        return has_ended(self.process)

    def remove(self) -> None:
        """Remove the note."""
        _file(self.run).unlink(missing_ok=True)


@contextmanager
def noted(run: UUID) -> Iterator[None]:
    """Keep a note for the time of a block in which a run waits."""
    note = Note(str(run), PREFECT_API_URL.value() or "", this_process())
    file = _file(note.run)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(asdict(note)), encoding="utf-8")
    try:
        yield
    finally:
        note.remove()


def notes() -> dict[str, Note]:
    """Return all notes by run."""
    found = {}
    for file in sorted(_file("").parent.glob("*.json")):
        with suppress(OSError, ValueError, TypeError):
            note = Note(**json.loads(file.read_text(encoding="utf-8")))
            found[note.run] = note
    return found


def _file(run: str) -> Path:
    return home() / "prefect" / "waiting" / f"{run}.json"
