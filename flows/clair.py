"""CLAIR: a teacher improves a student's answer a little; both make a preference pair
(arXiv 2408.06266)."""

from collections.abc import Iterator
from typing import Any

from prefect import flow
from pydantic import Field

from flows.pipeline import Pipeline
from flows.recipe import RecipeSettings
from tasks import CLAIR, FormatTextGenerationDPO, KeepColumns, Row, TextGeneration, step


class Clair(RecipeSettings):
    """Instructions (column `instruction`), and the model that improves the answers."""

    teacher: str | None = Field(
        default=None, description="Model that improves; the writing one if left out"
    )
    output: str = Field(default="data/clair", description="Folder for the dataset")


@step(inputs=["revision", "student_solution"], outputs=["generations", "ratings"])
def RevisionIsBetter(inputs: list[Row]) -> Iterator[list[Row]]:
    """Rate the teacher's revision above the student's answer."""
    for row in inputs:
        row["generations"] = [row["revision"], row["student_solution"]]
        row["ratings"] = [1, 0]
    yield inputs


def pipeline(settings: Clair) -> Pipeline:
    """Return the pipeline: instruction, student's answer, teacher's revision, pair."""
    with Pipeline("clair", "Preference pairs that differ in little but what makes better.") as made:
        student = TextGeneration(
            name="student",
            llm=settings.model(),
            output_mappings={"generation": "student_solution"},
        )
        teacher = CLAIR(
            name="teacher",
            llm=settings.model(settings.teacher, temperature=0.2),
            use_default_structured_output=None,
            input_mappings={"task": "instruction"},
            output_mappings={"model_name": "teacher"},
        )
        rated = RevisionIsBetter(name="rated")
        pairs = FormatTextGenerationDPO(name="pairs")
        dataset = KeepColumns(
            name="dataset", columns=("prompt", "prompt_id", "chosen", "rejected", "rational")
        )
        settings.instructions() >> student >> teacher >> rated >> pairs >> dataset
    return made


@flow(name="clair", persist_result=False)
def clair(settings: Clair) -> dict[str, Any]:
    """Answer instructions, let a teacher improve the answers, and keep both as pairs."""
    return settings.refresh(pipeline(settings))
