"""Replies in sections, each under a header."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from llms.errors import RowRejected
from tasks.reading.json_object import TEXT, Schema, object_in, object_of, texts_of
from tasks.reading.plain import plain

# "[Title]", "{title}" or "**Title:**" at the start of a line, or "## Title" on a line of its own.
_HEADER = (
    r"^[ \t#*_>]*(?:[\[{{]+\s*(?:{title})\s*[\]}}]+[ \t*_:]*"
    r"|(?:{title})[ \t*_]*(?:[:\uff1a][ \t*_]*|$))"
)
_FENCE = re.compile(r"^\s*```", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a reply: its `name` here, its `title`, and other titles that models give it.

    An optional one may be missing. The header of an implied one may be missing: the section is then
    what stands before the next header.
    """

    name: str
    title: str
    also: tuple[str, ...] = ()
    optional: bool = False
    implied: bool = False

    @property
    def pattern(self) -> re.Pattern[str]:
        """What its header looks like."""
        titles = [r"[ \t]+".join(map(re.escape, t.split())) for t in (self.title, *self.also)]
        return re.compile(_HEADER.format(title="|".join(titles)), re.IGNORECASE | re.MULTILINE)


def sections_in(reply: str | None, wanted: Sequence[Section]) -> dict[str, str]:
    """Return the text of each section by its name.

    Words before the first header are left out. Sections come in the order of `wanted`.

    Raises:
        RowRejected: a section is missing, empty, repeated, in the wrong place, or breaks off inside
            a code block.
    """
    text = plain(reply)
    headers = [(section, _header(text, section)) for section in wanted]
    there = [(section, header) for section, header in headers if header is not None]
    for (before, first), (after, second) in pairwise(there):
        if second.start() < first.end():
            raise RowRejected(f"the section {after.title!r} comes before {before.title!r}")
    ends = [header.start() for _, header in there[1:]] + [len(text)]
    found = {
        section.name: text[header.end() : end].strip()
        for (section, header), end in zip(there, ends, strict=True)
    }
    if wanted[0].implied and headers[0][1] is None and there:
        found = {wanted[0].name: text[: there[0][1].start()].strip(), **found}
    for name, content in found.items():
        if not content:
            raise RowRejected(f"the {name} in the reply is empty")
        if len(_FENCE.findall(content)) % 2:
            raise RowRejected(f"the {name} in the reply breaks off inside a code block")
    return found


def texts_under(reply: str | None, wanted: Sequence[Section]) -> dict[str, str]:
    """Return the text of each section by its name, from sections or from a JSON object.

    Raises:
        RowRejected: as for `sections_in`, or the object lacks a text.
    """
    text = plain(reply)
    found = object_in(text, schema_of(wanted))
    return sections_in(text, wanted) if found is None else texts_of(found)


def schema_of(wanted: Sequence[Section]) -> Schema:
    """Return the JSON schema of an object that holds the text of each section by its name."""
    needed = [section.name for section in wanted if not section.optional]
    return {**object_of(**{section.name: TEXT for section in wanted}), "required": needed}


def _header(text: str, section: Section) -> re.Match[str] | None:
    found = list(section.pattern.finditer(text))
    # Where the model kept to brackets, or to marks, a barer word is part of the text.
    for dress in ("[{", "#*"):
        found = [match for match in found if any(mark in match[0] for mark in dress)] or found
    if len(found) > 1:
        raise RowRejected(f"the reply has the section {section.title!r} {len(found)} times")
    if not found and not (section.optional or section.implied):
        raise RowRejected(f"the reply has no section {section.title!r}")
    return found[0] if found else None
