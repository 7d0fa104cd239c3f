"""The versions of a dataset repository: what a commit holds, and the tags that name them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flows.publishing.card import charts_shown
from flows.versions.manifest import MANIFEST, Manifest, read_manifest
from flows.versions.saved import CARD
from tasks.export.hub_commit import Head
from tasks.export.hub_errors import HubError


@dataclass(frozen=True, slots=True)
class HubVersion:
    """A version at a commit; `written` is its manifest as it stands there."""

    head: Head
    manifest: Manifest
    written: bytes

    def is_whole(self) -> bool:
        """Tell whether no file of it has been deleted by hand."""
        return self.manifest.digests.keys() <= set(self.head.files())


def version_at(head: Head) -> HubVersion | None:
    """Return the version that a commit holds, None if it holds none of ours."""
    path = head.download(MANIFEST)
    manifest = None if path is None else read_manifest(path.parent)
    if path is None or manifest is None:
        return None
    return HubVersion(head, manifest, path.read_bytes())


def readme_at(head: Head) -> bytes | None:
    """Return the README of a commit, None if there is none."""
    path = head.download(CARD)
    return None if path is None else path.read_bytes()


def small_files(version: HubVersion) -> dict[str, bytes]:
    """Return manifest, README and the charts that it shows, by path."""
    files = {MANIFEST: version.written}
    readme = readme_at(version.head)
    if readme is not None:
        files[CARD] = readme
        for chart in charts_shown(readme):
            if (path := version.head.download(chart)) is not None:
                files[chart] = path.read_bytes()
    return files


def ensure_tag(head: Head, manifest: Manifest) -> None:
    """Name a commit by the version that it holds; a tag that is there is never moved.

    Raises:
        HubError: the tag names another version.
    """
    if not has_tag(head, manifest):
        head.api.create_tag(
            head.repo_id, tag=manifest.tag, revision=head.revision, repo_type="dataset"
        )


def has_tag(head: Head, manifest: Manifest) -> bool:
    """Tell whether a version has its tag.

    Raises:
        HubError: the tag names another version.
    """
    target = tagged(head, manifest.tag)
    if target is None:
        return False
    if target != head.revision:
        named = version_at(replace(head, revision=target))
        if named is None or named.manifest.digest != manifest.digest:
            raise HubError(
                f"The tag {manifest.tag!r} of {head.repo_id!r} names another commit, "
                f"{target[:8]}; remove that tag on the Hub and publish again: nothing has to be "
                f"generated again."
            )
    return True


def tagged(head: Head, tag: str) -> str | None:
    """Return the commit that a tag names, None if there is no such tag."""
    refs = head.api.list_repo_refs(head.repo_id, repo_type="dataset")
    return next((ref.target_commit for ref in refs.tags if ref.name == tag), None)
