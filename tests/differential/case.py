"""A case: a step, its parameters, the rows it gets and the replies of its model, as plain data.

Both sides read the cases, so this module and `cases` import nothing but the standard library.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Row = dict[str, Any]

FOLDER = "{folder}"
"""Stands in a parameter for the folder that holds the files of a case."""


@dataclass(frozen=True, slots=True)
class Case:
    """What a step is given.

    Replies come in the order of the questions; None is a model that fails to answer. A step that
    joins others gets `branches`, one list of rows for each. `files` are texts by name, `dataset` is
    saved to `dataset` as Arrow files. `ours` are parameters of our class alone; `our_replies` are
    the replies to its model where it asks for another form or in more turns. Values that are
    `random` are compared by their types and lengths.
    """

    step: str
    title: str
    rows: Sequence[Row] = ()
    replies: Sequence[str | None] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    branches: Sequence[Sequence[Row]] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    dataset: Sequence[Row] = ()
    ours: Mapping[str, Any] = field(default_factory=dict)
    our_replies: Sequence[str | None] = ()
    random: bool = False

    @property
    def id(self) -> str:
        """The name of the case."""
        return f"{self.step}: {self.title}"

    def parameters_in(self, folder: Path) -> dict[str, Any]:
        """Write the files of the case and return its parameters with their places."""
        for name, text in self.files.items():
            (folder / name).write_text(text, encoding="utf-8")
        if self.dataset:
            from datasets import Dataset

            Dataset.from_list(list(self.dataset)).save_to_disk(folder / "dataset")
        return {name: _placed(value, folder) for name, value in self.parameters.items()}


class OutOfReplies(Exception):
    """The model was asked more often than there are replies."""


class Replies:
    """Gives replies in order."""

    def __init__(self, replies: Sequence[str | None]) -> None:
        self._replies = replies
        self.asked = 0

    def next(self) -> str | None:
        """Return the next reply.

        Raises:
            OutOfReplies: there is none left.
        """
        self.asked += 1
        if self.asked > len(self._replies):
            raise OutOfReplies
        return self._replies[self.asked - 1]


def shape_of(value: Any) -> Any:
    """Return a value with the name of its type in place of each number and text."""
    if isinstance(value, dict):
        return {name: shape_of(item) for name, item in value.items()}
    if isinstance(value, list):
        return [shape_of(item) for item in value]
    return type(value).__name__


def _placed(value: Any, folder: Path) -> Any:
    return value.replace(FOLDER, str(folder)) if isinstance(value, str) else value
