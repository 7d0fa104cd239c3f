"""`GenerateEmbeddings`: vectors from a language model's last layer."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

import polars as pl
from pydantic import model_validator

from llms.chat import ChatType
from llms.errors import ConfigurationError, RowRejected
from llms.registry import LLMField
from tasks.chats import chat, text_in, turns_in
from tasks.embeddings.embedding_generation import EmbeddingGeneration
from tasks.frames import rows_of
from tasks.outcome import Outcome, StepContext
from tasks.row import KEY, Rejection, Row
from tasks.step import Step

if TYPE_CHECKING:
    from llms.embeddings.last_hidden_state import LastHiddenState


class GenerateEmbeddings(Step):
    """Turns texts into what a language model holds of them at their last token (arXiv 2312.15685).

    Columns: `text` (str, or chat) -> `embedding` (list of float32, as wide as the model's layers),
    `model_name` (str).

    `llm` is a `TransformersLLM`: other models do not show their layers. A text is read as a user's
    turn, with the beginning of the answer after it as the chat template writes it; a chat as it
    stands, with that beginning only where it ends with a user's turn. The vector is the state of
    the last layer at the last token, of whatever length; texts are read one by one, so that it does
    not depend on its neighbours, and stored. For texts without a conversation `EmbeddingGeneration`
    with a model made for it is faster and better.

    Rejected are rows without a text, and texts longer than the model's context.

    Example:
        >>> from tasks import GenerateEmbeddings
        >>> step = GenerateEmbeddings(llm="transformers:owner/name")
        >>> list(step.outputs)
        ['embedding', 'model_name']
    """

    version: ClassVar = 1
    inputs: ClassVar = {"text": True}
    outputs: ClassVar = EmbeddingGeneration.outputs

    llm: LLMField

    def load(self) -> None:
        self.llm.check()

    def transform(self, frame: pl.DataFrame, context: StepContext) -> Outcome:
        keys, rows = frame[KEY].to_list(), rows_of(frame)
        texts: dict[int, str] = {}
        unreadable: list[Rejection] = []
        for index, row in enumerate(rows):
            try:
                texts[index] = self._text(row)
            except RowRejected as error:
                unreadable.append(Rejection(keys[index], keys[index], self.name, str(error), row))
        context.observer.finished(self.name, 0, len(unreadable))
        inner = EmbeddingGeneration(name=self.name, embeddings=self._model)
        readable = frame[list(texts)].with_columns(pl.Series("text", texts.values(), pl.String))
        outcome = inner.transform(readable, context)
        places = {key: index for index, key in enumerate(keys)}
        kept = [places[key] for key in outcome.frame[KEY]]
        refused = [replace(one, row=rows[places[one.key]]) for one in outcome.rejections]
        rejections = sorted([*unreadable, *refused], key=lambda one: places[one.key])
        made = outcome.frame.with_columns(frame["text"][kept])
        return replace(outcome, frame=made, rejections=tuple(rejections))

    @cached_property
    def _model(self) -> LastHiddenState:
        from llms.embeddings.last_hidden_state import LastHiddenState

        return LastHiddenState(llm=self.llm, model=self.llm.model)  # type: ignore[arg-type]  # checked when made

    def _text(self, row: Row) -> str:
        from llms.embeddings.last_hidden_state import as_text

        return as_text(_conversation(row))

    @model_validator(mode="after")
    def _refuse_other_models(self) -> Self:
        if self.llm.provider != "transformers":
            raise ConfigurationError(
                f"A {type(self.llm).__name__} does not show its layers; give a TransformersLLM, or "
                f"use EmbeddingGeneration with an embedding model."
            )
        return self


def _conversation(row: Row) -> ChatType:
    value: Any = row.get("text")
    return turns_in(row, "text") if isinstance(value, list) else chat(text_in(row, "text"))
