"""`UltraFeedback`: ratings of several texts written for one instruction."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import polars as pl

from llms.chat import ChatType
from tasks.chats import chat, text_in, texts_in
from tasks.feedback.assessments import Assessment, assessments_in
from tasks.prompt import Prompt
from tasks.reading.json_object import TEXT, Schema, list_of, object_of, one_of
from tasks.row import Row
from tasks.task import Task

Aspect = Literal[
    "helpfulness", "honesty", "instruction-following", "truthfulness", "overall-rating"
]

_TYPES = {"helpfulness": 3, "truthfulness": 3}
_LONGEST_RATIONALE = 400


class UltraFeedback(Task):
    r"""Rates the generations for an instruction from 1 to 5 in one aspect (arXiv 2310.01377).

    Columns: `instruction` (str), `generations` (list of str) -> `ratings` (list of int),
    `rationales` (list of str), one item for each generation. For the aspects "helpfulness" and
    "truthfulness" `rationales` are about the type, and there are also `types` (list of int, 1 to 3;
    null where the judge says that none applies) and `rationales-for-ratings` (list of str).

    A reply that does not have exactly one rating from 1 to 5, with its rationale, for each
    generation is a rejection. Where the model's provider enforces schemas the reply is JSON.

    Example:
        >>> from llms import ScriptedLLM
        >>> from tasks import UltraFeedback
        >>> reply = (
        ...     "#### Text 1\nRationale: Right.\nRating: 5\n\n"
        ...     "#### Text 2\nRationale: Wrong.\n\nNot even close.\nRating: 1"
        ... )
        >>> judge = UltraFeedback(llm=ScriptedLLM(replies=(reply,)))
        >>> row = {"instruction": "Add 2 and 2.", "generations": ["4", "22"]}
        >>> next(judge.process([row]))[0]["ratings"]
        [5, 1]
    """

    version: ClassVar = 1
    inputs: ClassVar = {"instruction": pl.String, "generations": pl.List(pl.String)}
    template: ClassVar = Prompt("ultra_feedback.jinja2")
    helpfulness: ClassVar = Prompt("ultra_feedback_helpfulness.jinja2")
    honesty: ClassVar = Prompt("ultra_feedback_honesty.jinja2")
    instruction_following: ClassVar = Prompt("ultra_feedback_instruction_following.jinja2")
    overall_rating: ClassVar = Prompt("ultra_feedback_overall_rating.jinja2")
    truthfulness: ClassVar = Prompt("ultra_feedback_truthfulness.jinja2")

    aspect: Aspect = "overall-rating"
    use_default_structured_output: bool | None = None

    @property
    def outputs(self) -> dict[str, pl.DataType]:
        whole, text = pl.List(pl.Int64), pl.List(pl.String)
        if not self._types:
            return {"ratings": whole, "rationales": text}
        return {
            "types": whole,
            "rationales": text,
            "ratings": whole,
            "rationales-for-ratings": text,
        }

    @property
    def _types(self) -> int:
        """How many types the aspect knows; 0 for one without types."""
        return _TYPES.get(self.aspect, 0)

    def format_input(self, input: Row) -> ChatType:
        rubric: Prompt = getattr(self, self.aspect.replace("-", "_"))
        prompt = self.template.render(
            rubric=rubric.render(),
            instruction=text_in(input, "instruction"),
            generations=texts_in(input, "generations"),
            types=self._types,
            structured=self.structured,
        )
        return chat(prompt)

    def format_output(self, output: str | None, input: Row) -> Row:
        found = assessments_in(output, len(texts_in(input, "generations")), self._types)
        return {name: [_value(item, name) for item in found] for name in self.outputs}

    def response_schema(self, input: Row) -> Schema:
        rationale = {**TEXT, "maxLength": _LONGEST_RATIONALE}
        fields: dict[str, Schema] = {"rationale": rationale, "rating": one_of(1, 2, 3, 4, 5)}
        if self._types:
            number = {"anyOf": [one_of(*range(1, self._types + 1)), {"type": "null"}]}
            fields = {"type": number, "rationale_for_rating": rationale, **fields}
            order = ("type", "rationale", "rationale_for_rating", "rating")
            fields = {name: fields[name] for name in order}
        count = len(texts_in(input, "generations"))
        return object_of(assessments=list_of(object_of(**fields), count))


def _value(assessment: Assessment, column: str) -> Any:
    return {
        "types": assessment.type,
        "rationales": assessment.rationale,
        "ratings": assessment.rating,
        "rationales-for-ratings": assessment.rationale_for_rating,
    }[column]
