"""Instructions and answers for fine-tuning: Self-Instruct, evolved by Evol-Instruct, answered."""

from typing import Any

from prefect import flow
from pydantic import Field

from flows.pipeline import Pipeline
from flows.recipe import RecipeSettings
from tasks import (
    EvolInstruct,
    ExpandColumns,
    FormatTextGenerationSFT,
    KeepColumns,
    KeepRows,
    MinHashDedup,
    SelfInstruct,
    TextGeneration,
)


class Instructions(RecipeSettings):
    """Passages (column `passage`) that instructions are made about."""

    application: str = Field(
        default="AI assistant", description="What the instructions are for, in a few words"
    )
    instructions_per_row: int = Field(default=3, ge=1, description="Instructions for each passage")
    evolutions: int = Field(default=2, ge=1, description="Times that an instruction is evolved")
    output: str = Field(default="data/instructions", description="Folder for the dataset")


def pipeline(settings: Instructions) -> Pipeline:
    """Return the pipeline: passage, instructions, near-duplicates out, evolutions, answers."""
    with Pipeline("instructions", "Instructions, made harder step by step, with answers.") as made:
        invent = SelfInstruct(
            name="invent",
            llm=settings.model(),
            num_instructions=settings.instructions_per_row,
            application_description=settings.application,
            input_mappings={"input": "passage"},
        )
        apart = ExpandColumns(name="apart", columns={"instructions": "simple_instruction"})
        duplicates = MinHashDedup(name="duplicates", input_mappings={"text": "simple_instruction"})
        unique = KeepRows(name="unique", columns=("keep_row_after_minhash_filtering",))
        evolve = EvolInstruct(
            name="evolve",
            llm=settings.model(),
            num_evolutions=settings.evolutions,
            input_mappings={"instruction": "simple_instruction"},
            output_mappings={"evolved_instruction": "instruction"},
        )
        answer = TextGeneration(name="answer", llm=settings.model())
        chats = FormatTextGenerationSFT(name="chats")
        dataset = KeepColumns(
            name="dataset", columns=("simple_instruction", "prompt", "prompt_id", "messages")
        )
        settings.load() >> invent >> apart >> duplicates >> unique >> evolve
        evolve >> answer >> chats >> dataset
    return made


@flow(name="instructions", persist_result=False)
def instructions(settings: Instructions) -> dict[str, Any]:
    """Make instructions from passages, evolve them, answer them, and format chats."""
    return settings.refresh(pipeline(settings))
