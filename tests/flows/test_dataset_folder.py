"""A finished dataset as a folder: what `datasets` reads, and what happens to the old one."""

from __future__ import annotations

import json
import re
import resource
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import polars as pl
import pytest
from datasets import Features, List, Value, get_dataset_config_names
from pydantic import SecretStr

from flows import DatasetVersion, Pipeline
from flows.publishing import folder as folder_module
from flows.publishing.folder import PublishingError
from flows.settings import FlowSettings
from llms import OpenAILLM, ScriptedLLM
from llms.errors import ConfigurationError
from tasks import KeepColumns, LoadDataFromDicts, Row, RowRejected, Task
from tests.flows.versions import contents, loaded, version_of
from tests.loopback import LoopbackProvider

KEY = "sk-planted-8d07e3"

RICH: list[Row] = [
    {
        "instruction": "Add 2 and 3.",
        "messages": [
            {"role": "user", "content": "Add 2 and 3."},
            {"role": "assistant", "content": "5, naïvely\nor 五"},
        ],
        "numbers": [2, 3],
        "nothing": None,
        "day": date(2024, 2, 29),
        "moment": datetime(2024, 2, 29, 12, 30),  # noqa: DTZ001  # as in a column without a zone
        "right": True,
        "score": 0.5,
        "judged": {"by": {"model": "m", "ratings": [1, 5]}, "agreed": False},
    },
    {
        "instruction": "",
        "messages": [],
        "numbers": None,
        "nothing": None,
        "day": None,
        "moment": None,
        "right": None,
        "score": None,
        "judged": {"by": {"model": None, "ratings": []}, "agreed": None},
    },
]


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


def test_the_folder_loads_with_equal_rows_and_features(tmp_path: Path) -> None:
    with Pipeline("rich") as pipeline:
        LoadDataFromDicts(data=RICH)
    folder = pipeline.preview(len(RICH)).save_to_disk(tmp_path / "rich")
    rows = loaded(folder)
    assert list(rows) == RICH
    assert rows.features == Features(
        {
            "instruction": Value("string"),
            "messages": List({"role": Value("string"), "content": Value("string")}),
            "numbers": List(Value("int64")),
            "nothing": Value("null"),
            "day": Value("date32"),
            "moment": Value("timestamp[us]"),
            "right": Value("bool"),
            "score": Value("float64"),
            "judged": {
                "by": {"model": Value("string"), "ratings": List(Value("int64"))},
                "agreed": Value("bool"),
            },
        }
    )


def test_each_leaf_loads_as_a_configuration_of_its_own(tmp_path: Path) -> None:
    with Pipeline("leaves") as pipeline:
        LoadDataFromDicts(data=RICH) >> [
            KeepColumns(name="chats", columns=("messages",)),
            KeepColumns(name="days", columns=("day", "numbers")),
        ]
    folder = pipeline.preview(len(RICH)).save_to_disk(tmp_path / "leaves")
    assert get_dataset_config_names(str(folder)) == ["chats", "days"]
    assert list(loaded(folder, "chats")) == [{"messages": row["messages"]} for row in RICH]
    assert list(loaded(folder, "days")) == [
        {"day": row["day"], "numbers": row["numbers"]} for row in RICH
    ]


def test_a_leaf_that_lost_all_its_rows_leaves_the_other_leaf_as_it_is(tmp_path: Path) -> None:
    with Pipeline("leaves") as pipeline:
        LoadDataFromDicts(data=[{"instruction": "bad"}]) >> [
            Echoed(name="answers", llm=ScriptedLLM(replies=("no",))),
            KeepColumns(name="kept", columns=("instruction",)),
        ]
    folder = pipeline.preview(1).save_to_disk(tmp_path / "leaves")
    assert pl.read_parquet(folder / "answers").shape == (0, 4)
    assert list(loaded(folder, "kept")) == [{"instruction": "bad"}]


def test_shards_load_in_the_order_of_the_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_module, "_SHARD_BYTES", 3_000)
    partitions = [[{"n": 10 * part + row} for row in range(10)] for part in range(12)]
    folder = version_of(*partitions).save_to_disk(tmp_path / "shards")
    names = sorted(path.name for path in (folder / "data").iterdir())
    assert len(names) > 2
    assert names == [
        f"train-{number:05}-of-{len(names):05}.parquet" for number in range(len(names))
    ]
    assert loaded(folder)["n"][:] == list(range(120))


@pytest.mark.parametrize(
    ("first", "second", "table", "feature"),
    [
        ([{"c": 1}], [{"c": 0.5}], [1.0, 0.5], Value("float64")),
        ([{"c": None}], [{"c": "a"}], [None, "a"], Value("string")),
        ([{"c": 1}], [{"c": "a"}], ["1", "a"], Value("string")),
        ([{"c": []}], [{"c": ["a"]}], [[], ["a"]], List(Value("string"))),
        (
            [{"c": {"a": 1}}],
            [{"c": {"b": "x", "a": 2}}],
            [{"a": 1, "b": None}, {"a": 2, "b": "x"}],
            {"a": Value("int64"), "b": Value("string")},
        ),
        ([{"other": 1}], [{"c": True}], [None, True], Value("bool")),
    ],
    ids=["int-float", "null-text", "number-text", "empty-list", "more-fields", "late-column"],
)
@pytest.mark.parametrize("shard_bytes", [1, 10**9], ids=["two-shards", "one-shard"])
def test_partitions_of_differing_types_load_as_one_table(
    first: Sequence[Row],
    second: Sequence[Row],
    table: list[Any],
    feature: Any,
    shard_bytes: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(folder_module, "_SHARD_BYTES", shard_bytes)
    rows = loaded(version_of(first, second).save_to_disk(tmp_path / "mixed"))
    assert rows["c"][:] == table
    assert rows.features["c"] == feature


def test_a_configuration_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(ConfigurationError, match=r"no configuration 'chats'; there is: default\."):
        version_of([{"n": 1}]).frame("chats")


@pytest.mark.parametrize("other", ["text", 1], ids=["list-text", "list-number"])
def test_partitions_whose_types_cannot_meet_are_told_in_one_sentence(
    other: Any, tmp_path: Path
) -> None:
    with pytest.raises(PublishingError, match="'default' do not fit into one table"):
        version_of([{"c": ["a"]}], [{"c": other}]).save_to_disk(tmp_path / "clash")
    assert not (tmp_path / "clash").exists()


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
        "rejections.jsonl",
    }


