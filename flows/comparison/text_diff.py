"""What changed between two texts, word by word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

_WORD = re.compile(r"\s*(?:\w+|[^\w\s])|\s+$")
_MOST_WORDS = 2_000
_AROUND = 20
_LEAST_IN_COMMON = 2
_GAP = " …"


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a text: the same in both, removed from the old one, or added in the new one."""

    kind: Literal["same", "removed", "added"]
    text: str


def word_diff(before: str, now: str) -> tuple[Passage, ...]:
    """Return how one text became the other; what stayed is cut in the middle where it is long.

    The first 2,000 words and marks of each are compared. A single word that stayed between others
    that did not counts as changed.
    """
    old, new = _words(before), _words(now)
    found: list[Passage] = []
    done_old = done_new = 0
    for block in SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks():
        after_old, after_new = block.a + block.size, block.b + block.size
        begins = block.a == block.b == 0
        ends = after_old == len(old) and after_new == len(new)
        if block.size < _LEAST_IN_COMMON and not begins and not ends:
            continue
        found += _changed(old[done_old : block.a], new[done_new : block.b])
        found += _same(old[block.a : after_old], begins=begins, ends=ends)
        done_old, done_new = after_old, after_new
    return tuple(found)


def _words(text: str) -> list[str]:
    words = _WORD.findall(text)
    return words if len(words) <= _MOST_WORDS else [*words[:_MOST_WORDS], _GAP]


def _changed(removed: Sequence[str], added: Sequence[str]) -> Iterator[Passage]:
    old, new = "".join(removed), "".join(added)
    space = old[: len(old) - len(old.lstrip())]
    if space and old.strip() and new.startswith(space):
        yield Passage("same", space)
        old, new = old[len(space) :], new[len(space) :]
    if old:
        yield Passage("removed", old)
    if new:
        yield Passage("added", new)


def _same(words: Sequence[str], *, begins: bool, ends: bool) -> Iterator[Passage]:
    """Yield words that stayed: up to 20 beside each change."""
    before = 0 if begins else _AROUND
    after = 0 if ends else _AROUND
    if len(words) > before + after + _LEAST_IN_COMMON:
        gap = _GAP if before else _GAP.strip()
        words = [*words[:before], gap, *words[len(words) - after :]]
    if words:
        yield Passage("same", "".join(words))
