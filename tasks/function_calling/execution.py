"""Running the calls of a row in a sandbox, with a copy of the library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from types import CodeType, TracebackType
from typing import Any, Self

from tasks.function_calling import caller
from tasks.function_calling.arguments import bound
from tasks.function_calling.calls import Call
from tasks.function_calling.danger import danger_in
from tasks.function_calling.library import CallFailed, Library
from tasks.function_calling.sandbox import Limits, Sandbox

_LONGEST_RESULT = 2_000


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a call: what the function returned, or why there is nothing."""

    ran: bool
    text: str


class Execution:
    """Runs calls of a library's functions while it is open; threads may share it.

    The calls of one row share a process, and rows never do. `refuse_dangerous` leaves out calls of
    functions that look dangerous.
    """

    def __init__(self, library: Library, limits: Limits, *, refuse_dangerous: bool) -> None:
        self._library = library
        self._refuse_dangerous = refuse_dangerous
        self._folder = TemporaryDirectory(prefix="stillhouse-")
        self._sandbox = Sandbox(limits, readable=[Path(self._folder.name)])

    def __enter__(self) -> Self:
        self._library.write(Path(self._folder.name))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._folder.cleanup()

    def results_of(self, calls: Sequence[Call]) -> list[Result]:
        """Make calls and return what became of each."""
        results: list[Result | None] = []
        prepared: list[dict[str, Any]] = []
        for call in calls:
            try:
                prepared.append(self._prepared(call))
                results.append(None)
            except CallFailed as error:
                results.append(Result(False, str(error)))
        made = iter(self._made(prepared))
        return [result or next(made) for result in results]

    def problem_with(self, file: str) -> str:
        """Say why a file cannot be loaded; empty if it can."""
        (result,) = self._made([{"file": file, "function": None}])
        return "" if result.ran else result.text

    def _prepared(self, call: Call) -> dict[str, Any]:
        function = self._library.function(call.name)
        if self._refuse_dangerous:
            danger = danger_in(function.definition, self._library.tree(function.file))
            if danger:
                raise CallFailed(f"{call.name!r} looks dangerous and was not run: it uses {danger}")
        arguments = bound(call, function.definition)
        return {
            "file": function.file,
            "function": function.name,
            "positional": arguments.positional,
            "named": arguments.named,
        }

    def _made(self, prepared: list[dict[str, Any]]) -> list[Result]:
        if not prepared:
            return []
        given = {
            "calls": prepared,
            "code": {call["file"]: self._library.code(call["file"]) for call in prepared},
            "folder": self._folder.name,
            "longest_result": _LONGEST_RESULT,
        }
        finished = self._sandbox.run(self._program, given, len(prepared))
        results = [_result(answer) for answer in finished.answers]
        if len(results) < len(prepared):
            results.append(Result(False, finished.ending))
        missing = len(prepared) - len(results)
        return results + missing * [Result(False, "not run, for a call before it ended the row")]

    @cached_property
    def _program(self) -> CodeType:
        source = Path(caller.__file__).read_text(encoding="utf-8")
        return compile(f"{source}\ncall_all(given, answer)\n", "caller.py", "exec")


def _result(answer: str) -> Result:
    word, _, text = answer.partition(" ")
    return Result(word == "ran", text)
