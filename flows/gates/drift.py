"""The gate `drift`: how far values have moved away from those of the last version."""

from collections.abc import Iterator
from typing import Self

from pydantic import Field, model_validator

from flows.comparison.distributions import Distribution, distance, distributions
from flows.gates.columns_of_a_version import subject_of
from flows.gates.gate import Gate, Share, require_one_of
from flows.gates.verdict import Verdict, number
from flows.versions.saved import SavedVersion


class Drift(Gate):
    """How far the distributions of columns are from those of the last version.

    The distance is that of Jensen and Shannon, base 2, from 0 (the same) to 1 (nothing in common):
    of numbers and labels by their values, of texts by their lengths. A list and a chat have a
    second distribution, named as in "messages turns" and "ratings items".
    """

    at_most: Share | None = Field(
        default=None, description="Largest distance of every column that is not named below"
    )
    columns: dict[str, Share] = Field(
        default_factory=dict, description="Largest distance, by column"
    )

    @model_validator(mode="after")
    def _checks_something(self) -> Self:
        require_one_of(self, "at_most", "columns")
        return self

    def check(self, version: SavedVersion, before: SavedVersion | None) -> Iterator[Verdict]:
        if before is None:
            yield Verdict("drift", "", True, None, "", "There is no earlier version.")
            return
        measured: dict[str, None] = {}
        for configuration in version.configurations:
            if configuration not in before.configurations:
                continue
            then = distributions(before, configuration)
            now = distributions(version, configuration, like=then)
            measured |= dict.fromkeys(now)
            for name in now:
                most = self.columns.get(name, self.at_most)
                if name in then and most is not None:
                    subject = subject_of(version, configuration, name)
                    yield _verdict(subject, now[name], then[name], most)
        for name in self.columns:
            if name not in measured:
                sentence = (
                    f"There is no distribution of {name!r} to compare; there are those of: "
                    f"{', '.join(measured)}."
                )
                yield Verdict("drift", name, False, None, "the column exists", sentence)


def _verdict(subject: str, now: Distribution, then: Distribution, most: float) -> Verdict:
    found = distance(now, then)
    wanted = f"at most {number(most)}"
    means = ""
    if now.mean is not None and then.mean is not None:
        means = f"; the mean was {number(then.mean)} and is {number(now.mean)}"
    sentence = (
        f"{subject!r} has moved by {number(found)} (Jensen-Shannon distance to the last version, "
        f"0 to 1{means})"
    )
    sentence += f", and {wanted} is allowed." if found > most else "."
    return Verdict("drift", subject, found <= most, found, wanted, sentence)
