"""DEITA: instructions and answers evolved, scored for complexity and quality, the best ones that
differ kept (arXiv 2312.15685)."""

from typing import Any

from prefect import flow
from pydantic import Field

from flows.pipeline import Pipeline
from flows.recipe import RecipeSettings
from llms.embeddings.registry import as_embeddings
from tasks import (
    ComplexityScorer,
    ConversationTemplate,
    DeitaFiltering,
    EmbeddingGeneration,
    EvolInstruct,
    EvolQuality,
    ExpandColumns,
    KeepColumns,
    QualityScorer,
)


class Deita(RecipeSettings):
    """Instructions (column `instruction`) and how many conversations to keep."""

    judge: str | None = Field(
        default=None, description="Model that scores; the writing one if left out"
    )
    embeddings: str = Field(
        default="minilm:all-minilm-l6-v2",
        description="Model that embeds the answers, as provider:model",
    )
    evolutions: int = Field(default=2, ge=1, description="Times that instructions are evolved")
    data_budget: int = Field(default=20, ge=1, description="Conversations to keep")
    diversity_threshold: float = Field(
        default=0.04, ge=0, description="Least cosine distance between conversations that are kept"
    )
    output: str = Field(default="data/deita", description="Folder for the dataset")


def pipeline(settings: Deita) -> Pipeline:
    """Return the pipeline: evolve and score instructions, then answers, then filter."""
    writer, judge = settings.model(), settings.model(settings.judge, temperature=0.2)
    with Pipeline("deita", "Conversations chosen for complexity, quality and diversity.") as made:
        evolve = EvolInstruct(
            name="evolve",
            llm=writer,
            num_evolutions=settings.evolutions,
            store_evolutions=True,
            generate_answers=True,
            include_original_instruction=True,
        )
        complexity = ComplexityScorer(
            name="complexity", llm=judge, input_mappings={"instructions": "evolved_instructions"}
        )
        each_instruction = ExpandColumns(
            name="each-instruction",
            columns={
                "evolved_instructions": "evolved_instruction",
                "answers": "answer",
                "scores": "evol_instruction_score",
            },
        )
        improve = EvolQuality(
            name="improve",
            llm=writer,
            num_evolutions=settings.evolutions,
            store_evolutions=True,
            include_original_response=True,
            input_mappings={"instruction": "evolved_instruction", "response": "answer"},
        )
        quality = QualityScorer(
            name="quality",
            llm=judge,
            input_mappings={
                "instruction": "evolved_instruction",
                "responses": "evolved_responses",
            },
        )
        each_response = ExpandColumns(
            name="each-response",
            columns={"evolved_responses": "evolved_response", "scores": "evol_response_score"},
        )
        conversation = ConversationTemplate(
            name="conversation",
            input_mappings={"instruction": "evolved_instruction", "response": "evolved_response"},
        )
        embed = EmbeddingGeneration(
            name="embed",
            embeddings=as_embeddings(settings.embeddings),
            input_mappings={"text": "evolved_response"},
            output_mappings={"model_name": "embedding_model"},
        )
        best = DeitaFiltering(
            name="best",
            data_budget=settings.data_budget,
            diversity_threshold=settings.diversity_threshold,
        )
        dataset = KeepColumns(
            name="dataset",
            columns=(
                "instruction",
                "conversation",
                "evol_instruction_score",
                "evol_response_score",
                "deita_score",
                "nearest_neighbor_distance",
            ),
        )
        settings.instructions() >> evolve >> complexity >> each_instruction >> improve
        improve >> quality >> each_response >> conversation >> embed >> best >> dataset
    return made


@flow(name="deita", persist_result=False)
def deita(settings: Deita) -> dict[str, Any]:
    """Evolve instructions and answers, score them, and keep the best ones that differ."""
    return settings.refresh(pipeline(settings))
