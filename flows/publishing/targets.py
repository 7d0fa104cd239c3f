"""Where a version goes on the Hugging Face Hub, and what came of publishing it."""

from dataclasses import dataclass

from pydantic import Field

from llms.config import Config

_MAIN = "main"


class HubTarget(Config):
    """A dataset repository, and the road that versions take there.

    On the branch `main` every version gets a tag, `v3` for the third. Another branch and a pull
    request are for review: the tag comes when the version is on `main`, with the next publishing.
    """

    repo: str = Field(description="Dataset of the Hugging Face Hub, as owner/name")
    private: bool = Field(default=False, description="Make a new repository on the Hub private")
    branch: str | None = Field(
        default=None,
        description="Publish to this branch instead of main; it is made from main if it is not "
        "there",
    )
    pull_request: bool = Field(
        default=False, description="Open a pull request on the Hub instead of publishing at once"
    )

    @property
    def revision(self) -> str:
        """The branch that versions go to."""
        return self.branch or _MAIN

    @property
    def is_final(self) -> bool:
        """Whether what is published there gets a tag."""
        return self.revision == _MAIN and not self.pull_request


@dataclass(frozen=True, slots=True)
class Published:
    """A published version: its address, its name such as `v3`, and whether there was a commit.

    Without a commit the same content had been published before. `pull_request` is the address of
    the one that the version waits in.
    """

    address: str
    version: str
    committed: bool
    pull_request: str | None = None
