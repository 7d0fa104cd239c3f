"""Telling whether answers are the same expression, with Math-Verify."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence, Set
from pathlib import Path

from llms.errors import ConfigurationError
from tasks.math.answers import number_in, undressed
from tasks.packages import check_packages

_WORKER = Path(__file__).with_name("expression_worker.py")
_SECONDS_TO_START = 60
_SECONDS_EACH = 20
_LONGEST = 200
"""Characters; a longer answer is no expression."""


def check_expressions(step: str) -> None:
    """Raise `MissingPackageError` if Math-Verify is not installed."""
    check_packages(step, "math", "math_verify")


def same_expressions(answers: Set[str], golden: str) -> set[str]:
    """Return the answers, in LaTeX, that have the value of the right one.

    A few characters can keep computer algebra busy for hours, so answers are compared in another
    process; one that takes five seconds counts as different. Two numbers are left to
    `same_answer`, which is exact.

    Raises:
        ConfigurationError: Math-Verify is missing or does not work.
    """
    check_expressions("The comparison of expressions")
    is_number = number_in(golden) is not None
    open_questions = [
        answer
        for answer in sorted(answers)
        if max(len(answer), len(golden)) <= _LONGEST
        and not (is_number and number_in(answer) is not None)
    ]
    same: set[str] = set()
    while open_questions:
        verdicts = _compared([(undressed(answer), undressed(golden)) for answer in open_questions])
        same.update(a for a, is_same in zip(open_questions, verdicts, strict=False) if is_same)
        # The one that it ended with, if it did not come to the end, took too long.
        open_questions = open_questions[len(verdicts) + 1 :]
    return same


def _compared(pairs: Sequence[tuple[str, str]]) -> list[bool]:
    """Compare pairs until one takes too long."""
    asked = json.dumps(pairs).encode()
    patience = _SECONDS_TO_START + _SECONDS_EACH * len(pairs)
    command = [sys.executable, "-P", str(_WORKER)]
    try:
        done = subprocess.run(command, input=asked, capture_output=True, timeout=patience)
    except subprocess.TimeoutExpired as error:
        written = error.stdout or b""
    else:
        if done.returncode > 0:
            said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
            raise ConfigurationError(f"Math-Verify cannot compare answers: {said}")
        written = done.stdout
    return [line == b"1" for line in written.split()]
