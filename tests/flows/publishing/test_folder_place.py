"""Where a dataset is saved: what may be there before, and what happens to it."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from flows.publishing.errors import PublishingError
from flows.publishing.folder import check_folder
from flows.versions.saved import SavedVersion
from llms.errors import ConfigurationError
from tasks import Row
from tests.flows.publishing.conftest import files_of_at_most
from tests.flows.versions import contents, loaded, version_of


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
        check_folder(out)
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
        check_folder(tmp_path / "file" / "deep" / "out")


def test_an_empty_folder_and_a_missing_parent_are_fine(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for out in (tmp_path / "empty", tmp_path / "a" / "b" / "out"):
        check_folder(out)
        assert version_of([{"n": 1}]).save_to_disk(out) == out
        assert loaded(out)["n"][:] == [1]


def test_our_own_older_folder_is_replaced_whole(tmp_path: Path) -> None:
    out = tmp_path / "out"
    older = version_of([{"n": 1}], [{"n": 2}])
    older.save_to_disk(out)
    (out / "data" / "train-00001-of-00002.parquet").write_bytes(b"of an older version")
    newer = version_of([{"n": 3}])
    newer.save_to_disk(out)
    newer.save_to_disk(tmp_path / "fresh")
    assert SavedVersion.open(out).manifest.version == 2
    numbered = {"README.md", "manifest.json"}
    files, fresh = contents(out), contents(tmp_path / "fresh")
    assert files.keys() == fresh.keys()
    assert {name for name in files if files[name] != fresh[name]} == numbered
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
