"""The main job: preference pairs from Python's own documentation."""

from typing import Any

from prefect import flow
from pydantic import Field

from flows.pipeline import Pipeline
from flows.settings import FlowSettings
from llms import DEFAULT_LLM, as_llm
from tasks import (
    FormatTextGenerationDPO,
    GroupColumns,
    KeepColumns,
    LoadPythonDocs,
    TextGeneration,
    UltraFeedback,
)

INSTRUCTION = """\
Here is a passage from the documentation of Python:

{{ passage }}

Write one question that a programmer may ask and that this passage answers. Write only the question.
"""

ANSWER = """\
Documentation:

{{ passage }}

Answer this question in a few sentences: {{ instruction }}
"""


class Quickstart(FlowSettings):
    """What to make and with which models."""

    llm: str = Field(
        default=DEFAULT_LLM,
        description="Model that writes questions and answers, as provider:model",
    )
    judge: str | None = Field(
        default=None,
        description="Model that rates the answers, as provider:model; the same one if left out",
    )
    rows: int = Field(default=24, ge=1, description="Passages to start from")
    output: str = Field(default="data/quickstart", description="Folder for the dataset")


def pipeline(settings: Quickstart) -> Pipeline:
    """Return the pipeline: passage, question, two answers, ratings, preference pair."""
    writer = as_llm(settings.llm)
    judge = as_llm(settings.judge or settings.llm)
    with Pipeline("quickstart", "Preference pairs about the Python language.") as made:
        passages = LoadPythonDocs(
            name="passages", num_examples=settings.rows, min_length=300, max_length=500
        )
        question = TextGeneration(
            name="question",
            llm=writer.sampling(temperature=0.7, max_new_tokens=48),
            template=INSTRUCTION,
            columns="passage",
            output_mappings={"generation": "instruction"},
        )
        careful = TextGeneration(
            name="careful",
            llm=writer.sampling(temperature=0.2, max_new_tokens=64),
            template=ANSWER,
            columns=("passage", "instruction"),
        )
        free = TextGeneration(
            name="free",
            llm=writer.sampling(temperature=1.2, max_new_tokens=64),
            template=ANSWER,
            columns=("passage", "instruction"),
        )
        answers = GroupColumns(
            name="answers",
            columns=("generation", "model_name"),
            output_columns=("generations", "generation_models"),
        )
        ratings = UltraFeedback(
            name="ratings",
            llm=judge.sampling(temperature=0.6, max_new_tokens=300),
            aspect="overall-rating",
            use_default_structured_output=True,
        )
        pairs = FormatTextGenerationDPO(name="pairs")
        dataset = KeepColumns(
            name="dataset",
            columns=(
                "topic",
                "prompt",
                "prompt_id",
                "chosen",
                "chosen_rating",
                "rejected",
                "rejected_rating",
            ),
        )
        passages >> question >> [careful, free] >> answers >> ratings >> pairs >> dataset
    return made


@flow(name="quickstart", persist_result=False)
def quickstart(settings: Quickstart) -> dict[str, Any]:
    """Make preference pairs from the documentation of Python and save them as a dataset."""
    return settings.refresh(pipeline(settings))
