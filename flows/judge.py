"""Prometheus: answers judged by a rubric, with feedback and a score (arXiv 2405.01535)."""

from typing import Any

from prefect import flow
from pydantic import Field

from flows.pipeline import Pipeline
from flows.recipe import RecipeSettings
from tasks import KeepColumns, PrometheusEval, TextGeneration


class Judge(RecipeSettings):
    """Instructions (column `instruction`), and by what their answers are judged."""

    judge: str | None = Field(
        default=None, description="Model that judges; the writing one if left out"
    )
    rubric: str = Field(
        default="factual-validity",
        description="By what: helpfulness, harmlessness, honesty, factual-validity or reasoning",
    )
    output: str = Field(default="data/judge", description="Folder for the dataset")


def pipeline(settings: Judge) -> Pipeline:
    """Return the pipeline: instruction, answer, feedback and score from 1 to 5."""
    with Pipeline("judge", "Answers with feedback and a score by a rubric.") as made:
        answer = TextGeneration(name="answer", llm=settings.model())
        verdict = PrometheusEval(
            name="verdict",
            llm=settings.model(settings.judge, temperature=0.2),
            mode="absolute",
            rubric=settings.rubric,
            use_default_structured_output=None,
            output_mappings={"model_name": "judge"},
        )
        dataset = KeepColumns(
            name="dataset",
            columns=("instruction", "generation", "model_name", "feedback", "result", "judge"),
        )
        settings.instructions() >> answer >> verdict >> dataset
    return made


@flow(name="judge", persist_result=False)
def judge(settings: Judge) -> dict[str, Any]:
    """Answer instructions and judge the answers by a rubric, with feedback and a score."""
    return settings.refresh(pipeline(settings))
