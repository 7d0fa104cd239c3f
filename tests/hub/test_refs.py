"""Branches and tags of the Hub on loopback, by the real client."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, RevisionNotFoundError

from tests.hub import WRITER, FakeHub, Repository
from tests.hub.conftest import REPO, commit


def test_a_tag_names_a_commit_once_and_for_all(repository: Repository) -> None:
    first = commit({"a.txt": b"1"}).oid
    HfApi().create_tag(REPO, tag="v1", revision=first, repo_type="dataset")
    commit({"a.txt": b"2"})
    with pytest.raises(HfHubHTTPError) as caught:
        HfApi().create_tag(REPO, tag="v1", repo_type="dataset")
    assert caught.value.response.status_code == 409
    HfApi().create_tag(REPO, tag="v1", repo_type="dataset", exist_ok=True)
    assert repository.tags == {"v1": first}


def test_a_deleted_tag_can_be_made_again(repository: Repository) -> None:
    HfApi().create_tag(REPO, tag="v1", repo_type="dataset")
    second = commit({"a.txt": b"a"}).oid
    HfApi().delete_tag(REPO, tag="v1", repo_type="dataset")
    with pytest.raises(RevisionNotFoundError):
        HfApi().delete_tag(REPO, tag="v1", repo_type="dataset")
    HfApi().create_tag(REPO, tag="v1", repo_type="dataset")
    assert repository.tags == {"v1": second}


@pytest.mark.usefixtures("hub")
def test_a_commit_that_is_not_there_gets_no_tag() -> None:
    with pytest.raises(RevisionNotFoundError):
        HfApi().create_tag(REPO, tag="v1", revision="0" * 40, repo_type="dataset")


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize("name", ["a b", "a..b", "-x", "a/"])
def test_a_malformed_name_makes_no_tag(name: str) -> None:
    with pytest.raises(HfHubHTTPError) as caught:
        HfApi().create_tag(REPO, tag=name, repo_type="dataset")
    assert caught.value.response.status_code == 400


def test_a_branch_takes_its_own_commits(repository: Repository) -> None:
    HfApi().create_branch(REPO, branch="next/big", repo_type="dataset")
    on_branch = commit({"a.txt": b"a"}, revision="next/big").oid
    on_main = commit({"b.txt": b"b"}).oid
    assert repository.branches == {"main": on_main, "next/big": on_branch}
    assert "a.txt" not in repository.files
    listed = HfApi().list_repo_files(REPO, revision="next/big", repo_type="dataset")
    assert listed == [".gitattributes", "a.txt"]


def test_a_branch_begins_where_it_is_asked_to(hub: FakeHub, repository: Repository) -> None:
    first = commit({"a.txt": b"1"}).oid
    HfApi().create_tag(REPO, tag="v1", repo_type="dataset")
    second = commit({"a.txt": b"2"}).oid
    HfApi().create_branch(REPO, branch="old", revision="v1", repo_type="dataset")
    assert repository.branches["old"] == first
    with pytest.raises(HfHubHTTPError) as caught:
        HfApi().create_branch(REPO, branch="old", repo_type="dataset")
    assert caught.value.response.status_code == 409
    address = f"{hub.url}/api/datasets/{REPO}/branch/old"
    asked = {"startingPoint": "main", "overwrite": True}
    headers = {"Authorization": f"Bearer {WRITER}"}
    httpx2.post(address, json=asked, headers=headers).raise_for_status()
    assert repository.branches["old"] == second
    with pytest.raises(RevisionNotFoundError):
        HfApi().create_branch(REPO, branch="new", revision="nowhere", repo_type="dataset")


def test_a_branch_can_be_deleted_but_not_main(repository: Repository) -> None:
    HfApi().create_branch(REPO, branch="old", repo_type="dataset")
    HfApi().delete_branch(REPO, branch="old", repo_type="dataset")
    assert list(repository.branches) == ["main"]
    with pytest.raises(RevisionNotFoundError):
        HfApi().delete_branch(REPO, branch="old", repo_type="dataset")
    with pytest.raises(HfHubHTTPError, match="403"):
        HfApi().delete_branch(REPO, branch="main", repo_type="dataset")


def test_the_refs_say_what_each_name_points_at(repository: Repository) -> None:
    first = commit({"a.txt": b"1"}).oid
    HfApi().create_tag(REPO, tag="v1", repo_type="dataset")
    proposed = commit({"a.txt": b"2"}, create_pr=True).oid
    refs = HfApi().list_repo_refs(REPO, repo_type="dataset", include_pull_requests=True)
    assert refs.pull_requests is not None
    found = [*refs.branches, *refs.tags, *refs.pull_requests]
    assert {item.ref: item.target_commit for item in found} == {
        "refs/heads/main": first,
        "refs/tags/v1": first,
        "refs/pr/1": proposed,
    }
    assert refs.converts == []
    assert HfApi().list_repo_refs(REPO, repo_type="dataset").pull_requests is None


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize("kind", ["branch", "tag", "commit", "pull-request"])
def test_every_kind_of_revision_can_be_read(kind: str) -> None:
    old = commit({"a.txt": b"old"}).oid
    HfApi().create_tag(REPO, tag="v1", repo_type="dataset")
    HfApi().create_branch(REPO, branch="next", repo_type="dataset")
    commit({"a.txt": b"new"}, revision="next")
    commit({"a.txt": b"proposed"}, create_pr=True)
    commit({"a.txt": b"newest"})
    names = {"branch": "next", "tag": "v1", "commit": old, "pull-request": "refs/pr/1"}
    texts = {"branch": "new", "tag": "old", "commit": "old", "pull-request": "proposed"}
    api, revision = HfApi(), names[kind]
    file = api.hf_hub_download(REPO, "a.txt", revision=revision, repo_type="dataset")
    assert Path(file).read_text() == texts[kind]
    head = api.repo_info(REPO, revision=revision, repo_type="dataset").sha
    history = api.list_repo_commits(REPO, revision=revision, repo_type="dataset")
    assert history[0].commit_id == head
    paths = [item.path for item in api.list_repo_tree(REPO, revision=head, repo_type="dataset")]
    assert paths == [".gitattributes", "a.txt"]
    assert api.file_exists(REPO, "a.txt", revision=revision, repo_type="dataset")
    assert not api.revision_exists(REPO, "nowhere", repo_type="dataset")
