"""The gate `contamination`: whether rows hold items of evaluation sets."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl
from pydantic import Field

from flows.gates.columns_of_a_version import (
    ROW,
    VALUE,
    Column,
    columns_named,
    no_such_column,
    text_columns,
    unfit,
)
from flows.gates.evaluation_set import EvaluationSet
from flows.gates.examples import MOST_EXAMPLES, MOST_KEYS, examples_of, excerpt
from flows.gates.gate import Gate
from flows.gates.shared_words import AT, TEXT, SharedWords, words_of
from flows.gates.similar_texts import SimilarTexts
from flows.gates.verdict import Verdict
from flows.versions.saved import SavedVersion
from tasks.packages import check_packages

_SHOWN, _SAME = "shown", "same"
_TEXTS_AT_ONCE = 20_000
_FOUND = {ROW: pl.UInt32(), _SAME: pl.Boolean(), _SHOWN: pl.String()}


class Contamination(Gate):
    """How many rows hold an item of an evaluation set, or nearly one.

    A row holds an item if they share `words` words in a row (13 as in arXiv 2005.14165; capitals
    and punctuation do not count), or all words of a shorter item; see `SharedWords`. A row nearly
    is one if their sets of words have an estimated Jaccard similarity of `similarity` (MinHash,
    package rensa). The texts of each column are compared, those of a list one by one.
    """

    sets: dict[str, EvaluationSet] = Field(
        min_length=1,
        description="Evaluation sets by a name of yours: a file, or hub:owner/name",
    )
    columns: tuple[str, ...] = Field(
        default=(), description="Columns that are compared; left out: all that hold text"
    )
    words: int = Field(
        default=13, ge=3, description="How many shared words in a row make a row contaminated"
    )
    similarity: float | None = Field(
        default=0.8,
        gt=0,
        le=1,
        description="From which similarity (shared words to all words) a text counts as an item; "
        "null: only shared words count",
    )
    at_most: int = Field(
        default=0, ge=0, description="Most rows that may hold an item of the same evaluation set"
    )

    def prepare(self) -> None:
        if self.similarity is not None:
            check_packages("The gate 'contamination'", "minhash", "rensa")
        for name, evaluation in self.sets.items():
            evaluation.texts(name)

    def check(self, version: SavedVersion, before: SavedVersion | None) -> Iterator[Verdict]:
        for name in self.columns:
            if not columns_named(version, name):
                yield no_such_column("contamination", version, name)
        named = [column for name in self.columns for column in columns_named(version, name)]
        columns = []
        for column in named if self.columns else text_columns(version):
            if column.holds_text:
                columns.append(column)
            else:
                yield unfit("contamination", column, "text")
        if self.similarity is not None:
            check_packages("The gate 'contamination'", "minhash", "rensa")
        items = {name: _Items(one.texts(name), self) for name, one in self.sets.items()}
        found: dict[str, list[_Found]] = {name: [] for name in items}
        for column in columns:
            for name, rows in _search(column, items).items():
                found[name].append(_Found(column, rows))
        for name in items:
            yield self._verdict(name, found[name])

    def _verdict(self, name: str, found: list["_Found"]) -> Verdict:
        count, same = _rows(found), _rows([one.same for one in found])
        wanted = f"at most {self.at_most:,} rows"
        rows = sum({one.column.configuration: one.total for one in found}.values())
        sentence = f"Items of the evaluation set {name!r} are in {count:,} of {rows:,} rows"
        if count <= self.at_most:
            return Verdict("contamination", name, True, count, wanted, f"{sentence}.")
        keys = {
            one.column.subject: one.column.keys(one.rows[ROW]) for one in found if len(one.rows)
        }
        most = max(found, key=lambda one: len(one.rows))
        shown = most.rows[_SHOWN].head(MOST_EXAMPLES).to_list()
        all_keys = tuple(dict.fromkeys(key for some in keys.values() for key in some))[:MOST_KEYS]
        examples = examples_of(keys[most.column.subject], shown)
        sentence += (
            f" ({same:,} by {self.words} words in a row or all words of an item, "
            f"{count - same:,} by similarity), and {wanted} may hold some; most are in "
            f"{most.column.subject!r}{examples}."
        )
        return Verdict("contamination", name, False, count, wanted, sentence, all_keys)


@dataclass(frozen=True)
class _Found:
    """The rows of a column in which items were found, each once."""

    column: Column
    rows: pl.DataFrame

    @property
    def total(self) -> int:
        """How many rows the configuration has."""
        return self.column.version.rows_of(self.column.configuration)

    @property
    def same(self) -> "_Found":
        """Those that share words in a row with an item."""
        return _Found(self.column, self.rows.filter(_SAME))


class _Items:
    """The items of an evaluation set, ready to be looked for."""

    def __init__(self, texts: pl.Series, gate: Contamination) -> None:
        self._shared = SharedWords(texts, gate.words)
        self._similar = (
            None if gate.similarity is None else SimilarTexts(words_of(texts), gate.similarity)
        )

    def find(self, words: pl.Series, texts: pl.Series) -> pl.DataFrame:
        """Return the numbers of the texts that hold items, how, and what they have in common."""
        matches = self._shared.matches(words).with_columns(pl.lit(True).alias(_SAME))
        if self._similar is not None:
            near = self._similar.matches(words).with_columns(pl.lit(False).alias(_SAME))
            matches = pl.concat([matches, near]).unique(TEXT, keep="first", maintain_order=True)
        shown = [
            self._shared.shared(words[text].to_list(), at) if same else texts[text]
            for text, at, same in matches.select(TEXT, AT, _SAME).head(MOST_EXAMPLES).iter_rows()
        ]
        empty = [None] * (matches.height - len(shown))
        excerpts = pl.Series(_SHOWN, [*map(excerpt, shown), *empty], dtype=pl.String)
        return matches.select(TEXT, _SAME).with_columns(excerpts)


def _search(column: Column, items: Mapping[str, _Items]) -> dict[str, pl.DataFrame]:
    """Return for each evaluation set the rows of a column that hold an item of it."""
    found = {name: [pl.DataFrame(schema=_FOUND)] for name in items}
    for part in column.texts().iter_slices(_TEXTS_AT_ONCE):
        words = words_of(part[VALUE])
        for name, its in items.items():
            matches = its.find(words, part[VALUE])
            rows = part[ROW].gather(matches[TEXT])
            found[name].append(matches.with_columns(rows).select(*_FOUND))
    return {
        name: pl.concat(parts).unique(ROW, keep="first", maintain_order=True)
        for name, parts in found.items()
    }


def _rows(found: list[_Found]) -> int:
    """Return in how many rows of all configurations something was found, in any column."""
    rows = {(one.column.configuration, row) for one in found for row in one.rows[ROW]}
    return len(rows)
