"""EvolInstructGenerator and EvolComplexityGenerator: as many instructions as asked for."""

from __future__ import annotations

import re
from typing import Any

import polars as pl
import pytest

from llms import ChatRequest, Gateway
from llms.chat import text_content
from llms.errors import ConfigurationError
from tasks import Ask, Graph, Outcome, Row, StepContext
from tasks.evolution.evol_complexity_generator import EvolComplexityGenerator
from tasks.evolution.evol_instruct_generator import EvolInstructGenerator
from tests.tasks.conftest import keys_of, rows_after
from tests.tasks.evolution.conftest import Rewriter, asked_of, mutation_of

both = pytest.mark.parametrize("cls", [EvolInstructGenerator, EvolComplexityGenerator])
_TOPICS = re.compile(r"at least one of\s+these: (?P<topics>.*?)\.\n", re.DOTALL)


class Inventor(Rewriter):
    """Writes about the topics that it is given; an evolution is 100 characters longer."""

    def reply(self, request: ChatRequest, seed: int) -> str:
        reply = super().reply(request, seed)
        prompt = text_content(request.messages[0])
        if topics := _TOPICS.search(prompt):
            return f"Write about {' '.join(topics['topics'].split())}."
        return f"{reply} {'x' * 95}" if asked_of(prompt)[1] else reply


def task(
    cls: type[EvolInstructGenerator] = EvolInstructGenerator, **parameters: Any
) -> EvolInstructGenerator:
    return cls(**{"llm": Inventor(), "num_instructions": 3, "name": "invent", **parameters})


def outcome_of(step: EvolInstructGenerator, gateway: Gateway) -> Outcome:
    frame = pl.concat(list(step.keyed_frames()))
    return step.apply(frame, StepContext(gateway))


def made(step: EvolInstructGenerator, gateway: Gateway) -> list[Row]:
    rows = rows_after(outcome_of(step, gateway))
    return [{name: row[name] for name in step.outputs} for row in rows]


@both
@pytest.mark.parametrize("number", [1, 10, 20, 70])
def test_it_makes_exactly_the_instructions_asked_for_without_a_duplicate(
    cls: type[EvolInstructGenerator], number: int, gateway: Gateway
) -> None:
    rows = made(task(cls, num_instructions=number, batch_size=9), gateway)
    instructions = [row["instruction"] for row in rows]
    assert len(instructions) == len(set(instructions)) == number
    assert all(512 <= len(instruction) <= 1024 for instruction in instructions)


def test_by_hand_it_yields_rows_and_tells_the_last() -> None:
    step = task(num_instructions=5, batch_size=2)
    batches = list(step.process())
    assert [(len(rows), last) for rows, last in batches] == [(2, False), (2, False), (1, True)]
    assert [row for rows, _ in step.process(offset=3) for row in rows] == [
        row for rows, _ in batches for row in rows
    ][3:]


def test_more_instructions_leave_the_first_ones_and_ask_only_for_the_new(
    gateway: Gateway,
) -> None:
    first = Inventor()
    few = made(task(llm=first, num_instructions=4), gateway)
    second = Inventor()
    many = made(task(llm=second, num_instructions=6), gateway)
    assert many[:4] == few
    assert 2 * 4 < len(second.sent) < 2 * 9 < len(first.sent)


def test_what_rows_start_from_is_diverse() -> None:
    step = task(num_instructions=1000)
    keys = keys_of(pl.concat(list(step.keyed_frames())))
    asks = [Ask(step.llm, step.name, key, StepContext()) for key in keys]
    drawn = [step.draw(ask.random("evolution", step.seed, 0, 0)) for ask in asks]
    assert len({(row["words"], row["kind"]) for row in drawn}) == 1000
    topics = {topic for row in drawn for topic in row["words"].split(", ")}
    assert len(topics) > 0.95 * len(step.topics.text.splitlines())
    assert {row["kind"] for row in drawn} == set(step.kinds.text.splitlines())


def test_topics_are_distinct_and_named_once_a_line() -> None:
    for text in (task().topics.text, task().kinds.text):
        lines = text.splitlines()
        assert len(lines) == len(set(lines))
        assert all(line and line == line.strip() for line in lines)


@both
def test_a_row_starts_afresh_and_is_then_evolved_by_the_other_mutations(
    cls: type[EvolInstructGenerator], gateway: Gateway
) -> None:
    llm = Inventor()
    step = task(cls, llm=llm, num_instructions=30)
    made(step, gateway)
    evolving = {name: text for name, text in step.templates.items() if name != "FRESH_START"}
    fresh = [prompt for prompt in llm.prompts if _TOPICS.search(prompt)]
    drawn = {mutation_of(prompt, evolving) for prompt in llm.prompts if prompt not in fresh}
    assert len(fresh) == 30
    assert drawn == set(evolving)
    assert ("BREADTH" in drawn) is (cls is EvolInstructGenerator)


def test_an_answer_is_to_the_final_instruction(gateway: Gateway) -> None:
    for row in made(task(generate_answers=True), gateway):
        assert row["answer"] == f"Answer to: {row['instruction']}"


