"""A finished run at rest: rows, splits, provenance, and a digest that names the content."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows import DatasetVersion, Pipeline
from flows.versions.saved import SavedVersion
from flows.versions.staging import Contents
from llms import ScriptedLLM
from llms.errors import ConfigurationError
from tasks import (
    GroupColumns,
    KeepColumns,
    LoadDataFromDicts,
    Row,
    TextGeneration,
    UltraFeedback,
)
from tasks.row import KEY
from tests.flows.versions import contents, saved, version_of

ROWS: list[Row] = [{"id": number, "instruction": f"Say {number}."} for number in range(6)]


def pipeline(rows: list[Row] | None = None, **parameters: Any) -> Pipeline:
    """Return a pipeline: a source with the key `id`, an answer by a model."""
    with Pipeline("answers") as made:
        load = LoadDataFromDicts(
            name="load", data=ROWS if rows is None else rows, key_columns=("id",)
        )
        load >> TextGeneration(name="answer", llm=ScriptedLLM(), **parameters)
    return made


def finished(made: Pipeline, run: str = "first") -> DatasetVersion:
    """Return all rows of a pipeline, made in this process, as those of a flow run."""
    return replace(made.preview(1_000), run=run)


def records(version: SavedVersion) -> pl.DataFrame:
    """Return the provenance of a version."""
    found = version.provenance()
    assert found is not None
    return found.collect()


def test_every_row_has_a_record_with_its_source_row_and_its_answers(tmp_path: Path) -> None:
    version = saved(tmp_path / "v1", finished(pipeline()))
    found = records(version)
    keyed = version.keyed()
    assert found[KEY].to_list() == keyed[KEY].to_list()
    assert found["source_key"].to_list() == found[KEY].to_list()
    assert set(found["source"]) == {"load"}
    assert set(found["run"]) == {"first"}
    for (answer,), reply in zip(found["answers"], keyed["generation"], strict=True):
        assert answer["step"] == "answer"
        assert answer["signature"] == version.manifest.steps["answer"].signature
        assert (answer["model"], answer["input_tokens"]) == ("scripted", 2)
        assert answer["output_tokens"] == len(reply.split())


def test_rows_made_of_one_row_name_the_same_source_row(tmp_path: Path) -> None:
    version = saved(tmp_path / "v1", finished(pipeline(num_generations=3)))
    found = records(version)
    assert found.height == 18
    assert found.group_by("source_key").len()["len"].to_list() == [3] * 6


def test_answers_of_all_branches_are_behind_a_row_that_joins_them(tmp_path: Path) -> None:
    with Pipeline("branches") as made:
        answers = [TextGeneration(name=name, llm=ScriptedLLM()) for name in ("one", "two")]
        together = GroupColumns(columns=("generation",), output_columns=("generations",))
        LoadDataFromDicts(data=ROWS) >> answers >> together
    found = records(saved(tmp_path / "v1", finished(made)))
    assert [[answer["step"] for answer in row] for row in found["answers"]] == [["one", "two"]] * 6


def test_rejected_rows_are_recorded_with_the_reason_and_what_they_cost(tmp_path: Path) -> None:
    with Pipeline("ratings") as made:
        rows = [{"instruction": "Say a.", "generations": ["a", "b"]}]
        judge = UltraFeedback(name="judge", llm=ScriptedLLM(replies=("no idea",)), corrections=1)
        LoadDataFromDicts(data=rows) >> judge
    version = saved(tmp_path / "v1", finished(made))
    (record,) = records(version).to_dicts()
    (rejection,) = version.rejections()
    assert (record["status"], record["step"], record["reason"]) == (
        "rejected",
        "judge",
        rejection.reason,
    )
    assert len(record["answers"]) == 2
    assert record["configuration"] is None


def test_a_row_that_did_not_change_keeps_the_run_that_made_it(tmp_path: Path) -> None:
    before = saved(tmp_path / "v1", finished(pipeline()))
    rows = [{**row, "instruction": "Edited."} if row["id"] == 2 else row for row in ROWS[1:]]
    rows.append({"id": 9, "instruction": "Added."})
    after = saved(tmp_path / "v2", finished(pipeline(rows), "second"), before)
    runs = dict(zip(after.frame()["id"], records(after)["run"], strict=True))
    assert runs == {1: "first", 2: "second", 3: "first", 4: "first", 5: "first", 9: "second"}
    assert after.manifest.version == 2


def test_a_row_that_was_made_anew_from_the_same_answer_names_the_new_run(tmp_path: Path) -> None:
    made = pipeline()
    KeepColumns(name="keep", columns=("id", "generation"), pipeline=made)
    made.connect(made.steps["answer"], made.steps["keep"])
    before = saved(tmp_path / "v1", finished(pipeline()))
    after = saved(tmp_path / "v2", finished(made, "second"), before)
    assert records(after)["answers"].list.len().to_list() == [1] * 6
    assert set(records(after)["run"]) == {"second"}


def test_the_same_rows_from_the_same_answers_are_the_same_bytes(tmp_path: Path) -> None:
    before = saved(tmp_path / "v1", finished(pipeline()))
    again = saved(tmp_path / "v2", finished(pipeline(), "second"), before)
    assert again.digest == before.digest
    kept = {name: file for name, file in contents(before.folder).items() if name != "manifest.json"}
    assert kept == {
        name: file for name, file in contents(again.folder).items() if name != "manifest.json"
    }


def test_the_bytes_do_not_depend_on_how_rows_were_cut_into_partitions(tmp_path: Path) -> None:
    rows = [{"n": number, "text": "x" * number} for number in range(50)]
    one = saved(tmp_path / "one", version_of(rows))
    many = saved(tmp_path / "many", version_of(*([row] for row in rows)))
    assert one.digest == many.digest


def test_another_row_is_another_digest(tmp_path: Path) -> None:
    one = saved(tmp_path / "one", version_of([{"n": 1}]))
    assert one.digest != saved(tmp_path / "two", version_of([{"n": 2}])).digest


def test_a_split_stays_under_a_refresh_and_keeps_rows_of_one_source_row_together(
    tmp_path: Path,
) -> None:
    many = [{"id": number, "instruction": f"Say {number}."} for number in range(200)]
    wanted = Contents(test_share=0.25)
    before = saved(tmp_path / "v1", finished(pipeline(many, num_generations=2)), None, wanted)
    after = saved(tmp_path / "v2", finished(pipeline(many[50:], num_generations=2)), before, wanted)
    tested = set(before.frame(split="test")["id"])
    assert 25 < len(tested) < 75
    assert tested.isdisjoint(before.frame(split="train")["id"])
    assert set(after.frame(split="test")["id"]) == {number for number in tested if number >= 50}
    assert before.rows_of("default") == 400
    assert before.keyed().height == 400


def test_keys_stand_beside_their_rows_in_every_split(tmp_path: Path) -> None:
    wanted = Contents(test_share=0.5)
    whole = saved(tmp_path / "whole", finished(pipeline()))
    split = saved(tmp_path / "split", finished(pipeline()), None, wanted)
    pairs = [dict(v.keyed().select("id", KEY).iter_rows()) for v in (whole, split)]
    assert pairs[0] == pairs[1]


def test_less_provenance_is_kept_where_less_is_wanted(tmp_path: Path) -> None:
    version = finished(pipeline())
    rows = saved(tmp_path / "rows", version, None, Contents(provenance="rows"))
    none = saved(tmp_path / "none", version, None, Contents(provenance="none"))
    assert sorted(path.name for path in (tmp_path / "rows" / "provenance").iterdir()) == [
        "rows-00000-of-00001.parquet"
    ]
    assert not (tmp_path / "none" / "provenance").exists()
    assert rows.provenance() is not None
    assert none.provenance() is None
    assert none.keyed()[KEY].n_unique() == 6


def test_a_configuration_may_not_take_the_name_of_a_folder_of_ours(tmp_path: Path) -> None:
    with Pipeline("leaves") as made:
        LoadDataFromDicts(data=ROWS) >> [
            KeepColumns(name="provenance", columns=("id",)),
            KeepColumns(name="other", columns=("id",)),
        ]
    with pytest.raises(ConfigurationError, match="a configuration 'provenance'"):
        saved(tmp_path / "v1", finished(made))


def test_what_is_no_version_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is not a dataset folder of ours"):
        SavedVersion.open(tmp_path)


def test_a_version_of_another_layout_is_refused(tmp_path: Path) -> None:
    version = saved(tmp_path / "v1", version_of([{"n": 1}]))
    manifest = version.manifest.to_json().replace('"layout": 1', '"layout": 99')
    (version.folder / "manifest.json").write_text(manifest)
    with pytest.raises(ConfigurationError, match="has the layout 99"):
        SavedVersion.open(version.folder)
