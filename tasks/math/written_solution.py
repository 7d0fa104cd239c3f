"""Solutions as they stand in a column: their steps, and the answers that they state."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from llms.errors import RowRejected
from tasks.chats import required_text
from tasks.math.answers import number_in
from tasks.math.solutions import final_answer, is_answer_alone

_PROSE = re.compile(r"[^\W\d_]{2,}\s+[^\W\d_]{2,}|\n|^step\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class WrittenSolution:
    """The steps of a solution, the last one with the final `answer`, None where it states none."""

    steps: tuple[str, ...]
    answer: str | None

    @property
    def to_complete(self) -> list[tuple[str, ...]]:
        """What a solution begins with, after each step that states no final answer."""
        without_answer = len(self.steps) - (self.answer is not None)
        return [self.steps[: count + 1] for count in range(without_answer)]


def solutions_in(value: Any) -> list[WrittenSolution]:
    """Return the solutions in a column.

    Raises:
        RowRejected: there is none, or one has no steps or an empty one.
    """
    if not isinstance(value, list) or not value:
        raise RowRejected("the column 'solutions' holds no list with one solution or more")
    return [_solution(item, f"solution {number}") for number, item in enumerate(value, 1)]


def golden_answer(value: Any) -> str:
    """Return the answer of the right solution: a list of steps, a text, or the answer alone.

    Raises:
        RowRejected: it has none.
    """
    if isinstance(value, int | float):
        return str(value)
    items = _texts(value if isinstance(value, list) else [value], "the golden solution")
    answer = final_answer("\n".join(items))
    if answer is None and (number_in(items[-1]) is not None or not _PROSE.search(items[-1])):
        answer = items[-1]
    if answer is None:
        raise RowRejected(
            "the column 'golden_solution' has no final answer; it ends with 'The answer is: X'"
        )
    return answer


def _solution(value: Any, what: str) -> WrittenSolution:
    steps = _texts(value, what)
    answer = final_answer(steps[-1])
    if len(steps) > 1 and is_answer_alone(steps[-1]):
        steps = [*steps[:-2], f"{steps[-2]} {steps[-1]}"]
    return WrittenSolution(tuple(steps), answer)


def _texts(value: Any, what: str) -> Sequence[str]:
    if not isinstance(value, list) or not value:
        raise RowRejected(f"{what} has no steps")
    return [required_text(item, f"step {n} of {what}").strip() for n, item in enumerate(value, 1)]
