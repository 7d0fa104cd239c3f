"""`APIGenSemanticChecker`: do the calls, and what they returned, answer the query?"""

from __future__ import annotations

from typing import Any, ClassVar

import polars as pl

from llms.chat import ChatType
from llms.errors import RowRejected
from tasks.ask import Ask
from tasks.chats import chat, required_text, text_in
from tasks.generated import Generated
from tasks.prompt import Prompt
from tasks.reading.json_object import TEXT, Schema, object_in, object_of, one_of
from tasks.reading.labels import label_among
from tasks.reading.plain import plain
from tasks.reading.sections import Section, sections_in
from tasks.row import Row
from tasks.task import Task

_SECTIONS = (Section("thought", "Thought"), Section("passes", "Passes", ("Verdict",)))
_VERDICTS = {"yes": True, "true": True, "no": False, "false": False}
_FAILED = "Not judged: the calls did not all run."


class APIGenSemanticChecker(Task):
    r"""Judges whether function calls and their results answer a query (arXiv 2406.18518).

    Columns: `func_desc` (str), `query` (str), `answers` (str), `execution_result` (list of str, or
    str), `keep_row_after_execution_check` (bool) -> `thought` (str, the judge's reasons),
    `keep_row_after_semantic_check` (bool).

    A row whose calls did not all run is not judged, and no model asked: it gets False, and a
    thought that says so. A reply without reasons, or whose verdict is neither yes nor no, is asked
    for again, and then a rejection. Where the model's provider enforces schemas the reply follows
    one.

    Example:
        >>> from llms import ScriptedLLM
        >>> from tasks import APIGenSemanticChecker
        >>> reply = '{"thought": "It adds the numbers asked for.", "passes": "Yes"}'
        >>> judge = APIGenSemanticChecker(llm=ScriptedLLM(replies=(reply,)))
        >>> row = {
        ...     "func_desc": "add(a, b) adds two numbers.",
        ...     "query": "What is 2 + 3?",
        ...     "answers": '[{"name": "add", "arguments": {"a": 2, "b": 3}}]',
        ...     "execution_result": ["5"],
        ...     "keep_row_after_execution_check": True,
        ... }
        >>> next(judge.process([row]))[0]["keep_row_after_semantic_check"]
        True
    """

    version: ClassVar = 1
    inputs: ClassVar = {
        "func_desc": pl.String,
        "query": pl.String,
        "answers": pl.String,
        "execution_result": True,
        "keep_row_after_execution_check": pl.Boolean,
    }
    outputs: ClassVar = {"thought": pl.String, "keep_row_after_semantic_check": pl.Boolean}
    template: ClassVar = Prompt("apigen_semantic_checker.jinja2")

    system_prompt: str | None = (
        "You review data from which models learn to call functions. You are exact and hard to "
        "please: what is only nearly right does not pass."
    )
    use_default_structured_output: bool | None = None

    async def answer(self, input: Row, ask: Ask) -> list[Generated]:
        ran = input["keep_row_after_execution_check"]
        if ran is None:
            raise RowRejected("the column 'keep_row_after_execution_check' is null")
        if not ran:
            return [Generated(_made(_FAILED, False), ()) for _ in range(self.num_generations)]
        return await super().answer(input, ask)

    def format_input(self, input: Row) -> ChatType:
        prompt = self.template.render(
            func_desc=text_in(input, "func_desc"),
            query=text_in(input, "query"),
            answers=text_in(input, "answers"),
            results=_results(input),
        )
        return chat(prompt, system=self.system_prompt)

    def format_output(self, output: str | None, input: Row) -> Row:
        text = plain(output)
        found = object_in(text, object_of(thought=TEXT, passes={}))
        found = sections_in(text, _SECTIONS) if found is None else found
        thought = required_text(found["thought"], "the thought in the reply").strip()
        passes = found["passes"]
        if not isinstance(passes, bool):
            said = required_text(passes, "the verdict in the reply")
            passes = label_among(said, _VERDICTS)
        return _made(thought, passes)

    def response_schema(self, input: Row) -> Schema:
        return object_of(thought=TEXT, passes=one_of("yes", "no"))


def _made(thought: str, passes: bool) -> Row:
    return {"thought": thought, "keep_row_after_semantic_check": passes}


def _results(row: Row) -> str:
    """Return the results as they are shown, a line for each call.

    Raises:
        RowRejected: there are none.
    """
    results: Any = row["execution_result"]
    if isinstance(results, list):
        lines = [f"{number}. {text}" for number, text in enumerate(results, 1)]
        results = "\n".join(lines) or "(No call was made.)"
    return required_text(results, "the column 'execution_result'")
