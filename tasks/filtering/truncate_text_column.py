"""`TruncateTextColumn`: texts cut to a length."""

from __future__ import annotations

import unicodedata
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
from pydantic import Field

from llms.errors import ConfigurationError
from llms.weights import file_digest, first_line
from tasks.chats import required_text
from tasks.row import Row
from tasks.row_step import RowStep

_JOINER = "\u200d"
_FILE = "tokenizer.json"


class TruncateTextColumn(RowStep):
    """Cuts the texts of a column to `max_length` tokens or, without a tokenizer, characters.

    Columns: `column` (str; "text" if not named) -> `column` (str).

    What is left is always the beginning of the text, letter for letter: it ends with the last token
    that fits whole, and never between a letter and its accents or inside a joined emoji. So it may
    be a little shorter than asked. `tokenizer` is the name of a model on the Hugging Face Hub, or
    the path of a `tokenizer.json` or of a folder with one, which counts by its content. Special
    tokens that a model would add do not count. An empty text stays; a row is rejected if the text
    is null.

    Raises:
        ConfigurationError: there is no such tokenizer.

    Example:
        >>> from tasks import TruncateTextColumn
        >>> step = TruncateTextColumn(column="instruction", max_length=6)
        >>> next(step.process([{"instruction": "Say hi to Ann."}]))
        [{'instruction': 'Say hi'}]
    """

    version: ClassVar = 1

    column: str = "text"
    max_length: int = Field(default=8192, ge=1)
    tokenizer: str | None = Field(default=None, min_length=1)

    @property
    def inputs(self) -> dict[str, Any]:
        return {self.column: pl.String}

    @property
    def outputs(self) -> dict[str, Any]:
        return {self.column: pl.String}

    @cached_property
    def content(self) -> dict[str, Any]:
        file = self._file
        return super().content | ({"tokenizer": file_digest(file)} if file else {})

    def load(self) -> None:
        if self.tokenizer:
            self._tokenizer.encode("", add_special_tokens=False)

    def make(self, input: Row) -> Row:
        text = input[self.column]
        if not isinstance(text, str):
            text = required_text(text, f"the column {self.column!r}")
        while (end := self._end(text)) < len(text):
            text = text[: _between_characters(text, end)]
        return {self.column: text}

    def _end(self, text: str) -> int:
        """Return where a text has to end; its beginning alone may be more tokens than in it."""
        if not self.tokenizer:
            return min(self.max_length, len(text))
        encoded = self._tokenizer.encode(text, add_special_tokens=False)
        places: list[tuple[int, int]] = encoded.offsets
        if len(places) <= self.max_length:
            return len(text)
        (_, end), (following, _) = places[self.max_length - 1 : self.max_length + 1]
        return min(end, following, len(text) - 1)

    @property
    def _file(self) -> Path | None:
        """The tokenizer's file on this machine."""
        path = Path(self.tokenizer or "").expanduser()
        found = path / _FILE if path.is_dir() else path
        return found if self.tokenizer and found.is_file() else None

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        name = self.tokenizer or ""
        try:
            file = self._file
            loaded = Tokenizer.from_file(str(file)) if file else Tokenizer.from_pretrained(name)
        except Exception as error:  # the library raises it as it is
            raise ConfigurationError(
                f"Step {self.name!r} cannot load the tokenizer {name!r} ({first_line(error)}); "
                f"give the path of a tokenizer.json, or a name on the Hugging Face Hub."
            ) from error
        loaded.no_truncation()
        loaded.no_padding()
        return loaded


def _between_characters(text: str, end: int) -> int:
    """Return the last place up to `end` that parts no letter from its accents."""
    while end and _belongs_to_the_one_before(text, end):
        end -= 1
    return end


def _belongs_to_the_one_before(text: str, place: int) -> bool:
    here = text[place]
    return (
        here == _JOINER
        or text[place - 1] == _JOINER
        or unicodedata.category(here).startswith("M")
        or "\N{EMOJI MODIFIER FITZPATRICK TYPE-1-2}"
        <= here
        <= "\N{EMOJI MODIFIER FITZPATRICK TYPE-6}"
    )
