"""The tag of a version: made once, by whoever comes by, and never moved."""

from __future__ import annotations

import pytest

from flows.publishing.errors import PublishingError
from tests.flows.publishing.conftest import MakeVersion, published, pushed, tags_of
from tests.hub import (
    FakeHub,
    Status,
)

# huggingface_hub uploads by LFS with an argument that httpx2 no longer likes.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>' to upload:DeprecationWarning")

FIRST, SECOND = "numbers v1: 1 rows", "numbers v2: 2 rows"


def test_a_process_that_could_not_tag_leaves_that_to_the_next(
    hub: FakeHub, made: MakeVersion
) -> None:
    hub.fail("tag", Status(400))
    with pytest.raises(PublishingError, match=r"\(400\)"):
        published(made(1))
    assert not pushed(hub).tags
    assert not published(made(1)).committed
    assert tags_of(pushed(hub)) == {"v1": [FIRST]}


def test_a_forgotten_tag_is_made_before_the_next_version(hub: FakeHub, made: MakeVersion) -> None:
    published(made(1))
    pushed(hub).tags.clear()
    published(made(1, 2))
    assert tags_of(pushed(hub)) == {"v1": [FIRST], "v2": [FIRST, SECOND]}


def test_a_tag_on_another_commit_is_told_before_anything_is_sent_and_never_moved(
    hub: FakeHub, made: MakeVersion
) -> None:
    published(made(1))
    repository = pushed(hub)
    repository.tags["v2"] = other = repository.commits[0].id
    with pytest.raises(
        PublishingError,
        match=rf"^The tag 'v2' of 'maker/numbers' names another commit, {other[:8]}; remove .*\.$",
    ):
        published(made(1, 2))
    assert len(repository.pushed) == 1
    assert repository.tags["v2"] == other


def test_a_tag_stays_where_it_is_when_a_person_edits_the_card_after_it(
    hub: FakeHub, made: MakeVersion
) -> None:
    published(made(1))
    repository = pushed(hub)
    repository.commit("by hand", {"README.md": b"Mine.\n" + repository.files["README.md"]})
    published(made(1))
    assert tags_of(repository) == {"v1": [FIRST]}
