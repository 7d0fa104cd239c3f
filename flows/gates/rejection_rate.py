"""The gate `rejection_rate`: how many rows could not be made."""

from collections.abc import Iterator
from typing import Self

from pydantic import Field, model_validator

from flows.gates.examples import excerpt
from flows.gates.gate import Gate, Share, require_one_of
from flows.gates.verdict import Verdict, percent
from flows.versions.saved import SavedVersion
from tasks.row import Row


class RejectionRate(Gate):
    """Which share of the rows was rejected.

    Of the whole version it is the share of all rows that came to an end: published, filtered or
    rejected. Of a step it is the share of what it made, filtered or rejected.
    """

    at_most: Share | None = Field(
        default=None, description="Largest share of all rows that may be rejected"
    )
    by_step: dict[str, Share] = Field(
        default_factory=dict, description="Largest share that a step may reject, by its name"
    )

    @model_validator(mode="after")
    def _checks_something(self) -> Self:
        require_one_of(self, "at_most", "by_step")
        return self

    def check(self, version: SavedVersion, before: SavedVersion | None) -> Iterator[Verdict]:
        reasons = version.reasons
        if self.at_most is not None:
            books = version.books
            ended = version.rows + books.filtered + books.rejected
            yield _verdict("", books.rejected, ended, self.at_most, reasons)
        for step, most in self.by_step.items():
            its = version.accounts.get(step)
            if its is None:
                sentence = (
                    f"There is no step {step!r}; the steps are: {', '.join(version.accounts)}."
                )
                yield Verdict("rejection_rate", step, False, None, "the step exists", sentence)
                continue
            ended = its.rows_out + its.filtered + its.rejected
            its_reasons = [item for item in reasons if item["step"] == step]
            yield _verdict(step, its.rejected, ended, most, its_reasons)


def _verdict(step: str, rejected: int, ended: int, most: float, reasons: list[Row]) -> Verdict:
    share = rejected / ended if ended else 0.0
    by = f" by step {step!r}" if step else ""
    sentence = f"{percent(share)} of the rows were rejected{by} ({rejected:,} of {ended:,})"
    wanted = f"at most {percent(most)}"
    if share > most:
        sentence += f", and {wanted} may be"
        if reasons:
            named = "" if step else f" by step {reasons[0]['step']!r}"
            sentence += (
                f"; most often{named}, because: {excerpt(reasons[0]['reason'])} "
                f"({reasons[0]['rows']:,} of them)"
            )
    return Verdict("rejection_rate", step, share <= most, share, wanted, f"{sentence}.")
