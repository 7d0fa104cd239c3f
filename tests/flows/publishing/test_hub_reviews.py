"""Versions that a person looks at before they are on `main`: branches and pull requests."""

from __future__ import annotations

import pytest
from huggingface_hub import HfApi

from flows.publishing.errors import PublishingError
from flows.publishing.hub import publish
from flows.publishing.targets import HubTarget
from tests.flows.publishing.conftest import REPO, MakeVersion, published, pushed, tags_of
from tests.flows.versions import contents
from tests.hub import FakeHub, LostAnswer, Overtaken, Status

# huggingface_hub uploads by LFS with an argument that httpx2 no longer likes.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>' to upload:DeprecationWarning")

BRANCH = HubTarget(repo=REPO, branch="review")
REQUEST = HubTarget(repo=REPO, pull_request=True)


def merge(number: int) -> None:
    HfApi().merge_pull_request(REPO, number, repo_type="dataset")


def test_a_branch_is_made_from_main_and_gets_the_version_without_a_tag(
    hub: FakeHub, made: MakeVersion
) -> None:
    published(made(1))
    repository = pushed(hub)
    repository.commit("by hand", {"LICENSE": b"mine"})
    version = made(1, 2)
    done = publish(version, BRANCH)
    assert (done.version, done.committed, done.pull_request) == ("v2", True, None)
    titles = ["numbers v1: 1 rows", "by hand"]
    assert [commit.title for commit in repository.pushed] == titles
    ahead = repository.at("review")
    assert ahead is not None
    assert done.address.endswith(ahead.id)
    assert ahead.title == "numbers v2: 2 rows"
    assert contents(version.folder).items() <= ahead.files.items()
    assert ahead.files["LICENSE"] == b"mine"
    assert tags_of(repository) == {"v1": titles[:1]}


def test_a_branch_goes_on_from_its_own_version(hub: FakeHub, made: MakeVersion) -> None:
    assert publish(made(1), BRANCH).version == "v1"
    assert publish(made(1, 2), BRANCH).version == "v2"
    assert not publish(made(1, 2), BRANCH).committed
    assert published(made(1, 2)).version == "v1"
    assert tags_of(pushed(hub)) == {"v1": ["numbers v1: 2 rows"]}


@pytest.mark.parametrize("fault", [LostAnswer(), Status(500), Status(429)])
def test_a_branch_is_made_once_whatever_fails(
    fault: LostAnswer | Status, hub: FakeHub, made: MakeVersion
) -> None:
    hub.fail("branch", fault)
    publish(made(1), BRANCH)
    assert set(pushed(hub).branches) == {"main", "review"}


def test_somebody_elses_commit_to_the_branch_is_kept(hub: FakeHub, made: MakeVersion) -> None:
    hub.fail("commit", Overtaken({"LICENSE": b"mine"}))
    publish(made(1), BRANCH)
    ahead = pushed(hub).at("review")
    assert ahead is not None
    assert {"LICENSE", "manifest.json"} <= ahead.files.keys()
    assert not pushed(hub).pushed


def test_a_name_that_no_branch_can_have_is_told(hub: FakeHub, made: MakeVersion) -> None:
    with pytest.raises(PublishingError, match=r"refused .* is no name for a branch"):
        publish(made(1), HubTarget(repo=REPO, branch="a..b"))


def test_a_pull_request_waits_without_a_tag_and_leaves_main_alone(
    hub: FakeHub, made: MakeVersion
) -> None:
    published(made(1))
    version = made(1, 2)
    done = publish(version, REQUEST)
    repository = pushed(hub)
    (request,) = repository.pull_requests
    assert request.title == "numbers v2: 2 rows"
    assert (done.version, done.committed) == ("v2", True)
    assert done.pull_request == f"{hub.url}/datasets/{REPO}/discussions/{request.number}"
    ahead = repository.at(f"refs/pr/{request.number}")
    assert ahead is not None
    assert contents(version.folder).items() <= ahead.files.items()
    assert len(repository.pushed) == 1
    assert tags_of(repository) == {"v1": ["numbers v1: 1 rows"]}


def test_the_same_version_waits_in_one_pull_request(hub: FakeHub, made: MakeVersion) -> None:
    published(made(1))
    first = publish(made(1, 2), REQUEST)
    again = publish(made(1, 2), REQUEST)
    assert again.pull_request == first.pull_request
    assert [first.committed, again.committed] == [True, False]
    assert len(pushed(hub).pull_requests) == 1
    assert publish(made(1, 2, 3), REQUEST).pull_request != first.pull_request
    assert len(pushed(hub).pull_requests) == 2


def test_a_pull_request_whose_answer_is_lost_is_not_opened_twice(
    hub: FakeHub, made: MakeVersion
) -> None:
    published(made(1))
    hub.fail("commit", LostAnswer())
    done = publish(made(1, 2), REQUEST)
    (request,) = pushed(hub).pull_requests
    assert done.committed
    assert done.pull_request is not None
    assert done.pull_request.endswith(f"/discussions/{request.number}")


@pytest.mark.parametrize("target", [REQUEST, HubTarget(repo=REPO)], ids=["again", "at-once"])
def test_what_was_merged_gets_its_tag_when_it_is_published_again(
    target: HubTarget, hub: FakeHub, made: MakeVersion
) -> None:
    published(made(1))
    publish(made(1, 2), REQUEST)
    merge(1)
    done = publish(made(1, 2), target)
    assert (done.version, done.committed, done.pull_request) == ("v2", False, None)
    merged = "numbers v2: 2 rows (#1)"
    assert tags_of(pushed(hub)) == {
        "v1": ["numbers v1: 1 rows"],
        "v2": ["numbers v1: 1 rows", merged],
    }


def test_what_was_merged_gets_its_tag_when_the_next_version_is_published(
    hub: FakeHub, made: MakeVersion
) -> None:
    published(made(1))
    publish(made(1, 2), REQUEST)
    merge(1)
    publish(made(1, 2, 3), REQUEST)
    repository = pushed(hub)
    assert set(repository.tags) == {"v1", "v2"}
    assert repository.tags["v2"] == repository.head.id


def test_a_private_repository_can_be_reviewed_too(hub: FakeHub, made: MakeVersion) -> None:
    publish(made(1), HubTarget(repo=REPO, private=True, pull_request=True))
    assert pushed(hub).private
    assert len(pushed(hub).pull_requests) == 1
