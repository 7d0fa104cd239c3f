"""Who may do what on the Hub on loopback."""

from __future__ import annotations

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

from tests.hub import READER, STRANGER, WRITER, FakeHub, Repository
from tests.hub.conftest import REPO, commit


def status_of(error: pytest.ExceptionInfo[HfHubHTTPError]) -> int:
    """Return the HTTP status that the Hub has answered with."""
    return error.value.response.status_code


def test_a_private_repository_is_hidden_without_a_token_and_from_strangers(
    hub: FakeHub, repository: Repository
) -> None:
    HfApi().update_repo_settings(REPO, private=True, repo_type="dataset")
    assert repository.private
    for token in (WRITER, READER):
        assert HfApi(token=token).dataset_info(REPO).private
    for nobody, status in ((False, 401), (STRANGER, 404)):
        api = HfApi(token=nobody)
        for look in (api.repo_info, api.list_repo_commits, api.list_repo_refs):
            with pytest.raises(RepositoryNotFoundError) as caught:
                look(REPO, repo_type="dataset")
            assert status_of(caught) == status
    HfApi().update_repo_settings(REPO, private=False, repo_type="dataset")
    assert HfApi(token=False).dataset_info(REPO).private is False


def test_a_repository_is_made_private_if_asked(hub: FakeHub) -> None:
    HfApi().create_repo("maker/secret", repo_type="dataset", private=True)
    assert hub.repositories["maker/secret"].private
    with pytest.raises(HfHubHTTPError) as caught:
        HfApi().create_repo("maker/secret", repo_type="dataset")
    assert status_of(caught) == 409
    address = HfApi().create_repo("maker/secret", repo_type="dataset", exist_ok=True)
    assert address.repo_id == "maker/secret"


@pytest.mark.parametrize(
    ("token", "status"), [(READER, 403), (STRANGER, 403), ("hf_wrong", 401), (False, 401)]
)
def test_others_write_nothing(
    token: str | bool, status: int, hub: FakeHub, repository: Repository
) -> None:
    api = HfApi(token=token)
    with pytest.raises(HfHubHTTPError) as caught:
        api.create_tag(REPO, tag="v1", repo_type="dataset")
    assert status_of(caught) == status
    with pytest.raises(HfHubHTTPError) as caught:
        api.create_branch(REPO, branch="next", repo_type="dataset")
    assert status_of(caught) == status
    with pytest.raises(HfHubHTTPError) as caught:
        api.upload_file(
            path_or_fileobj=b"a", path_in_repo="a.txt", repo_id=REPO, repo_type="dataset"
        )
    assert status_of(caught) == status
    assert hub.calls == ["tag", "branch", "preupload"]
    assert not repository.tags


def test_strangers_have_repositories_of_their_own(hub: FakeHub) -> None:
    stranger = HfApi(token=STRANGER)
    stranger.create_repo("stranger/words", repo_type="dataset", private=True)
    assert stranger.dataset_info("stranger/words").private
    for call in (stranger.create_repo, stranger.delete_repo):
        with pytest.raises(HfHubHTTPError) as caught:
            call(REPO, repo_type="dataset")
        assert status_of(caught) == 403
    assert list(hub.repositories) == [REPO, "stranger/words"]


def test_a_token_says_whose_it_is_and_what_it_can_do(hub: FakeHub) -> None:
    for token, name, role in (
        (WRITER, "maker", "write"),
        (READER, "maker", "read"),
        (STRANGER, "stranger", "write"),
    ):
        known = HfApi(token=token).whoami()
        assert (known["name"], known["auth"]["accessToken"]["role"]) == (name, role)
    with pytest.raises(HfHubHTTPError) as caught:
        HfApi(token="hf_wrong").whoami()
    assert status_of(caught) == 401


@pytest.mark.usefixtures("hub")
def test_a_missing_repository_is_told_by_each_call() -> None:
    api = HfApi()
    for call in (
        lambda: api.dataset_info("maker/nothing"),
        lambda: api.list_repo_refs("maker/nothing", repo_type="dataset"),
        lambda: api.create_tag("maker/nothing", tag="v1", repo_type="dataset"),
        lambda: api.update_repo_settings("maker/nothing", private=True, repo_type="dataset"),
        lambda: api.hf_hub_download("maker/nothing", "a.txt", repo_type="dataset"),
        lambda: api.delete_repo("maker/nothing", repo_type="dataset"),
    ):
        with pytest.raises(RepositoryNotFoundError):
            call()
    assert not api.repo_exists("maker/nothing", repo_type="dataset")
    api.delete_repo("maker/nothing", repo_type="dataset", missing_ok=True)


def test_a_deleted_repository_is_gone(hub: FakeHub) -> None:
    commit({"a.txt": b"a"})
    HfApi().delete_repo(REPO, repo_type="dataset")
    assert not hub.repositories
