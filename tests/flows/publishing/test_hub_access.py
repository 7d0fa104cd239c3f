"""Who may publish to the Hub, and what it refuses."""

from __future__ import annotations

import json
import time

import pytest
from huggingface_hub import HfApi

from flows.publishing.errors import PublishingError
from flows.publishing.hub import check_access, publish
from flows.publishing.targets import HubTarget
from llms.errors import ConfigurationError
from tests.flows.publishing.conftest import (
    REPO,
    MakeVersion,
    published,
    pushed,
)
from tests.flows.versions import version_of
from tests.hub import READER, FakeHub, Status

# huggingface_hub uploads by LFS with an argument that httpx2 no longer likes.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>' to upload:DeprecationWarning")


def test_a_new_repository_is_private_if_asked(hub: FakeHub, made: MakeVersion) -> None:
    publish(made(1), HubTarget(repo=REPO, private=True))
    assert pushed(hub).private
    assert HfApi(token=False).repo_exists(REPO, repo_type="dataset") is False


@pytest.mark.parametrize(
    "repo",
    ["numbers", "a/b/c", "/numbers", "maker/", "maker/my numbers", "maker/-n", "maker/a--b", ""],
)
def test_a_malformed_name_is_told_before_anything_else(repo: str, hub: FakeHub) -> None:
    with pytest.raises(PublishingError, match=r"^A dataset on the Hub is named owner/name.*\.$"):
        version_of([{"n": 1}]).push_to_hub(repo)
    assert hub.calls == []


@pytest.mark.parametrize(
    ("token", "sentence"),
    [
        ("hf_wrong", r"^The Hub refuses the token for 'maker/numbers' \(401\); set HF_TOKEN to .*"),
        (READER, r"^The token for 'maker/numbers' can only read; set HF_TOKEN to a token with .*"),
    ],
    ids=["wrong", "read-only"],
)
def test_a_token_that_cannot_publish_is_told_before_the_run(
    token: str, sentence: str, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(PublishingError, match=sentence):
        version_of([{"n": 1}]).push_to_hub(REPO, token=token)
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(PublishingError, match=sentence):
        check_access(REPO)
    assert hub.calls == ["whoami", "whoami"]
    assert not hub.repositories


def test_a_missing_token_is_told_at_once(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    began = time.monotonic()
    with pytest.raises(PublishingError, match=r"^There is no token for the Hub to push 'maker/"):
        check_access(REPO)
    assert time.monotonic() - began < 0.5
    assert hub.calls == []


def test_a_token_without_rights_on_the_repository_is_told_in_one_sentence(
    hub: FakeHub, made: MakeVersion
) -> None:
    hub.fail("preupload", Status(403))
    with pytest.raises(PublishingError, match=r"^The Hub refuses the token for 'maker/numbers' \("):
        published(made(1))
    assert not pushed(hub).pushed


def test_a_card_that_the_hub_refuses_is_told_in_its_words(hub: FakeHub, made: MakeVersion) -> None:
    body = json.dumps({"errors": [{"message": '"license" must be one of mit, odbl'}]})
    hub.fail("validate", Status(400, body))
    with pytest.raises(PublishingError, match=r'refused the dataset .*"license" must be one of'):
        published(made(1))
    assert not pushed(hub).pushed


def test_a_refusal_is_told_in_the_words_of_the_hub(hub: FakeHub, made: MakeVersion) -> None:
    hub.fail("commit", Status(400, json.dumps({"error": "your storage is full"})))
    with pytest.raises(PublishingError, match=r"\(400\): your storage is full"):
        published(made(1))
    assert hub.calls.count("commit") == 1


def test_a_target_tells_an_unknown_setting() -> None:
    with pytest.raises(ConfigurationError, match="HubTarget has no parameter 'repository'"):
        HubTarget(repository=REPO)  # type: ignore[call-arg]  # what is tested
