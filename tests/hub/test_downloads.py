"""Files of the Hub on loopback, listed and read with the real clients."""

from __future__ import annotations

from pathlib import Path

import httpx2
import polars as pl
import pytest
from huggingface_hub import HfApi, HfFileSystem, hf_hub_url, snapshot_download
from huggingface_hub.errors import EntryNotFoundError
from huggingface_hub.hf_api import RepoFile, RepoFolder

from tests.hub import FakeHub, Repository, hub_of_this_process
from tests.hub.conftest import CARD, REPO, commit, parquet
from tests.hub.objects import object_id

# huggingface_hub uploads by LFS with an argument that httpx2 no longer likes.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>' to upload:DeprecationWarning")

FILES = {
    "README.md": CARD,
    "data/train.parquet": parquet(0, 200),
    "provenance/deep/down.parquet": parquet(0, 20),
}


def test_a_snapshot_has_all_files_of_a_revision(hub: FakeHub) -> None:
    commit(FILES)
    HfApi().create_tag(REPO, tag="v1", repo_type="dataset")
    commit({"late.txt": b"x"}, deleted=("data/train.parquet",))
    folder = Path(snapshot_download(REPO, repo_type="dataset", revision="v1"))
    found = {path: (folder / path).read_bytes() for path in FILES}
    assert found == FILES
    assert not (folder / "late.txt").exists()


def test_large_files_may_come_from_another_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hub_of_this_process(tmp_path, monkeypatch, redirects=True) as hub:
        HfApi().create_repo(REPO, repo_type="dataset")
        made = commit(FILES)
        for path, content in FILES.items():
            metadata = HfApi().get_hf_file_metadata(url=hf_hub_url(REPO, path, repo_type="dataset"))
            assert (metadata.commit_hash, metadata.size) == (made.oid, len(content))
            assert metadata.etag == object_id(path, content)
            assert ("localhost" in metadata.location) == path.endswith(".parquet")
        folder = Path(snapshot_download(REPO, repo_type="dataset"))
        assert {path: (folder / path).read_bytes() for path in FILES} == FILES
        assert hub.calls.count("download") == 2
        with HfFileSystem().open(f"datasets/{REPO}/data/train.parquet", block_size=64) as file:
            file.seek(1000)
            assert file.read(10) == FILES["data/train.parquet"][1000:1010]
        assert hub.calls.count("download") == 3


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("bytes=0-3", slice(0, 4)),
        ("bytes=100-", slice(100, None)),
        ("bytes=-8", slice(-8, None)),
        ("bytes=5-99999999", slice(5, None)),
    ],
    ids=["first", "from", "last", "beyond"],
)
def test_some_bytes_of_a_file_can_be_read(asked: str, expected: slice) -> None:
    commit(FILES)
    url = hf_hub_url(REPO, "data/train.parquet", repo_type="dataset")
    answer = httpx2.get(url, headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.content == FILES["data/train.parquet"][expected]
    assert answer.headers["Content-Range"].endswith(f"/{len(FILES['data/train.parquet'])}")
    assert httpx2.get(url, headers={"Range": "bytes=99999999-"}).status_code == 416


@pytest.mark.usefixtures("hub")
def test_a_file_system_reads_lists_and_finds() -> None:
    commit(FILES)
    files = HfFileSystem()
    root = f"datasets/{REPO}"
    assert files.glob(f"{root}/**/*.parquet") == [
        f"{root}/data/train.parquet",
        f"{root}/provenance/deep/down.parquet",
    ]
    assert files.ls(f"{root}/provenance", detail=False) == [f"{root}/provenance/deep"]
    with files.open(f"{root}/data/train.parquet", "rb") as file:
        assert pl.read_parquet(file)["n"].to_list() == list(range(200))
    assert not files.glob(f"{root}/nothing/*")


def test_a_tree_comes_in_pages_with_sizes_and_names(hub: FakeHub) -> None:
    hub.page_size = 3
    made = commit(FILES, "the files")
    found = [*HfApi().list_repo_tree(REPO, recursive=True, expand=True, repo_type="dataset")]
    assert [item.path for item in found] == [
        ".gitattributes",
        "README.md",
        "data",
        "data/train.parquet",
        "provenance",
        "provenance/deep",
        "provenance/deep/down.parquet",
    ]
    assert hub.calls.count("tree") == 3
    train = found[3]
    assert isinstance(train, RepoFile)
    assert train.lfs is not None
    content = FILES["data/train.parquet"]
    assert (train.size, train.lfs.sha256) == (len(content), object_id(train.path, content))
    assert train.last_commit is not None
    assert train.last_commit.oid == made.oid


@pytest.mark.usefixtures("hub")
def test_paths_that_are_not_there_are_left_out() -> None:
    commit(FILES)
    asked = ["README.md", "data", "nothing.txt"]
    found = HfApi().get_paths_info(REPO, asked, repo_type="dataset")
    assert [(item.path, type(item)) for item in found] == [
        ("README.md", RepoFile),
        ("data", RepoFolder),
    ]
    with pytest.raises(EntryNotFoundError):
        next(iter(HfApi().list_repo_tree(REPO, "nothing", repo_type="dataset")))
    with pytest.raises(EntryNotFoundError):
        HfApi().hf_hub_download(REPO, "nothing.txt", repo_type="dataset")


def test_what_a_test_commits_by_hand_is_read_like_the_rest(repository: Repository) -> None:
    repository.commit("by hand", FILES)
    file = HfApi().hf_hub_download(REPO, "data/train.parquet", repo_type="dataset")
    assert Path(file).read_bytes() == FILES["data/train.parquet"]
