"""`LoadPythonDocs`: real documents that every Python brings along."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from itertools import pairwise
from typing import ClassVar

import polars as pl
from pydantic import Field

from llms.errors import ConfigurationError
from tasks.step import GeneratorStep

_TITLE = re.compile(r"^(\S.*)\n([*=\-~^\"])\2{2,}$", re.MULTILINE)
_TABLE_OR_RULE = re.compile(r"^\s*(?:\+[-=+]+\+|=+)$", re.MULTILINE)


class LoadPythonDocs(GeneratorStep):
    """Loads passages of the language reference that is part of Python; needs no network.

    Columns out: `topic` (str, as `help()` knows it), `passage` (str, plain text). A passage is some
    whole paragraphs of one section, from `min_length` to about `max_length` characters; tables and
    sections shorter than that are left out, and no passage comes twice. The first rows are the
    first passages of all topics, then come the second ones. Text and order are the same for every
    run of one Python version; a row is known by its content, so that a new Python brings new rows
    only for the passages that it changed.

    Raises:
        ConfigurationError: this Python has no documentation, or no passage is that long.

    Example:
        >>> from tasks import LoadPythonDocs
        >>> rows, is_last = next(LoadPythonDocs(num_examples=2).process())
        >>> [row["topic"] for row in rows], is_last
        (['assert', 'assignment'], True)
    """

    version: ClassVar = 1

    num_examples: int | None = Field(default=None, ge=1)
    min_length: int = Field(default=400, ge=1)
    max_length: int = Field(default=1200, ge=1)

    @property
    def outputs(self) -> dict[str, pl.DataType]:
        return {"topic": pl.String(), "passage": pl.String()}

    def frames(self) -> Iterator[pl.DataFrame]:
        topics = _topics()
        found: dict[str, list[str]] = {}
        seen: set[str] = set()
        # Long topics repeat the text of short ones, which name it better.
        for topic in sorted(topics, key=lambda topic: (len(topics[topic]), topic)):
            passages = dict.fromkeys(self._passages(topics[topic]))
            found[topic] = [passage for passage in passages if passage not in seen]
            seen.update(passages)
        rows = [
            {"topic": topic, "passage": passages[round_]}
            for round_ in range(max(map(len, found.values()), default=0))
            for topic, passages in sorted(found.items())
            if round_ < len(passages)
        ]
        if not rows:
            raise ConfigurationError(
                f"Python's documentation has no passage of {self.min_length} characters or more."
            )
        yield pl.DataFrame(rows[: self.num_examples], schema=self.outputs)

    def _passages(self, text: str) -> Iterator[str]:
        starts = [title.start() for title in _TITLE.finditer(text)]
        for start, stop in pairwise([0, *starts, len(text)]):
            section = _TITLE.sub(r"\1", text[start:stop]).strip("\n")
            passage = ""
            for paragraph in _paragraphs(section):
                longer = f"{passage}\n\n{paragraph}" if passage else paragraph
                if len(passage) >= self.min_length and len(longer) > self.max_length:
                    yield passage
                    longer = paragraph
                passage = longer
            if len(passage) >= self.min_length:
                yield passage


def _paragraphs(section: str) -> list[str]:
    """Return a section's paragraphs; one that announces an indented one stays with it."""
    paragraphs: list[str] = []
    for paragraph in re.split(r"\n(?:[ ]*\n)+", section):
        if _TABLE_OR_RULE.search(paragraph):
            continue
        if paragraphs and paragraph.startswith(" ") and not paragraphs[-1].endswith("."):
            paragraphs[-1] += f"\n\n{paragraph}"
        else:
            paragraphs.append(paragraph)
    return paragraphs


def _topics() -> dict[str, str]:
    try:
        topics: dict[str, str] = import_module("pydoc_data.topics").topics
    except ImportError as error:
        raise ConfigurationError(
            "This Python was installed without its documentation (the module pydoc_data); use "
            "another source or a full Python."
        ) from error
    return topics
