"""Texts that are nearly one of some items."""

from collections.abc import Iterator
from typing import Any

import polars as pl

from flows.gates.shared_words import AT, ITEM, TEXT
from tasks.filtering.min_hash_dedup import bands

_HASHES = 256
_AT_ONCE = 1_000


class SimilarTexts:
    """Finds texts whose sets of words are like that of an item (MinHash, package rensa).

    Alike are those with an estimated Jaccard similarity of `similarity` or more; the estimate takes
    256 hash values and is off by 0.02.
    """

    def __init__(self, words_of_items: pl.Series, similarity: float) -> None:
        from rensa import RMinHashDeduplicator  # type: ignore[import-untyped]  # it has no types

        self._items: Any = RMinHashDeduplicator(
            threshold=similarity,
            num_perm=_HASHES,
            use_lsh=True,
            num_bands=bands(similarity, _HASHES),
            seed=1,
        )
        numbered = enumerate(words_of_items.to_list())
        self._items.add_pairs([(str(number), words) for number, words in numbered if words])

    def matches(self, words: pl.Series) -> pl.DataFrame:
        """Return one match for each text, given by its words, that is like an item."""
        return pl.DataFrame(
            list(self._matches(words)),
            schema={TEXT: pl.UInt32, ITEM: pl.UInt32, AT: pl.UInt32},
            orient="row",
        )

    def _matches(self, words: pl.Series) -> Iterator[tuple[int, int, int]]:
        some = words.list.len() > 0
        texts, filled = some.arg_true(), words.filter(some)
        for start in range(0, len(filled), _AT_ONCE):
            found = self._items.get_duplicate_sets(filled[start : start + _AT_ONCE].to_list())
            for number, items in enumerate(found, start):
                if items:
                    yield texts[number], min(int(item) for item in items), 0
