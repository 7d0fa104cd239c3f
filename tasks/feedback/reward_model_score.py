"""`RewardModelScore`: how good a reward model finds an answer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl
from pydantic import Field

from llms.chat import ChatType
from llms.errors import ConfigurationError, RowRejected
from llms.weights import first_line, location
from tasks.chats import chat, text_in, turns_in
from tasks.feedback.local_model import LocalModelStep
from tasks.frames import Schema
from tasks.row import Row


@dataclass(frozen=True, slots=True)
class _Loaded:
    model: Any
    tokenizer: Any
    longest: int | None


class RewardModelScore(LocalModelStep):
    """Scores answers with a reward model, run by transformers in this process.

    Columns: `conversation` (chat that ends with the answer), or `instruction` and `response` (str)
    -> `score` (float; higher is better, its scale is the model's). A row with a conversation is
    scored by that.

    `model` is a sequence classifier with one label, on the Hugging Face Hub or in a folder, whose
    tokenizer has a chat template. Conversations longer than the model reads, or than `max_length`
    tokens, are rejected, or with `truncation` cut at the end. Rows are scored one at a time: a
    score does not depend on its neighbours. Needs the extra `transformers`.

    Rejected are rows without a conversation that the chat template takes, and scores that are not
    finite.

    Example:
        >>> from tasks import RewardModelScore
        >>> step = RewardModelScore(model="Skywork/Skywork-Reward-V2-Qwen3-0.6B")
        >>> step.outputs
        {'score': Float64}
    """

    version: ClassVar = 1
    inputs: ClassVar = {"conversation": False, "instruction": False, "response": False}
    outputs: ClassVar = {"score": pl.Float64}

    truncation: bool = False
    max_length: int | None = Field(default=None, ge=1)

    def columns_after(self, before: Schema) -> Schema:
        there = [self.input_mappings.get(name, name) in before for name in self.inputs]
        if not there[0] and not all(there[1:]):
            raise ConfigurationError(
                f"Step {self.name!r} needs the column 'conversation', or 'instruction' and "
                f"'response'; the columns are: {', '.join(before)}."
            )
        return super().columns_after(before)

    def make(self, input: Row) -> Row:
        turns = _conversation(input)
        with self.at_work() as loaded:
            tokens = self._tokens(loaded, turns)
            score = _score(loaded.model(**tokens.to(loaded.model.device)))
        if not math.isfinite(score):
            raise RowRejected(f"the score is {score}")
        return {"score": score}

    def open(self) -> _Loaded:
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        place = location(self.model)
        tokenizer = AutoTokenizer.from_pretrained(place, **self.shared)
        if not tokenizer.chat_template:
            raise ValueError("its tokenizer has no chat template")
        model = AutoModelForSequenceClassification.from_pretrained(
            place, dtype=self.torch_dtype, device_map=self.device_map, **self.shared
        )
        read = getattr(model.config.get_text_config(), "max_position_embeddings", None)
        longest = min(filter(None, (read, self.max_length)), default=None)
        return _Loaded(model.eval(), tokenizer, longest)

    def _tokens(self, loaded: _Loaded, turns: ChatType) -> Any:
        from jinja2 import TemplateError

        try:
            text = loaded.tokenizer.apply_chat_template(turns, tokenize=False)
        except TemplateError as error:
            raise RowRejected(
                f"the chat template takes no such chat: {first_line(error)}"
            ) from error
        length = loaded.longest
        tokens = loaded.tokenizer(
            text.encode(errors="replace").decode(),
            add_special_tokens=False,
            truncation=self.truncation and length is not None,
            max_length=length if self.truncation else None,
            return_tensors="pt",
        )
        count = tokens["input_ids"].shape[-1]
        if length is not None and count > length:
            raise RowRejected(
                f"the conversation has {count} tokens, and {length} are read; shorten it, or set "
                f"truncation"
            )
        return tokens


def _conversation(row: Row) -> ChatType:
    if row.get("conversation") is not None:
        return turns_in(row, "conversation")
    return chat(text_in(row, "instruction"), assistant=text_in(row, "response"))


def _score(output: Any) -> float:
    """Return the one number that a reward model gives; some models of their own code name it."""
    score = getattr(output, "score", None)
    numbers = (output.logits if score is None else score).float().flatten().tolist()
    if len(numbers) != 1:
        raise ConfigurationError(
            f"The model gives {len(numbers)} numbers for an answer; a reward model gives one."
        )
    return float(numbers[0])
