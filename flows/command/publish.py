"""`stillhouse publish`."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from flows.publishing.targets import HubTarget, Published
from flows.versions.saved import SavedVersion
from llms.errors import ConfigurationError


def publish_version(
    version: SavedVersion | Path | str,
    repo: str | None = None,
    *,
    private: bool = False,
    branch: str | None = None,
    pull_request: bool = False,
    to: str | None = None,
) -> Published:
    """Publish a saved version, or the folder of one, to a repository on the Hub or to a URL.

    Nothing is run and no model is asked; the README is written anew from the folder. A version that
    was merged from a pull request gets its tag.

    Raises:
        ConfigurationError: the folder is no version, or it is not said where it goes.
        PublishingError: the version is not whole, or the place refuses or cannot be reached.
    """
    if (repo is None) == (to is None):
        raise ConfigurationError(
            "Name one place to publish to: --repo owner/name for the Hub, or --to URL."
        )
    if to is not None and (private or branch or pull_request):
        raise ConfigurationError("--private, --branch and --pull-request are for --repo only.")
    saved = version if isinstance(version, SavedVersion) else SavedVersion.open(version)
    if repo is not None:
        from flows.publishing import hub

        target = HubTarget(repo=repo, private=private, branch=branch, pull_request=pull_request)
        published = hub.publish(saved, target)
    elif to is not None:
        from flows.publishing import remote

        published = remote.publish(saved, to)
    _tell(published)
    return published


def _tell(published: Published) -> None:
    console = Console(highlight=False, soft_wrap=True)
    if published.pull_request:
        console.print(f"Pull request with {published.version}: {published.pull_request}")
        console.print("Once it is merged, publish again or refresh: the version gets its tag then.")
    elif published.committed:
        console.print(f"Published {published.version}: {published.address}")
    else:
        console.print(f"Nothing changed: {published.version} is there, {published.address}")
