"""`FormatPRM`: labelled solutions as a process reward model is trained on them."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

import polars as pl
from pydantic import Field, model_validator

from llms.errors import RowRejected
from tasks.chats import required_text, text_in
from tasks.math.tags import TAGS, Tags, check_tags, untagged
from tasks.row import Row
from tasks.row_step import RowStep


class FormatPRM(RowStep):
    """Formats a labelled solution for the training of a process reward model (arXiv 2312.08935).

    Columns: `instruction` (str), `solutions` (list of str: the steps of one solution, each with its
    tag, as `MathShepherdCompleter` makes them; put `ExpandColumns` between) -> with `format`
    "math-shepherd" `input` (str: problem and steps, the `step_token` in place of each tag) and
    `label` (str: the same with the tags); with "trl" `prompt` (str), `completions` (list of str)
    and `labels` (list of bool), one for each step.

    `tags` are those of the completer, whole words behind each step. A step without a tag, and a
    solution without steps, are rejections. `step_token` should be nothing that a step may contain:
    the "\u043a\u0438" of the paper is part of Russian words.

    Example:
        >>> from tasks import FormatPRM
        >>> row = {"instruction": "1 + 1?", "solutions": ["Step 1: 1 + 1 = 2 The answer is: 2 +"]}
        >>> next(FormatPRM(format="trl").process([row]))[0]["labels"]
        [True]
        >>> next(FormatPRM(step_token="<step>").process([row]))[0]["input"]
        '1 + 1? Step 1: 1 + 1 = 2 The answer is: 2 <step>'
    """

    version: ClassVar = 1
    inputs: ClassVar = {"instruction": pl.String, "solutions": pl.List(pl.String)}

    format: Literal["math-shepherd", "trl"] = "math-shepherd"
    step_token: str = Field(default="\u043a\u0438", min_length=1)
    tags: Tags = TAGS

    @model_validator(mode="after")
    def _check_tags(self) -> Self:
        check_tags(self.tags)
        return self

    @property
    def outputs(self) -> dict[str, Any]:
        text = pl.String()
        if self.format == "math-shepherd":
            return {"input": text, "label": text}
        return {"prompt": text, "completions": pl.List(text), "labels": pl.List(pl.Boolean())}

    def make(self, input: Row) -> Row:
        problem = text_in(input, "instruction")
        steps = _steps_in(input)
        read = [untagged(s, self.tags, f"step {n} of 'solutions'") for n, s in enumerate(steps, 1)]
        if self.format == "trl":
            texts, labels = [text for text, _ in read], [is_good for _, is_good in read]
            return {"prompt": problem, "completions": texts, "labels": labels}
        return {
            "input": f"{problem} " + "\n".join(f"{text} {self.step_token}" for text, _ in read),
            "label": f"{problem} " + "\n".join(step.strip() for step in steps),
        }


def _steps_in(row: Row) -> list[str]:
    """Return the labelled steps of the row's one solution.

    Raises:
        RowRejected: there is none, or there are several.
    """
    steps = row.get("solutions")
    if not isinstance(steps, list) or not steps:
        raise RowRejected("the column 'solutions' holds no list with one step or more")
    if any(isinstance(step, list) for step in steps):
        raise RowRejected("the column 'solutions' holds several solutions; use ExpandColumns first")
    return [required_text(s, f"step {n} of 'solutions'") for n, s in enumerate(steps, 1)]
