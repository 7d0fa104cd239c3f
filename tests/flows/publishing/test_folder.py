"""A finished dataset as a folder: its files, byte for byte."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest
from pydantic import SecretStr

from flows import DatasetVersion, Pipeline
from flows.versions.manifest import content_digest
from flows.versions.saved import SavedVersion
from llms import OpenAILLM, ScriptedLLM
from tasks import KeepColumns, LoadDataFromDicts, Row, RowRejected, Task
from tests.flows.versions import contents, loaded
from tests.loopback import LoopbackProvider

KEY = "sk-planted-8d07e3"
RECORDS = "provenance/rows-00000-of-00001.parquet"


class Echoed(Task):
    """Keeps the reply, and refuses those that say no."""

    version: ClassVar = 1
    inputs: ClassVar = {"instruction": pl.String}
    outputs: ClassVar = {"generation": pl.String}
    corrections: int = 0

    def format_input(self, input: Row) -> Any:
        return [{"role": "user", "content": input["instruction"]}]

    def format_output(self, output: str | None, input: Row) -> Row:
        if "no" in (output or ""):
            raise RowRejected("the reply says no")
        return {"generation": output}


def answered(*instructions: str, llm: Any = None) -> DatasetVersion:
    with Pipeline("answers", description="Some answers.") as pipeline:
        load = LoadDataFromDicts(name="load", data=[{"instruction": text} for text in instructions])
        load >> Echoed(name="ask", llm=llm or ScriptedLLM(rules={"bad": "no|\n✗", "": "{prompt}!"}))
    return pipeline.preview(len(instructions))


def test_a_leaf_that_lost_all_its_rows_leaves_the_other_leaf_as_it_is(tmp_path: Path) -> None:
    with Pipeline("leaves") as pipeline:
        LoadDataFromDicts(data=[{"instruction": "bad"}]) >> [
            Echoed(name="answers", llm=ScriptedLLM(replies=("no",))),
            KeepColumns(name="kept", columns=("instruction",)),
        ]
    folder = pipeline.preview(1).save_to_disk(tmp_path / "leaves")
    assert pl.read_parquet(folder / "answers").shape == (0, 4)
    assert list(loaded(folder, "kept")) == [{"instruction": "bad"}]


def test_the_same_rows_give_the_same_bytes_in_any_home_and_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = []
    for place in ("here", "there"):
        monkeypatch.setenv("STILLHOUSE_HOME", str(tmp_path / place / "home"))
        saved.append(contents(answered("one", "bad", "two").save_to_disk(tmp_path / place / "out")))
    assert saved[0] == saved[1]
    assert set(saved[0]) == {
        "README.md",
        "data/train-00000-of-00001.parquet",
        "manifest.json",
        "pipeline.yaml",
        "provenance/answers-00000-of-00001.parquet",
        RECORDS,
        "provenance/sources/load-00000-of-00001.parquet",
        "rejections.jsonl",
    }


@pytest.mark.usefixtures("prefect")
def test_a_flow_run_saves_the_same_bytes_as_a_preview_but_for_its_id(tmp_path: Path) -> None:
    previewed = answered("one", "bad", "two")
    run = Pipeline.from_dict(previewed.graph.to_dict()).run()
    saved = [previewed.save_to_disk(tmp_path / "previewed"), run.save_to_disk(tmp_path / "run")]
    first, second = map(contents, saved)
    assert first.keys() == second.keys()
    differing = {name for name in first if first[name] != second[name]}
    assert differing == {"README.md", "manifest.json", RECORDS}
    # The size of the records is in the card's metadata.
    pages = [files["README.md"].split(b"\n---\n")[1] for files in (first, second)]
    assert pages[0] == pages[1]
    records = [pl.read_parquet(folder / RECORDS) for folder in saved]
    assert records[0].drop("run").equals(records[1].drop("run"))
    assert [frame["run"].unique().to_list() for frame in records] == [[""], [run.run]]


def test_no_file_holds_a_time_a_path_or_a_key(tmp_path: Path, provider: LoopbackProvider) -> None:
    llm = OpenAILLM(model="m", base_url=provider.url, api_key=SecretStr(KEY))
    folder = answered("one", "no", llm=llm).save_to_disk(tmp_path / "out")
    assert provider.stats().authorizations == {f"Bearer {KEY}": 2}
    for name, content in contents(folder).items():
        assert KEY.encode() not in content, name
        assert str(tmp_path).encode() not in content, name
        assert not re.search(rb"20\d\d-\d\d-\d\d|\d\d:\d\d:\d\d", content), name


def test_the_manifest_has_the_digest_of_every_file(tmp_path: Path) -> None:
    version = answered("one", "bad", "two")
    folder = version.save_to_disk(tmp_path / "out")
    manifest = json.loads((folder / "manifest.json").read_text())
    (shard,) = manifest["configurations"]["default"]["splits"]["train"]
    content = (folder / shard["path"]).read_bytes()
    assert shard == {
        "path": "data/train-00000-of-00001.parquet",
        "rows": 2,
        "bytes": len(content),
        "sha256": sha256(content).hexdigest(),
    }
    found = {name: sha256(content).hexdigest() for name, content in contents(folder).items()}
    del found["README.md"], found["manifest.json"]
    assert SavedVersion.open(folder).manifest.digests == found
    assert manifest["pipeline"] == "answers"
    assert manifest["digest"] == content_digest(found)
    assert manifest["steps"]["ask"]["step"] == "Echoed"
    assert manifest["steps"]["ask"]["signature"] == version.graph.steps["ask"].signature
    books = manifest["steps"]["ask"]["accounts"]
    assert (books["rows_in"], books["rows_out"], books["rejected"]) == (3, 2, 1)


def test_every_rejected_row_is_in_the_folder_with_key_reason_and_raw_reply(
    tmp_path: Path,
) -> None:
    version = answered("one", "bad", "two")
    folder = version.save_to_disk(tmp_path / "out")
    (line,) = (folder / "rejections.jsonl").read_text(encoding="utf-8").splitlines()
    (rejection,) = version.rejections()
    assert json.loads(line) == {
        "key": rejection.key,
        "parent": rejection.parent,
        "step": "ask",
        "reason": "the reply says no",
        "row": {"instruction": "bad"},
        "raw_reply": "no|\n✗",
        "unanswered": False,
    }


def test_the_pipeline_in_the_folder_makes_the_same_dataset(tmp_path: Path) -> None:
    version = answered("one", "bad", "two")
    folder = version.save_to_disk(tmp_path / "out")
    again = Pipeline.from_yaml(folder / "pipeline.yaml").preview(3)
    assert again.digest == version.digest
    assert contents(again.save_to_disk(tmp_path / "again")) == contents(folder)
