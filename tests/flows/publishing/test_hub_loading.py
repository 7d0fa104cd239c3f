"""What `datasets` loads of published versions: every configuration, split and tag."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from datasets import get_dataset_config_names, get_dataset_split_names, load_dataset
from datasets.exceptions import DatasetNotFoundError

from flows import DatasetVersion, Pipeline
from flows.publishing.hub import publish
from flows.versions.features import features_of
from flows.versions.saved import PROVENANCE, SavedVersion
from flows.versions.staging import Contents
from tasks import KeepColumns, LoadDataFromDicts, Row
from tests.flows.publishing.conftest import REPO, TARGET
from tests.flows.versions import saved
from tests.hub import WRITER, FakeHub, hub_of_this_process

# huggingface_hub uploads by LFS with an argument that httpx2 no longer likes.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>' to upload:DeprecationWarning")

ROWS: list[Row] = [
    {
        "n": number,
        "chat": [{"role": "user", "content": f"{number}"}] * (number % 3),
        "score": None if number % 5 == 0 else number / 2,
    }
    for number in range(60)
]


@pytest.fixture(params=["lfs", "xet"])
def hub(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakeHub]:
    """Serve a Hub that takes large files by LFS or by Xet."""
    with hub_of_this_process(tmp_path, monkeypatch, xet=request.param == "xet") as hub:
        yield hub


def version_with_leaves(rows: list[Row]) -> DatasetVersion:
    """Return a dataset of two configurations."""
    with Pipeline("numbers") as pipeline:
        LoadDataFromDicts(name="load", data=rows) >> [
            KeepColumns(name="chats", columns=("n", "chat")),
            KeepColumns(name="scores", columns=("n", "score")),
        ]
    return pipeline.preview(len(rows))


@pytest.mark.usefixtures("one_row_a_shard")
def test_every_configuration_split_and_tag_loads_with_equal_rows_and_features(
    hub: FakeHub, tmp_path: Path
) -> None:
    before: SavedVersion | None = None
    versions = {}
    for tag, rows in (("v1", ROWS[:20]), ("v2", ROWS[10:])):
        contents = Contents(test_share=0.4)
        version = saved(tmp_path / tag, version_with_leaves(rows), before, contents)
        assert publish(version, TARGET).version == tag
        versions[tag] = before = version
    for revision, version in [*versions.items(), (None, versions["v2"])]:
        names = get_dataset_config_names(REPO, revision=revision)
        assert names == ["chats", "scores", "provenance"]
        for name in ("chats", "scores"):
            splits = get_dataset_split_names(REPO, name, revision=revision)
            assert splits == version.splits(name) == ["train", "test"]
            for split in splits:
                loaded = load_dataset(REPO, name, split=split, revision=revision)
                expected = version.frame(name, split)
                assert loaded.to_list() == expected.to_dicts()
                assert loaded.features._to_yaml_list() == features_of(expected.schema)
        records = version.provenance()
        assert records is not None
        loaded = load_dataset(REPO, "provenance", split="train", revision=revision)
        assert loaded.column_names == list(PROVENANCE)
        assert loaded.to_list() == records.collect().to_dicts()
    assert ("xorb" in hub.calls) == hub.xet


def test_a_private_dataset_loads_for_its_owner_alone(hub: FakeHub, tmp_path: Path) -> None:
    private = TARGET.model_copy(update={"private": True})
    publish(saved(tmp_path / "v1", version_with_leaves(ROWS)), private)
    with pytest.raises(DatasetNotFoundError):
        load_dataset(REPO, "chats", split="train", token=False)
    assert load_dataset(REPO, "chats", split="train", token=WRITER).num_rows == 60
