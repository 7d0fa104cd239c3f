"""How many rows of a step are at work at once: these fill the memory, not the dataset."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from llms.llm import CompositeLLM
from llms.providers.batched import BatchedLLM
from tasks.step import Step

_UNFINISHED_ROWS = 1_600


def room_for(step: Step) -> Room:
    """Return the room of a step; rows that wait hours for a batch job wait all together."""
    llm = getattr(step, "llm", None)
    models = [llm, *llm.members] if isinstance(llm, CompositeLLM) else [llm]
    batched = (model for model in models if isinstance(model, BatchedLLM))
    bounded = not any(model.use_offline_batch_generation for model in batched)
    return Room(_UNFINISHED_ROWS if bounded else None)


class Room:
    """Lets partitions of one step begin while not many of its rows are unfinished.

    So large partitions are fewer at a time than small ones, and one that waits for its last rows
    keeps no other one waiting. None is no bound.
    """

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._unfinished = 0
        self._changed = threading.Condition()

    @property
    def has_space(self) -> bool:
        """Whether another partition may begin now."""
        return self._most is None or self._unfinished < self._most

    @contextmanager
    def place(self, rows: int) -> Iterator[Place]:
        """Wait until a partition of so many rows may begin, and hold its place."""
        with self._changed:
            self._changed.wait_for(lambda: self.has_space)
            self._unfinished += rows
        place = Place(self, rows)
        try:
            yield place
        finally:
            place.leave()

    def give_back(self, rows: int) -> None:
        """Count rows as finished."""
        with self._changed:
            self._unfinished -= rows
            self._changed.notify_all()


class Place:
    """What a partition takes up: its unfinished rows."""

    def __init__(self, room: Room, rows: int) -> None:
        self._room = room
        self._unfinished = rows

    def finish(self, rows: int) -> None:
        """Count some of its rows as finished."""
        rows = min(rows, self._unfinished)
        self._unfinished -= rows
        self._room.give_back(rows)

    def leave(self) -> None:
        """Count all that are left as finished."""
        self.finish(self._unfinished)
