"""Pull requests of the Hub on loopback, by the real client."""

from __future__ import annotations

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError

from tests.hub import FakeHub, MergeConflict, Repository
from tests.hub.conftest import REPO, commit, parquet

# huggingface_hub uploads by LFS with an argument that httpx2 no longer likes.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>' to upload:DeprecationWarning")


def test_a_proposed_commit_leaves_the_branch_alone(hub: FakeHub, repository: Repository) -> None:
    before, data = repository.head.id, parquet(0, 10)
    made = commit({"data/train.parquet": data}, "ten rows", create_pr=True)
    assert (made.pr_num, made.pr_revision) == (1, "refs/pr/1")
    assert made.pr_url == f"{hub.url}/datasets/{REPO}/discussions/1"
    assert repository.head.id == before
    proposed = repository.at("refs/pr/1")
    assert proposed is not None
    assert (proposed.id, proposed.files["data/train.parquet"]) == (made.oid, data)


def test_an_open_pull_request_takes_more_commits(repository: Repository) -> None:
    commit({"a.txt": b"a"}, create_pr=True)
    second = commit({"b.txt": b"b"}, revision="refs/pr/1")
    (request,) = repository.pull_requests
    assert request.head == second.oid
    assert "a.txt" not in repository.files


def test_merging_commits_what_was_proposed_and_keeps_what_has_happened_since(
    repository: Repository,
) -> None:
    commit({"a.txt": b"1", "b.txt": b"1", "gone.txt": b"x"})
    commit({"a.txt": b"2"}, "two", deleted=("gone.txt",), create_pr=True)
    commit({"b.txt": b"2", "c.txt": b"1"})
    HfApi().merge_pull_request(REPO, 1, repo_type="dataset")
    files = {path: file for path, file in repository.files.items() if path != ".gitattributes"}
    assert files == {"a.txt": b"2", "b.txt": b"2", "c.txt": b"1"}
    assert repository.head.title == "two (#1)"
    details = HfApi().get_discussion_details(REPO, 1, repo_type="dataset")
    assert (details.status, details.merge_commit_oid) == ("merged", repository.head.id)
    with pytest.raises(HfHubHTTPError, match="not open"):
        HfApi().merge_pull_request(REPO, 1, repo_type="dataset")


def test_files_that_both_sides_changed_are_a_conflict(repository: Repository) -> None:
    commit({"a.txt": b"1"})
    commit({"a.txt": b"2"}, create_pr=True)
    commit({"a.txt": b"3"})
    details = HfApi().get_discussion_details(REPO, 1, repo_type="dataset")
    assert details.conflicting_files == ["a.txt"]
    with pytest.raises(HfHubHTTPError, match="409"):
        HfApi().merge_pull_request(REPO, 1, repo_type="dataset")
    with pytest.raises(MergeConflict):
        repository.merge(1)
    assert repository.files["a.txt"] == b"3"


def test_pull_requests_are_listed_newest_first_by_their_status(
    hub: FakeHub, repository: Repository
) -> None:
    hub.page_size = 2
    for number in range(3):
        commit({f"{number}.txt": b"x"}, f"number {number}", create_pr=True)
    repository.merge(1)
    listed = [*HfApi().get_repo_discussions(REPO, repo_type="dataset")]
    assert [(item.num, item.title, item.status) for item in listed] == [
        (3, "number 2", "open"),
        (2, "number 1", "open"),
        (1, "number 0", "merged"),
    ]
    is_open = HfApi().get_repo_discussions(REPO, repo_type="dataset", discussion_status="open")
    assert [item.num for item in is_open] == [3, 2]
