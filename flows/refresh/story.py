"""The story of one row: where it comes from, what was asked on its way, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from llms.chat import ChatMessage
from tasks.row import Row


@dataclass(frozen=True, slots=True)
class AnswerStory:
    """One answer of a model: what provenance says of it, and what was sent and came back.

    `prompt` is None where the request cannot be made again here, `reply` where the answer is not
    kept or is no text. `generation` counts the samples of a row from 0, where that is known. A
    `correction` was asked for because the reply before it could not be used.
    """

    key: str
    model: str | None
    request_id: str | None
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    prompt: Sequence[ChatMessage] | None = None
    reply: str | None = None
    finish_reason: str | None = None
    generation: int | None = None
    correction: bool = False


@dataclass(frozen=True, slots=True)
class StepStory:
    """What a step did on the way of a row.

    `made` are the columns that it made or changed, with the row's values. `generation` is which of
    the samples of its row this one is. `note` says what is not shown and why.
    """

    step: str
    kind: str
    sees_all_rows: bool = False
    answers: tuple[AnswerStory, ...] = ()
    generation: int | None = None
    made: Row = field(default_factory=dict)
    note: str = ""

    @property
    def own_answers(self) -> list[AnswerStory]:
        """The answers to this sample, without those to the others of its row."""
        mine = (None, self.generation)
        return [it for it in self.answers if self.generation is None or it.generation in mine]


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of the row: in which configuration and split it is, or who rejected it and why.

    `run` made it as it is, and `is_new` says whether that was the run of this version. `row` are
    its values; of a rejected row those that went into the `step`.
    """

    status: Literal["made", "rejected"]
    run: str
    is_new: bool
    row: Row
    configuration: str | None = None
    split: str | None = None
    step: str | None = None
    reason: str | None = None
    raw_reply: str | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """The story of a row of a version; `source_row` is None where it is not kept."""

    dataset: str
    version: str
    key: str
    source: str | None
    source_key: str | None
    source_row: Row | None
    steps: tuple[StepStory, ...]
    endings: tuple[Ending, ...]

    def as_json(self) -> Mapping[str, Any]:
        """Return the story as plain values."""
        return asdict(self)
