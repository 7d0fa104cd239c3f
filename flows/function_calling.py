"""Function calling as in APIGen: queries with calls that were executed and judged
(arXiv 2406.18518)."""

import statistics
from pathlib import Path
from typing import Any

from prefect import flow
from pydantic import Field

from flows.pipeline import Pipeline
from flows.recipe import RecipeSettings
from tasks import (
    APIGenExecutionChecker,
    APIGenGenerator,
    APIGenSemanticChecker,
    KeepColumns,
    KeepRows,
    LoadPythonFunctions,
    SampleColumns,
)

EXAMPLES = [
    """\
## Query:
How many working days lie between the 3rd and the 14th of March 2025?
## Answers:
[{"name": "working_days", "arguments": {"first": "2025-03-03", "last": "2025-03-14"}}]""",
    """\
## Query:
A tank holds 2.5 litres; how much is that in US gallons, to two decimals?
## Answers:
[{"name": "convert_volume", "arguments": {"value": 2.5, "to": "gallon", "decimals": 2}}]""",
    """\
## Query:
Put these prices in order, dearest first: 12, 7.5, 30.
## Answers:
[{"name": "sort_numbers", "arguments": {"numbers": [12, 7.5, 30], "descending": true}}]""",
]


class FunctionCalling(RecipeSettings):
    """A library of functions; by default Python's own `statistics`."""

    library: str | None = Field(
        default=None,
        description="Python file or folder with the functions that are called; left out: the "
        "module statistics",
    )
    queries: int = Field(default=2, ge=1, description="Queries for each function")
    judge: str | None = Field(
        default=None, description="Model that judges; the writing one if left out"
    )
    output: str = Field(default="data/function_calling", description="Folder for the dataset")


def pipeline(settings: FunctionCalling) -> Pipeline:
    """Return the pipeline: function, query and calls, executed, judged, the good ones kept."""
    library = settings.library or statistics.__file__
    with Pipeline("function_calling", "Queries with function calls that run and fit.") as made:
        functions = LoadPythonFunctions(
            name="functions", path=library, num_examples=settings.rows, max_lines=200
        )
        examples = SampleColumns(name="examples", columns={"examples": EXAMPLES})
        generate = APIGenGenerator(
            name="generate",
            llm=settings.model(temperature=0.9),
            num_generations=settings.queries,
            use_tools=False,
        )
        execute = APIGenExecutionChecker(name="execute", libpath=Path(library))
        judge = APIGenSemanticChecker(
            name="judge",
            llm=settings.model(settings.judge, temperature=0.2),
            output_mappings={"model_name": "judge"},
        )
        good = KeepRows(
            name="good",
            columns=("keep_row_after_execution_check", "keep_row_after_semantic_check"),
        )
        dataset = KeepColumns(
            name="dataset",
            columns=("func_name", "func_desc", "query", "answers", "execution_result"),
        )
        functions >> examples >> generate >> execute >> judge >> good >> dataset
    return made


@flow(name="function_calling", persist_result=False)
def function_calling(settings: FunctionCalling) -> dict[str, Any]:
    """Make queries with function calls, run the calls, judge them, and keep those that fit."""
    return settings.refresh(pipeline(settings))