def test_an_instruction_that_is_too_long_is_asked_for_again_with_the_reason(
    gateway: Gateway,
) -> None:
    class Wordy(Inventor):
        def reply(self, request: ChatRequest, seed: int) -> str:
            reply = super().reply(request, seed)
            return reply[:80] if len(request.messages) > 1 else reply + "z" * 200

    llm = Wordy()
    (row,) = made(task(llm=llm, num_instructions=1, min_length=10, max_length=100), gateway)
    assert len(row["instruction"]) <= 100
    assert "write it in 100 at most" in text_content(llm.sent[1][-1])


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        pytest.param("Why?", "it has 4 characters, fewer than 512", id="too short"),
        pytest.param("y" * 2000, "has 2000 characters", id="too long"),
        pytest.param("", "the reply is empty", id="empty"),
        pytest.param("I cannot help with that.", "is a refusal", id="refusal"),
    ],
)
def test_a_model_that_never_writes_the_right_length_ends_in_rejections_not_in_a_hang(
    reply: str, said: str, gateway: Gateway
) -> None:
    llm = Rewriter(replies=(reply,), rules={"^": reply}, said={"": reply})
    outcome = outcome_of(task(llm=llm, num_instructions=2, max_rounds=5, corrections=0), gateway)
    assert rows_after(outcome) == []
    assert len(outcome.rejections) == 2
    for rejection in outcome.rejections:
        assert rejection.reason.startswith("no instruction came of 5 rounds, the last because ")
    assert len(llm.sent) == 10
    first = outcome_of(task(llm=llm, num_instructions=1, max_rounds=1, corrections=0), gateway)
    assert said in first.rejections[0].reason


def test_after_an_apology_for_an_answer_the_row_starts_afresh(gateway: Gateway) -> None:
    class Apologising(Inventor):
        def reply(self, request: ChatRequest, seed: int) -> str:
            reply = super().reply(request, seed)
            return "I am sorry." if len(self.sent) == 2 else reply

    llm = Apologising()
    (row,) = made(task(llm=llm, num_instructions=1, min_length=5, generate_answers=True), gateway)
    assert row["answer"] == f"Answer to: {row['instruction']}"
    assert len(llm.sent) == 4
    assert _TOPICS.search(llm.prompts[0])
    assert _TOPICS.search(llm.prompts[2])
    assert llm.prompts[0] != llm.prompts[2]


def test_each_row_counts_its_own_calls(gateway: Gateway) -> None:
    rows = rows_after(outcome_of(task(), gateway))
    requests = [row["distilabel_metadata"]["statistics_invent"]["requests"] for row in rows]
    assert all(5 <= count <= 7 for count in requests)


def test_generations_are_independent_chains(gateway: Gateway) -> None:
    rows = made(task(num_instructions=2, num_generations=3), gateway)
    assert len({row["instruction"] for row in rows}) == 6


@both
def test_templates_of_ones_own_are_used(cls: type[EvolInstructGenerator], gateway: Gateway) -> None:
    llm = Rewriter(said={"Ask about": "Why", "Lengthen": "{text} Really?"})
    templates = {"FRESH_START": "Ask about <PROMPT>", "LONGER": "Lengthen: {{ instruction }}"}
    step = task(
        cls, llm=llm, num_instructions=1, min_length=10, max_length=50, mutation_templates=templates
    )
    (row,) = made(step, gateway)
    assert row["instruction"] == "Lengthen: Why Really?"
    assert re.fullmatch(r"Ask about [^<{]+", llm.prompts[0])


def test_without_other_mutations_each_round_starts_afresh(gateway: Gateway) -> None:
    llm = Rewriter(said={"": "Why?"})
    templates = {"FRESH_START": "Ask about {{ words }}."}
    step = task(llm=llm, num_instructions=1, max_rounds=3, mutation_templates=templates)
    assert len(outcome_of(step, gateway).rejections) == 1
    assert len(set(llm.prompts)) == 3


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        pytest.param({"mutation_templates": {"A": "<PROMPT>"}}, "no 'FRESH_START'", id="no start"),
        pytest.param(
            {"mutation_templates": {"FRESH_START": "Ask."}}, "does not use 'words'", id="no words"
        ),
        pytest.param(
            {"mutation_templates": {"FRESH_START": "{{ words }} {{ x }}"}}, "uses 'x'", id="unknown"
        ),
        pytest.param({"min_length": 9, "max_length": 8}, "min_length is 9", id="lengths"),
        pytest.param({"num_instructions": 0}, "'num_instructions'", id="none"),
    ],
)
def test_parameters_that_cannot_be_met_are_refused_at_once(
    parameters: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        EvolInstructGenerator(**{"llm": Inventor(), "num_instructions": 1, **parameters})


def test_the_number_of_instructions_must_be_given() -> None:
    with pytest.raises(ConfigurationError, match="parameter 'num_instructions' is missing"):
        EvolInstructGenerator(llm=Inventor())  # type: ignore[call-arg]  # what is tested


def test_a_copy_and_a_pipeline_file_keep_the_number_of_rows() -> None:
    step = task(num_instructions=4)
    assert step.model_copy(update={"num_instructions": 9}).num_rows == 9
    with Graph("g") as graph:
        task(num_instructions=4)
    assert "num_rows" not in graph.to_yaml()


def test_a_start_and_an_instruction_of_another_seed_differ(gateway: Gateway) -> None:
    one, other = (made(task(seed=seed), gateway) for seed in (42, 43))
    assert not {row["instruction"] for row in one} & {row["instruction"] for row in other}
