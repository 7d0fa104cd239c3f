"""`ArgillaLabeller`: a model's suggestions for the questions of an Argilla dataset."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

import polars as pl
from pydantic import Field, ValidationInfo, field_validator

from llms.chat import ChatType
from llms.errors import ConfigurationError, RowRejected
from tasks.chats import chat
from tasks.feedback.argilla_question import KINDS, Question
from tasks.feedback.argilla_record import response, serialised, shown_fields
from tasks.prompt import Prompt
from tasks.reading.json_object import Schema
from tasks.row import Row
from tasks.task import Task

_INSTRUCTIONS: Mapping[str, str] = {
    "label_selection": "Choose the one option that fits the record best.",
    "multi_label_selection": "Choose every option that fits the record, or none if none does.",
    "text": "Answer the question from what the record says.",
    "rating": "Rate the record with one of the options.",
}


class ArgillaLabeller(Task):
    r"""Answers a question of an Argilla dataset about each record, as a suggestion.

    Columns: `record` (struct with `fields`) and, where they exist, `fields` (list of structs),
    `question` (struct), `example_records` (list of structs) and `guidelines` (str), all in the form
    in which Argilla serialises them -> `suggestion` (struct: `value`, `question_name`, `type`,
    which is "model", and `agent`, the model).

    What a row has wins over the parameter of that name; without `fields` all of the record are
    shown. Of `example_records` those with a response to the question are shown with it. The
    question's type is label_selection, multi_label_selection, text or rating.

    The parameter `question` decides the type of `value`: str, list of str for several labels, int
    for a rating; a row whose own question is answered by another type is rejected. Without the
    parameter every row brings its question and `value` is text, with ratings and lists as JSON.

    An answer that is no option, a question of another type, and a record without a field that is
    required are rejections. Where the model's provider enforces schemas the reply follows one.

    Example:
        >>> from llms import ScriptedLLM
        >>> from tasks import ArgillaLabeller
        >>> options = [{"value": "pos", "text": "Positive"}, {"value": "neg", "text": "Negative"}]
        >>> settings = {"type": "label_selection", "options": options}
        >>> labeller = ArgillaLabeller(
        ...     llm=ScriptedLLM(replies=('{"label": "positive"}',)),
        ...     question={"name": "mood", "title": "How does it sound?", "settings": settings},
        ... )
        >>> rows = next(labeller.process([{"record": {"fields": {"text": "What a day!"}}}]))
        >>> rows[0]["suggestion"]["value"], rows[0]["suggestion"]["question_name"]
        ('pos', 'mood')
    """

    version: ClassVar = 1
    template: ClassVar = Prompt("argilla_labeller.jinja2")

    system_prompt: str = (
        "You are an annotator who knows many fields and works with care. You answer a question "
        "about a record from nothing but the record, the guidelines and the examples."
    )
    question_to_label_instruction: Mapping[str, str] = Field(default=_INSTRUCTIONS)
    example_records: list[dict[str, Any]] | None = None
    fields: list[dict[str, Any]] | None = None
    question: dict[str, Any] | None = None
    guidelines: str | None = None
    use_default_structured_output: bool | None = None

    @property
    def inputs(self) -> dict[str, bool]:
        optional = dict.fromkeys(("fields", "example_records", "guidelines"), False)
        return {"record": True, "question": self.question is None, **optional}

    @property
    def outputs(self) -> dict[str, Any]:
        value = pl.String() if self.question is None else Question.of(self.question).type
        text = dict.fromkeys(("question_name", "type", "agent"), pl.String())
        return {"suggestion": pl.Struct({"value": value, **text})}

    @field_validator("question_to_label_instruction")
    @classmethod
    def _check_instructions(cls, instructions: Mapping[str, str]) -> Mapping[str, str]:
        if unknown := sorted(set(instructions) - set(KINDS)):
            raise ConfigurationError(
                f"There is no type of question {unknown[0]!r}; it is one of {', '.join(KINDS)}."
            )
        return {**_INSTRUCTIONS, **instructions}

    @field_validator("question", "fields", "example_records", mode="before")
    @classmethod
    def _serialise(cls, value: Any, info: ValidationInfo) -> Any:
        return serialised(str(info.field_name), value)

    @field_validator("question")
    @classmethod
    def _check_question(cls, question: dict[str, Any] | None) -> dict[str, Any] | None:
        if question is not None:
            try:
                Question.of(question)
            except RowRejected as error:
                raise ConfigurationError(f"The question does not do: {error}.") from error
        return question

    def format_input(self, input: Row) -> ChatType:
        question = self._question(input)
        prompt = self.template.render(
            guidelines=self._given(input, "guidelines"),
            question=question,
            instruction=self.question_to_label_instruction[question.kind],
            examples=self._examples(input, question),
            record=shown_fields(input["record"], self._given(input, "fields")),
        )
        return chat(prompt, system=self.system_prompt)

    def format_output(self, output: str | None, input: Row) -> Row:
        question = self._question(input)
        value = question.read(output)
        if self.question is None and not isinstance(value, str):
            value = json.dumps(value, ensure_ascii=False)
        suggestion = {"value": value, "question_name": question.name}
        return {"suggestion": {**suggestion, "type": "model", "agent": self.llm.model_name}}

    def response_schema(self, input: Row) -> Schema:
        return self._question(input).schema

    def _given(self, row: Row, name: str) -> Any:
        return getattr(self, name) if row.get(name) is None else row[name]

    def _question(self, row: Row) -> Question:
        given = self._given(row, "question")
        if given is None:
            raise RowRejected("the column 'question' is null, and the step has no question either")
        question = Question.of(given)
        if self.question is not None and question.type != Question.of(self.question).type:
            raise RowRejected(
                f"the question {question.name!r} of the row is not answered by the same type as "
                f"that of the step; leave the step's out to have all answers as text"
            )
        return question

    def _examples(self, row: Row, question: Question) -> list[dict[str, Any]]:
        fields, examples = self._given(row, "fields"), []
        for record in self._given(row, "example_records") or ():
            value = response(record, question.name)
            if value is not None:
                answer = question.written(value)
                examples.append({"record": shown_fields(record, fields), "answer": answer})
        return examples
