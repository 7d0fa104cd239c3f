"""Texts for embedding models: queries for real passages, and invented retrieval tasks
(arXiv 2401.00368)."""

from typing import Any

from prefect import flow
from pydantic import Field

from flows.pipeline import Pipeline
from flows.recipe import RecipeSettings
from tasks import (
    EmbeddingTaskGenerator,
    GenerateSentencePair,
    GenerateTextRetrievalData,
    KeepColumns,
)


class Retrieval(RecipeSettings):
    """Passages (column `passage`) to ask for, and how many tasks to invent beside them."""

    tasks: int = Field(default=5, ge=1, description="Times that a list of retrieval tasks is made")
    language: str = Field(default="English", description="Language of the invented texts")
    context: str = Field(
        default="Passages of the documentation of Python.",
        description="What the passages are, in a sentence",
    )
    output: str = Field(default="data/retrieval", description="Folder for the dataset")


def pipeline(settings: Retrieval) -> Pipeline:
    """Return the pipeline: a query and a hard negative for each passage; tasks with documents."""
    writer = settings.model(temperature=1.0)
    with Pipeline("retrieval", "Pairs and triplets for training embedding models.") as made:
        queries = GenerateSentencePair(
            name="queries",
            llm=writer,
            action="query",
            triplet=True,
            hard_negative=True,
            context=settings.context,
            input_mappings={"anchor": "passage"},
        )
        passages = KeepColumns(name="passages", columns=("passage", "positive", "negative"))
        settings.load() >> queries >> passages
        invented = EmbeddingTaskGenerator(
            name="invented",
            llm=writer,
            category="text-retrieval",
            flatten_tasks=True,
            num_rows=settings.tasks,
        )
        documents = GenerateTextRetrievalData(
            name="documents", llm=writer, language=settings.language
        )
        tasks = KeepColumns(
            name="tasks",
            columns=("task", "user_query", "positive_document", "hard_negative_document"),
        )
        invented >> documents >> tasks
    return made


@flow(name="retrieval", persist_result=False)
def retrieval(settings: Retrieval) -> dict[str, Any]:
    """Make queries with hard negatives for passages, and texts for invented retrieval tasks."""
    return settings.refresh(pipeline(settings))
