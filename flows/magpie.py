"""Magpie: an aligned model writes the user's turn and then answers it (arXiv 2406.08464)."""

from typing import Any

from prefect import flow
from pydantic import Field

from flows.pipeline import Pipeline
from flows.recipe import RecipeSettings
from tasks import (
    ConversationTemplate,
    InstructionBacktranslation,
    KeepColumns,
    KeepRows,
    MagpieGenerator,
    MinHashDedup,
)


class Magpie(RecipeSettings):
    """How many conversations to ask for; needs no rows to start from."""

    judge: str | None = Field(
        default=None, description="Model that scores the answers; the writing one if left out"
    )
    system_prompt: str | None = Field(
        default=None, description="What the conversations are about, as a system prompt"
    )
    pre_query_template: str | None = Field(
        default=None,
        description="How the user's turn begins, for a server that cannot tell: llama3 or qwen2",
    )
    output: str = Field(default="data/magpie", description="Folder for the dataset")


def pipeline(settings: Magpie) -> Pipeline:
    """Return the pipeline: user turn and answer, near-duplicates out, score, conversation."""
    writer = settings.model(temperature=1.0)
    if settings.pre_query_template:
        template = {"magpie_pre_query_template": settings.pre_query_template}
        writer = writer.model_copy(update=template)
    with Pipeline("magpie", "Conversations that an aligned model makes from nothing.") as made:
        source = MagpieGenerator(
            name="talk",
            llm=writer,
            num_rows=settings.rows,
            system_prompt=settings.system_prompt,
        )
        duplicates = MinHashDedup(name="duplicates", input_mappings={"text": "instruction"})
        unique = KeepRows(name="unique", columns=("keep_row_after_minhash_filtering",))
        score = InstructionBacktranslation(
            name="score",
            llm=settings.model(settings.judge, temperature=0.2),
            input_mappings={"generation": "response"},
            output_mappings={"model_name": "judge"},
        )
        conversation = ConversationTemplate(name="conversation")
        dataset = KeepColumns(name="dataset", columns=("conversation", "score", "reason"))
        source >> duplicates >> unique >> score >> conversation >> dataset
    return made


@flow(name="magpie", persist_result=False)
def magpie(settings: Magpie) -> dict[str, Any]:
    """Let a model write both sides of conversations, drop near-duplicates, and score the rest."""
    return settings.refresh(pipeline(settings))
