"""A version is made again, byte by byte, from what is published with it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from flows import DatasetVersion, Pipeline
from flows.command.replay import NotReplayed, replay_version
from flows.publishing.errors import PublishingError
from flows.publishing.hub import publish
from flows.publishing.targets import HubTarget
from flows.refresh.replay import replay
from flows.runtime import step_runs
from flows.versions.saved import SavedVersion
from llms.embeddings.openai import OpenAIEmbeddings
from llms.embeddings.wordllama import WordLlamaEmbeddings
from llms.errors import ConfigurationError
from llms.home import close_gateways, default_gateway
from tasks import EmbeddingGeneration, LoadDataFromDicts
from tests.flows.refresh.kept_versions import (
    Dice,
    Sent,
    Shout,
    Voice,
    answers,
    everything,
    followed_by,
    impatient_gateway,
    invented,
    kept,
    rows,
)
from tests.flows.versions import contents
from tests.hub import hub_of_this_process
from tests.loopback import LoopbackProvider, Status

Elsewhere = Callable[[], None]


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Elsewhere:
    """Return a function that goes to a machine without answers, model, network and Prefect."""

    def unreachable(*_: object) -> None:
        raise AssertionError("a replay went to the network")

    def leave() -> None:
        close_gateways()
        Voice.calls.clear()
        monkeypatch.setenv("STILLHOUSE_HOME", str(tmp_path / "elsewhere"))
        monkeypatch.delenv("PREFECT_API_URL", raising=False)
        monkeypatch.setattr(Voice, "is_here", False)
        monkeypatch.setattr(socket.socket, "connect", unreachable)

    return leave


def silent_ones(count: int) -> DatasetVersion:
    """Run the pipeline of all shapes over rows of which some are corrected or rejected."""
    return everything(rows("mumble", "silent", count=count)).run(rows_per_partition=7)


def failed_ones(folder: Path, monkeypatch: pytest.MonkeyPatch) -> DatasetVersion:
    """Run it over rows that the provider refuses, or cannot answer."""
    monkeypatch.setattr(step_runs, "FIRST_WAIT_SECONDS", 0.01)
    some = rows("forbidden one", "forbidden two", "forbidden three", "broken", count=9)
    return everything(some).run(gateway=impatient_gateway(folder))


def same_but_for_the_order_of_answers(again: Path, folder: Path) -> bool:
    """Compare two versions; a row's answers are in the order in which they arrived."""
    mine, others = contents(again), contents(folder)
    (records,) = [name for name in others if name.startswith("provenance/rows")]
    for files in (mine, others):
        del files["manifest.json"]
        frame = pl.read_parquet(files.pop(records))
        files["records"] = frame.with_columns(pl.col("answers").list.sort()).write_json().encode()
    return mine == others


@pytest.mark.usefixtures("prefect")
@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda *_: silent_ones(20), id="all-shapes"),
        pytest.param(failed_ones, id="refused-and-unanswered"),
        pytest.param(lambda *_: invented(20).run(), id="a-model-as-source"),
        pytest.param(
            lambda *_: answers(rows("silent", count=320)).run(accepted_rows=130),
            id="accepted-rows",
        ),
        pytest.param(lambda *_: invented(500).run(accepted_rows=20), id="accepted-of-a-model"),
    ],
)
def test_a_version_is_made_again_as_it_is_without_a_call(
    make: Callable[..., DatasetVersion],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    elsewhere: Elsewhere,
) -> None:
    version = kept(tmp_path / "version", make(tmp_path, monkeypatch), test_share=0.3)
    elsewhere()
    replayed = replay(version, tmp_path / "again")
    assert replayed.is_equal
    assert Voice.calls == []
    assert same_but_for_the_order_of_answers(tmp_path / "again", version.folder)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.usefixtures("prefect")
def test_a_refreshed_version_keeps_its_number_and_the_runs_of_its_rows(
    tmp_path: Path, elsewhere: Elsewhere
) -> None:
    first = kept(tmp_path / "v1", answers(rows(count=5)).run())
    edited = [*rows(count=5)[1:], {"id": 9, "instruction": "Say more."}]
    version = kept(tmp_path / "v2", answers(edited).run(), first)
    elsewhere()
    replay(version, tmp_path / "again")
    assert contents(tmp_path / "again") == contents(version.folder)
    again = SavedVersion.open(tmp_path / "again")
    records = again.provenance()
    assert records is not None
    assert again.manifest.tag == "v2"
    assert records.collect()["run"].n_unique() == 2


@pytest.mark.parametrize("is_free", [True, False], ids=["in-process", "of-a-provider"])
def test_vectors_of_free_models_are_computed_again_and_those_of_a_provider_are_kept(
    is_free: bool, tmp_path: Path, provider: LoopbackProvider, elsewhere: Elsewhere
) -> None:
    free = WordLlamaEmbeddings(model="l2-supercat-256")
    paid = OpenAIEmbeddings(model="loopback", base_url=provider.url)
    with Pipeline("vectors") as pipeline:
        LoadDataFromDicts(name="load", data=[{"text": f"Number {n}."} for n in range(7)]) >> (
            EmbeddingGeneration(name="embed", embeddings=free if is_free else paid)
        )
    version = kept(tmp_path / "version", pipeline.preview(7))
    assert sum(shard.rows for shard in version.manifest.answers) == (0 if is_free else 7)
    elsewhere()
    assert replay(version, tmp_path / "again").is_equal
    assert contents(tmp_path / "again") == contents(version.folder)


