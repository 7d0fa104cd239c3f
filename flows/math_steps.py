"""Math-Shepherd: solutions step by step, each step labelled by where it leads
(arXiv 2312.08935)."""

from typing import Any

from prefect import flow
from pydantic import Field

from flows.pipeline import Pipeline
from flows.recipe import RecipeSettings
from tasks import (
    CombineOutputs,
    ExpandColumns,
    FormatPRM,
    KeepColumns,
    MathShepherdCompleter,
    MathShepherdGenerator,
    SampleRows,
    Step,
    TextGeneration,
)

PROBLEM = """\
Write one word problem for school mathematics about {{ topic }}. Solving it must take {{ steps }} \
and use {{ operation }}; the answer is one number. Write only the problem.
"""

TOPICS = ["a market", "a train journey", "a garden", "a library", "cooking", "a football club"]
STEPS = ["two steps", "three steps", "four steps"]
OPERATIONS = ["addition", "multiplication", "division", "fractions", "percentages"]


class MathSteps(RecipeSettings):
    """Problems (column `instruction`), or none: then the model writes some."""

    teacher: str | None = Field(
        default=None,
        description="Model whose solution counts as right; the writing one if left out",
    )
    solutions: int = Field(default=3, ge=1, description="Solutions for each problem")
    completions: int = Field(default=3, ge=1, description="Completions from each step")
    output: str = Field(default="data/math_steps", description="Folder for the dataset")


def problems(settings: MathSteps) -> Step:
    """Return a step whose rows have a problem in `instruction`."""
    if settings.source is not None:
        return settings.load()
    drawn = SampleRows(
        name="source",
        num_rows=settings.rows,
        columns={
            "topic": TOPICS,
            "steps": STEPS,
            "operation": OPERATIONS,
        },
    )
    problem = TextGeneration(
        name="problem",
        llm=settings.model(temperature=1.0),
        template=PROBLEM,
        columns=("topic", "steps", "operation"),
        output_mappings={"generation": "instruction"},
    )
    drawn >> problem
    return problem


def pipeline(settings: MathSteps) -> Pipeline:
    """Return the pipeline: problem, right solution and others, each step labelled, PRM format."""
    writer = settings.model()
    with Pipeline("math_steps", "Solutions whose steps are labelled by where they lead.") as made:
        golden = MathShepherdGenerator(name="golden", llm=settings.model(settings.teacher, 0.2))
        tries = MathShepherdGenerator(name="tries", llm=writer, M=settings.solutions)
        both = CombineOutputs(name="both")
        label = MathShepherdCompleter(name="label", llm=writer, N=settings.completions)
        each = ExpandColumns(name="each", columns=("solutions",))
        formatted = FormatPRM(name="formatted", format="trl")
        dataset = KeepColumns(
            name="dataset", columns=("instruction", "prompt", "completions", "labels")
        )
        problems(settings) >> [golden, tries] >> both >> label >> each >> formatted >> dataset
    return made


@flow(name="math_steps", persist_result=False)
def math_steps(settings: MathSteps) -> dict[str, Any]:
    """Solve problems step by step, label each step by whether it can reach the right answer."""
    return settings.refresh(pipeline(settings))
