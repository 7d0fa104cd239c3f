"""Answers that are expressions are compared by computer algebra, in a process that may die."""

from __future__ import annotations

import subprocess
import time
from typing import Any

import pytest

from llms.errors import ConfigurationError, MissingPackageError
from tasks.math import expressions
from tasks.math.expressions import same_expressions

GOLDEN = r"\frac{\sqrt{3}}{3}"


def test_expressions_of_the_same_value_are_the_same() -> None:
    answers = {
        r"\frac{1}{\sqrt{3}}",
        r"\sqrt{\frac{1}{3}}",
        r"\frac{\sqrt{2}}{2}",
        "none",
        "\\frac{",
    }
    assert same_expressions(answers, GOLDEN) == {r"\frac{1}{\sqrt{3}}", r"\sqrt{\frac{1}{3}}"}


def test_an_expression_that_takes_hours_counts_as_different_and_stops_no_other() -> None:
    started = time.perf_counter()
    answers = {"9^{9^{9^{9}}}", r"\frac{1}{\sqrt{3}}", "x"}
    assert same_expressions(answers, GOLDEN) == {r"\frac{1}{\sqrt{3}}"}
    assert time.perf_counter() - started < 60


def test_numbers_and_long_texts_are_not_given_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **named: Any) -> Any:
        raise AssertionError("it was asked")

    monkeypatch.setattr(subprocess, "run", refuse)
    assert same_expressions({"1/3", "x" * 500}, "0.33") == set()


def test_a_missing_package_is_named_with_the_command_that_brings_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tasks.packages.is_installed", lambda package: False)
    with pytest.raises(MissingPackageError, match=r"pip install 'stillhouse\[math\]'"):
        same_expressions({"x"}, GOLDEN)


def test_a_package_that_does_not_work_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expressions, "_WORKER", expressions._WORKER.with_name("no_worker.py"))
    with pytest.raises(ConfigurationError, match=r"Math-Verify cannot compare answers: .*No such"):
        same_expressions({"x"}, GOLDEN)
