"""A dataset on the Hugging Face Hub: one version, one commit, one tag."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from huggingface_hub import HfApi
from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.utils.tqdm import (
    are_progress_bars_disabled,
    disable_progress_bars,
    enable_progress_bars,
)

from flows.dataset import DatasetVersion
from flows.publishing.card import Charts
from flows.publishing.card_settings import CardSettings
from flows.publishing.errors import PublishingError
from flows.publishing.fetching import bring
from flows.publishing.folder import check_folder, translated_errors
from flows.publishing.hub_versions import ensure_tag, small_files, version_at
from flows.publishing.publication import Publication
from flows.publishing.targets import HubTarget, Published
from flows.publishing.verified import verify
from flows.versions.saved import SavedVersion
from flows.versions.staging import stage
from tasks.export import hub_access
from tasks.export.hub_commit import MAIN, Head, create, head_of, patiently
from tasks.export.hub_errors import HubError, hub_errors

_DOWNLOADS = 8


def check_access(repo_id: str, token: str | None = None) -> None:
    """Raise `PublishingError` unless the Hub knows who publishes; asked before a run."""
    with _as_publishing_errors():
        hub_access.check_access(repo_id, token)


def publish(
    version: SavedVersion,
    target: HubTarget,
    *,
    card: CardSettings | None = None,
    charts: Charts | None = None,
    token: str | None = None,
) -> Published:
    """Publish a version as one commit and one tag; where its content is there, without a commit.

    It gets the number after that of the version that is there, whose files it takes the place of;
    other files stay, and so does what a person wrote in the README. The version's folder is then
    what was published. Any process may do it again at any time, also after one that was killed.

    Raises:
        PublishingError: the version is not whole, or the Hub refuses or cannot be reached.
    """
    verify(version)
    check_access(target.repo, token)
    with _as_publishing_errors(), hub_errors(target.repo):
        api = HfApi(token=token)
        create(api, target.repo, private=target.private)
        if target.revision != MAIN:
            patiently(lambda: _make_branch(api, target), target.repo)
        work = Publication(api, version, target, card, charts)
        published, head, manifest = patiently(work.publish, target.repo)
        if target.is_final:
            patiently(lambda: ensure_tag(head, manifest), target.repo)
    return published


def push(
    version: DatasetVersion, repo_id: str, *, private: bool = False, token: str | None = None
) -> str:
    """Publish a finished run and return the address of the commit that holds it.

    Raises:
        PublishingError: the Hub refuses or cannot be reached.
    """
    check_access(repo_id, token)
    with TemporaryDirectory() as place:
        before = fetch(repo_id, MAIN, Path(place) / "before", token=token)
        folder = Path(place) / "version"
        with translated_errors(folder):
            folder.mkdir()
            saved = stage(version, folder, before=before)
        return publish(saved, HubTarget(repo=repo_id, private=private), token=token).address


def fetch(
    repo_id: str,
    revision: str,
    folder: Path,
    *,
    fallback: str | None = None,
    token: str | None = None,
) -> SavedVersion | None:
    """Bring a published version into a folder; None where there is no repository or none of ours.

    `revision` is a branch, a tag such as `v2` or a commit; `fallback` stands for one that is not
    there. Only the version's own files are downloaded, and of them those that the folder lacks.

    Raises:
        ConfigurationError: the folder holds something else.
        PublishingError: the Hub refuses or cannot be reached, or a file is not what the version's
            manifest says.
    """
    check_folder(folder)
    with _as_publishing_errors(), hub_errors(repo_id):
        hub_access.check_name(repo_id)
        api = HfApi(token=token)
        head = patiently(lambda: _found(api, repo_id, revision, fallback), repo_id)
        if head is None:
            return None
        there = patiently(lambda: version_at(head), repo_id)
        if there is None:
            return None
        small = patiently(lambda: small_files(there), repo_id)
        place = f"{repo_id}@{revision}"
        return bring(small, lambda paths, staged: _download(head, paths, staged), folder, place)


def _found(api: HfApi, repo_id: str, revision: str, fallback: str | None) -> Head | None:
    try:
        return head_of(api, repo_id, revision)
    except RevisionNotFoundError as error:
        if fallback is not None:
            return head_of(api, repo_id, fallback)
        raise HubError(
            f"The dataset {repo_id!r} on the Hub has no branch, tag or commit {revision!r}."
        ) from error
    except RepositoryNotFoundError as error:
        # To those who do not say who they are the Hub answers 401, whether it is there or not.
        if error.response.status_code != 404:
            raise
        return None


def _download(head: Head, paths: list[str], staged: Path) -> None:
    def one(path: str) -> None:
        patiently(
            lambda: head.api.hf_hub_download(
                head.repo_id, path, repo_type="dataset", revision=head.revision, local_dir=staged
            ),
            head.repo_id,
        )

    with hub_errors(head.repo_id), ThreadPoolExecutor(_DOWNLOADS) as pool:
        list(pool.map(one, paths))
    shutil.rmtree(staged / ".cache", ignore_errors=True)


def _make_branch(api: HfApi, target: HubTarget) -> None:
    api.create_branch(target.repo, branch=target.revision, repo_type="dataset", exist_ok=True)


@contextmanager
def _as_publishing_errors() -> Iterator[None]:
    """Translate errors, and keep the client's progress bars out of logs and terminals."""
    shown = not are_progress_bars_disabled()
    disable_progress_bars()
    try:
        yield
    except HubError as error:
        raise PublishingError(str(error)) from error
    finally:
        if shown:
            enable_progress_bars()
