"""What the last finished run of a pipeline did, remembered in the workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from flows import Pipeline
from flows.runtime.memory import Piece
from flows.runtime.record import RunRecord, read_record, write_record
from flows.runtime.workspace import Partition, Workspace
from llms import OpenAILLM, ScriptedLLM
from tasks import LoadDataFromDicts, TextGeneration
from tasks.outcome import Accounts

PART = Partition("a" * 32, 2, Accounts(rows_in=2, rows_out=1, rejected=1), "b" * 32, 1, "c" * 32)


def pipeline(name: str = "answers", **parameters: Any) -> Pipeline:
    """Return a small pipeline."""
    with Pipeline(name) as made:
        load = LoadDataFromDicts(name="load", data=[{"instruction": "Say hi."}])
        load >> TextGeneration(name="answer", llm=ScriptedLLM(), **parameters)
    return made


def test_a_record_comes_back_as_it_was_written(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    pieces, datasets = {"work": [Piece("given", PART)]}, {"dataset": [PART, PART]}
    write_record(pipeline(), pieces, datasets, workspace)
    found = read_record("answers", workspace)
    assert (found.pieces, found.datasets) == (pieces, datasets)
    assert found.steps["answer"]["its class"].startswith('"tasks.generation.text_generation')


def test_the_last_run_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    write_record(pipeline(), {"old": [Piece("given", PART)]}, {"old": [PART]}, workspace)
    write_record(pipeline(num_generations=2), {}, {}, workspace)
    found = read_record("answers", workspace)
    assert (found.pieces, found.datasets) == ({}, {})
    assert found.steps["answer"]["its parameter num_generations"] == "2"


def test_each_pipeline_has_a_record_of_its_own(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    write_record(pipeline("one/two"), {"work": []}, {}, workspace)
    assert read_record("one/two", workspace).pieces == {"work": []}
    assert read_record("two", workspace) == RunRecord()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        '{"steps": {}}',
        '{"steps": {}, "pieces": [], "datasets": {}}',
        '{"steps": {}, "pieces": {"work": [{"given": "a"}]}, "datasets": {}}',
        '{"steps": {}, "pieces": {}, "datasets": {"a": [{"digest": "a", "accounts": {}}]}}',
        '{"steps": {}, "pieces": {}, "datasets": {"a": [{"accounts": {"colour": 1}}]}}',
    ],
)
def test_a_record_that_cannot_be_read_is_none(tmp_path: Path, content: str) -> None:
    workspace = Workspace(tmp_path)
    file = workspace.record_of("answers")
    file.parent.mkdir(parents=True)
    file.write_text(content)
    assert read_record("answers", workspace) == RunRecord()


def test_a_record_holds_no_key(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    llm = OpenAILLM(model="m", api_key=SecretStr("planted-key"))
    with Pipeline("answers") as made:
        load = LoadDataFromDicts(name="load", data=[{"instruction": "Say hi."}])
        load >> TextGeneration(name="answer", llm=llm)
    write_record(made, {}, {}, workspace)
    assert "planted-key" not in workspace.record_of("answers").read_text()
