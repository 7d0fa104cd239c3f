"""A good refresh passes all gates; each bad one is held back, with the reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from flows.gates import GateFailed, raise_if_failed
from flows.versions.saved import SavedVersion
from tasks import Row
from tests.flows.gates.refreshes import gates, passages, refreshed, verdicts

_ROWS = 100
_TOPICS = ("law", "art", "sport", "music")


def rows_of(texts: list[str], seed: int) -> list[Row]:
    """Return rows as a good run makes them."""
    random = Random(seed)
    return [
        {
            "instruction": f"Explain number {number}: {text[:40]}",
            "generation": text,
            "topic": random.choice(_TOPICS),
            "rating": random.choice((2, 3, 3, 4, 4, 4, 5)),
        }
        for number, text in enumerate(texts)
    ]


def evaluation_items() -> list[str]:
    return passages()[2 * _ROWS :][:50]


@pytest.fixture
def before(tmp_path: Path) -> SavedVersion:
    return refreshed(tmp_path / "before", rows_of(passages()[:_ROWS], seed=1))


@pytest.fixture
def wanted(tmp_path: Path) -> dict[str, Any]:
    file = tmp_path / "evaluation.jsonl"
    file.write_text("".join(json.dumps({"text": item}) + "\n" for item in evaluation_items()))
    return {
        "rows": {"at_least": 50, "largest_drop": 0.2},
        "missing": {"generation": 0, "rating": 0.05},
        "duplicates": {"columns": ["generation"], "at_most": 0.02, "near_at_most": 0.05},
        "lengths": {"generation": {"shortest": 20, "mean_at_least": 200}},
        "labels": {
            "topic": {"shares": {"law": {"at_least": 0.1, "at_most": 0.5}}, "only": _TOPICS}
        },
        "ratings": {"rating": {"within": (1, 5), "mean_at_least": 2.5, "mean_at_most": 4.5}},
        "columns": {"unchanged": True},
        "language": {"columns": ["generation"], "language": "en", "at_least": 0.9},
        "personal_data": {"at_most": 0.01},
        "contamination": {"sets": {"bench": str(file)}, "at_most": 2},
        "judge": {"column": "rating", "low_below": 2, "low_at_most": 0.05},
        "drift": {"at_most": 0.45, "columns": {"rating": 0.25}},
    }


def changed(rows: list[Row], column: str, value: Callable[[int, Row], Any]) -> list[Row]:
    """Return the rows with other values in a column, made from number and row."""
    return [{**row, column: value(number, row)} for number, row in enumerate(rows)]


def empty_replies(rows: list[Row]) -> list[Row]:
    return changed(rows, "generation", lambda n, row: row["generation"] if n % 10 else "")


def repeated_replies(rows: list[Row]) -> list[Row]:
    return changed(rows, "generation", lambda n, row: rows[n % 90]["generation"])


def nearly_repeated_replies(rows: list[Row]) -> list[Row]:
    return changed(rows, "generation", lambda n, row: f"{rows[n % 90]['generation']} {n}.")


def leaked_items(rows: list[Row]) -> list[Row]:
    items = evaluation_items()
    return changed(rows, "instruction", lambda n, row: items[n] if n < 5 else row["instruction"])


def personal_replies(rows: list[Row]) -> list[Row]:
    said = " Write to Anna at anna.smith@stillhouse.dev."
    return changed(rows, "generation", lambda n, row: row["generation"] + said * (n < 5))


def generous_ratings(rows: list[Row]) -> list[Row]:
    return changed(rows, "rating", lambda n, row: min(5, row["rating"] + 1))


def ratings_out_of_range(rows: list[Row]) -> list[Row]:
    return changed(rows, "rating", lambda n, row: 10 if n == 7 else row["rating"])


def low_ratings(rows: list[Row]) -> list[Row]:
    return changed(rows, "rating", lambda n, row: 1 if n < 10 else row["rating"])


def another_language(rows: list[Row]) -> list[Row]:
    said = "Diese Antwort steht auf Deutsch, obwohl nach einer englischen gefragt war."
    mixed = [f"{said} {row['generation'][:80]} {said}" for row in rows]
    return changed(rows, "generation", lambda n, row: mixed[n] if n < 20 else row["generation"])


def one_topic(rows: list[Row]) -> list[Row]:
    return changed(rows, "topic", lambda n, row: "law")


def unknown_topics(rows: list[Row]) -> list[Row]:
    return changed(rows, "topic", lambda n, row: row["topic"] if n else "Law.")


def lost_rows(rows: list[Row]) -> list[Row]:
    return rows[:70]


def another_column(rows: list[Row]) -> list[Row]:
    return changed(rows, "model_name", lambda n, row: "m")


def shorter_replies(rows: list[Row]) -> list[Row]:
    return changed(rows, "generation", lambda n, row: row["generation"][:120])


@pytest.mark.parametrize(
    ("harm", "failed"),
    [
        (empty_replies, {"missing", "lengths", "duplicates"}),
        (repeated_replies, {"duplicates"}),
        (nearly_repeated_replies, {"duplicates"}),
        (leaked_items, {"contamination"}),
        (personal_replies, {"personal_data"}),
        (generous_ratings, {"drift"}),
        (ratings_out_of_range, {"ratings"}),
        (low_ratings, {"judge", "drift"}),
        (another_language, {"language"}),
        (one_topic, {"labels", "drift"}),
        (unknown_topics, {"labels"}),
        (lost_rows, {"rows"}),
        (another_column, {"columns"}),
        (shorter_replies, {"lengths", "drift"}),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_bad_refresh_is_held_back(
    harm: Callable[[list[Row]], list[Row]],
    failed: set[str],
    before: SavedVersion,
    wanted: dict[str, Any],
    tmp_path: Path,
) -> None:
    rows = harm(rows_of(passages()[_ROWS : 2 * _ROWS], seed=2))
    found = verdicts(refreshed(tmp_path / "bad", rows, before), before, **wanted)
    assert {item.gate for item in found if not item.passed} == failed
    with pytest.raises(GateFailed):
        raise_if_failed(found)


def test_a_good_refresh_passes(
    before: SavedVersion, wanted: dict[str, Any], tmp_path: Path
) -> None:
    gates(**wanted).prepare()
    version = refreshed(tmp_path / "good", rows_of(passages()[_ROWS : 2 * _ROWS], seed=2), before)
    found = verdicts(version, before, **wanted)
    assert [item.sentence for item in found if not item.passed] == []
    assert {item.gate for item in found} == set(wanted)
