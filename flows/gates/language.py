"""The gate `language`: whether texts are in the language they should be in."""

from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache, partial
from typing import Any

import polars as pl
from pydantic import Field

from flows.gates.columns_of_a_version import ROW, VALUE, Column, in_each_configuration, unfit
from flows.gates.examples import frequencies
from flows.gates.gate import Gate, Share
from flows.gates.verdict import Verdict, percent
from flows.versions.saved import SavedVersion
from llms.errors import ConfigurationError
from tasks.packages import check_packages

_LANGUAGE = "language"
_SURE = 0.7
_LONGEST = 1_000
_MOST_NAMED = 3
_NOT_TOLD = ("und", "zxx")
_ALIASES = {"nb": "no"}


class Language(Gate):
    """In which language texts are, found out by py3langid (139 languages).

    The share is that of the texts whose language can be told with a confidence of 0.7; others, such
    as very short ones, numbers and code, do not count. Only the first 1,000 characters are read.
    """

    columns: tuple[str, ...] = Field(min_length=1, description="Columns with the texts")
    language: str = Field(description="Language as an ISO 639 code, such as en or de")
    at_least: Share = Field(
        default=0.95, description="Smallest share of texts that must be in this language"
    )
    sample: int = Field(
        default=10_000,
        ge=1,
        description="Most texts of a column that are looked at, taken at random",
    )

    def prepare(self) -> None:
        check_packages("The gate 'language'", "language", "py3langid")
        known = _identifier().labels
        wanted = _ALIASES.get(self.language, self.language)
        if wanted not in known:
            close = get_close_matches(self.language, known)
            hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
            raise ConfigurationError(
                f"The gate 'language' does not know the language {self.language!r}; name it by an "
                f"ISO 639 code such as 'en' or 'de'.{hint}"
            )

    def check(self, version: SavedVersion, before: SavedVersion | None) -> Iterator[Verdict]:
        self.prepare()
        for name in self.columns:
            check = partial(self._check, language=_ALIASES.get(self.language, self.language))
            yield from in_each_configuration("language", version, name, check)

    def _check(self, column: Column, language: str) -> Iterator[Verdict]:
        if not column.holds_text:
            yield unfit("language", column, "text")
            return
        texts = column.texts()
        if texts.height > self.sample:
            texts = texts.sample(self.sample, seed=0).sort(ROW)
        told = texts.with_columns(_languages(texts[VALUE])).filter(
            ~pl.col(_LANGUAGE).is_in(_NOT_TOLD)
        )
        wanted = f"at least {percent(self.at_least)} in {language}"
        found = told.filter(pl.col(_LANGUAGE) != language)
        right = told.height - found.height
        share = right / told.height if told.height else 0.0
        sentence = (
            f"{percent(share)} of the texts in {column.subject!r} are in {language} "
            f"({right:,} of {told.height:,} whose language can be told; "
            f"{texts.height:,} were looked at)"
        )
        if told.height and share >= self.at_least:
            yield Verdict("language", column.subject, True, share, wanted, f"{sentence}.")
            return
        counted = frequencies(found[_LANGUAGE])[:_MOST_NAMED]
        others = ", ".join(f"{code} {count:,}" for code, count in counted)
        sentence += f", and at least {percent(self.at_least)} should be"
        sentence += f"; others: {others}{column.examples(found)}." if others else "."
        keys = column.keys(found[ROW])
        yield Verdict("language", column.subject, False, share, wanted, sentence, keys)


def _languages(texts: pl.Series) -> pl.Series:
    classify = _identifier().classify
    codes = [classify(text)[0] for text in texts.str.slice(0, _LONGEST)]
    return pl.Series(_LANGUAGE, codes, dtype=pl.String)


@cache
def _identifier() -> Any:
    from py3langid.langid import (  # type: ignore[import-untyped]  # it has no types
        MODEL_FILE,
        LanguageIdentifier,
    )

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True, min_confidence=_SURE)
