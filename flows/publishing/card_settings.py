"""What a dataset card says that no run can know."""

from typing import Any

from pydantic import Field

from llms.config import Config


class CardSettings(Config):
    """The words and labels of a dataset card. What is set here is written with every version; what
    is not set stays as a person has written it on the Hub.
    """

    license: str | None = Field(
        default=None, description="Licence of the dataset, as the Hub names it, such as apache-2.0"
    )
    language: tuple[str, ...] = Field(
        default=(), description="Languages of the texts as ISO 639 codes, such as en"
    )
    pretty_name: str | None = Field(
        default=None, description="Title of the card; the name of the pipeline if not set"
    )
    description: str | None = Field(
        default=None,
        description="What the dataset is and is for, in Markdown; the pipeline's description if "
        "not set",
    )
    tags: tuple[str, ...] = Field(
        default=(), description="Tags beside `synthetic`, `stillhouse` and the papers'"
    )
    task_categories: tuple[str, ...] = Field(
        default=(), description="Tasks the dataset is for, as the Hub names them"
    )
    source_datasets: tuple[str, ...] = Field(
        default=(), description="Datasets of the Hub that the rows were made from, as owner/name"
    )

    @property
    def metadata(self) -> dict[str, Any]:
        """What is set, as the card's metadata has it; tags are those beside ours."""
        named = {name: getattr(self, name) for name in type(self).model_fields}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in named.items()
            if value and name != "description"
        }
