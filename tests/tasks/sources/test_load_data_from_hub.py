"""Rows of Hub datasets, from folders laid out like them, and one sentence for what goes wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import polars as pl
import pytest

from llms.errors import ConfigurationError
from tasks import Graph, KeepColumns, LoadDataFromHub, LoadHubDataset

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    datasets.disable_progress_bars()


@pytest.fixture
def dataset(tmp_path: Path) -> str:
    """A folder with a train and a test split, like a small dataset on the Hub."""
    folder = tmp_path / "dataset"
    folder.mkdir()
    chat = [{"role": "user", "content": "hi"}]
    train: list[dict[str, Any]] = [
        {"id": number, "chat": chat, "late": None} for number in range(1500)
    ]
    train.append({"id": 1500, "chat": chat, "late": "x"})
    for split, rows in (("train", train), ("test", [{"id": 7, "chat": chat, "late": "y"}])):
        text = "".join(f"{json.dumps(row)}\n" for row in rows)
        (folder / f"{split}.jsonl").write_text(text)
    return str(folder)


def loaded(repo_id: str | None, **parameters: Any) -> pl.DataFrame:
    return pl.concat(LoadDataFromHub(repo_id=repo_id, **parameters).frames())


def error_of(repo_id: str | None, **parameters: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        loaded(repo_id, **parameters)
    said = str(caught.value)
    assert "\n" not in said
    assert said.endswith(".")
    return said


@pytest.mark.parametrize("streaming", [False, True], ids=["downloaded", "streamed"])
def test_a_split_gives_its_rows_and_types(dataset: str, streaming: bool) -> None:
    frame = loaded(dataset, streaming=streaming)
    assert frame.schema == {
        "id": pl.Int64,
        "chat": pl.List(pl.Struct({"role": pl.String, "content": pl.String})),
        "late": pl.String,
    }
    assert frame["id"].to_list() == list(range(1501))
    assert frame["late"].drop_nulls().to_list() == ["x"]


def test_another_split_can_be_named(dataset: str) -> None:
    assert loaded(dataset, split="test")["id"].to_list() == [7]


@pytest.mark.parametrize("streaming", [False, True], ids=["downloaded", "streamed"])
@pytest.mark.parametrize("wanted", [1, 1000, 1001, 9999])
def test_num_examples_takes_exactly_so_many_rows(
    dataset: str, streaming: bool, wanted: int
) -> None:
    frame = loaded(dataset, streaming=streaming, num_examples=wanted)
    assert frame["id"].to_list() == list(range(min(wanted, 1501)))


def test_by_hand_it_yields_batches_and_says_which_is_the_last(dataset: str) -> None:
    step = LoadDataFromHub(repo_id=dataset, batch_size=1000)
    flags = [(len(rows), is_last) for rows, is_last in step.process(offset=1)]
    assert flags == [(1000, False), (500, True)]


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        pytest.param({"split": "no"}, 'Unknown split "no"', id="split"),
        pytest.param({"config": "no"}, "'no' not found. Available: ['default']", id="config"),
    ],
)
def test_a_missing_split_or_config_is_one_sentence(
    dataset: str, parameters: dict[str, Any], said: str
) -> None:
    found = error_of(dataset, **parameters)
    assert said in found
    assert "check split and config" in found


def test_a_column_that_datasets_finds_too_late_is_an_error_not_a_loss(tmp_path: Path) -> None:
    folder = tmp_path / "dataset"
    folder.mkdir()
    early, late = json.dumps({"t": "x" * 50_000}), json.dumps({"t": "", "late": 1})
    (folder / "train.jsonl").write_text(f"{early}\n" * 250 + f"{late}\n")
    for streaming in (False, True):
        assert "cannot be loaded" in error_of(str(folder), streaming=streaming)


def test_an_empty_split_is_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "dataset"
    folder.mkdir()
    pl.DataFrame(schema={"a": pl.String}).write_parquet(folder / "train.parquet")
    assert "corresponds to no data" in error_of(str(folder))
    assert "has no rows" in error_of(str(folder), streaming=True)


def test_without_a_repo_id_there_is_one_sentence() -> None:
    assert "needs repo_id=" in error_of(None)


def test_the_first_name_of_the_step_is_the_same_step() -> None:
    assert LoadHubDataset is LoadDataFromHub
    with Graph("g") as graph:
        LoadHubDataset(repo_id="owner/name", output_mappings={"prompt": "instruction"})
    described = graph.to_dict()
    assert described["steps"][0]["step"] == "LoadDataFromHub"
    described["steps"][0]["step"] = "LoadHubDataset"
    again = Graph.from_dict(described).steps["load_data_from_hub_0"]
    assert again.output_mappings == {"prompt": "instruction"}


def test_storage_options_are_forwarded_and_never_written_to(tmp_path: Path) -> None:
    asked: list[str | None] = []

    class Recording(BaseHTTPRequestHandler):
        """Serves one file and keeps what it was asked with."""

        def do_GET(self) -> None:
            asked.append(self.headers.get("X-Pass"))
            body = b'{"id": 1}\n'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            """Keep quiet."""

    options = {"headers": {"X-Pass": "planted"}}
    with ThreadingHTTPServer(("127.0.0.1", 0), Recording) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/train.jsonl"
        configs = [{"config_name": "default", "data_files": [{"split": "train", "path": address}]}]
        (tmp_path / "README.md").write_text(f"---\n{json.dumps({'configs': configs})}\n---\n")
        step = LoadDataFromHub(repo_id=str(tmp_path), streaming=True, storage_options=options)
        frame = pl.concat(step.frames())
        server.shutdown()
    assert frame.to_dicts() == [{"id": 1}]
    assert "planted" in asked
    assert step.storage_options == {"headers": {"X-Pass": "planted"}}


def test_storage_options_are_written_nowhere_and_decide_nothing() -> None:
    plain = LoadDataFromHub(repo_id="owner/name")
    with Graph("g") as graph:
        step = LoadDataFromHub(repo_id="owner/name", storage_options={"s3": {"key": "planted"}})
    assert "planted" not in graph.to_yaml() + repr(step)
    assert step.signature == plain.signature


def test_columns_and_network_are_not_needed_before_the_run() -> None:
    with Graph("g") as graph:
        LoadDataFromHub(repo_id="owner/name") >> KeepColumns(columns=["anything"])
    assert graph.validate()["load_data_from_hub_0"] is None


def test_a_configuration_of_any_name_is_read(tmp_path: Path) -> None:
    configs = [
        {"config_name": name, "data_files": [{"split": "train", "path": f"{name}.jsonl"}]}
        for name in ("first", "second")
    ]
    for name in ("first", "second"):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({"of": name}))
    (tmp_path / "README.md").write_text(f"---\n{json.dumps({'configs': configs})}\n---\n")
    assert loaded(str(tmp_path), config="second").to_dicts() == [{"of": "second"}]
    assert "check split and config" in error_of(str(tmp_path))


# The Hub


class _NothingThere(BaseHTTPRequestHandler):
    """A Hub without any repository."""

    def do_GET(self) -> None:
        self.send_response(404)
        self.send_header("X-Error-Code", "RepoNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""


@pytest.fixture
def empty_hub() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _NothingThere) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_missing_repository_and_no_network_are_one_sentence(
    empty_hub: str, tmp_path: Path
) -> None:
    """In a process of its own, because `HF_ENDPOINT` is read at import; without waits."""
    script = """
import time
import datasets
from tasks import LoadDataFromHub

time.sleep = lambda seconds: None
for endpoint in (datasets.config.HF_ENDPOINT, "http://127.0.0.1:9"):
    datasets.config.HF_ENDPOINT = endpoint
    try:
        list(LoadDataFromHub(repo_id="owner/name").frames())
    except Exception as error:
        print(f"{type(error).__name__}: {error}")
"""
    ran = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={"HF_ENDPOINT": empty_hub, "HF_HOME": str(tmp_path), "PATH": ""},
    )
    missing, unreachable = ran.stdout.splitlines()
    said = "ConfigurationError: The dataset 'owner/name' cannot be loaded: "
    assert missing.startswith(said)
    assert "check repo_id and revision, and HF_TOKEN if the dataset is private" in missing
    assert unreachable.startswith(said)
    assert "check the network, and HF_ENDPOINT if it is set" in unreachable
