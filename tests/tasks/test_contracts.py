"""What holds for every step, whatever it does; and for the package as a whole."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, Literal

import pytest

import llms
import tasks
from llms import ChatRequest, Gateway
from llms.chat import text_content
from llms.errors import BadRequest, LLMError, RowRejected, ServerFailed
from tasks import Row, Step, StepContext
from tasks.outcome import Accounts
from tests.tasks.conftest import Answer, RecordingLLM, keyed, keys_of, parents_of, rows_after

CASES = 60
"""Random datasets for each kind of step."""

Style = Literal["in place", "anew", "one list each", "empty lists between", "mixed"]


def made_of(row: Row) -> list[Row]:
    """Return what a row says shall become of it."""
    match row["do"]:
        case "keep":
            return [row]
        case "change":
            return [{**row, "changed": row["id"] * 2}]
        case "shorten":
            return [{"id": row["id"], "do": row["do"]}]
        case "multiply":
            return [{**row, "copy": copy} for copy in range(row["times"])]
        case "drop":
            return []
    raise RowRejected("told to fail")


class Obedient(Step):
    """Does to each row what the row says, in one of the ways in which people write steps."""

    style: Style

    def process(self, inputs: list[Row]) -> Iterator[list[Row]]:
        if self.style == "in place":
            yield self._in_place(inputs)
        elif self.style == "anew":
            yield [dict(made) for row in inputs for made in made_of(row)]
        elif self.style == "one list each":
            for row in inputs:
                yield made_of(row)
        elif self.style == "empty lists between":
            for row in inputs:
                for made in made_of(row):
                    yield [made]
                    yield []
        else:
            yield [dict(m) if row["id"] % 2 else m for row in inputs for m in made_of(row)]

    def _in_place(self, inputs: list[Row]) -> list[Row]:
        kept: list[Row] = []
        for row in inputs:
            made = made_of(dict(row))
            if len(made) == 1:
                row.clear()
                row.update(made[0])
                kept.append(row)
            else:
                kept.extend(made)
        return kept


def random_rows(random: Random) -> list[Row]:
    """Return up to a dozen rows with duplicates, gaps, late columns and nested values."""
    rows: list[Row] = []
    for number in range(random.randrange(1, 13)):
        row: Row = {
            "id": random.choice([number, 0]),
            "do": random.choice(["keep", "change", "shorten", "multiply", "drop", "fail"]),
            "times": random.randrange(4),
        }
        if random.random() < 0.3:
            row["late"] = {"tags": ["x"] * random.randrange(3)}
        rows.append(row)
    return rows


def expected_of(row: Row) -> list[Row] | None:
    """Return the rows that a row becomes, None for a rejection."""
    try:
        return made_of(row)
    except RowRejected:
        return None


def without_nulls(rows: list[Row]) -> list[Row]:
    """Return rows with only the columns that say something."""
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


@pytest.mark.parametrize("style", Style.__args__)  # type: ignore[attr-defined]  # a Literal has its values
def test_every_row_is_accounted_for_whatever_a_step_does(style: Style) -> None:
    for seed in range(CASES):
        random = Random(f"{style} {seed}")
        rows = random_rows(random)
        frame = keyed(rows)
        expected = [expected_of(row) for row in without_nulls(frame.drop("_row_key").to_dicts())]
        for made in expected:
            for row in made or []:
                row.pop("_parent_key", None)
        step = Obedient(style=style, input_batch_size=random.randrange(1, 9), name="obey")

        outcomes = [
            (part, step.apply(part, StepContext()))
            for part in frame.iter_slices(random.randrange(1, 14))
        ]

        came_out = [row for _, outcome in outcomes for row in rows_after(outcome)]
        assert without_nulls(came_out) == [row for made in expected for row in made or []], seed
        parents = [key for _, outcome in outcomes for key in parents_of(outcome)]
        assert parents == [
            key for key, made in zip(keys_of(frame), expected, strict=True) for _ in made or []
        ], seed
        rejected = [r.parent for _, outcome in outcomes for r in outcome.rejections]
        assert rejected == [
            key for key, made in zip(keys_of(frame), expected, strict=True) if made is None
        ], seed
        keys = [key for _, outcome in outcomes for key in keys_of(outcome.frame)]
        assert len(set(keys)) == len(keys), seed
        books = sum((o.accounts(keys_of(part)) for part, o in outcomes), start=Accounts())
        assert books == Accounts(
            rows_in=len(rows),
            rows_out=len(came_out),
            rejected=len(rejected),
            filtered=expected.count([]),
            expanded=sum(len(made) - 1 for made in expected if made),
        ), seed
        assert books.rows_in + books.expanded == books.rows_out + books.rejected + books.filtered


def test_keys_depend_on_neither_batches_nor_partitions_nor_style() -> None:
    for seed in range(CASES):
        random = Random(seed)
        frame = keyed(random_rows(random))
        found = set()
        for style in Style.__args__:  # type: ignore[attr-defined]  # a Literal has its values
            step = Obedient(style=style, input_batch_size=random.randrange(1, 9), name="obey")
            parts = frame.iter_slices(random.randrange(1, 14))
            outcomes = [step.apply(part, StepContext()) for part in parts]
            found.add(tuple(key for outcome in outcomes for key in keys_of(outcome.frame)))
        assert len(found) == 1, seed


class Choosy(Answer):
    """Takes three replies of four."""

    def format_output(self, output: str | None, input: Row) -> Row:
        if readable(output or ""):
            return {"generation": output}
        raise RowRejected("not this one")


def readable(reply: str) -> bool:
    """Tell whether `Choosy` takes a reply."""
    return int(reply) % 4 != 0


class Capricious(RecordingLLM):
    """Answers with a number; refuses some requests and loses others."""

    replies: tuple[str, ...] = ("{sample}",)

    def reply(self, request: ChatRequest, seed: int) -> str:
        prompt = text_content(request.messages[-1])
        trouble: dict[str, LLMError] = {"refuse": BadRequest("no"), "lose": ServerFailed("down")}
        if prompt.split()[0] in trouble:
            raise trouble[prompt.split()[0]]
        return super().reply(request, seed)


@pytest.mark.parametrize("grouped", [False, True], ids=["apart", "grouped"])
def test_every_generation_is_accounted_for_whatever_the_model_does(
    gateway: Gateway, grouped: bool
) -> None:
    seen: Counter[str] = Counter()
    for seed in range(CASES):
        random = Random(seed)
        prompts = random.choices(["ask", "refuse", "lose"], [6, 1, 1], k=random.randrange(12))
        prompts = ["ask first", *(f"{word} {random.randrange(4)}" for word in prompts)]
        generations = random.randrange(1, 5)
        task = Choosy(
            name="ask",
            llm=Capricious(model=f"model of case {seed}"),
            num_generations=generations,
            corrections=0,
            group_generations=grouped,
        )
        frame = keyed([{"instruction": prompt} for prompt in prompts])

        outcome = task.apply(frame, StepContext(gateway))

        kept, rejected = Counter(parents_of(outcome)), Counter(r.parent for r in outcome.rejections)
        for key, prompt in zip(keys_of(frame), prompts, strict=True):
            answered = not prompt.startswith("lose") and not grouped
            assert kept[key] + rejected[key] == (generations if answered else 1), seed
        for row in rows_after(outcome):
            replies = row["generation"] if grouped else [row["generation"]]
            assert len(replies) == (generations if grouped else 1), seed
            assert all(map(readable, replies)), seed
        for rejection in outcome.rejections:
            lost = rejection.row["instruction"].startswith("lose")
            assert rejection.unanswered == lost, seed
            if rejection.raw_reply is not None:
                assert not readable(rejection.raw_reply), seed
        names = [*keys_of(outcome.frame), *(rejection.key for rejection in outcome.rejections)]
        assert len(set(names)) == len(names), seed
        books = outcome.accounts(keys_of(frame))
        each = 0 if grouped else sum(not p.startswith("lose") for p in prompts)
        assert books == Accounts(
            rows_in=len(prompts),
            rows_out=outcome.frame.height,
            rejected=len(outcome.rejections),
            filtered=0,
            expanded=each * (generations - 1),
            requests=sum(prompt.startswith("ask") for prompt in prompts) * generations,
            input_tokens=books.input_tokens,
            output_tokens=books.output_tokens,
        ), seed
        assert books.rows_in + books.expanded == books.rows_out + books.rejected, seed
        seen.update(rejection.reason for rejection in outcome.rejections)
    assert len(seen) > 2, "the cases were too tame"


# The package.


@pytest.mark.parametrize("package", [llms, tasks])
def test_every_public_name_is_there(package: Any) -> None:
    for name in package.__all__:
        assert getattr(package, name) is not None


def test_every_public_step_says_what_it_does() -> None:
    for name in tasks.__all__:
        public = getattr(tasks, name)
        if isinstance(public, type) and issubclass(public, Step):
            assert public.__dict__.get("__doc__"), name


def test_neither_prefect_nor_a_provider_is_imported_before_it_is_used() -> None:
    program = "import sys, llms, tasks; print(*sorted(m for m in sys.modules if '.' not in m))"

    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=Path(__file__).parents[2],
    )

    heavy = {"prefect", "openai", "mistralai", "xllamacpp", "datasets", "huggingface_hub", "numpy"}
    assert not heavy & set(done.stdout.split())
