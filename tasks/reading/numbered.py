"""Replies that number their parts: lists, and scores of several texts."""

from __future__ import annotations

import re

from llms.errors import RowRejected
from tasks.reading.numbers import on_scale
from tasks.reading.plain import plain

_MARK = re.compile(
    r"^[ \t]*(?:[*_]{2})?"
    r"(?:[\[(]?(?P<number>\d+)[\]).:]+|[-*\u2022\u2013]|#\d+[.:]?)(?:[*_]{2})?[ \t]+"
)
_SCORE = re.compile(
    r"^[^\w\[(\n]*(?:(?:text|response|instruction|answer|output|question)[ \t]*)?"
    r"[#\[(]*(?P<number>\d+)[\])]*[.:\-\u2013 \t*_]*"
    r"(?:(?:score|rating)\b[ \t*_]*(?:[:=\uff1a\-\u2013][ \t*_]*)?|(?<=[:\]).\-\u2013*_ \t]))"
    r"(?P<score>\S[^\n]*)$",
    re.IGNORECASE | re.MULTILINE,
)
_BARE_SCORE = re.compile(
    r"^[^\w\n]*(?:score|rating)[ \t*_]*[:=\uff1a\-\u2013][ \t*_]*(?P<score>\S[^\n]*)$",
    re.IGNORECASE | re.MULTILINE,
)


def items_in(reply: str | None, *, marked: bool = False) -> list[str]:
    """Return the items of a list, without their numbers or bullets.

    An item may go on over several lines. Without any marks each line is an item, unless items must
    be `marked`. Words before the first item, and a line that ends with a colon above unmarked
    items, are left out.

    Raises:
        RowRejected: the reply has no items.
    """
    lines = [line.rstrip() for line in plain(reply).split("\n")]
    if not marked and not any(_MARK.match(line) for line in lines):
        items = [line.strip() for line in lines if line.strip()]
        if len(items) > 1 and items[0].endswith(":"):
            items = items[1:]
        return items
    items = []
    paragraph_ended = False
    for line in lines:
        mark = _MARK.match(line)
        if mark and (mark["number"] or not line.startswith((" ", "\t")) or not items):
            items.append(line[mark.end() :].strip())
        elif items and line.strip():
            if paragraph_ended and not line.startswith((" ", "\t")):
                break
            items[-1] += "\n" + line.strip()
        paragraph_ended = not line.strip()
    items = [item for item in items if item]
    if not items:
        raise RowRejected("the reply has no items")
    return items


def scores_in(reply: str | None, count: int, low: int, high: int) -> list[float]:
    """Return the scores of `count` texts, in their order; numbers decide which is which.

    Without any numbers, as many lines with a score as there are texts are taken in order.

    Raises:
        RowRejected: a score is missing, repeated or out of scale.
    """
    text = plain(reply)
    numbered: dict[int, str] = {}
    for match in _SCORE.finditer(text):
        number = int(match["number"])
        if not any(character.isdigit() for character in match["score"]):
            continue
        if number in numbered:
            raise RowRejected(f"the reply has more than one score for text {number}")
        numbered[number] = match["score"]
    if not numbered:
        bare = [match["score"] for match in _BARE_SCORE.finditer(text)]
        if len(bare) != count:
            raise RowRejected(
                f"the reply has no score for text 1 of {count}"
                if not bare
                else f"the reply has {len(bare)} scores for {count} texts"
            )
        numbered = dict(enumerate(bare, 1))
    for number in range(1, count + 1):
        if number not in numbered:
            raise RowRejected(f"the reply has no score for text {number} of {count}")
    if extra := sorted(set(numbered) - set(range(1, count + 1))):
        raise RowRejected(f"the reply has a score for text {extra[0]}, but there are {count}")
    return [
        on_scale(numbered[number], low, high, f"the score of text {number}")
        for number in range(1, count + 1)
    ]
