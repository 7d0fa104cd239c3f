"""The settings that every flow has in common: what it may spend, what it checks, where it goes."""

from typing import Any

from pydantic import BaseModel, Field

from flows.gates import Gates
from flows.pipeline import Pipeline
from flows.publishing.card_settings import CardSettings
from flows.publishing.targets import HubTarget
from flows.refresh.approvals import Approvals
from flows.versions.manifest import Provenance
from flows.versions.staging import Contents
from llms.gateway import Budget


class FlowSettings(BaseModel):
    """Where a dataset goes, what may be spent on it, and what it must be to be published."""

    output: str = Field(
        description="Folder for the dataset, or a URL such as s3://bucket/name; it holds the "
        "last version that was published"
    )
    repo: str | None = Field(
        default=None, description="Publish to this dataset of the Hugging Face Hub, as owner/name"
    )
    private: bool = Field(default=False, description="Make a new repository on the Hub private")
    branch: str | None = Field(
        default=None, description="Publish to this branch of the repository instead of main"
    )
    pull_request: bool = Field(
        default=False, description="Open a pull request on the Hub instead of publishing at once"
    )
    budget: Budget | None = Field(
        default=None,
        description="Limit for this run; after a stop the next run goes on with what is left",
    )
    monthly_budget: Budget | None = Field(
        default=None, description="Limit for all runs of this dataset in a calendar month (UTC)"
    )
    accepted_rows: int | None = Field(
        default=None,
        ge=1,
        description="Make exactly this many rows: go on reading the source until they are accepted",
    )
    attempts_per_row: int = Field(
        default=5, ge=1, description="Source rows to try at most for each accepted one"
    )
    test_share: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Share of the source rows whose rows make the split `test`; under a refresh "
        "they stay in it",
    )
    provenance: Provenance = Field(
        default="answers",
        description="What is published of where rows come from: `answers` (sources and answers of "
        "models too, so that any machine refreshes without paying again), `rows` (a record for "
        "each row) or `none`",
    )
    gates: Gates = Field(
        default_factory=Gates, description="What a version must be to be published"
    )
    approvals: Approvals = Field(
        default_factory=Approvals, description="When to wait for somebody's approval"
    )
    card: CardSettings = Field(
        default_factory=CardSettings, description="What the dataset's card says beside the figures"
    )

    @property
    def contents(self) -> Contents:
        """What a version holds beside its rows."""
        return Contents(provenance=self.provenance, test_share=self.test_share)

    @property
    def is_remote(self) -> bool:
        """Whether `output` is a URL and no folder."""
        return "://" in self.output

    @property
    def hub(self) -> HubTarget | None:
        """The repository to publish to, None if there is none."""
        if self.repo is None:
            return None
        return HubTarget(
            repo=self.repo,
            private=self.private,
            branch=self.branch,
            pull_request=self.pull_request,
        )

    def refresh(self, pipeline: Pipeline) -> dict[str, Any]:
        """Bring the dataset of a pipeline up to date and publish it, inside a flow run.

        Raises:
            StillhouseError: one sentence about what stopped it; the last version stays.
        """
        from flows.refresh.refresh import refresh

        return refresh(pipeline, self)
