"""Faults of distilabel 1.5.3 that our steps have not; each test is named after what happens here.

`tests/differential` has the replies that it misreads, `tests/flows/test_distilabel_faults.py` what
goes wrong in its pipelines.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from datasets import Dataset

import tasks
from llms import LLM, Gateway, ScriptedLLM
from llms.errors import ConfigurationError
from llms.llm import GenerationParameters
from llms.registry import PROVIDERS, provider_class
from tasks import (
    GeneratorStep,
    Graph,
    LoadDataFromDicts,
    LoadDataFromFileSystem,
    Row,
    Task,
    TextGeneration,
)
from tasks.generated import METADATA
from tasks.sources.load_data_from_disk import LoadDataFromDisk
from tasks.sources.make_generator_step import make_generator_step
from tests.differential.case import Case
from tests.differential.cases import CASES
from tests.differential.in_stillhouse import run
from tests.tasks.conftest import applied

CHECKOUT = Path(__file__).parents[2]

ROWS: list[Row] = [{"number": number} for number in range(7)]

CLEAN = {case.step: case for case in reversed(CASES)}
"""Class name to its first case, which every step can do."""

TASKS = [case for name, case in CLEAN.items() if issubclass(getattr(tasks, name, object), Task)]


def named(case: Case) -> str:
    return case.step


# What models say is never run.


@pytest.mark.parametrize("case", TASKS, ids=named)
def test_a_reply_that_is_a_program_is_not_run(case: Case, tmp_path: Path) -> None:
    proof = tmp_path / "it-ran"
    program = f"__import__('pathlib').Path({str(proof)!r}).write_text('x')"
    for reply in (program, f"```json\n{program}\n```", f"{{'tasks': {program}}}"):
        run(replace(case, replies=[reply] * len(case.replies)), tmp_path)
    assert not proof.exists()


def test_an_argument_that_is_a_program_is_not_run(tmp_path: Path) -> None:
    proof = tmp_path / "it-ran"
    case = CLEAN["APIGenExecutionChecker"]
    program = f"__import__('pathlib').Path({str(proof)!r}).write_text('x')"
    answers = json.dumps([{"name": "shout", "arguments": {"text": program}}])

    (row,) = run(replace(case, rows=[{"answers": answers}]), tmp_path).rows

    assert row["execution_result"] == [repr(program.upper())]
    assert not proof.exists()


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.Path ['{proof}']]",
        "{{name: x, steps: [{{name: a, step: 'pathlib:Path', parameters: {{path: '{proof}'}}}}]}}",
        "{{name: x, steps: [{{name: a, step: \"open('{proof}', 'w')\"}}]}}",
    ],
    ids=["a Python object", "a class that is no step", "an expression"],
)
def test_a_pipeline_file_that_is_a_program_is_refused_and_not_run(
    text: str, tmp_path: Path
) -> None:
    proof, file = tmp_path / "it-ran", tmp_path / "pipeline.yaml"
    file.write_text(text.format(proof=proof))

    with pytest.raises(ConfigurationError):
        Graph.from_yaml(file)

    assert not proof.exists()


# Generations.


@pytest.mark.parametrize("case", [c for c in TASKS if c.step != "TextClustering"], ids=named)
def test_every_task_makes_as_many_generations_as_asked_for(case: Case, tmp_path: Path) -> None:
    one = run(case, tmp_path)
    two = run(replace(case, ours={**case.ours, "num_generations": 2}), tmp_path)

    assert two.refusal is None
    assert len(two.rows) == 2 * len(one.rows)
    assert two.asked == one.asked, "the first generation is in the store, the second is new"


def test_a_task_that_labels_a_cluster_once_does_not_ignore_other_wishes(tmp_path: Path) -> None:
    made = run(replace(CLEAN["TextClustering"], ours={"num_generations": 2}), tmp_path)

    assert made.rows == []
    assert "num_generations" in (made.refusal or "")


def test_every_generation_has_the_tokens_of_its_own_reply(gateway: Gateway) -> None:
    llm = ScriptedLLM(replies=("one", "one two", "one two three", "one two three four"))
    task = TextGeneration(name="ask", llm=llm, num_generations=6)

    outcome = applied(task, [{"instruction": "Count."}], gateway)

    for row in outcome.frame.iter_rows(named=True):
        tokens = row[METADATA]["statistics_ask"]["output_tokens"]
        assert tokens == len(row["generation"].split())
    assert outcome.frame.height == 6


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_no_model_cuts_its_replies_at_128_tokens_unasked(name: str) -> None:
    fields = provider_class(name).model_fields["generation_kwargs"]
    limit = fields.get_default(call_default_factory=True).max_new_tokens

    assert limit is None or limit >= 512


def test_a_reply_that_was_cut_off_says_so(gateway: Gateway) -> None:
    class Cut(ScriptedLLM):
        async def send(self, client: Any, request: Any, seed: int) -> Any:
            reply = await super().send(client, request, seed)
            cut = replace(reply.completion, finish_reason="length")
            return replace(reply, completion=cut)

    outcome = applied(TextGeneration(name="ask", llm=Cut()), [{"instruction": "Go on."}], gateway)

    (row,) = outcome.frame[METADATA]
    assert row["statistics_ask"]["finish_reason"] == "length"


def test_a_model_alone_heeds_its_own_generation_kwargs(gateway: Gateway) -> None:
    class Heedful(ScriptedLLM):
        def reply(self, request: Any, seed: int) -> str:
            return f"at {self.generation_kwargs.temperature}"

    llm: LLM = Heedful(generation_kwargs=GenerationParameters(temperature=0.25))

    ((completion,),) = llm.generate(["Hello"], gateway=gateway)

    assert completion.text == "at 0.25"


# Sources.


def _from_file(folder: Path) -> GeneratorStep:
    file = folder / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return LoadDataFromFileSystem(data_files=str(file), batch_size=3)


def _from_disk(folder: Path) -> GeneratorStep:
    Dataset.from_list(ROWS).save_to_disk(folder / "saved")
    return LoadDataFromDisk(dataset_path=str(folder / "saved"), batch_size=3)


SOURCES: dict[str, Callable[[Path], GeneratorStep]] = {
    "dicts": lambda _: LoadDataFromDicts(data=ROWS, batch_size=3),
    "a list": lambda _: make_generator_step(ROWS, batch_size=3),
    "a table": lambda _: make_generator_step(pl.DataFrame(ROWS), batch_size=3),
    "a dataset": lambda _: make_generator_step(Dataset.from_list(ROWS), batch_size=3),
    "a file": _from_file,
    "a disk": _from_disk,
}

every_source = pytest.mark.parametrize("source", SOURCES.values(), ids=list(SOURCES))


@every_source
def test_a_source_tells_its_last_batch_wherever_it_starts(
    source: Callable[[Path], GeneratorStep], tmp_path: Path
) -> None:
    step = source(tmp_path)
    step.load()
    for offset in range(len(ROWS)):
        batches = list(step.process(offset=offset))
        assert [row for rows, _ in batches for row in rows] == ROWS[offset:]
        assert [last for _, last in batches] == [False] * (len(batches) - 1) + [True]


@every_source
def test_a_source_can_be_read_again(
    source: Callable[[Path], GeneratorStep], tmp_path: Path
) -> None:
    step = source(tmp_path)
    step.load()
    first = pl.concat(list(step.keyed_frames()))
    assert pl.concat(list(step.keyed_frames())).equals(first)


# Packaging.


def test_every_package_that_is_imported_is_declared() -> None:
    declared = set(_declared())
    distributions = packages_distributions()
    undeclared = {
        f"{file} imports {name}"
        for name, file in _imported()
        if declared.isdisjoint(_plain(found) for found in distributions.get(name, [name]))
    }
    assert undeclared == set()


def _imported() -> Iterator[tuple[str, Path]]:
    """Yield the packages of others that our code imports, and where."""
    own = {"llms", "tasks", "flows"}
    for package in own:
        for file in sorted((CHECKOUT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                names = []
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    names = [node.module]
                for name in names:
                    top = name.partition(".")[0]
                    if top not in own | set(sys.stdlib_module_names):
                        yield top, file.relative_to(CHECKOUT)


def _declared() -> Iterator[str]:
    """Yield the distributions that we ask for, and those that we name as extras of others."""
    pyproject = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    project = pyproject["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    for requirement in chain(*groups, pyproject["dependency-groups"]["embedded"]):
        found = re.match(r"([\w.-]+)(?:\[(.*?)\])?", requirement)
        assert found is not None, requirement
        name, extras = found.groups()
        yield from map(_plain, [name, *(extras or "").split(",")])


def _plain(distribution: str) -> str:
    return distribution.lower().replace("_", "-")
