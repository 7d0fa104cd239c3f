"""The settings that every flow has in common: what it may spend, and where its dataset goes."""

from typing import Any

from pydantic import BaseModel, Field

from flows.dataset import DatasetVersion
from flows.pipeline import Pipeline
from flows.publishing.folder import check_folder
from llms.gateway import Budget


class FlowSettings(BaseModel):
    """Budgets, a folder and, if one is named, a dataset on the Hugging Face Hub."""

    output: str = Field(description="Folder for the dataset")
    repo: str | None = Field(
        default=None, description="Push to this dataset of the Hugging Face Hub, as owner/name"
    )
    private: bool = Field(default=False, description="Make a new repository on the Hub private")
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

    def check(self) -> None:
        """Find out before a run whether its dataset could be delivered.

        Raises:
            ConfigurationError: the folder holds something else.
            PublishingError: the Hub does not know who publishes.
        """
        check_folder(self.output)
        if self.repo:
            from flows.publishing.hub import check_access

            check_access(self.repo)

    def run(self, pipeline: Pipeline) -> DatasetVersion:
        """Run a pipeline within the budgets."""
        return pipeline.run(
            budget=self.budget,
            monthly_budget=self.monthly_budget,
            accepted_rows=self.accepted_rows,
        )

    def deliver(self, version: DatasetVersion) -> dict[str, Any]:
        """Save a dataset, push it if a repository is named, and return the summary."""
        summary = {**version.summary(), "folder": str(version.save_to_disk(self.output))}
        if self.repo:
            summary["commit"] = version.push_to_hub(self.repo, private=self.private)
        return summary
