"""Runs the cases with our classes."""

from __future__ import annotations

import warnings
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import ValidationError

import tasks
from llms import ChatRequest, ScriptedLLM
from llms.chat import Usage
from llms.config import Operational
from llms.embeddings.model import EmbeddingModel, EmbeddingReply
from llms.errors import BadRequest, ConfigurationError, LLMError, RowRejected
from llms.image_generation.scripted import ScriptedImageGeneration
from llms.model import Supports
from tasks import FanInStep, GeneratorStep, Row, Step, Task
from tests.differential.case import Case, OutOfReplies, Replies, shape_of

MODEL = "echo"


class Script(Replies):
    """Gives the replies of a case in order, then the last one again; None is a failure."""

    def read(self) -> str:
        """Return the next reply.

        Raises:
            BadRequest: there is none.
        """
        try:
            reply = self.next()
        except OutOfReplies:
            reply = self._replies[-1] if self._replies else None
        if reply is None:
            raise BadRequest("There is no reply.")
        return reply


class EchoLLM(ScriptedLLM):
    """Answers with the replies of a case."""

    supports: ClassVar = Supports(images=True, user_turns=True)

    model: str = MODEL
    script: Operational[Any]

    def reply(self, request: ChatRequest, seed: int) -> str:
        return str(self.script.read())


class EchoImages(ScriptedImageGeneration):
    """Paints the replies of a case."""

    model: str = MODEL
    script: Operational[Any]

    def picture(self, prompt: str, seed: int) -> bytes:
        return b64decode(self.script.read())


class EchoEmbeddings(EmbeddingModel):
    """Embeds a text as its length and its number of spaces."""

    free: ClassVar = True

    model: str = MODEL

    def connect(self) -> None:
        return None

    async def send(self, client: Any, texts: Sequence[str]) -> EmbeddingReply:
        vectors = np.array([[len(text), text.count(" ")] for text in texts], dtype=np.float32)
        return EmbeddingReply(vectors, Usage(0, 0), self.model)


@dataclass(frozen=True, slots=True)
class Made:
    """What our class made of a case; no rows mean that it refused them."""

    rows: list[Row]
    outputs: set[str] | None
    asked: int
    refusal: str | None = None


def step_named(name: str) -> type[Step]:
    """Return our class of a name."""
    found: type[Step] = getattr(tasks, name)
    return found


def run(case: Case, folder: Path) -> Made:
    """Run a case; the files that it needs are put into a folder."""
    cls = step_named(case.step)
    parameters = {**case.parameters_in(folder), **case.ours}
    script = Script(case.our_replies or case.replies)
    if "llm" in cls.model_fields:
        parameters["llm"] = EchoLLM(script=script)
    if "embeddings" in cls.model_fields:
        parameters["embeddings"] = EchoEmbeddings()
    if "image_generation_model" in cls.model_fields:
        parameters["image_generation_model"] = EchoImages(script=script)
    if issubclass(cls, Task):
        parameters["corrections"] = 0
    outputs: set[str] | None = None
    try:
        step = cls(name="step", **parameters)
        # A source whose columns are known once it is read declares none.
        outputs = set(step.outputs) or None
        rows = _rows_of(step, case)
    except (ConfigurationError, ValidationError, RowRejected, LLMError) as error:
        return Made([], outputs, script.asked, str(error))
    return Made(shape_of(rows) if case.random else rows, outputs, script.asked)


def _rows_of(step: Step, case: Case) -> list[Row]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".* rows were rejected by step ")
        step.load()
        try:
            if isinstance(step, GeneratorStep):
                made = [row for rows, _ in step.process() for row in rows]
            elif isinstance(step, FanInStep):
                made = [row for rows in step.process(*map(list, case.branches)) for row in rows]
            else:
                made = [row for rows in step.process(list(case.rows)) for row in rows]
        finally:
            step.unload()
    return [_without_metadata(row) for row in made]


def _without_metadata(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "distilabel_metadata"}
