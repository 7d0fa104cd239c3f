"""`TextClassification`: the label of a text, or several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import polars as pl
from pydantic import Field, model_validator

from llms.chat import ChatType
from llms.errors import ConfigurationError, RowRejected
from tasks.chats import chat, text_in
from tasks.prompt import Prompt
from tasks.reading.json_object import TEXT, Schema, object_of, one_of
from tasks.reading.labels import folded, label_among, labels_in
from tasks.row import Row
from tasks.task import Task


class TextClassification(Task):
    r"""Gives each text one label, or the `n` that fit best (arXiv 2408.02442).

    Columns: `text` (str) -> `labels` (str, with `n` above 1 a list of `n` different str).

    With `available_labels` (a list, or {label: description}) a label is one of them, spelled as
    there, whatever letter case and spacing the model gives it; without, the model chooses freely.
    It is told to answer `default_label` where none fits, which then stands alone (a list of its
    own, where `n` is above 1); None leaves no such way out. `default_label` never replaces an
    answer: one that is no label, or has too few, too many or the same one twice, is asked for again
    and then a rejection.

    `context` says what the labels are about, `examples` (list of str) show some, and `query_title`
    says what the text is. Where the model's provider enforces schemas the reply follows one.

    Example:
        >>> from llms import ScriptedLLM
        >>> from tasks import TextClassification
        >>> llm = ScriptedLLM(replies=('```json\n{"labels": "POSITIVE"}\n```',))
        >>> moods = TextClassification(llm=llm, available_labels=["Positive", "Negative"])
        >>> next(moods.process([{"text": "What a day!"}]))[0]["labels"]
        'Positive'
    """

    version: ClassVar = 1
    inputs: ClassVar = {"text": pl.String}
    template: ClassVar = Prompt("text_classification.jinja2")

    system_prompt: str | None = (
        "You label texts. You read each one with care and answer with labels and nothing else."
    )
    n: int = Field(default=1, ge=1)
    context: str | None = "Label what the text is about: its main theme, topic or kind."
    examples: list[str] | None = None
    available_labels: list[str] | dict[str, str] | None = None
    default_label: str | list[str] | None = "Unclassified"
    query_title: str = "Text"
    use_default_structured_output: bool | None = None

    @property
    def outputs(self) -> dict[str, Any]:
        return {"labels": pl.String() if self.n == 1 else pl.List(pl.String)}

    @property
    def labels(self) -> dict[str, str]:
        """The available labels with their descriptions, empty where there is none."""
        given = self.available_labels or {}
        return given if isinstance(given, dict) else dict.fromkeys(given, "")

    @property
    def default(self) -> list[str]:
        """What stands for "none fits", empty where nothing does."""
        given = self.default_label
        return [given] if isinstance(given, str) else given or []

    @model_validator(mode="after")
    def _check_labels(self) -> Self:
        labels = list(self.available_labels or ())
        if not all(label.strip() for label in (*labels, *self.default)):
            raise ConfigurationError("A label is empty; write it, or leave it out.")
        alike = [label for label in labels if [*map(folded, labels)].count(folded(label)) > 1]
        if alike:
            raise ConfigurationError(
                f"The labels {', '.join(map(repr, alike[:4]))} are the same but for letter case "
                f"and spacing; keep one of them."
            )
        if self.available_labels is not None and self.n > len(labels):
            raise ConfigurationError(
                f"A text cannot get {self.n} different labels of {len(labels)}; lower n or give "
                f"more available_labels."
            )
        if len(self.default) > self.n:
            raise ConfigurationError(
                f"default_label has {len(self.default)} labels, but a text gets {self.n}; raise n "
                f"or give fewer."
            )
        return self

    def format_input(self, input: Row) -> ChatType:
        return self.chat_about([text_in(input, "text")])

    def chat_about(self, texts: Sequence[str]) -> ChatType:
        """Return the chat that asks for the labels that all of some texts share."""
        prompt = self.template.render(
            context=self.context or "Label the text.",
            n=self.n,
            labels=self.labels,
            default=self.default if self.n > 1 else "".join(self.default),
            examples=self.examples,
            query_title=self.query_title,
            texts=texts,
        )
        return chat(prompt, system=self.system_prompt)

    def format_output(self, output: str | None, input: Row) -> Row:
        return {"labels": self.labels_said(output)}

    def labels_said(self, reply: str | None) -> str | list[str]:
        """Return the label or labels that a reply gives, as they are spelled in the step.

        Raises:
            RowRejected: they are not as many different labels as asked for, or not available.
        """
        said = labels_in(reply, several=self.n > 1, bare=bool(self.labels))
        known: Mapping[str, str] = {label: label for label in (*self.labels, *self.default)}
        if self.labels:
            found = [label_among(label, known) for label in said]
        else:
            spellings = {folded(label): label for label in self.default}
            found = [spellings.get(folded(label), label.strip()) for label in said]
        kept = self._kept(found)
        return kept[0] if self.n == 1 else kept

    def _kept(self, found: list[str]) -> list[str]:
        if self.default and found == self.default:
            return found
        if len(found) != self.n:
            raise RowRejected(f"the reply gives {len(found)} labels, not {self.n}")
        if not all(found):
            raise RowRejected("a label in the reply is empty")
        if len({*map(folded, found)}) != self.n:
            raise RowRejected(f"the reply gives a label twice: {', '.join(found)}")
        if mixed := [
            label for label in found if label in self.default and label not in self.labels
        ]:
            raise RowRejected(f"the reply gives {mixed[0]!r} beside other labels")
        return found

    def response_schema(self, input: Row) -> Schema:
        known = dict.fromkeys((*self.labels, *self.default)) if self.labels else ()
        label = one_of(*known) if known else TEXT
        if self.n == 1:
            return object_of(labels=label)
        least = len(self.default) or self.n
        return object_of(
            labels={"type": "array", "items": label, "minItems": least, "maxItems": self.n}
        )
