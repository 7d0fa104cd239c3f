"""Reading what a judge says of several texts: numbered sections with labels, or JSON."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from llms.errors import RowRejected
from tasks.reading.json_object import Schema, list_of, object_in, object_of
from tasks.reading.numbers import whole_on_scale
from tasks.reading.plain import plain

_MARKS = r"[ \t#*_>\-]*"
_LABEL = (
    rf"{_MARKS}(?:(?P<rationale_for_rating>rationale[ \t]+for[ \t]+(?:the[ \t]+|its[ \t]+)?rating)"
    r"|(?P<rationale>rationale)|(?P<rating>rating|score)|(?P<type>types?))"
    r"(?:[ \t]*\([^)\n]*\))?[ \t*_]*[:\uff1a][ \t*_]*"
)
_FIELD = re.compile(rf"^{_LABEL}", re.IGNORECASE | re.MULTILINE)
_SUBJECT = (
    r"(?:(?:output|feedback|evaluation|assessment|review|ratings?)[ \t]+(?:for|of|on)[ \t]+)?"
    r"(?:the[ \t]+)?(?:text|output|response|answer|generation|completion|assessment)"
)
_LABEL_AHEAD = f"(?={re.sub(r'[?]P<[a-z_]+>', '?:', _LABEL)})"
# A header is alone on its line or followed by a label: "Text 1 is better" is not one.
_HEADER = re.compile(
    rf"^{_MARKS}(?:{_SUBJECT}[ \t]*[#(\[]?|(?<=#)[ \t]*|\[)[ \t]*(?P<number>\d+)"
    rf"[ \t)\]*_]*(?:[:\uff1a.\-\u2013\u2014][ \t*_]*)?(?:$|{_LABEL_AHEAD})",
    re.IGNORECASE | re.MULTILINE,
)
_RATIONALE_BEHIND_RATING = re.compile(
    r"^([ \t#*_>\-]*(?:rating|score)\W{1,5}\d[^\n]{0,20}?)[ \t,;.|]+(?=\W{0,3}rationale\b)",
    re.IGNORECASE | re.MULTILINE,
)
_RULES_AT_THE_END = re.compile(
    r"(?:\s*^[ \t]*(?:-{3,}|\*{3,}|_{3,}|`{3,})[ \t]*$)+\s*\Z", re.MULTILINE
)
_NO_TYPE = re.compile(r"\W*(?:none|null|n/?a|not applicable)\b", re.IGNORECASE)
_ASSESSMENTS: Schema = object_of(assessments=list_of({"type": "object"}))
_LABELS = {
    "rating": "rating",
    "rationale": "rationale",
    "rationale_for_rating": "rationale for its rating",
    "type": "type",
}


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the judge says of one text: a `rating` from 1 to 5 and why.

    Where the judge was asked for a type, `type` is its number, or None where none applies, then
    `rationale` is about the type, and `rationale_for_rating` about the rating.
    """

    rating: int
    rationale: str
    type: int | None = None
    rationale_for_rating: str | None = None


def assessments_in(reply: str | None, count: int, types: int = 0) -> list[Assessment]:
    """Return the assessments of `count` texts, with one of `types` types each if there are any.

    Raises:
        RowRejected: something is missing, repeated or out of range; the reason says what.
    """
    text = plain(reply)
    found = object_in(text, _ASSESSMENTS)
    if found is None:
        sections = [_fields(section, number, types) for number, section in _sections(text, count)]
    elif len(sections := found["assessments"]) != count:
        raise RowRejected(f"the reply has {len(sections)} assessments for {count} texts")
    return [_assessment(fields, number, types) for number, fields in enumerate(sections, 1)]


def _sections(reply: str, count: int) -> list[tuple[int, str]]:
    """Cut a reply at its numbered headers; without any, where its first label comes again."""
    headers = list(_HEADER.finditer(reply))
    if not headers:
        return _unnumbered_sections(reply, count)
    numbers = [int(header["number"]) for header in headers]
    for number in range(1, count + 1):
        if numbers.count(number) != 1:
            times = f"{numbers.count(number)} sections" if number in numbers else "no section"
            raise RowRejected(f"the reply has {times} for text {number} of {count}")
    if len(numbers) > count:
        raise RowRejected(f"the reply has a section for text {max(numbers)}, but there are {count}")
    stops = [header.start() for header in headers] + [len(reply)]
    texts = [reply[header.end() : end] for header, end in zip(headers, stops[1:], strict=True)]
    return sorted(zip(numbers, texts, strict=True))


def _unnumbered_sections(reply: str, count: int) -> list[tuple[int, str]]:
    labels = list(_FIELD.finditer(reply))
    if not labels:
        raise RowRejected(f"the reply has no section for text 1 of {count}")
    starts = [0] if count == 1 else _starts(labels)
    if len(starts) != count:
        raise RowRejected(f"the reply has {len(starts)} sections without numbers for {count} texts")
    return list(enumerate((reply[a:b] for a, b in pairwise([*starts, len(reply)])), 1))


def _starts(labels: Sequence[re.Match[str]]) -> list[int]:
    first = labels[0].lastgroup
    return [label.start() for label in labels if label.lastgroup == first]


def _fields(section: str, number: int, types: int) -> dict[str, Any]:
    """Return what follows each label of a section."""
    fields: dict[str, Any] = {}
    section = _RATIONALE_BEHIND_RATING.sub(r"\1\n", section)
    labels = [label for label in _FIELD.finditer(section) if types or label.lastgroup != "type"]
    stops = [label.start() for label in labels] + [len(section)]
    for label, end in zip(labels, stops[1:], strict=True):
        name = str(label.lastgroup)
        if not types:
            name = name.removesuffix("_for_rating")
        elif name == "rationale" and name in fields and "rating" in fields:
            name = "rationale_for_rating"
        if name in fields:
            raise RowRejected(f"text {number} has more than one {_LABELS[name]}")
        fields[name] = _RULES_AT_THE_END.sub("", section[label.end() : end]).strip()
    return fields


def _assessment(fields: dict[str, Any], number: int, types: int) -> Assessment:
    needed = ["type", "rationale", "rationale_for_rating"] if types else ["rationale"]
    for name in (*needed, "rating"):
        value = fields.get(name)
        nothing = name not in fields or (value is None and name != "type")
        if nothing or (isinstance(value, str) and not value.strip()):
            raise RowRejected(f"text {number} has no {_LABELS[name]}")
    rating = whole_on_scale(str(fields["rating"]), 1, 5, f"the rating of text {number}")
    rationale = str(fields["rationale"])
    if not types:
        return Assessment(rating, rationale)
    kind = _type(str(fields["type"]), number, types)
    return Assessment(rating, rationale, kind, str(fields["rationale_for_rating"]))


def _type(text: str, number: int, types: int) -> int | None:
    line = text.partition("\n")[0].strip()
    if _NO_TYPE.match(line):
        return None
    numbers = [int(digits) for digits in re.findall(r"\d+", line)]
    if len(numbers) != 1 or not 1 <= numbers[0] <= types:
        raise RowRejected(
            f"the type of text {number} is {line!r:.80}, not one number from 1 to {types} or None"
        )
    return numbers[0]
