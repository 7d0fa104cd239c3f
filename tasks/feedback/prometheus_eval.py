"""`PrometheusEval`: a response judged by a rubric, or the better one of two."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

import polars as pl
from pydantic import Field, field_validator, model_validator

from llms.chat import ChatType
from llms.errors import ConfigurationError, RowRejected
from tasks.chats import chat, required_text, text_in, texts_in
from tasks.feedback.rubrics import RUBRICS, checked_rubric
from tasks.prompt import Prompt
from tasks.reading.json_object import TEXT, Schema, object_in, object_of, one_of
from tasks.reading.numbers import whole_on_scale
from tasks.reading.plain import plain
from tasks.row import Row
from tasks.task import Task

_SYSTEM_PROMPT = {
    "absolute": "You are an impartial judge. You assess a response by the rubric you are given and "
    "by nothing else, in words that are specific, and you score it as the rubric says.",
    "relative": "You are an impartial judge. You compare two responses by the rubric you are given "
    "and by nothing else, in words that are specific, and you decide which one is better.",
}
_RESULT = re.compile(
    r"[\s*_#]*\[[ \t]*result[ \t]*\][\s*_:\uff1a]*(?:score\b[\s*_:\uff1a]*)?", re.IGNORECASE
)
_FEEDBACK = re.compile(r"\A[\s*_#\[]*feedback(?:[ \t*_]*[:\uff1a]|\])[\s*_:]*", re.IGNORECASE)
_CHOICE = re.compile(r"\W*(?:(?:response|answer|option)\W*)?([AB])\W*", re.IGNORECASE)


class PrometheusEval(Task):
    r"""Judges by a rubric, with feedback (arXiv 2405.01535).

    Columns: `instruction` (str), with mode "absolute" `generation` (str), with mode "relative"
    `generations` (list of exactly two str), and with `reference` on `reference` (str, an answer
    that deserves a 5) -> `feedback` (str), `result` (absolute: int, 1 to 5; relative: "A" where the
    first generation is better, "B" where the second is).

    `rubric` names one of `rubrics`: of helpfulness, harmlessness, honesty, factual-validity and
    reasoning, or of your own ones, {name: text}. A rubric of your own is a plain text, or the
    criteria in brackets followed by five lines, "Score 1: ..." to "Score 5: ...".

    A reply without feedback, without exactly one "[RESULT]", or with a result that is none is a
    rejection. Replies are asked for in words, the form that the Prometheus models are trained on;
    for another model `use_default_structured_output=None` asks for JSON where it is enforced.

    Example:
        >>> from llms import ScriptedLLM
        >>> from tasks import PrometheusEval
        >>> llm = ScriptedLLM(replies=("Feedback: It is right but curt. [RESULT] 4",))
        >>> judge = PrometheusEval(llm=llm, mode="absolute", rubric="helpfulness")
        >>> rows = next(judge.process([{"instruction": "Add 2 and 2.", "generation": "4"}]))
        >>> rows[0]["feedback"], rows[0]["result"]
        ('It is right but curt.', 4)
    """

    version: ClassVar = 1
    template: ClassVar = Prompt("prometheus_eval.jinja2")

    mode: Literal["absolute", "relative"]
    rubric: str
    rubrics: Mapping[str, str] = Field(default=RUBRICS, min_length=1)
    reference: bool = False

    @property
    def inputs(self) -> dict[str, Any]:
        text: Any = pl.String
        judged = {"generation": text} if self.mode == "absolute" else {"generations": pl.List(text)}
        reference = {"reference": text} if self.reference else {}
        return {"instruction": text, **judged, **reference}

    @property
    def outputs(self) -> dict[str, Any]:
        return {
            "feedback": pl.String,
            "result": pl.Int64 if self.mode == "absolute" else pl.String,
        }

    @field_validator("rubrics")
    @classmethod
    def _check_rubrics(cls, rubrics: Mapping[str, str]) -> Mapping[str, str]:
        return {name: checked_rubric(name, rubric) for name, rubric in rubrics.items()}

    @model_validator(mode="after")
    def _find_rubric(self) -> Self:
        if self.rubric not in self.rubrics:
            raise ConfigurationError(
                f"There is no rubric {self.rubric!r}; name one of {', '.join(self.rubrics)}, or "
                f"give yours in `rubrics`."
            )
        return self

    def format_input(self, input: Row) -> ChatType:
        prompt = self.template.render(
            rubric=self.rubrics[self.rubric],
            instruction=text_in(input, "instruction"),
            generations=self._generations(input),
            reference=text_in(input, "reference") if self.reference else None,
            structured=self.structured,
        )
        return chat(prompt, system=_SYSTEM_PROMPT[self.mode])

    def _generations(self, input: Row) -> list[str]:
        if self.mode == "absolute":
            return [text_in(input, "generation")]
        texts = texts_in(input, "generations")
        if len(texts) != 2:
            raise RowRejected(f"the column 'generations' holds {len(texts)} texts, not two")
        return texts

    def format_output(self, output: str | None, input: Row) -> Row:
        text = plain(output)
        found = object_in(text, self.response_schema(input))
        if found is None:
            parts = _RESULT.split(text)
            if len(parts) != 2:
                raise RowRejected(f"the reply has {len(parts) - 1} times '[RESULT]', not once")
            found = {"feedback": _FEEDBACK.sub("", parts[0]), "result": parts[1]}
        feedback = required_text(found["feedback"], "the feedback in the reply").strip()
        return {"feedback": feedback, "result": self._result(str(found["result"]))}

    def _result(self, said: str) -> int | str:
        if self.mode == "absolute":
            return whole_on_scale(said, 1, 5, "the result")
        line = said.strip().partition("\n")[0]
        if choice := _CHOICE.fullmatch(line):
            return choice[1].upper()
        raise RowRejected(f"the result is {line!r:.80}, not A or B")

    def response_schema(self, input: Row) -> Schema:
        results: tuple[Any, ...] = (1, 2, 3, 4, 5) if self.mode == "absolute" else ("A", "B")
        return object_of(feedback=TEXT, result=one_of(*results))
