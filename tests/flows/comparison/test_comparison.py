"""A comparison: planted differences are named, chance is not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from flows import Pipeline
from flows.comparison.comparison import Comparison, compare
from flows.comparison.findings import QUIET
from flows.versions.saved import SavedVersion
from flows.versions.staging import Contents
from llms.embeddings import in_process
from tasks import KeepColumns, LoadDataFromDicts, packages
from tests.flows.comparison.preference import (
    GARDEN,
    KITCHEN,
    TRAVEL,
    Planted,
    Recipe,
    instructions,
    saved_preferences,
)
from tests.flows.versions import saved, version_of


@pytest.fixture(scope="module")
def compared(planted: Planted) -> Comparison:
    return compare(planted.version, planted.before)


def named(comparison: Comparison, *words: str) -> list[str]:
    return [its for its in comparison.findings if all(word in its for word in words)]


# Planted.


def test_the_rows_add_up(compared: Comparison) -> None:
    now = compared.added + compared.changed + compared.unchanged
    assert now == compared.now.rows
    assert compared.before is not None
    assert compared.removed + compared.changed + compared.unchanged == compared.before.rows


@pytest.mark.parametrize("column", ["chosen_rating", "rejected_rating"])
def test_a_stricter_judge_is_named(compared: Comparison, column: str) -> None:
    assert named(compared, f"`{column}` drifted", "median")
    assert named(compared, "rows of both versions", f"`{column}` fell from")


def test_another_writer_is_named(compared: Comparison) -> None:
    assert named(compared, "`chosen_model` drifted", "`lantern-13b` in 0%")


def test_a_judge_that_is_harder_to_read_is_named(compared: Comparison) -> None:
    (found,) = named(compared, "`ratings` rejects 11% of its rows, before 4%")
    assert "`the reply has no section for text 1 of 2`" in found


def test_another_field_of_the_added_rows_is_named(compared: Comparison) -> None:
    assert named(compared, "added texts of `chosen` are farther from the old ones")


def test_what_did_not_move_is_not_named(compared: Comparison) -> None:
    assert not named(compared, "`prompt` drifted")
    assert not named(compared, "`chosen` drifted")


def test_the_largest_distance_comes_first(compared: Comparison) -> None:
    columns = compared.configurations["default"].columns
    assert columns[0].name == "chosen_model"
    assert [its.distance for its in columns] == sorted((c.distance for c in columns), reverse=True)


def test_costs_are_those_of_the_books_and_of_the_new_answers(
    compared: Comparison, planted: Planted
) -> None:
    costs = compared.costs
    assert costs.now.usd == pytest.approx(planted.version.books.cost_usd)
    assert costs.before is not None
    assert costs.before.requests == planted.before.books.requests
    assert costs.new is not None
    # The first writer's answers to old instructions are reused, everything else is new.
    assert costs.new.requests == costs.now.requests - 288
    assert {its.step for its in costs.steps} == {"answer-1", "answer-2", "ratings"}


def test_the_json_is_json_and_says_the_same(compared: Comparison) -> None:
    value = json.loads(json.dumps(compared.as_json()))
    assert (value["added"], value["changed"]) == (compared.added, compared.changed)
    assert value["findings"] == list(compared.findings)
    first = value["configurations"]["default"]["columns"][0]
    assert (first["name"], first["named"], first["now"]["kind"]) == ("chosen_model", True, "label")
    changed = value["configurations"]["default"]["rows"]["changed_rows"][0]["values"][0]
    assert {passage["kind"] for passage in changed["diff"]} == {"same", "removed", "added"}


# Quiet.


def test_a_version_against_itself_is_quiet(planted: Planted) -> None:
    found = compare(planted.version, planted.version)
    assert found.drift == QUIET
    assert (found.added, found.changed, found.removed) == (0, 0, 0)
    assert found.costs.new is not None
    assert found.costs.new.requests == 0


@pytest.mark.parametrize("seed", range(3))
def test_another_sample_of_the_same_is_quiet(tmp_path: Path, seed: int) -> None:
    asked = instructions(GARDEN, KITCHEN, TRAVEL, count=200, seed=seed)
    recipe = Recipe(asked[:100])
    before = saved_preferences(tmp_path / "v1", recipe)
    version = saved_preferences(tmp_path / "v2", replace(recipe, instructions=asked[100:]), before)
    found = compare(version, before)
    assert found.findings == ()
    assert found.unchanged == 0


def test_drift_of_the_new_rows_is_named_though_most_rows_are_old(tmp_path: Path) -> None:
    random = Random(4)

    def rows(start: int, count: int, mean: float) -> list[dict[str, Any]]:
        return [{"id": start + n, "score": random.gauss(mean, 1)} for n in range(count)]

    old = rows(0, 600, 0)
    before = saved(tmp_path / "v1", version_of(old, key_columns=("id",)))
    now = [*old, *rows(600, 60, 3)]
    found = compare(saved(tmp_path / "v2", version_of(now, key_columns=("id",)), before), before)
    assert named(found, "In the new and changed rows, `score` drifted")
    assert not named(found, "both versions")


# Near-duplicates.


def texts(random: Random, count: int) -> list[str]:
    return [" ".join(f"word{random.randrange(3_000)}" for _ in range(40)) for _ in range(count)]


def test_near_duplicates_are_counted_and_the_largest_cluster_is_shown(tmp_path: Path) -> None:
    random = Random(0)
    plain = texts(random, 90)
    copies = [*plain[:60], *(f"{plain[0]} and {number}" for number in range(30))]
    versions = [
        saved(tmp_path / name, version_of([{"text": text} for text in its]))
        for name, its in (("v1", plain), ("v2", copies))
    ]
    found = compare(versions[1], versions[0])
    (its,) = found.configurations["default"].duplicates
    assert (its.rows, its.duplicates, its.share_before) == (90, 30, 0)
    assert its.clusters[0].rows == 31
    assert its.clusters[0].excerpts[0].startswith(plain[0][:50])
    assert named(found, "33% of the rows are near-duplicates")


def test_without_the_package_for_near_duplicates_there_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "is_installed", lambda name: name != "rensa")
    version = saved(tmp_path / "v1", version_of([{"text": "x" * 60}] * 3))
    assert compare(version, version).configurations["default"].duplicates == ()


def test_without_a_model_for_texts_their_meaning_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_process, "find_spec", lambda name: None)
    version = saved(tmp_path / "v1", version_of([{"text": "x" * 60}] * 3))
    assert compare(version, version).configurations["default"].meaning is None


# Other shapes.


def test_texts_about_something_else_are_named(tmp_path: Path) -> None:
    random = Random(1)
    words = {
        "v1": ("bread", "oven", "flour", "dough", "salt", "yeast", "kitchen", "butter", "crust"),
        "v2": ("court", "judge", "appeal", "contract", "lawyer", "clause", "plaintiff", "verdict"),
    }
    versions = [
        saved(
            tmp_path / name,
            version_of([{"text": " ".join(random.choices(its, k=12))} for _ in range(60)]),
        )
        for name, its in words.items()
    ]
    assert named(compare(versions[1], versions[0]), "`text` are about other things")


def test_each_configuration_is_compared(tmp_path: Path) -> None:
    def leaves(folder: Path, data: list[dict[str, Any]], *kept: str) -> SavedVersion:
        with Pipeline("leaves") as pipeline:
            load = LoadDataFromDicts(data=data, key_columns=("id",))
            load >> [KeepColumns(name=name, columns=("id", name)) for name in kept]
        return saved(folder, pipeline.preview(len(data)))

    before = leaves(tmp_path / "v1", [{"id": n, "a": n, "b": n} for n in range(9)], "a", "b")
    data = [{"id": n, "a": n, "b": 2 * n, "c": 1} for n in range(1, 9)]
    found = compare(leaves(tmp_path / "v2", data, "b", "c"), before)
    assert found.gone_configurations == ("a",)
    assert found.configurations["b"].rows.changed == 8
    assert found.configurations["c"].rows.added == 8
    assert found.removed == 1


@pytest.mark.parametrize("provenance", ["rows", "none"])
def test_less_provenance_is_enough(tmp_path: Path, provenance: Any) -> None:
    kept = Contents(provenance=provenance)
    before = saved(tmp_path / "v1", version_of([{"a": 1}, {"a": 2}]), None, kept)
    found = compare(saved(tmp_path / "v2", version_of([{"a": 2}, {"a": 3}]), before, kept), before)
    assert (found.added, found.removed, found.unchanged) == (1, 1, 1)


def test_a_column_of_another_kind_is_named(tmp_path: Path) -> None:
    before = saved(tmp_path / "v1", version_of([{"a": 1}] * 9))
    version = saved(tmp_path / "v2", version_of([{"a": "high"}] * 9), before)
    found = compare(version, before)
    assert named(found, "`a` holds values of another kind")


def test_columns_that_came_or_went_are_named(tmp_path: Path) -> None:
    before = saved(tmp_path / "v1", version_of([{"a": 1, "b": 1}]))
    version = saved(tmp_path / "v2", version_of([{"a": 1, "c": 1}]), before)
    assert named(compare(version, before), "New columns: `c`")
    assert named(compare(version, before), "Columns that are gone: `b`")


def test_a_first_version_is_described_without_drift(planted: Planted) -> None:
    found = compare(planted.before, None)
    assert (found.before, found.findings) == (None, ())
    assert (found.added, found.changed, found.removed) == (planted.before.rows, 0, 0)
    assert all(its.then is None for its in found.configurations["default"].columns)
    assert found.configurations["default"].duplicates[0].rows == planted.before.rows
