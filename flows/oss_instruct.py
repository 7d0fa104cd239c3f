"""OSS-Instruct: programming problems inspired by real code, with solutions (arXiv 2312.02120)."""

from typing import Any

from prefect import flow
from pydantic import Field

from flows.pipeline import Pipeline
from flows.recipe import RecipeSettings
from tasks import (
    FormatTextGenerationSFT,
    KeepColumns,
    KeepRows,
    LoadPythonFunctions,
    MinHashDedup,
    OSSInstruct,
)


class OssInstruct(RecipeSettings):
    """Code to be inspired by: the functions of Python's own library, of a folder, or your rows."""

    folder: str | None = Field(
        default=None, description="Python file or folder whose functions inspire the problems"
    )
    output: str = Field(default="data/oss_instruct", description="Folder for the dataset")


def pipeline(settings: OssInstruct) -> Pipeline:
    """Return the pipeline: code, problem and solution, near-duplicates out, chat."""
    with Pipeline("oss_instruct", "Programming problems inspired by real code.") as made:
        source = settings.load(otherwise=LoadPythonFunctions, path=settings.folder)
        invent = OSSInstruct(name="invent", llm=settings.model())
        duplicates = MinHashDedup(name="duplicates", input_mappings={"text": "problem"})
        unique = KeepRows(name="unique", columns=("keep_row_after_minhash_filtering",))
        chats = FormatTextGenerationSFT(
            name="chats", input_mappings={"instruction": "problem", "generation": "solution"}
        )
        dataset = KeepColumns(
            name="dataset", columns=("code_snippet", "prompt", "prompt_id", "messages")
        )
        source >> invent >> duplicates >> unique >> chats >> dataset
    return made


@flow(name="oss_instruct", persist_result=False)
def oss_instruct(settings: OssInstruct) -> dict[str, Any]:
    """Invent programming problems from real code, solve them, and format chats."""
    return settings.refresh(pipeline(settings))
