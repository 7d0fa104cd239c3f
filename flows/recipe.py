"""What the recipes have in common: which model writes, and the rows they start from."""

from collections.abc import Callable
from typing import Any

from pydantic import Field

from flows.settings import FlowSettings
from llms import DEFAULT_LLM, LLM, as_llm
from tasks import LoadDataFromFileSystem, LoadDataFromHub, LoadPythonDocs, Step, TextGeneration

_HUB = "hub:"

QUESTION = """\
Here is a passage from the documentation of Python:

{{ passage }}

Write one question that a programmer may ask and that this passage answers. Write only the question.
"""


class RecipeSettings(FlowSettings):
    """A model, and the rows to start from."""

    llm: str = Field(default=DEFAULT_LLM, description="Model that writes, as provider:model")
    rows: int = Field(default=20, ge=1, description="Rows to start from")
    source: str | None = Field(
        default=None,
        description="File or folder with the rows to start from (JSON Lines, JSON, CSV, Parquet), "
        "or hub:owner/name; left out: material that comes with Python",
    )
    max_new_tokens: int = Field(default=512, ge=1, description="Longest answer in tokens")

    def model(self, name: str | None = None, temperature: float = 0.7) -> LLM:
        """Return a model as the steps use it; the one that writes if none is named."""
        llm = as_llm(name or self.llm)
        return llm.sampling(temperature=temperature, max_new_tokens=self.max_new_tokens)

    def load(self, *, otherwise: Callable[..., Step] = LoadPythonDocs, **parameters: Any) -> Step:
        """Return the source; where none is named, a step that needs no data of the user's."""
        if self.source is None:
            return otherwise(name="source", num_examples=self.rows, **parameters)
        if self.source.startswith(_HUB):
            repo_id = self.source.removeprefix(_HUB)
            return LoadDataFromHub(name="source", repo_id=repo_id, num_examples=self.rows)
        return LoadDataFromFileSystem(name="source", data_files=self.source, num_examples=self.rows)

    def instructions(self) -> Step:
        """Return a step whose rows have an `instruction`: your own, or questions about Python."""
        source = self.load(min_length=300, max_length=500)
        if self.source is not None:
            return source
        question = TextGeneration(
            name="question",
            llm=self.model(),
            template=QUESTION,
            columns="passage",
            output_mappings={"generation": "instruction"},
        )
        source >> question
        return question