@pytest.mark.usefixtures("prefect")
def test_a_flow_run_saves_the_same_bytes_as_a_preview(tmp_path: Path) -> None:
    previewed = answered("one", "bad", "two")
    run = Pipeline.from_dict(previewed.graph.to_dict()).run()
    saved = [previewed.save_to_disk(tmp_path / "previewed"), run.save_to_disk(tmp_path / "run")]
    assert contents(saved[0]) == contents(saved[1])


def test_no_file_holds_a_time_a_path_or_a_key(tmp_path: Path, provider: LoopbackProvider) -> None:
    llm = OpenAILLM(model="m", base_url=provider.url, api_key=SecretStr(KEY))
    folder = answered("one", "no", llm=llm).save_to_disk(tmp_path / "out")
    assert provider.stats().authorizations == {f"Bearer {KEY}": 2}
    for name, content in contents(folder).items():
        assert KEY.encode() not in content, name
        assert str(tmp_path).encode() not in content, name
        assert not re.search(rb"20\d\d-\d\d-\d\d|\d\d:\d\d:\d\d", content), name


def test_the_manifest_has_the_digest_of_every_data_file(tmp_path: Path) -> None:
    version = answered("one", "bad", "two")
    folder = version.save_to_disk(tmp_path / "out")
    manifest = json.loads((folder / "manifest.json").read_text())
    (shard,) = manifest["files"]["default"]
    content = (folder / shard["path"]).read_bytes()
    assert shard == {
        "path": "data/train-00000-of-00001.parquet",
        "rows": 2,
        "bytes": len(content),
        "sha256": sha256(content).hexdigest(),
    }
    assert manifest["pipeline"] == "answers"
    assert manifest["digest"] == version.digest
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


@pytest.mark.parametrize(
    "files",
    [
        {"notes.txt": "mine"},
        {"manifest.json": '{"name": "a web page", "icons": []}'},
        {"manifest.json": "not JSON", "data/train.parquet": "mine"},
    ],
    ids=["notes", "another-manifest", "a-broken-manifest"],
)
def test_a_folder_of_somebody_else_is_refused_and_stays_as_it_is(
    files: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    for name, text in files.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(text)
    before = contents(tmp_path / "out")
    with pytest.raises(ConfigurationError, match="exists and is not a dataset folder of ours"):
        version_of([{"n": 1}]).save_to_disk(out)
    with pytest.raises(ConfigurationError, match="exists and is not a dataset folder of ours"):
        FlowSettings(output=str(out)).check()
    assert contents(out) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "out"]


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(ConfigurationError, match="is not a dataset folder of ours"):
        version_of([{"n": 1}]).save_to_disk(tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"


def test_a_folder_that_cannot_be_made_is_told_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ConfigurationError, match=r"file' is not a folder that you may write to"):
        FlowSettings(output=str(tmp_path / "file" / "deep" / "out")).check()


def test_an_empty_folder_and_a_missing_parent_are_fine(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for out in (tmp_path / "empty", tmp_path / "a" / "b" / "out"):
        FlowSettings(output=str(out)).check()
        assert version_of([{"n": 1}]).save_to_disk(out) == out
        assert loaded(out)["n"][:] == [1]


def test_our_own_older_folder_is_replaced_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    with monkeypatch.context() as patched:
        patched.setattr(folder_module, "_SHARD_BYTES", 1)
        version_of([{"n": 1}], [{"n": 2}]).save_to_disk(out)
    newer = version_of([{"n": 3}])
    newer.save_to_disk(out)
    newer.save_to_disk(tmp_path / "fresh")
    assert contents(out) == contents(tmp_path / "fresh")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fresh", "home", "out"]


def test_a_link_to_a_folder_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for number in (1, 2):
        version_of([{"n": number}]).save_to_disk(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert loaded(tmp_path / "real")["n"][:] == [2]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "home",
        "link",
        "real",
        "real-cache",
    ]


@pytest.mark.parametrize(
    "rows",
    [
        [{"text": Random(number).randbytes(1_000).hex()} for number in range(40)],
        [{"text": "a", "instruction": "b" * 60_000}],
    ],
    ids=["in-the-data", "in-the-pipeline"],
)
def test_a_full_disk_leaves_the_old_folder_and_one_sentence(
    rows: list[Row], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    version_of([{"n": 1}]).save_to_disk(out)
    before, newer = contents(out), version_of(rows)
    with (
        files_of_at_most(20_000),
        pytest.raises(PublishingError, match=r"cannot be written .* nothing has to be generated"),
    ):
        newer.save_to_disk(out)
    assert contents(out) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "out"]
    newer.save_to_disk(out)
    assert loaded(out).num_rows == len(rows)


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Make this process fail to write more bytes than that into any one file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
