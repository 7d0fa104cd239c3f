"""`Gates`: what a version must pass before it is published."""

from collections.abc import Iterator, Mapping
from typing import ClassVar

from pydantic import Field

from flows.gates.columns import Columns
from flows.gates.contamination import Contamination
from flows.gates.drift import Drift
from flows.gates.duplicates import Duplicates
from flows.gates.gate import Gate, Share
from flows.gates.judge import JudgeScores
from flows.gates.labels import LabelBounds, Labels
from flows.gates.language import Language
from flows.gates.lengths import LengthBounds, Lengths
from flows.gates.missing import Missing
from flows.gates.personal_data import PersonalData
from flows.gates.ratings import RatingBounds, Ratings
from flows.gates.rejection_rate import RejectionRate
from flows.gates.rows import Rows
from flows.gates.verdict import Verdict
from flows.versions.saved import SavedVersion
from llms.config import Config


class Gates(Config):
    """The checks of a version before it is published; those that are left out check nothing.

    A gate looks at all splits together, and at every configuration that has its column.
    """

    rows: Rows | None = Field(
        default=None, description="How many rows there are, and how many more or fewer than before"
    )
    rejection_rate: RejectionRate | None = Field(
        default=None, description="Which share of the rows could not be made"
    )
    missing: dict[str, Share] = Field(
        default_factory=dict,
        description="Largest share of rows without a value (null, blank, empty list), by column",
    )
    duplicates: Duplicates | None = Field(
        default=None, description="Which share of the rows repeats an earlier row, or nearly does"
    )
    lengths: dict[str, LengthBounds] = Field(
        default_factory=dict, description="How long texts are in characters, by column"
    )
    labels: dict[str, LabelBounds] = Field(
        default_factory=dict, description="Which labels there are, and how often, by column"
    )
    ratings: dict[str, RatingBounds] = Field(
        default_factory=dict, description="Mean and range of numbers, by column"
    )
    columns: Columns | None = Field(
        default=None, description="Which columns there are, and their types"
    )
    language: Language | None = Field(
        default=None, description="Which share of the texts is in the wanted language"
    )
    personal_data: PersonalData | None = Field(
        default=None,
        description="Which share of the rows holds addresses and numbers of people, here and in "
        "rejections, answers and sources",
    )
    contamination: Contamination | None = Field(
        default=None, description="How many rows hold items of evaluation sets"
    )
    judge: JudgeScores | None = Field(
        default=None, description="Which scores a judge among the steps gave to the rows"
    )
    drift: Drift | None = Field(
        default=None, description="How far columns have moved from the last version"
    )

    _by_column: ClassVar[Mapping[str, type[Missing | Lengths | Labels | Ratings]]] = {
        "missing": Missing,
        "lengths": Lengths,
        "labels": Labels,
        "ratings": Ratings,
    }

    @property
    def declared(self) -> Iterator[Gate]:
        """The gates that are set, in the order of the fields."""
        for name in type(self).model_fields:
            wanted = getattr(self, name)
            if isinstance(wanted, Gate):
                yield wanted
            elif wanted:
                yield self._by_column[name](columns=wanted)

    def prepare(self) -> None:
        """Find out before a run whether the gates can work.

        Raises:
            ConfigurationError: a package or an evaluation set is missing, or a gate names a
                language or country that does not exist.
        """
        for gate in self.declared:
            gate.prepare()

    def check(self, version: SavedVersion, before: SavedVersion | None) -> list[Verdict]:
        """Return what all gates find; `before` is the last version, None if there is none.

        Raises:
            ConfigurationError: a gate cannot work, see `prepare`.
        """
        return [verdict for gate in self.declared for verdict in gate.check(version, before)]
