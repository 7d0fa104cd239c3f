"""Questions of an Argilla dataset, in the form in which Argilla writes them out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from llms.errors import RowRejected
from tasks.chats import required_text
from tasks.reading.json_object import TEXT, Schema, list_of, object_in, object_of, one_of
from tasks.reading.labels import label_among, labels_in
from tasks.reading.numbers import whole_on_scale
from tasks.reading.plain import plain

KINDS: Mapping[str, str] = {
    "label_selection": "label",
    "multi_label_selection": "labels",
    "text": "text",
    "rating": "rating",
}
"""The types of questions that can be answered, and the name of the answer to each."""

_TYPES: Mapping[str, Any] = {
    "label": pl.String(),
    "labels": pl.List(pl.String),
    "text": pl.String(),
    "rating": pl.Int64(),
}
_RATING = re.compile(r"\A[\s*_#]*rating\b[\s*_:\uff1a]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a record; `options` are the values to choose from and how they are shown."""

    name: str
    kind: str
    title: str
    description: str | None = None
    options: Mapping[Any, str] = field(default_factory=dict)

    @classmethod
    def of(cls, value: Any) -> Question:
        """Return a question from its serialised form.

        Raises:
            RowRejected: it is none, or of a type that cannot be answered.
        """
        given = value if isinstance(value, Mapping) else {}
        settings = given.get("settings") or {}
        name = required_text(given.get("name"), "the name of the question")
        kind = str(settings.get("type"))
        if kind not in KINDS:
            raise RowRejected(
                f"the question {name!r} is of the type {kind!r}, which cannot be answered; it must "
                f"be one of {', '.join(KINDS)}"
            )
        options = {
            int(option["value"]) if kind == "rating" else option["value"]: str(
                option.get("text") or option["value"]
            )
            for option in settings.get("options") or ()
        }
        if kind != "text" and not options:
            raise RowRejected(f"the question {name!r} has no options")
        title, description = str(given.get("title") or name), given.get("description")
        return cls(name, kind, title, description, {} if kind == "text" else options)

    @property
    def answer(self) -> str:
        """What the answer is called: label, labels, text or rating."""
        return KINDS[self.kind]

    @property
    def type(self) -> Any:
        """The type of the answer as a column."""
        return _TYPES[self.answer]

    @property
    def schema(self) -> Schema:
        """The JSON schema of an object that holds the answer."""
        value = one_of(*self.options) if self.options else TEXT
        return object_of(**{self.answer: list_of(value) if self.answer == "labels" else value})

    def written(self, value: Any) -> str:
        """Return an answer as JSON."""
        return json.dumps({self.answer: value}, ensure_ascii=False)

    def read(self, reply: str | None) -> Any:
        """Return the answer in a reply, JSON or words; options are known by their text as well.

        Raises:
            RowRejected: it has none, or one that is no option.
        """
        if self.answer in ("label", "labels"):
            return self._labels(reply)
        text = plain(reply)
        found = object_in(text, {"type": "object", "required": [self.answer]})
        said = text if found is None else found[self.answer]
        if self.answer == "text":
            return required_text(said, "the text of the answer")
        low, high = min(self.options), max(self.options)
        rating = whole_on_scale(_RATING.sub("", str(said)), low, high, "the rating")
        if rating not in self.options:
            options = ", ".join(map(str, self.options))
            raise RowRejected(f"the rating is {rating}, not one of {options}")
        return rating

    def _labels(self, reply: str | None) -> Any:
        several = self.answer == "labels"
        spellings = {text: value for value, text in self.options.items()}
        spellings |= {f"{value} ({text})": value for value, text in self.options.items()}
        spellings |= {value: value for value in self.options}
        said = labels_in(reply, several=several)
        labels = list(dict.fromkeys(label_among(label, spellings) for label in said))
        if several:
            return labels
        if len(labels) != 1:
            raise RowRejected(f"the reply gives {len(labels)} labels, not one")
        return labels[0]
