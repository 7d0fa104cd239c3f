"""`APIGenExecutionChecker`: do the calls of functions run?"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache, cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import polars as pl
from pydantic import Field, model_validator

from llms.config import Operational
from llms.errors import ConfigurationError, RowRejected
from tasks.chats import text_in
from tasks.frames import rows_of
from tasks.function_calling.calls import calls_in
from tasks.function_calling.execution import Execution
from tasks.function_calling.library import Library
from tasks.function_calling.sandbox import MEBIBYTE, Limits, prove
from tasks.outcome import Outcome, StepContext
from tasks.row import Row
from tasks.row_step import with_results
from tasks.step import Step

_WHAT = "The functions of a library are"
_SECONDS_TO_LOAD = 30.0


class APIGenExecutionChecker(Step):
    r"""Runs the calls that a model wrote, of functions of a library (arXiv 2406.18518).

    Columns: `answers` (str, a JSON list of objects with `name` and `arguments`) ->
    `keep_row_after_execution_check` (bool, whether every call ran), `execution_result` (list of
    str, for each call what the function returned, as Python writes it, or "failed: " and why).

    `libpath` is a `.py` file, or a folder of them: a function is looked for in the file of its own
    name, then in all. What the files say is part of the step's signature, where they lie is not.
    Arguments go to parameters by name. Those for a parameter annotated with bool, int, float, str,
    list or dict must be of that type; a text where another type is wanted is read as JSON or as a
    Python literal, and is never run. An unknown function or parameter and a missing argument fail
    the call. A row is rejected if its `answers` cannot be read; an empty list has nothing to fail.

    The library is run in a sandbox and nowhere else: each row has a process of its own, without
    network, threads and further processes, which reads nothing but Python, the installed packages
    and a copy of the library, and writes nothing but its own empty folder. A call may take
    `timeout` seconds, a row `memory_limit` MiB. Where the machine cannot give all of that, nothing
    is run and nothing paid for. A library is believed in what it says of itself: it can return a
    result that it did not compute. `check_is_dangerous` refuses functions that name `os.system`,
    `eval` and the like; it is a hint for choosing rows, not what protects. As many rows as there
    are cores run at a time; each costs about 20 ms of a core beside what its functions need.

    Raises:
        ConfigurationError: there is no library, or this machine is no Linux that can shut it in.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from tasks import APIGenExecutionChecker
        >>> with TemporaryDirectory() as folder:
        ...     _ = Path(folder, "add.py").write_text("def add(a: int, b: int): return a + b")
        ...     checker = APIGenExecutionChecker(libpath=folder)
        >>> row = {"answers": '[{"name": "add", "arguments": {"a": 2, "b": "3"}}]'}
        >>> next(checker.process([row]))[0]["execution_result"]
        ['5']
    """

    version: ClassVar = 1
    inputs: ClassVar = {"answers": pl.String}
    outputs: ClassVar = {
        "keep_row_after_execution_check": pl.Boolean,
        "execution_result": pl.List(pl.String),
    }

    libpath: Operational[Path]
    check_is_dangerous: bool = True
    timeout: float = Field(default=5.0, gt=0)
    memory_limit: int = Field(default=512, ge=128)

    @cached_property
    def content(self) -> dict[str, Any]:
        return {**super().content, "library": self.library.digest}

    @cached_property
    def library(self) -> Library:
        """The library as it was when the step was made."""
        return Library.at(self.libpath)

    @model_validator(mode="after")
    def _read_the_library(self) -> Self:
        _ = self.library
        return self

    def load(self) -> None:
        prove(_WHAT)
        with self._execution(_SECONDS_TO_LOAD) as execution:
            problems: dict[str, str] = {}
            for file in self.library.files:
                problems[file] = execution.problem_with(file)
                if not problems[file]:
                    return
        file, problem = next(iter(problems.items()))
        raise ConfigurationError(
            f"Step {self.name!r} cannot load its library in the sandbox: {file}: {problem}."
        )

    def transform(self, frame: pl.DataFrame, context: StepContext) -> Outcome:
        prove(_WHAT)
        with self._execution(self.timeout) as execution:
            results = list(_workers().map(lambda row: _checked(row, execution), rows_of(frame)))
        return with_results(self.name, frame, context, results, self.outputs)

    def _execution(self, timeout: float) -> Execution:
        limits = Limits(seconds=timeout, memory=self.memory_limit * MEBIBYTE)
        return Execution(self.library, limits, refuse_dangerous=self.check_is_dangerous)


def _checked(row: Row, execution: Execution) -> Row | RowRejected:
    try:
        calls = calls_in(text_in(row, "answers"), "the column 'answers'")
    except RowRejected as error:
        return error
    results = execution.results_of(calls)
    texts = [result.text if result.ran else f"failed: {result.text}" for result in results]
    kept = all(result.ran for result in results)
    return {"keep_row_after_execution_check": kept, "execution_result": texts}


@cache
def _workers() -> ThreadPoolExecutor:
    """The threads of this process that each wait for a sandbox; there is a core for each."""
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="sandbox")
