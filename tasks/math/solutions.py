"""Reading solutions: their steps and their final answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from llms.errors import RowRejected
from tasks.reading.json_object import TEXT, Schema, list_of, object_in, object_of
from tasks.reading.plain import plain

SCHEMA: Schema = object_of(steps=list_of(TEXT), answer=TEXT)
"""A solution as JSON."""

ANSWER = "The answer is: "
"""What the last item of a solution begins with."""

# "Step 1:", "**Step 1**", "### Step 1 - Title", "(Step 1)", at the start of a line.
_STEP = re.compile(
    r"^[ \t#*_>\[(\-]*step[ \t]*#?(?P<number>\d+)[ \t\])*_]*"
    r"(?:[:\uff1a.)\u2013\u2014-]+[ \t*_]*|(?<=[\])*_])[ \t]+|$)",
    re.IGNORECASE | re.MULTILINE,
)
_STEP_INSIDE = re.compile(
    r"(?<=[.!?])[ \t]+[*_]*step[ \t]*(?P<number>\d+)[ \t*_]*[:\uff1a][ \t*_]*", re.IGNORECASE
)
_NUMBER = re.compile(r"^[*_]*\(?(?P<number>\d+)[.)](?!\d)[ \t*_]+", re.MULTILINE)
_DISPLAYED = re.compile(r"\\\[\s*(.{,300}?)\s*\\\]|\$\$\s*(.{,300}?)\s*\$\$", re.DOTALL)
_GAP = r"[ \t*_]{0,9}"
_VALUE = rf"{_GAP}(?:\n[ \t]{{0,9}})?(?P<value>[^\n]*\w[^\n]*)"
_STATED = (
    # In this order: the form that is asked for, the same in a sentence, other known forms.
    rf"\bthe (?:final |correct )?answer{_GAP}\bis{_GAP}[:\uff1a]{_VALUE}",
    rf"\b(?:the )?final answer{_GAP}(?:\bis\b|[:\uff1a=]){_VALUE}",
    rf"\bthe (?:\w+ )?answer{_GAP}\b(?:to \w+ \w+ )?is\b{_VALUE}",
    rf"^[ \t]*####{_VALUE}",
    rf"^[ \t#*_>\-]*answer{_GAP}[:\uff1a=]{_VALUE}",
)
_STATEMENTS = [re.compile(stated, re.IGNORECASE | re.MULTILINE) for stated in _STATED]
_CONNECTIVE = re.compile(r"(?:\b(?:so|therefore|thus|hence|and)\b|[\s,#*_>])+$", re.IGNORECASE)
_LONGEST_CONNECTIVE = 60
_LONGEST_ANSWER = 300
_SENTENCE_END = re.compile(r"\.\s+(?=[A-Z])|[\s*_`]*\.?[\s*_`]*$")
_BOLD = re.compile(r"(?<![\w)])\*\*|\*\*(?![\w(])")
_WRAPPED = re.compile(r"\$([^$]+)\$|\\\((.+)\\\)")
# What JSON makes of LaTeX commands whose backslash was not doubled.
_SWALLOWED = re.compile(
    r"(?P<b>\x08)|(?P<f>\x0c)|(?P<t>\t)(?=ext|imes|heta|an\b|frac|riangle)|(?P<r>\r)(?=ight|ho)"
)


def solution_in(reply: str | None) -> list[str]:
    """Return the steps of a solution, each "Step n: ..." on one line, and "The answer is: X".

    Raises:
        RowRejected: there are no steps, one is empty, there is no final answer, or there are
            several solutions.
    """
    text = plain(reply)
    found = object_in(text, SCHEMA)
    if found is not None:
        steps, answer = _read_json(found)
    else:
        steps, answer = _read(text)
    steps = [" ".join(_BOLD.sub("", step).split()) for step in steps]
    if not steps:
        raise RowRejected("the reply has no steps; they begin with 'Step 1:', 'Step 2:' and so on")
    if not answer:
        raise RowRejected("the reply has no final answer; it ends with 'The answer is: X'")
    for number, step in enumerate(steps, 1):
        if not step:
            raise RowRejected(f"step {number} of the reply is empty")
    return [*(f"Step {n}: {step}" for n, step in enumerate(steps, 1)), ANSWER + answer]


def answer_in(reply: str | None) -> str:
    """Return the final answer of a solution, or of the end of one.

    Raises:
        RowRejected: it has none.
    """
    text = plain(reply)
    found = object_in(text, SCHEMA)
    answer = _bare(_mended(found["answer"])) if found is not None else final_answer(text)
    if not answer:
        raise RowRejected("the reply has no final answer; it ends with 'The answer is: X'")
    return answer


def final_answer(text: str) -> str | None:
    """Return the final answer that the last step of a text states, None if it states none."""
    markers = _markers(text)
    return _split(text[markers[-1].end() :] if markers else text)[1]


def is_answer_alone(step: str) -> bool:
    """Tell whether an item of a solution is nothing but its final answer."""
    before, answer = _split(step)
    return bool(answer) and not before


def _read_json(found: Mapping[str, Any]) -> tuple[list[str], str | None]:
    steps = [_mended(step).strip() for step in found["steps"]]
    if steps and is_answer_alone(steps[-1]):
        steps.pop()
    marks = [_STEP.match(step) for step in steps]
    texts = [step[mark.end() :] if mark else step for step, mark in zip(steps, marks, strict=True)]
    return texts, _bare(_mended(found["answer"]))


def _read(text: str) -> tuple[list[str], str | None]:
    """Return the steps of a text and its final answer."""
    markers = _markers(text)
    if not markers:
        return [], None
    numbers = [int(marker["number"]) for marker in markers]
    if numbers[0] > 1:
        raise RowRejected(f"the reply begins with step {numbers[0]}; number the steps from 1")
    if numbers.count(1) > 1:
        raise RowRejected("the reply has more than one solution; give one")
    bounds = [*(marker.start() for marker in markers), len(text)]
    parts = [
        text[marker.end() : end] for marker, (_, end) in zip(markers, pairwise(bounds), strict=True)
    ]
    last, answer = _split(parts[-1])
    if last:
        return [*parts[:-1], last], answer
    # The last step was the final answer alone; it is a step only where it is the first as well.
    return parts[:-1] or parts, answer


def _markers(text: str) -> Sequence[re.Match[str]]:
    """Return the marks that steps begin with: "Step 1:", or else numbers that count up."""
    found = [*_STEP.finditer(text), *_STEP_INSIDE.finditer(text)]
    if not found:
        return _counting_up(list(_NUMBER.finditer(text)))
    kept: list[re.Match[str]] = []
    for marker in sorted(found, key=lambda marker: marker.start()):
        if marker.re is _STEP or (kept and int(marker["number"]) == int(kept[-1]["number"]) + 1):
            kept.append(marker)
    return kept


def _counting_up(markers: Sequence[re.Match[str]]) -> list[re.Match[str]]:
    kept: list[re.Match[str]] = []
    for marker in markers:
        if not kept or int(marker["number"]) == int(kept[-1]["number"]) + 1:
            kept.append(marker)
    return kept


def _split(text: str) -> tuple[str, str | None]:
    """Return what stands before the final answer of a text, and the answer."""
    text = _DISPLAYED.sub(lambda shown: f"${shown[1] or shown[2]}$", text)
    for statement in _STATEMENTS:
        if found := list(statement.finditer(text)):
            before = text[: found[-1].start()].rstrip()
            tail = _CONNECTIVE.sub("", before[-_LONGEST_CONNECTIVE:])
            return (before[:-_LONGEST_CONNECTIVE] + tail).strip(), _bare(found[-1]["value"])
    boxed = _boxed(text)
    return text.strip(), None if boxed is None else _bare(boxed)


def _bare(value: str) -> str:
    """Return an answer without its box, its dollar signs, marks and the sentence around it."""
    boxed = _boxed(value)
    if boxed is not None:
        value = boxed
    value = _SENTENCE_END.split(value[:_LONGEST_ANSWER].strip().strip("*_` "), maxsplit=1)[
        0
    ].strip()
    wrapped = _WRAPPED.fullmatch(value)
    return (wrapped[1] or wrapped[2]).strip() if wrapped else value


def _boxed(text: str) -> str | None:
    """Return what the last box of a text holds."""
    _, box, rest = text.rpartition("\\boxed{")
    depth = 1
    for place, character in enumerate(rest if box else ""):
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return rest[:place]
    return None


def _mended(text: str) -> str:
    return _SWALLOWED.sub(lambda found: f"\\{found.lastgroup}", text)
