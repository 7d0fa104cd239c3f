"""`TextGenerationToArgilla`: generations for people to call good or bad."""

from __future__ import annotations

from typing import Any, ClassVar

import polars as pl

from llms.digest import digest
from llms.errors import RowRejected
from tasks.chats import prompt_id, required_text, text_in
from tasks.export.argilla_dataset import Layout, Question, Record
from tasks.export.to_argilla import ToArgilla
from tasks.row import Row

_QUALITY = Question(
    name="quality",
    title="How good is the generation for the instruction?",
    kind="label",
    required=True,
    labels={"bad": "Bad", "good": "Good"},
)


class TextGenerationToArgilla(ToArgilla):
    """Sends generations to Argilla, where people call each of them good or bad.

    Columns: `instruction` (str), `generation` (str, or list of str for several of one instruction);
    none is made. Each different generation is one record with the fields `id` (SHA-256 of the
    instruction), `instruction` and `generation`, and the question `quality` (bad or good).

    The dataset is `dataset_name` in `dataset_workspace` (the server's first one if not given), made
    if it is not there; `api_url` and `api_key` default to `ARGILLA_API_URL` and `ARGILLA_API_KEY`.
    The same generation again updates its record, and the answers of annotators stay. A row without
    an instruction, or with a generation that is missing, is rejected. A preview sends nothing.

    Example:
        >>> from tasks import TextGenerationToArgilla
        >>> from tasks.export.delivery import nothing_delivered
        >>> step = TextGenerationToArgilla(dataset_name="answers")
        >>> with nothing_delivered():
        ...     next(step.process([{"instruction": "Say hi.", "generation": "Hi!"}]))
        [{'instruction': 'Say hi.', 'generation': 'Hi!'}]
    """

    version: ClassVar = 1
    inputs: ClassVar = {"instruction": pl.String, "generation": True}

    @property
    def layout(self) -> Layout:
        return Layout({"id": True, "instruction": True, "generation": True}, (_QUALITY,))

    def records(self, input: Row) -> list[Record]:
        instruction = text_in(input, "instruction")
        return [
            Record(
                digest([instruction, generation]),
                {
                    "id": prompt_id(instruction),
                    "instruction": instruction,
                    "generation": generation,
                },
                {},
            )
            for generation in _generations(input["generation"])
        ]


def _generations(value: Any) -> list[str]:
    if not isinstance(value, list):
        return [required_text(value, "the column 'generation'")]
    if not value:
        raise RowRejected("the column 'generation' is an empty list")
    return [required_text(text, f"generation {number}") for number, text in enumerate(value, 1)]
