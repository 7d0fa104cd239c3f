"""EvolQuality: responses rewritten round by round."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from llms import Gateway
from llms.chat import text_content
from llms.errors import ConfigurationError
from tasks import Graph, LoadDataFromDicts, Row
from tasks.evolution.evol_quality import EvolQuality
from tests.tasks.conftest import applied, keyed, keys_of, rows_after
from tests.tasks.evolution.conftest import Rewriter, mutation_of

ROW: Row = {"instruction": "Name a river.", "response": "The Elbe."}


def task(**parameters: Any) -> EvolQuality:
    return EvolQuality(**{"llm": Rewriter(), "num_evolutions": 2, "name": "improve", **parameters})


def made(step: EvolQuality, gateway: Gateway, row: Row = ROW) -> Row:
    """Return what a step adds to a row."""
    (result,) = rows_after(applied(step, [row], gateway))
    return {name: result[name] for name in step.outputs}


def test_a_response_is_rewritten_as_often_as_asked_for(gateway: Gateway) -> None:
    outcome = applied(task(num_evolutions=3), [ROW], gateway)
    assert keys_of(outcome.frame) == keys_of(keyed([ROW]))
    assert outcome.frame["evolved_response"].to_list() == ["The Elbe. more more more"]
    assert outcome.frame["response"].to_list() == ["The Elbe."]


@pytest.mark.parametrize("original", [False, True], ids=["without original", "with original"])
def test_all_responses_are_kept_in_order(original: bool, gateway: Gateway) -> None:
    step = task(store_evolutions=True, include_original_response=original)
    responses = [ROW["response"]] * original + ["The Elbe. more", "The Elbe. more more"]
    assert made(step, gateway) == {"evolved_responses": responses}


def test_every_mutation_is_drawn_and_not_the_same_ones_for_every_batch(gateway: Gateway) -> None:
    llm = Rewriter()
    step = task(llm=llm, input_batch_size=5)
    rows = [{**ROW, "response": f"River {number}."} for number in range(60)]
    applied(step, rows, gateway)
    drawn = [mutation_of(prompt, step.templates) for prompt in llm.prompts]
    assert set(drawn) == {"HELPFULNESS", "RELEVANCE", "DEEPENING", "CREATIVITY", "DETAILS"}
    assert all(drawn.count(name) >= 12 for name in drawn)
    assert drawn[:5] != drawn[5:10]


def test_the_prompts_carry_instruction_and_response_and_are_all_different() -> None:
    step = task()
    row = {"instruction": "Fill {{ x }} <RESPONSE>", "response": "Fill <PROMPT> {{ y }}"}
    prompts = set()
    for name in step.templates:
        (turn,) = step.format_input({**row, "mutation": name})
        text = text_content(turn)
        assert text.endswith(
            f"[Instruction]\n{row['instruction']}\n\n[Response]\n{row['response']}"
        )
        prompts.add(text)
    assert len(prompts) == 5


@pytest.mark.parametrize(
    "template",
    ["{{ instruction }} / {{ response }}: longer", "<PROMPT> / <RESPONSE>: longer"],
    ids=["Jinja", "marks of distilabel"],
)
def test_mutations_of_ones_own_are_used(template: str, gateway: Gateway) -> None:
    llm = Rewriter(said={"longer": "The Elbe, of course."})
    row = {"instruction": "Name <RESPONSE>.", "response": "{{ instruction }}"}
    step = task(llm=llm, num_evolutions=1, mutation_templates={"LONGER": template})
    assert made(step, gateway, row) == {"evolved_response": "The Elbe, of course."}
    assert llm.prompts == ["Name <RESPONSE>. / {{ instruction }}: longer"]


def test_a_template_without_a_place_for_the_response_is_refused_at_once() -> None:
    with pytest.raises(ConfigurationError, match="'A' does not use 'response'"):
        task(mutation_templates={"A": "Improve the answer to <PROMPT>."})


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        pytest.param("the elbe", "repeats the text", id="equal"),
        pytest.param("I cannot help with that.", "is a refusal", id="refusal"),
        pytest.param("", "the reply is empty", id="empty"),
        pytest.param("The given response is fine.", "speaks of the rewriting", id="comment"),
    ],
)
def test_a_row_of_which_no_rewriting_succeeds_is_a_rejection(
    reply: str, said: str, gateway: Gateway
) -> None:
    step = task(llm=Rewriter(said={"Elbe": reply}), corrections=0)
    other = {"instruction": "Name a river.", "response": "The Mulde."}
    outcome = applied(step, [ROW, other], gateway)
    assert [row["evolved_response"] for row in rows_after(outcome)] == ["The Mulde. more more"]
    (rejection,) = outcome.rejections
    assert said in rejection.reason
    assert rejection.raw_reply == reply


@pytest.mark.parametrize("column", ["instruction", "response"])
def test_a_row_without_a_text_is_a_rejection_before_a_call(column: str, gateway: Gateway) -> None:
    llm = Rewriter()
    outcome = applied(task(llm=llm), [{**ROW, column: " "}], gateway)
    assert f"the column '{column}' is empty" in outcome.rejections[0].reason
    assert llm.sent == []


def test_generations_are_independent_chains(gateway: Gateway) -> None:
    llm = Rewriter(said={"Elbe": "{text} {sample}"})
    rows = rows_after(applied(task(llm=llm, num_generations=3), [ROW], gateway))
    assert len({row["evolved_response"] for row in rows}) == 3
    assert len(llm.sent) == 6


def test_the_check_before_a_run_knows_the_columns() -> None:
    with Graph("g") as graph:
        LoadDataFromDicts(data=[ROW]) >> task(store_evolutions=True)
    columns = graph.validate()["improve"] or {}
    assert columns["evolved_responses"] == pl.List(pl.String)
