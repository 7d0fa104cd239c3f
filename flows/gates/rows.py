"""The gate `rows`: how many rows there are."""

from collections.abc import Iterator
from typing import Self

from pydantic import Field, model_validator

from flows.gates.gate import Gate, Share, require_one_of, require_order
from flows.gates.verdict import Verdict, bounds, outside, percent
from flows.versions.saved import SavedVersion


class Rows(Gate):
    """How many rows a version has, and how many more or fewer than the last one."""

    at_least: int | None = Field(default=None, ge=0, description="Fewest rows of the version")
    at_most: int | None = Field(default=None, ge=0, description="Most rows of the version")
    at_least_of: dict[str, int] = Field(
        default_factory=dict, description="Fewest rows of a configuration, by its name"
    )
    largest_drop: Share | None = Field(
        default=None,
        description="Largest share of the last version's rows that may be lost, in the version and "
        "in each configuration",
    )
    largest_rise: float | None = Field(
        default=None,
        ge=0,
        description="Most that may be added, as a share of the last version's rows, in the version "
        "and in each configuration",
    )

    @model_validator(mode="after")
    def _checks_something(self) -> Self:
        require_one_of(self, "at_least", "at_most", "at_least_of", "largest_drop", "largest_rise")
        require_order(self, "at_least", "at_most")
        return self

    def check(self, version: SavedVersion, before: SavedVersion | None) -> Iterator[Verdict]:
        if self.at_least is not None or self.at_most is not None:
            wanted = bounds(self.at_least, self.at_most)
            failed = outside(version.rows, self.at_least, self.at_most)
            said = f"The version has {version.rows:,} rows"
            said += f", and {wanted} are wanted." if failed else "."
            yield Verdict("rows", "", not failed, version.rows, wanted, said)
        for name, fewest in self.at_least_of.items():
            rows = _rows_of(version, name)
            said = f"The configuration {name!r} has {rows:,} rows"
            said += f", and at least {fewest:,} are wanted." if rows < fewest else "."
            yield Verdict("rows", name, rows >= fewest, rows, f"at least {fewest}", said)
        if self.largest_drop is not None or self.largest_rise is not None:
            yield from self._changes(version, before)

    def _changes(self, version: SavedVersion, before: SavedVersion | None) -> Iterator[Verdict]:
        drop = None if self.largest_drop is None else -self.largest_drop
        said = (
            [f"at most {percent(self.largest_drop)} lost"] if self.largest_drop is not None else []
        )
        said += (
            [f"at most {percent(self.largest_rise)} more"] if self.largest_rise is not None else []
        )
        wanted = " and ".join(said)
        if before is None:
            yield Verdict("rows", "", True, None, wanted, "There is no earlier version.")
            return
        names = list(dict.fromkeys([*before.configurations, *version.configurations]))
        for name in ["", *(names if len(names) > 1 else [])]:
            now = _rows_of(version, name) if name else version.rows
            then = _rows_of(before, name) if name else before.rows
            change = (now - then) / then if then else 0.0
            failed = outside(change, drop, self.largest_rise)
            what = f"The configuration {name!r}" if name else "The version"
            moved = f"lost {percent(-change)}" if change < 0 else f"gained {percent(change)}"
            sentence = f"{what} {moved} of its rows ({then:,} before, {now:,} now)"
            sentence += f", and {wanted} may be." if failed else "."
            yield Verdict("rows", name, not failed, change, wanted, sentence)


def _rows_of(version: SavedVersion, configuration: str) -> int:
    return version.rows_of(configuration) if configuration in version.configurations else 0
