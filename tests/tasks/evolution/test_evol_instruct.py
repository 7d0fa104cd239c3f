"""EvolInstruct and EvolComplexity: chains of evolutions, each row on its own."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from pydantic import PrivateAttr

from llms import ChatRequest, Gateway
from llms.chat import text_content
from llms.errors import ConfigurationError, RowRejected, ServerFailed
from llms.llm import Reply
from tasks import Graph, LoadDataFromDicts, Row, Task
from tasks.evolution.evol_complexity import EvolComplexity
from tasks.evolution.evol_instruct import EvolInstruct
from tasks.evolution.instruction_mutations import InstructionMutations
from tests.tasks.conftest import applied, keyed, keys_of, rows_after
from tests.tasks.evolution.conftest import Rewriter, asked_of, mutation_of

ROW: Row = {"instruction": "Name a river."}
IN_DEPTH = {"CONSTRAINTS", "DEEPENING", "CONCRETIZING", "INCREASED_REASONING_STEPS"}

both = pytest.mark.parametrize("cls", [EvolInstruct, EvolComplexity])


def task(cls: type[EvolInstruct] = EvolInstruct, **parameters: Any) -> EvolInstruct:
    return cls(**{"llm": Rewriter(), "num_evolutions": 2, "name": "evolve", **parameters})


def made(step: Task, gateway: Gateway, row: Row = ROW) -> Row:
    """Return what a step adds to a row."""
    (result,) = rows_after(applied(step, [row], gateway))
    return {name: result[name] for name in step.outputs}


def reason(step: Task, gateway: Gateway, row: Row = ROW) -> str:
    """Return why a step rejects a row."""
    outcome = applied(step, [row], gateway)
    assert rows_after(outcome) == []
    (rejection,) = outcome.rejections
    return rejection.reason


@both
def test_an_instruction_is_evolved_as_often_as_asked_for(
    cls: type[EvolInstruct], gateway: Gateway
) -> None:
    evolved = made(task(cls, num_evolutions=3), gateway)
    assert evolved == {"evolved_instruction": "Name a river. more more more"}


@both
def test_in_a_pipeline_rows_keep_their_keys_and_columns(
    cls: type[EvolInstruct], gateway: Gateway
) -> None:
    outcome = applied(task(cls), [{**ROW, "id": 7}], gateway)
    assert keys_of(outcome.frame) == keys_of(keyed([{**ROW, "id": 7}]))
    assert outcome.frame["id"].to_list() == [7]
    assert outcome.frame.schema["evolved_instruction"] == pl.String


@pytest.mark.parametrize("original", [False, True], ids=["without original", "with original"])
@pytest.mark.parametrize("answers", [False, True], ids=["without answers", "with answers"])
def test_all_evolutions_are_kept_in_order(answers: bool, original: bool, gateway: Gateway) -> None:
    step = task(
        store_evolutions=True, generate_answers=answers, include_original_instruction=original
    )
    instructions = [ROW["instruction"]] * original + [
        "Name a river. more",
        "Name a river. more more",
    ]
    expected: Row = {"evolved_instructions": instructions}
    if answers:
        expected["answers"] = [f"Answer to: {text}" for text in instructions]
    assert made(step, gateway) == expected


@both
def test_answers_without_stored_evolutions_are_to_the_final_instruction(
    cls: type[EvolInstruct], gateway: Gateway
) -> None:
    llm = Rewriter()
    rows = [ROW, {"instruction": "Name a town."}]
    step = task(cls, llm=llm, num_evolutions=3, generate_answers=True)
    results = rows_after(applied(step, rows, gateway))
    for row, result in zip(rows, results, strict=True):
        assert result["evolved_instruction"] == f"{row['instruction']} more more more"
        assert result["answer"] == f"Answer to: {result['evolved_instruction']}"
    assert len(llm.sent) == 2 * (3 + 1)


class Gated(Rewriter):
    """Does not answer about a slow row before a fast one is through its last round."""

    _through: asyncio.Event = PrivateAttr(default_factory=asyncio.Event)

    async def send(self, client: Any, request: ChatRequest, seed: int) -> Reply:
        text, _ = asked_of(text_content(request.messages[0]))
        if "slow" in text:
            await asyncio.wait_for(self._through.wait(), timeout=20)
        reply = await super().send(client, request, seed)
        if text == "fast more more":
            self._through.set()
        return reply


def test_a_row_never_waits_for_a_slower_one(gateway: Gateway) -> None:
    rows = [{"instruction": "slow"}, {"instruction": "fast"}]
    outcome = applied(task(llm=Gated(), num_evolutions=3), rows, gateway)
    assert outcome.frame["evolved_instruction"].to_list() == [
        "slow more more more",
        "fast more more more",
    ]


def test_a_run_that_stopped_in_the_middle_of_a_chain_asks_only_for_what_is_missing(
    gateway: Gateway,
) -> None:
    step: dict[str, Any] = {"num_evolutions": 4, "generate_answers": True}
    stopping = Rewriter(troubles={"river. more more": ServerFailed("down")})
    with pytest.raises(ServerFailed):
        applied(task(llm=stopping, **step), [ROW], gateway)
    going_on = Rewriter()
    evolved = made(task(llm=going_on, **step), gateway)
    assert evolved["evolved_instruction"] == "Name a river. more more more more"
    assert [asked_of(prompt)[0].count("more") for prompt in going_on.prompts] == [2, 3, 4]
    again = Rewriter()
    assert made(task(llm=again, **step), gateway) == evolved
    assert again.sent == []


def test_one_more_evolution_leaves_the_earlier_ones_and_asks_for_one(gateway: Gateway) -> None:
    two = made(task(num_evolutions=2, store_evolutions=True), gateway)["evolved_instructions"]
    llm = Rewriter()
    three = made(task(llm=llm, num_evolutions=3, store_evolutions=True), gateway)
    assert three["evolved_instructions"][:2] == two
    assert len(llm.sent) == 1


@both
def test_every_mutation_is_drawn(cls: type[EvolInstruct], gateway: Gateway) -> None:
    llm = Rewriter()
    step = task(cls, llm=llm)
    applied(step, [{"instruction": f"Name {number} rivers."} for number in range(60)], gateway)
    drawn = [mutation_of(prompt, step.templates) for prompt in llm.prompts]
    wanted = IN_DEPTH | ({"BREADTH"} if cls is EvolInstruct else set())
    assert set(drawn) == set(step.templates) == wanted
    assert all(drawn.count(name) >= 120 / len(wanted) / 2 for name in wanted)


def test_the_draw_is_the_rows_own_and_not_that_of_its_batch(gateway: Gateway) -> None:
    rows = [{"instruction": f"Name {number} rivers."} for number in range(20)]
    whole = rows_after(applied(task(), rows, gateway))
    llm = Rewriter()
    new = {"instruction": "Name a town."}
    part = rows_after(applied(task(llm=llm), [new, *reversed(rows[10:])], gateway))
    assert part[:0:-1] == whole[10:]
    assert all("Name a town." in prompt for prompt in llm.prompts)


def test_the_seed_changes_the_draw(gateway: Gateway) -> None:
    rows = [{"instruction": f"Name {number} rivers."} for number in range(20)]
    asked = []
    seeds: list[dict[str, Any]] = [{}, {"seed": 42}, {"seed": 7}]
    for parameters in seeds:
        llm = Rewriter()
        applied(task(llm=llm, num_evolutions=1, **parameters), rows, gateway)
        asked.append(len(llm.sent))
    assert asked[:2] == [20, 0]
    assert 0 < asked[2] < 20


def test_generations_are_independent_chains(gateway: Gateway) -> None:
    llm = Rewriter(said={"river": "{text} {sample}"})
    step = task(llm=llm, num_generations=4, num_evolutions=2)
    rows = rows_after(applied(step, [ROW], gateway))
    assert len({row["evolved_instruction"] for row in rows}) == 4
    assert len(llm.sent) == 8
    grouped = made(
        task(llm=llm, num_generations=4, num_evolutions=2, group_generations=True), gateway
    )
    assert grouped["evolved_instruction"] == [row["evolved_instruction"] for row in rows]


def test_statistics_are_those_of_the_row_and_count_every_call(gateway: Gateway) -> None:
    step = task(generate_answers=True)
    long = {"instruction": "Name a river " + "and a town " * 50}
    short_row, long_row = rows_after(applied(step, [ROW, long], gateway))
    short, big = (row["distilabel_metadata"]["statistics_evolve"] for row in (short_row, long_row))
    assert short["requests"] == big["requests"] == 3
    assert big["input_tokens"] > short["input_tokens"] + 3 * 100
    assert short_row["distilabel_metadata"]["raw_output_evolve"] == short_row["answer"]


def test_a_failed_evolution_is_asked_for_again_with_the_reason(gateway: Gateway) -> None:
    class Mending(Rewriter):
        def reply(self, request: ChatRequest, seed: int) -> str:
            mended = super().reply(request, seed)
            return mended if len(request.messages) > 1 else "Name a river."

    llm = Mending()
    assert made(task(llm=llm, num_evolutions=1), gateway) == {
        "evolved_instruction": "Name a river. more"
    }
    assert "repeats the text" in text_content(llm.sent[1][-1])


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        pytest.param("Name a river.", "repeats the text", id="equal"),
        pytest.param("I'm sorry, but I can't do that.", "is a refusal", id="refusal"),
        pytest.param("The rewritten prompt is: Name two.", "speaks of the", id="prompt words"),
        pytest.param("", "the reply is empty", id="empty"),
        pytest.param("?!...", "holds no words", id="punctuation"),
    ],
)
def test_a_row_of_which_no_evolution_succeeds_is_a_rejection(
    reply: str, said: str, gateway: Gateway
) -> None:
    llm = Rewriter(said={"river": reply})
    outcome = applied(task(llm=llm, corrections=0), [ROW, {"instruction": "Hi."}], gateway)
    assert len(rows_after(outcome)) == 1
    (rejection,) = outcome.rejections
    assert rejection.reason.startswith("none of 2 evolutions succeeded")
    assert said in rejection.reason
    assert rejection.raw_reply == reply
    assert said in reason(task(llm=llm, corrections=0, num_evolutions=1), gateway)


def test_a_failed_round_leaves_the_instruction_as_it_was_for_the_next(gateway: Gateway) -> None:
    class Refusing(Rewriter):
        def reply(self, request: ChatRequest, seed: int) -> str:
            reply = super().reply(request, seed)
            return "I cannot help with that." if len(self.sent) == 2 else reply

    llm = Refusing()
    step = task(llm=llm, num_evolutions=3, store_evolutions=True, corrections=0)
    assert made(step, gateway) == {
        "evolved_instructions": ["Name a river. more", "Name a river. more more"]
    }
    texts = [asked_of(prompt)[0] for prompt in llm.prompts]
    assert texts[1] == texts[2] == "Name a river. more"


def test_an_evolution_cut_at_the_token_limit_is_a_failure(gateway: Gateway) -> None:
    class Cut(Rewriter):
        async def send(self, client: Any, request: ChatRequest, seed: int) -> Reply:
            reply = await super().send(client, request, seed)
            return replace(reply, completion=replace(reply.completion, finish_reason="length"))

    assert "cut at the token limit" in reason(task(llm=Cut(), num_evolutions=1), gateway)


def test_an_instruction_that_only_gets_an_apology_gives_way_to_the_one_before(
    gateway: Gateway,
) -> None:
    class Apologising(Rewriter):
        def reply(self, request: ChatRequest, seed: int) -> str:
            reply = super().reply(request, seed)
            return "I'm sorry." if reply == "Answer to: Name a river. more more" else reply

    assert made(task(llm=Apologising(), generate_answers=True), gateway) == {
        "evolved_instruction": "Name a river. more",
        "answer": "Answer to: Name a river. more",
    }
    stored = task(llm=Apologising(), generate_answers=True, store_evolutions=True, num_evolutions=3)
    assert made(stored, gateway)["evolved_instructions"] == [
        "Name a river. more",
        "Name a river. more more more",
    ]


@pytest.mark.parametrize("store", [False, True], ids=["last", "all"])
def test_a_row_whose_answers_are_all_apologies_is_a_rejection(
    store: bool, gateway: Gateway
) -> None:
    class Apologising(Rewriter):
        def reply(self, request: ChatRequest, seed: int) -> str:
            reply = super().reply(request, seed)
            return "I'm sorry." if reply.startswith("Answer") and "more" in reply else reply

    step = task(
        llm=Apologising(),
        generate_answers=True,
        store_evolutions=store,
        include_original_instruction=True,
    )
    assert reason(step, gateway).startswith("no evolution is left: the answer")


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "is null"), (" ", "is empty"), (3, "is a int, not text")],
    ids=["null", "blank", "number"],
)
def test_a_row_without_an_instruction_is_a_rejection_before_a_call(
    value: Any, said: str, gateway: Gateway
) -> None:
    llm = Rewriter()
    assert said in reason(task(llm=llm), gateway, {"instruction": value})
    assert llm.sent == []


@both
@pytest.mark.parametrize(
    "template",
    ["Add a place to: {{ instruction }}", "Add a place to: <PROMPT>"],
    ids=["Jinja", "marks of distilabel"],
)
def test_mutations_of_ones_own_are_used(
    cls: type[EvolInstruct], template: str, gateway: Gateway
) -> None:
    llm = Rewriter(said={"place": "Name a river in Saxony."})
    row = {"instruction": "Name a {{ river }} <RESPONSE>."}
    step = task(cls, llm=llm, num_evolutions=1, mutation_templates={"PLACE": template})
    assert made(step, gateway, row) == {"evolved_instruction": "Name a river in Saxony."}
    assert llm.prompts == ["Add a place to: Name a {{ river }} <RESPONSE>."]


@pytest.mark.parametrize(
    ("templates", "said"),
    [
        pytest.param({}, "at least 1 item", id="none"),
        pytest.param({"A": "Make it harder."}, "'A' does not use 'instruction'", id="no place"),
        pytest.param({"A": "{{ instruction }} {{ topic }}"}, "uses 'topic'", id="unknown"),
        pytest.param({"A": "<PROMPT> <RESPONSE>"}, "uses 'response'", id="no response here"),
        pytest.param({"A": "{{ instruction "}, "not valid Jinja2", id="broken"),
    ],
)
def test_templates_that_cannot_be_used_are_refused_at_once(
    templates: dict[str, str], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        task(mutation_templates=templates)


@pytest.mark.parametrize("number", [0, -1])
def test_at_least_one_evolution_is_asked_for(number: int) -> None:
    with pytest.raises(ConfigurationError, match="parameter 'num_evolutions'"):
        task(num_evolutions=number)


def test_the_prompts_carry_the_instruction_whole_and_are_all_different() -> None:
    step = task()
    row = {"instruction": "Sort {{ this }}:\n```\n3 <PROMPT> 2\n```"}
    prompts = set()
    for name in step.templates:
        (turn,) = step.format_input({**row, "mutation": name})
        assert text_content(turn).endswith(f"[Instruction]\n{row['instruction']}")
        prompts.add(text_content(turn))
    assert len(prompts) == 5


def test_the_check_before_a_run_knows_the_columns() -> None:
    with Graph("g") as graph:
        LoadDataFromDicts(data=[ROW]) >> task(
            store_evolutions=True, generate_answers=True, output_mappings={"answers": "replies"}
        )
    columns = graph.validate()["evolve"] or {}
    assert columns["evolved_instructions"] == columns["replies"] == pl.List(pl.String)


def test_the_prompts_are_part_of_the_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    before = task().signature
    assert task().signature == before
    monkeypatch.setattr(InstructionMutations.deepening, "file", "breadth.jinja2")
    assert task().signature != before


def test_by_hand_a_refusal_raises() -> None:
    with pytest.raises(RowRejected, match="is a refusal"):
        next(task(llm=Rewriter(said={"river": "I cannot help with that."})).process([ROW]))
