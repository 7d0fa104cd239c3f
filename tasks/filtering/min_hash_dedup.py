"""`MinHashDedup`: marks the first of the rows whose texts share most of their words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar, Literal

import polars as pl
from pydantic import Field

from llms.errors import RowRejected
from tasks.chats import required_text
from tasks.outcome import Outcome, StepContext
from tasks.packages import check_packages
from tasks.step import GlobalStep

_KEEP = "keep_row_after_minhash_filtering"
_WORD = re.compile(r"\w+|[^\w\s]")
_ROWS_AT_A_TIME = 1_000
_MOST_MISSED = 0.2


class MinHashDedup(GlobalStep):
    """Marks which rows to keep so that no two of those kept have nearly the same text.

    Columns: `text` (str) -> `keep_row_after_minhash_filtering` (bool). KeepRows then drops the
    others.

    Rows are taken in order: one is dropped if its text is like that of an earlier row that was
    kept, so the first occurrence stays. Alike are texts whose sets of tokens have an estimated
    Jaccard similarity (shared to all) of `threshold` or more. Tokens are "words" (with each mark by
    itself; capitals count) or, with `tokenizer` "ngrams", all sequences of `n` characters, which is
    the one for languages that write no spaces.

    The estimate takes `num_perm` hash values of a text (Broder 1997) and is off by 0.03 for 128 of
    them, by half of that for four times as many; texts that are just as similar as `threshold` are
    found in three cases of four, and ones with equal tokens always. A `threshold` of 0.5 or
    less compares many more pairs.

    The whole dataset is looked at in one process: nothing depends on batches, replicas or a resumed
    run. The hash values of 100,000 texts take 50 MB of memory; distilabel's `storage` is left out,
    as its index on disk was never removed. A row is rejected if its text is missing or empty.

    Example:
        >>> from tasks import MinHashDedup
        >>> texts = ["Say hi to Ann.", "Say bye to Bob.", "Say hi to Ann."]
        >>> rows = next(MinHashDedup().process([{"text": text} for text in texts]))
        >>> [row["keep_row_after_minhash_filtering"] for row in rows]
        [True, True, False]
    """

    version: ClassVar = 1
    inputs: ClassVar = {"text": pl.String}
    outputs: ClassVar = {_KEEP: pl.Boolean}
    reads_inputs_only: ClassVar = True

    num_perm: int = Field(default=128, ge=2)
    seed: int = Field(default=1, ge=0, lt=2**64)
    tokenizer: Literal["words", "ngrams"] = "words"
    n: int = Field(default=5, ge=1)
    threshold: float = Field(default=0.9, gt=0, le=1)

    def load(self) -> None:
        check_packages("MinHashDedup", "minhash", "rensa")

    def transform(self, frame: pl.DataFrame, context: StepContext) -> Outcome:
        self.load()
        reasons = [_reason_against(text) for text in frame["text"]]
        outcome = self.rejecting(frame, pl.Series(reasons, dtype=pl.String))
        context.observer.finished(self.name, outcome.frame.height, len(outcome.rejections))
        keep = pl.Series(_KEEP, self._firsts(outcome.frame["text"]), dtype=pl.Boolean)
        return replace(outcome, frame=outcome.frame.with_columns(keep))

    def _firsts(self, texts: pl.Series) -> Iterator[bool]:
        """Yield for each text whether no earlier one that is kept is like it."""
        from rensa import RMinHashDeduplicator  # type: ignore[import-untyped]  # it has no types

        kept: Any = RMinHashDeduplicator(
            threshold=self.threshold,
            num_perm=self.num_perm,
            use_lsh=True,
            num_bands=bands(self.threshold, self.num_perm),
            seed=self.seed,
        )
        for start in range(0, len(texts), _ROWS_AT_A_TIME):
            part = texts[start : start + _ROWS_AT_A_TIME]
            numbered = enumerate(part, start)
            yield from kept.add_pairs([(str(number), self._tokens(t)) for number, t in numbered])

    def _tokens(self, text: str) -> list[str]:
        if self.tokenizer == "words":
            return _WORD.findall(text)
        last = max(len(text) - self.n, 0)
        return [text[start : start + self.n] for start in range(last + 1)]


def _reason_against(text: str | None) -> str | None:
    try:
        required_text(text, "the column 'text'")
    except RowRejected as error:
        return str(error)
    return None


def bands(threshold: float, num_perm: int) -> int:
    """Return into how few bands hash values are cut so that similar texts share one of them.

    Fewer bands compare fewer pairs, which matters where all texts follow a few templates.
    """
    for number in range(1, num_perm):
        rows, rest = divmod(num_perm, number)
        if not rest and (1 - threshold**rows) ** number <= _MOST_MISSED:
            return number
    return num_perm
