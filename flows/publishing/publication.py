"""One version on its way to the Hugging Face Hub: what is there, what is missing, the commit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi

from flows.publishing.card import Charts, card_files, charts_shown
from flows.publishing.card_settings import CardSettings
from flows.publishing.folder import dress
from flows.publishing.hub_versions import (
    HubVersion,
    ensure_tag,
    has_tag,
    readme_at,
    small_files,
    tagged,
    version_at,
)
from flows.publishing.targets import HubTarget, Published
from flows.versions.manifest import MANIFEST, Manifest
from flows.versions.saved import SavedVersion
from tasks.export.hub_commit import MAIN, Changes, Head, commit_on, head_of


@dataclass(slots=True)
class Publication:
    """`publish` may be tried again after any failure: it finds out how far the last try came."""

    api: HfApi
    version: SavedVersion
    target: HubTarget
    card: CardSettings | None
    charts: Charts | None
    sent: bytes | None = None
    """The manifest that a commit was asked for with; its answer may have been lost."""

    def publish(self) -> tuple[Published, Head, Manifest]:
        """Commit the version unless it is there, and return the commit and manifest of it."""
        head = head_of(self.api, self.target.repo, self.target.revision)
        there = version_at(head)
        if there is not None and self.target.revision == MAIN:
            self._tag_if_forgotten(there)
        if there is not None and there.manifest.digest == self.version.digest and there.is_whole():
            return self._as_it_is(there)
        if (waiting := self._waiting()) is not None:
            return waiting
        return self._commit(head, there)

    def _tag_if_forgotten(self, there: HubVersion) -> None:
        """Tag what was merged from a pull request, or committed by a process that was killed."""
        if tagged(there.head, there.manifest.tag) is None:
            ensure_tag(there.head, there.manifest)

    def _as_it_is(
        self, there: HubVersion, waiting: str | None = None
    ) -> tuple[Published, Head, Manifest]:
        dress(self.version.folder, small_files(there))
        address = waiting or there.head.address
        ours = there.written == self.sent
        published = Published(address, there.manifest.tag, ours, waiting)
        return published, there.head, there.manifest

    def _waiting(self) -> tuple[Published, Head, Manifest] | None:
        """Return the open pull request that has the version already, None if there is none."""
        if not self.target.pull_request:
            return None
        for request in self.api.get_repo_discussions(
            self.target.repo,
            repo_type="dataset",
            discussion_type="pull_request",
            discussion_status="open",
        ):
            there = version_at(Head(self.api, self.target.repo, request.git_reference))
            if there is not None and there.manifest.digest == self.version.digest:
                return self._as_it_is(there, request.url)
        return None

    def _commit(self, head: Head, there: HubVersion | None) -> tuple[Published, Head, Manifest]:
        number = 1 + (there.manifest.version if there else 0)
        manifest = self.version.manifest.model_copy(update={"version": number})
        if self.target.is_final:
            has_tag(head, manifest)
        changes, small = self._changes(head, there, manifest)
        self.sent = small[MANIFEST]
        made = commit_on(
            head,
            changes,
            branch=self.target.revision,
            pull_request=self.target.pull_request,
        )
        dress(self.version.folder, small)
        published = Published(made.address, manifest.tag, True, made.pull_request)
        return published, Head(self.api, self.target.repo, made.revision), manifest

    def _changes(
        self, head: Head, there: HubVersion | None, manifest: Manifest
    ) -> tuple[Changes, dict[str, bytes]]:
        """Return what the commit changes, and the small files among it."""
        folder = self.version.folder
        numbered = SavedVersion(folder, manifest, self.version.graph)
        readme = readme_at(head)
        card = card_files(numbered, self.card, self.charts, repo=self.target.repo, before=readme)
        small = {**card, MANIFEST: manifest.to_json().encode()}
        files: dict[str, Path | bytes] = {
            **{path: folder / path for path in manifest.digests},
            **small,
        }
        old = [*(there.manifest.digests if there else ()), *charts_shown(readme or b"")]
        gone = set(old).difference(files)
        deleted = sorted(gone.intersection(head.files())) if gone else []
        title = f"{manifest.pipeline} {manifest.tag}: {numbered.rows} rows"
        return Changes(title, files, tuple(deleted)), small