def test_a_text_that_a_provider_refused_is_refused_again(
    tmp_path: Path, provider: LoopbackProvider, elsewhere: Elsewhere
) -> None:
    model = OpenAIEmbeddings(model="loopback", base_url=provider.url)
    provider.fail_with(
        lambda _, body: Status(400, message="no such number") if "Number 3." in str(body) else None
    )
    with Pipeline("vectors") as pipeline:
        LoadDataFromDicts(name="load", data=[{"text": f"Number {n}."} for n in range(7)]) >> (
            EmbeddingGeneration(name="embed", embeddings=model)
        )
    version = kept(tmp_path / "version", pipeline.preview(7))
    assert (version.rows, version.manifest.rejected) == (6, 1)
    elsewhere()
    assert replay(version, tmp_path / "again").is_equal
    assert contents(tmp_path / "again") == contents(version.folder)


@pytest.mark.usefixtures("prefect")
def test_nothing_is_delivered_again(tmp_path: Path, elsewhere: Elsewhere) -> None:
    version = kept(tmp_path / "version", followed_by(Sent(name="sent"), rows()).run())
    elsewhere()
    assert Sent.times == [4]
    assert replay(version).is_equal
    assert Sent.times == [4]


def test_a_step_that_changed_is_named_with_what_of_it_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = kept(tmp_path / "version", followed_by(Shout(name="loud"), rows()).preview(4))
    monkeypatch.setattr(Shout, "version", 2)
    monkeypatch.setattr(Shout, "process", lambda _, inputs: [[{**r, "loud": ""} for r in inputs]])
    replayed = replay(version, tmp_path / "again")
    assert replayed.sentence == (
        "answers v1 is not byte-equal: train differs in 4 of 4 rows, because step 'loud' does "
        "something else in this checkout: its code changed."
    )
    assert SavedVersion.open(tmp_path / "again").frame()["loud"].to_list() == [""] * 4


def test_answers_that_are_not_kept_are_counted_by_step(tmp_path: Path) -> None:
    dataset = answers(rows()).preview(4)
    default_gateway().store.prune(0)
    replayed = replay(kept(tmp_path / "version", dataset), tmp_path / "again")
    assert "4 answers are not kept that step 'ask' asks for" in replayed.sentence
    assert not (tmp_path / "again").exists()


def test_rows_that_depend_on_chance_are_differences(tmp_path: Path) -> None:
    version = kept(tmp_path / "version", followed_by(Dice(name="dice"), rows()).preview(4))
    sentence = replay(version).sentence
    assert "train differs in 4 of 4 rows, because no step has changed" in sentence
    assert "depend on chance" in sentence


@pytest.mark.parametrize("provenance", ["rows", "none"])
def test_a_version_without_its_answers_cannot_be_made_again(
    tmp_path: Path, provenance: str
) -> None:
    dataset = answers(rows()).preview(4)
    version = kept(tmp_path / "version", dataset, provenance=provenance)
    with pytest.raises(ConfigurationError, match=f"its provenance is '{provenance}'"):
        replay(version)


def test_a_damaged_version_is_told(tmp_path: Path) -> None:
    version = kept(tmp_path / "version", answers(rows()).preview(4))
    with (version.folder / version.manifest.answers[0].path).open("ab") as file:
        file.write(b"x")
    with pytest.raises(PublishingError, match="not whole: 'provenance/answers"):
        replay(version)


def test_a_folder_that_is_taken_stays_as_it_is(tmp_path: Path) -> None:
    version = kept(tmp_path / "version", answers(rows()).preview(4))
    before = contents(version.folder)
    with pytest.raises(ConfigurationError, match="is there already"):
        replay(version, version.folder)
    assert contents(version.folder) == before


def test_the_command_says_that_a_folder_is_byte_equal_and_ends_well(tmp_path: Path) -> None:
    version = kept(tmp_path / "version", answers(rows()).preview(4))
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, tests.flows.refresh.kept_versions\n"
            "from flows.command.replay import replay_version\n"
            "replay_version(sys.argv[1], None)",
            version.folder,
        ],
        env={**os.environ, "STILLHOUSE_HOME": str(tmp_path / "elsewhere")},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert said == "answers v1 is byte-equal: 4 rows in 2 files.\n"


@pytest.mark.filterwarnings("ignore:Use 'content=<...>' to upload:DeprecationWarning")
def test_the_command_takes_a_version_on_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    version = kept(tmp_path / "version", followed_by(Dice(name="dice"), rows()).preview(4))
    with hub_of_this_process(tmp_path, monkeypatch):
        publish(version, HubTarget(repo="maker/answers"))
        with pytest.raises(NotReplayed, match="answers v1 is not byte-equal: train differs"):
            replay_version("maker/answers@v1", tmp_path / "again")
        with pytest.raises(ConfigurationError, match="no version of ours at 'maker/other@v1'"):
            replay_version("maker/other@v1", None)
    assert capsys.readouterr().out.splitlines()[0] == f"Kept: {tmp_path / 'again'}"


def test_what_is_no_version_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="There is no folder 'data/nothing'"):
        replay_version("data/nothing", None)
    with pytest.raises(ConfigurationError, match="is not a dataset folder of ours"):
        replay_version(str(tmp_path), None)
