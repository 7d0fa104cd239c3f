"""Pipelines and edits drawn by chance, for which a plan can know every call."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Any

from flows import Pipeline
from tasks import GroupColumns, KeepColumns, LoadDataFromDicts, Row, Step
from tests.flows.refresh.plans import Even, asking

_EDITS = ("edit", "add", "drop", "turn", "prompt", "generations", "rename", "append", "cut")


@dataclass(frozen=True, slots=True)
class Shape:
    """A pipeline: rows, perhaps a filter of them, and links of one or two branches that ask.

    A link is (name, prompt, generations, branches). Rows pass every link, so that what is asked
    follows from the rows alone; there are two generations at most, since what a third one leads to
    is no more than estimated.
    """

    rows: tuple[tuple[int, str], ...]
    links: tuple[tuple[str, str, int, int], ...]
    filtered: bool
    keyed: bool
    next_id: int = 1_000

    @classmethod
    def drawn(cls, random: Random) -> Shape:
        """Return a shape drawn by chance."""
        return cls(
            tuple((number, f"Passage {number % 9}.") for number in range(random.randint(4, 14))),
            tuple(_link(random, f"ask{n}") for n in range(random.randint(1, 3))),
            filtered=random.random() < 0.3,
            keyed=random.random() < 0.6,
        )

    def edited(self, random: Random) -> Shape:
        """Return the shape after one to three edits of its rows or its steps."""
        shape = self
        for _ in range(random.randint(1, 3)):
            shape = shape._edited(random.choice(_EDITS), random)
        return shape

    def pipeline(self) -> Pipeline:
        """Return the pipeline."""
        data: list[Row] = [{"id": number, "passage": text} for number, text in self.rows]
        with Pipeline("shape") as made:
            keys = ("id",) if self.keyed else None
            last: Step = LoadDataFromDicts(name="load", data=data, key_columns=keys)
            if self.filtered:
                last = last >> Even(name="even")
            reads = "passage"
            for name, prompt, generations, branches in self.links:
                last = _linked(last, name, prompt, reads, generations, branches)
                reads = "text"
            last >> KeepColumns(name="keep", columns=("id", "text"))
        return made

    def _edited(self, edit: str, random: Random) -> Shape:
        place = random.randrange(len(self.rows))
        number, _ = self.rows[place]
        at = random.randrange(len(self.links))
        name, prompt, generations, branches = self.links[at]
        drawn = str(random.randrange(10**6))
        match edit:
            case "edit":
                return self._with_rows(place, (number, f"Edited {drawn}."))
            case "add":
                added = (*self.rows, (self.next_id, f"Passage {random.randrange(9)}."))
                return replace(self, rows=added, next_id=self.next_id + 1)
            case "drop" if len(self.rows) > 2:
                return replace(self, rows=(*self.rows[:place], *self.rows[place + 1 :]))
            case "turn":
                return replace(self, rows=self.rows[::-1])
            case "prompt":
                return self._with_link(at, (name, f"{prompt} {drawn}", generations, branches))
            case "generations":
                return self._with_link(at, (name, prompt, random.randint(1, 2), branches))
            case "rename":
                return self._with_link(at, (f"ask{drawn}", prompt, generations, branches))
            case "append" if len(self.links) < 4:
                return replace(self, links=(*self.links, _link(random, f"ask{drawn}")))
            case "cut" if len(self.links) > 1:
                return replace(self, links=self.links[:-1])
        return self

    def _with_rows(self, place: int, row: tuple[int, str]) -> Shape:
        return replace(self, rows=(*self.rows[:place], row, *self.rows[place + 1 :]))

    def _with_link(self, place: int, link: tuple[str, str, int, int]) -> Shape:
        return replace(self, links=(*self.links[:place], link, *self.links[place + 1 :]))


def _link(random: Random, name: str) -> tuple[str, str, int, int]:
    return name, f"Word {random.randrange(10**6)}", random.choice((1, 1, 2)), random.choice((1, 2))


def _linked(last: Step, name: str, prompt: str, reads: str, generations: int, branches: int) -> Any:
    """Connect a link: one step that asks, or two of them whose replies are joined."""
    template = f"{prompt}: {{{{ {reads} }}}}"
    if branches == 1:
        one = asking(name, reads, "text", template=template, num_generations=generations)
        return last >> one
    pair = [
        asking(f"{name}-{side}", reads, "text", template=f"{side} {template}")
        for side in ("left", "right")
    ]
    both = GroupColumns(name=f"{name}-both", columns=("text",), output_columns=("text",))
    last >> pair >> both
    return both
