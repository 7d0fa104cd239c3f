"""Commits to the Hub on loopback, made and read with the real client."""

from __future__ import annotations

import json

import httpx2
import pytest
from huggingface_hub import CommitOperationCopy, HfApi
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, RevisionNotFoundError

from tests.hub import WRITER, FakeHub, Repository
from tests.hub.conftest import CARD, REPO, commit, parquet

# huggingface_hub uploads by LFS with an argument that httpx2 no longer likes.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>' to upload:DeprecationWarning")


def test_a_commit_adds_small_and_large_files_and_deletes_others(repository: Repository) -> None:
    data = parquet(0, 10)
    commit({"README.md": CARD, "old/a.txt": b"a", "old/b.txt": b"b", "c.txt": b"c"})
    made = commit({"data/train.parquet": data}, deleted=("old/", "c.txt"))
    assert repository.files.keys() == {".gitattributes", "README.md", "data/train.parquet"}
    assert repository.files["data/train.parquet"] == data
    assert repository.head.id == made.oid
    assert repository.head.deleted == {"old/a.txt", "old/b.txt", "c.txt"}
    assert [item.title for item in repository.pushed] == ["more", "more"]


def test_a_commit_on_the_head_is_made_and_one_on_an_older_commit_is_not(
    repository: Repository,
) -> None:
    first = repository.head.id
    commit({"a.txt": b"a"}, parent=first)
    with pytest.raises(HfHubHTTPError) as caught:
        commit({"b.txt": b"b"}, parent=first)
    assert caught.value.response.status_code == 412
    assert "b.txt" not in repository.files


def test_files_that_are_there_already_make_no_commit(hub: FakeHub, repository: Repository) -> None:
    files = {"README.md": CARD, "data/train.parquet": parquet(0, 10)}
    first = commit(files)
    assert commit(files).oid == first.oid
    assert len(repository.pushed) == 1
    assert hub.calls.count("commit") == 1


def test_a_file_that_is_not_there_cannot_be_deleted(repository: Repository) -> None:
    for path in ("nothing.txt", "nothing/"):
        with pytest.raises(EntryNotFoundError):
            commit({"a.txt": b"a"}, deleted=(path,))
    assert not repository.pushed


def test_a_large_file_is_copied_without_an_upload(hub: FakeHub, repository: Repository) -> None:
    data = parquet(0, 10)
    commit({"data/train.parquet": data})
    HfApi().create_commit(
        REPO,
        [CommitOperationCopy("data/train.parquet", "data/copy.parquet")],
        commit_message="copied",
        repo_type="dataset",
    )
    assert repository.files["data/copy.parquet"] == data
    assert hub.calls.count("upload") == 1


def test_a_branch_that_is_not_there_takes_no_commit(hub: FakeHub) -> None:
    with pytest.raises(RevisionNotFoundError):
        commit({"a.txt": b"a"}, revision="nowhere")
    HfApi().create_tag(REPO, tag="v1", repo_type="dataset")
    with pytest.raises(RevisionNotFoundError):
        commit({"a.txt": b"a"}, revision="v1")


def test_the_history_comes_in_pages_newest_first(hub: FakeHub, repository: Repository) -> None:
    hub.page_size = 2
    for number in range(4):
        commit({"a.txt": b"%d" % number}, f"number {number}")
    history = HfApi().list_repo_commits(REPO, repo_type="dataset")
    assert [item.commit_id for item in history] == [item.id for item in repository.commits[::-1]]
    assert [item.title for item in history][::4] == ["number 3", "initial commit"]
    assert hub.calls.count("history") == 3


def test_what_a_repository_is_told_from_its_card_and_files(repository: Repository) -> None:
    data = parquet(0, 10)
    made = commit({"README.md": CARD, "data/train.parquet": data})
    info = HfApi().dataset_info(REPO, files_metadata=True)
    assert info.sha == made.oid
    assert info.card_data is not None
    assert info.card_data["license"] == "mit"
    sizes = {file.rfilename: file.size for file in info.siblings or []}
    assert sizes == {path: len(content) for path, content in repository.files.items()}


@pytest.mark.parametrize(
    ("metadata", "sentence"),
    [
        ("a: [1", "YAML is not valid"),
        ("- a", "the metadata is no mapping"),
        ("configs: default", '"configs" must be an array'),
        ("configs: [default]", '"configs" must be an array of objects'),
        ("dataset_info: 3", '"dataset_info" must be an object or an array of objects'),
        ("tags: synthetic", '"tags" must be an array'),
    ],
    ids=["not-yaml", "list", "one-configuration", "names", "information", "tags"],
)
def test_a_card_with_wrong_metadata_is_refused_before_any_upload(
    metadata: str, sentence: str, hub: FakeHub, repository: Repository
) -> None:
    with pytest.raises(ValueError, match="Invalid metadata") as caught:
        commit({"README.md": f"---\n{metadata}\n---\n".encode()})
    assert sentence in str(caught.value)
    assert hub.calls == ["validate"]
    assert not repository.pushed


def test_a_card_without_metadata_is_only_warned_about(repository: Repository) -> None:
    with pytest.warns(UserWarning, match="empty or missing yaml metadata"):
        commit({"README.md": b"# Numbers"})
    assert repository.files["README.md"] == b"# Numbers"


def test_a_commit_names_only_large_files_that_have_been_uploaded(hub: FakeHub) -> None:
    header = {"key": "header", "value": {"summary": "x"}}
    file = {"key": "lfsFile", "value": {"path": "a.parquet", "algo": "sha256", "oid": "0" * 64}}
    answer = httpx2.post(
        f"{hub.url}/api/datasets/{REPO}/commit/main",
        content=f"{json.dumps(header)}\n{json.dumps(file)}\n",
        headers={"Authorization": f"Bearer {WRITER}"},
    )
    assert answer.status_code == 400
    assert answer.json() == {"error": "The large file of a.parquet has not been uploaded"}
