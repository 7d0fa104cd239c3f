"""Labels, as models write them: as JSON or in words, in other letter case, marked or quoted."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, TypeVar

from llms.errors import RowRejected
from tasks.reading.json_object import Schema, object_in
from tasks.reading.numbered import items_in
from tasks.reading.plain import plain

T = TypeVar("T")

_ANY_OBJECT: Schema = {"type": "object"}
_NAMED = re.compile(
    r"^\W*(?:labels?|categor(?:y|ies)|class(?:es)?|answer)[ \t*_]*[:\uff1a]\s*(?P<said>.+)",
    re.IGNORECASE | re.MULTILINE | re.DOTALL,
)
_BETWEEN = re.compile(r"[,;\n]")
_DRESS = " \t\n\r\"'`*_.:\u201c\u201d\u2018\u2019<>()[]{}"
_MOST_NAMED = 30


def folded(text: str) -> str:
    """Return a text as it is compared: its letters and marks without case, width and spacing."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def label_among(said: str, labels: Mapping[str, T]) -> T:
    """Return the label that a text names; `labels` are spellings with what each stands for.

    Letter case, spacing and marks around the label do not count.

    Raises:
        RowRejected: it names none.
    """
    if said in labels:
        return labels[said]
    known = {folded(spelling): label for spelling, label in reversed(list(labels.items()))}
    for text in (folded(said), folded(said.strip(_DRESS))):
        if text in known:
            return known[text]
    names = [repr(spelling) for spelling in labels]
    more = ", ..." if len(names) > _MOST_NAMED else ""
    raise RowRejected(
        f"the label {said.strip()!r:.80} is none of {', '.join(names[:_MOST_NAMED])}{more}"
    )


def labels_in(reply: str | None, *, several: bool, bare: bool = True) -> list[str]:
    """Return the labels that a reply gives, as it spells them.

    It may be JSON (`label` or `labels`), words after "Label:", or, unless `bare` is off, the labels
    alone. Words are taken apart at commas and lines where there may be `several`.

    Raises:
        RowRejected: it gives none.
    """
    text = plain(reply)
    found = object_in(text, _ANY_OBJECT)
    if found is not None:
        return _texts(found.get("labels", found.get("label")))
    named = _NAMED.search(text)
    if named is None and not bare:
        raise RowRejected("the reply holds no JSON object with the property 'labels'")
    said = named["said"] if named else text
    if not several:
        return [said.partition("\n")[0]] if named else [said]
    if "\n" in said:
        return items_in(said)
    return [part.strip() for part in _BETWEEN.split(said) if part.strip(_DRESS)]


def _texts(value: Any) -> list[str]:
    texts = value if isinstance(value, list) else [value]
    if not all(isinstance(text, str) for text in texts):
        raise RowRejected(f"the property 'labels' of the reply is {value!r:.80}, not text")
    return texts
