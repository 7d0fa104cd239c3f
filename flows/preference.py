"""Preference pairs: several models answer, a judge rates, the best and the worst make a pair."""

from typing import Any

from prefect import flow
from pydantic import Field

from flows.pipeline import Pipeline
from flows.recipe import RecipeSettings
from tasks import FormatTextGenerationDPO, GroupColumns, KeepColumns, TextGeneration, UltraFeedback
from tasks.feedback.ultra_feedback import Aspect


class Preference(RecipeSettings):
    """Instructions (column `instruction`), the models that answer, and the judge."""

    answering: list[str] = Field(
        default=[],
        description="Models that answer, as provider:model; left out: the writing one, twice, at "
        "different temperatures",
    )
    judge: str | None = Field(
        default=None, description="Model that rates the answers; the writing one if left out"
    )
    aspect: Aspect = Field(default="overall-rating", description="What is rated")
    output: str = Field(default="data/preference", description="Folder for the dataset")


def pipeline(settings: Preference) -> Pipeline:
    """Return the pipeline: instruction, answers, ratings (UltraFeedback), pair (DPO)."""
    models = [settings.model(name) for name in settings.answering]
    models = models or [settings.model(temperature=0.2), settings.model(temperature=1.2)]
    with Pipeline("preference", "Preference pairs, rated as in UltraFeedback.") as made:
        answers = [
            TextGeneration(name=f"answer-{number}", llm=model)
            for number, model in enumerate(models, 1)
        ]
        together = GroupColumns(
            name="answers",
            columns=("generation", "model_name"),
            output_columns=("generations", "generation_models"),
        )
        ratings = UltraFeedback(
            name="ratings",
            llm=settings.model(settings.judge, temperature=0.2),
            aspect=settings.aspect,
            use_default_structured_output=True,
        )
        dataset = KeepColumns(
            name="dataset",
            columns=(
                "prompt",
                "prompt_id",
                "chosen",
                "chosen_rating",
                "chosen_model",
                "rejected",
                "rejected_rating",
                "rejected_model",
            ),
        )
        pairs = FormatTextGenerationDPO(name="pairs")
        settings.instructions() >> answers >> together >> ratings >> pairs >> dataset
    return made


@flow(name="preference", persist_result=False)
def preference(settings: Preference) -> dict[str, Any]:
    """Make preference pairs: several models answer, a judge rates, best and worst are kept."""
    return settings.refresh(pipeline(settings))
