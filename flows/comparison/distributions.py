"""The distributions of a version's columns."""

from __future__ import annotations

from collections.abc import Mapping

from flows.comparison.counting import distribution_of
from flows.comparison.distribution import Distribution, distance
from flows.comparison.measures import measures_of
from flows.versions.saved import SavedVersion

__all__ = ["Distribution", "distance", "distributions"]


def distributions(
    version: SavedVersion,
    configuration: str,
    like: Mapping[str, Distribution] | None = None,
) -> dict[str, Distribution]:
    """Return the distributions of a configuration's columns, over all rows, by name.

    A column has its own name; chats and lists are measured once more, as in `messages turns` or
    `ratings items`. `like` are those of another version: its texts and labels are taken as such
    here too. Vectors and times have none.

    Raises:
        ConfigurationError: there is no such configuration.
    """
    rows = version.scan(configuration)
    found = {}
    for measure in measures_of(rows.collect_schema()):
        values = rows.select(measure.values.alias("values")).collect()["values"]
        known = (like or {}).get(measure.name)
        if (its := distribution_of(measure, values, known)) is not None:
            found[measure.name] = its
    return found
