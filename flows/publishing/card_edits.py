"""What a person wrote on a dataset card stays when the next version's card is written.

Our text stands between two marks. The first one holds the metadata that we gave the card, so that
the next time what differs from it is known for a person's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from flows.publishing.card_text import FRONT_MATTER, Entries, entries_of, written
from flows.publishing.errors import PublishingError

_NOTE = """Stillhouse writes from here to the mark `stillhouse:end` with every version. Text above \
and below stays,
and so do changes of the metadata, but for configs, dataset_info and size_categories."""
_BLOCK = re.compile(
    r"<!-- stillhouse:begin\b(?P<note>.*?)-->\n?(?P<page>.*?)<!-- stillhouse:end -->", re.DOTALL
)
_STRAY = re.compile(r"<!-- stillhouse:(?:begin\b.*?|end )-->\n?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Card:
    """A card as we make it: metadata, the keys of it that nobody else decides, and the page.

    `given` is what is remembered of the metadata, to know a person's changes from it.
    """

    metadata: Mapping[str, Any]
    ours: Collection[str]
    page: str
    given: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Readme:
    """A card as it was found: its metadata with their text, the rest, and what we gave it last."""

    entries: Entries
    body: str
    given: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, content: bytes) -> Readme:
        """Take a README apart.

        Raises:
            PublishingError: it is no text, or its metadata are no YAML.
        """
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise PublishingError(
                "The README.md that is there is no UTF-8 text; mend it there and publish again: "
                "nothing has to be generated again."
            ) from error
        found = FRONT_MATTER.match(text)
        try:
            entries = entries_of(found["yaml"]) if found else Entries()
        except yaml.YAMLError as error:
            said = " ".join(str(error).split())
            raise PublishingError(
                f"The metadata of the README.md that is there are no valid YAML ({said}); mend "
                f"them there and publish again: nothing has to be generated again."
            ) from error
        body = text[found.end() :] if found else text
        block = _BLOCK.search(body)
        return cls(entries, body, _given(block["note"]) if block else {})

    @property
    def page(self) -> str:
        """What we wrote between the marks."""
        found = _BLOCK.search(self.body)
        return found["page"] if found else ""

    def metadata_for(self, card: Card) -> dict[str, Any]:
        """Return the metadata of a new card with what a person changed of the last one."""
        theirs = self.entries.values
        merged = {}
        for name in [*theirs, *(name for name in card.metadata if name not in theirs)]:
            value = _merged(card.metadata.get(name), theirs.get(name), self.given.get(name))
            value = card.metadata.get(name) if name in card.ours else value
            if value is not None:
                merged[name] = value
        return merged


def render(card: Card, before: Readme | None = None) -> str:
    """Return the README of a card, with what a person wrote on the one that was there before."""
    page = _STRAY.sub("", card.page).strip()
    block = f"{_begin(card.given)}\n\n{page}\n\n<!-- stillhouse:end -->"
    if before is None:
        return f"---\n{written(card.metadata, Entries())}---\n\n{block}\n"
    return f"---\n{written(before.metadata_for(card), before.entries)}---\n{_around(before, block)}"


def _around(before: Readme, block: str) -> str:
    """Put a block in the place of the last one; where there is none, below what is there."""
    pieces = _BLOCK.split(before.body)[:: _BLOCK.groups + 1]
    first, *others = (_STRAY.sub("", piece) for piece in pieces)
    if others:
        return first + block + "".join(others)
    return f"{first.rstrip()}\n\n{block}\n" if first.strip() else f"\n{block}\n"


def _begin(given: Mapping[str, Any]) -> str:
    noted = json.dumps(given, ensure_ascii=False, default=str).replace(">", "\\u003e")
    return f"<!-- stillhouse:begin\n{_NOTE}\n{noted}\n-->"


def _given(note: str) -> Mapping[str, Any]:
    try:
        found = json.loads(note[note.index("{") :])
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _merged(ours: Any, theirs: Any, given: Any) -> Any:
    """Return ours where a person left what we gave, else theirs; lists merge item by item."""
    if isinstance(ours, list) and (isinstance(theirs, list) or theirs is None is given):
        gone = [item for item in given or [] if item not in ours]
        kept = [item for item in theirs or [] if item not in gone]
        new = [item for item in ours if item not in kept and item not in (given or [])]
        return [*kept, *new]
    return ours if theirs == given and ours is not None else theirs
