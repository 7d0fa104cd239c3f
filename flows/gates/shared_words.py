"""Texts that share a run of words with one of some items."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

FEWEST_WORDS = 8
"""Items of fewer words say too little for a part of a text to be theirs (arXiv 2005.14165)."""

TEXT, ITEM, AT = "text", "item", "at"
"""Columns of a match: the number of the text, that of the item, the first shared word."""

_FREQUENT = 10
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_ALONE = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_WORD = rf"[{_ALONE}]|[\w--[{_ALONE}]]+"
_SEQUENCE, _WORDS = "sequence", "words"


def words_of(texts: pl.Series) -> pl.Series:
    """Return the words of texts in small letters, without punctuation.

    In scripts that write no spaces each character is a word.
    """
    plain = texts.str.normalize("NFKC").str.to_lowercase()
    return plain.str.extract_all(_WORD).alias(_WORDS)


@dataclass(frozen=True, slots=True)
class _Run:
    """Runs of a length by their hash, each with one item it comes from."""

    length: int
    items: pl.DataFrame


class SharedWords:
    """Finds texts that share `length` words in a row with one of some items.

    An item of fewer words is found where a text holds all of it, one of fewer than eight only where
    it is the whole text. Runs that more than ten items have are a template and do not count, unless
    an item has no others.
    """

    def __init__(self, items: pl.Series, length: int) -> None:
        words = words_of(items)
        counts = words.list.len()
        self._shortest = shortest = min(FEWEST_WORDS, length)
        numbered = pl.DataFrame(
            {
                ITEM: pl.int_range(len(items), dtype=pl.UInt32, eager=True),
                _WORDS: words,
                "n": counts,
            }
        )
        short = numbered.filter(pl.col("n").is_between(1, shortest - 1))
        self._whole = short.select(ITEM, _joined(short[_WORDS])).unique(_SEQUENCE, keep="first")
        self._runs: list[_Run] = []
        for size in range(shortest, length + 1):
            its = numbered.filter(pl.col("n") == size if size < length else pl.col("n") >= size)
            if its.height:
                self._runs.append(_Run(size, _known(its, size)))

    def matches(self, words: pl.Series) -> pl.DataFrame:
        """Return one match for each text, given by its words, that shares some with an item."""
        found = [*self._of_runs(words), self._of_whole_texts(words)]
        matches = pl.concat(found).unique(TEXT, keep="first", maintain_order=True)
        return matches.sort(TEXT)

    def shared(self, words: list[str], at: int) -> str:
        """Return the words of a text that were found from a place on."""
        length = max((run.length for run in self._runs), default=FEWEST_WORDS)
        return " ".join(words[at : at + length])

    def _of_runs(self, words: pl.Series) -> Iterator[pl.DataFrame]:
        for run in self._runs:
            sequences = _sequences(words, run.length)
            found = sequences.join(run.items, on=_SEQUENCE, how="inner", maintain_order="left")
            yield found.select(TEXT, ITEM, AT)

    def _of_whole_texts(self, words: pl.Series) -> pl.DataFrame:
        short = words.list.len().is_between(1, self._shortest - 1).arg_true().cast(pl.UInt32)
        texts = pl.DataFrame({TEXT: short, _SEQUENCE: _joined(words.gather(short))})
        found = texts.join(self._whole, on=_SEQUENCE, how="inner", maintain_order="left")
        return found.select(TEXT, ITEM, pl.lit(0, pl.UInt32).alias(AT))


def _known(items: pl.DataFrame, length: int) -> pl.DataFrame:
    """Return the runs that tell items, each with the first item that has it."""
    sequences = _sequences(items[_WORDS], length).unique([TEXT, _SEQUENCE])
    of_items = sequences.select(items[ITEM].gather(sequences[TEXT]), _SEQUENCE)
    rare = pl.len().over(_SEQUENCE) <= _FREQUENT
    told = of_items.with_columns(rare.alias("rare")).filter(
        pl.col("rare") | ~pl.col("rare").any().over(ITEM)
    )
    return told.group_by(_SEQUENCE).agg(pl.col(ITEM).min())


def _joined(words: pl.Series) -> pl.Series:
    return words.list.join(" ").alias(_SEQUENCE)


def _sequences(words: pl.Series, length: int) -> pl.DataFrame:
    """Return the hash of each run of words, with its text and its place there.

    The hash of a run is a polynomial of the hashes of its words, for all runs at once.
    """
    counts = words.list.len().fill_null(0).to_numpy().astype(np.int64)
    flat = words.filter(words.list.len() > 0).explode(empty_as_null=True)
    hashes: NDArray[np.uint64] = flat.hash(seed=0).to_numpy()
    runs = max(len(hashes) - length + 1, 0)
    total = np.zeros(runs, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for offset in range(length):
            total = total * _FACTOR + hashes[offset : offset + runs]
    texts = np.repeat(np.arange(len(counts), dtype=np.uint32), counts)
    begins = np.repeat(np.cumsum(counts) - counts, counts)
    inside = texts[:runs] == texts[length - 1 : length - 1 + runs]
    places = (np.arange(runs) - begins[:runs]).astype(np.uint32)
    return pl.DataFrame(
        {
            TEXT: texts[:runs][inside],
            AT: places[inside],
            _SEQUENCE: total[inside],
        },
        schema={TEXT: pl.UInt32, AT: pl.UInt32, _SEQUENCE: pl.UInt64},
    )
