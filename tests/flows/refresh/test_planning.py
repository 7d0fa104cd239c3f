"""A plan says which rows are new, changed, unchanged or gone, how many calls that is, and why."""

from __future__ import annotations

from pathlib import Path
from random import Random
from shutil import copytree, rmtree

import pytest

from flows.refresh.estimates import ROUNDS
from flows.versions.saved import SavedVersion
from llms.home import close_gateways
from llms.model import Price
from tasks import EvolInstruct, KeepRows, MinHashDedup, Step
from tests.flows.refresh.plans import (
    Even,
    Picky,
    asking,
    billed,
    branches,
    chain,
    edited,
    expected_calls,
    facts,
    invented,
    move_to,
    passages,
    plan_of,
    remembered,
    rows_of,
    step_of,
    version_of,
)
from tests.flows.refresh.shapes import Shape
from tests.flows.versions import saved
from tests.tasks.conftest import RecordingLLM


@pytest.fixture(scope="module")
def thousand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a version of a thousand rows, and the home of the machine that made it."""
    folder = tmp_path_factory.mktemp("thousand")
    with pytest.MonkeyPatch.context() as monkeypatch:
        move_to(folder / "home", monkeypatch)
        saved(folder / "version", remembered(facts(passages(1_000))))
        close_gateways()
    return folder


@pytest.mark.parametrize("machine", ["remembers", "only has the answers", "cold"])
def test_one_row_added_edited_and_dropped_of_a_thousand(
    thousand: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine: str
) -> None:
    if machine != "cold":
        copytree(thousand / "home", tmp_path / "machine")
    if machine == "only has the answers":
        rmtree(tmp_path / "machine" / "pipelines")
    move_to(tmp_path / "machine", monkeypatch)
    then = facts(edited(passages(1_000)))
    plan = plan_of(then, SavedVersion.open(thousand / "version"))
    for step in plan.steps[:-1]:
        assert rows_of(step) == (1, 1, 998, 1)
        assert step.why == ("source rows are new", "source rows changed", "source rows are gone")
    assert rows_of(step_of(plan, "last")) == (2, 2, 1996, 2)
    for name in ("question", "careful", "free"):
        assert (step_of(plan, name).calls.low, step_of(plan, name).calls.expected) == (2, 2)
    assert expected_calls(plan) == {"question": 2, "careful": 2, "free": 2, "two": 4, "last": 4}
    if machine == "cold":
        assert billed(then).calls == expected_calls(plan)


def test_without_key_columns_an_edited_row_is_a_new_one_and_one_that_is_gone(
    tmp_path: Path,
) -> None:
    before = version_of(tmp_path / "version", facts(passages(30), None))
    plan = plan_of(facts(edited(passages(30)), None), before)
    assert rows_of(step_of(plan, "load")) == (2, 0, 28, 2)
    assert expected_calls(plan)["question"] == 2


@pytest.fixture
def before(tmp_path: Path) -> SavedVersion:
    """A version of twelve rows."""
    return version_of(tmp_path / "version", facts(passages(12)))


def test_nothing_changed(before: SavedVersion) -> None:
    plan = plan_of(facts(passages(12)), before)
    assert plan.changes_nothing
    assert plan.before == "v1"
    assert [step.why for step in plan.steps] == [()] * 7


def test_another_prompt_in_the_middle_asks_again_in_that_step_and_those_after_it(
    before: SavedVersion,
) -> None:
    then = facts(passages(12), careful={"template": "Answer: {{ instruction }}"})
    plan = plan_of(then, before)
    assert expected_calls(plan) == {"careful": 12, "two": 24, "last": 24}
    for name in ("load", "question", "free"):
        assert rows_of(step_of(plan, name)) == (0, 0, 12, 0)
        assert step_of(plan, name).why == ()
    assert rows_of(step_of(plan, "careful")) == rows_of(step_of(plan, "both")) == (0, 12, 0, 0)
    assert step_of(plan, "careful").why == (
        'its parameter template changed from "careful: {{ instruction }}" '
        'to "Answer: {{ instruction }}"',
    )
    assert step_of(plan, "last").why == ("step 'careful' before it changed",)
    assert [step.step for step in plan.steps if step.differs] == ["careful"]
    assert billed(then).calls == expected_calls(plan)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"input_batch_size": 7}, id="batch size"),
        pytest.param({"llm": RecordingLLM(timeout=7.0)}, id="time-out"),
        pytest.param({"llm": RecordingLLM(max_concurrent_requests=2)}, id="concurrency"),
        pytest.param({"llm": RecordingLLM(price=Price(input=1.0))}, id="price"),
    ],
)
def test_what_does_not_change_the_answers_changes_nothing(
    before: SavedVersion, changes: dict[str, object]
) -> None:
    assert plan_of(facts(passages(12), careful=changes), before).changes_nothing


def test_one_more_generation_is_one_more_call_a_row(tmp_path: Path) -> None:
    before = version_of(tmp_path / "version", chain(passages(6), asking("ask", "passage", "said")))
    then = chain(passages(6), asking("ask", "passage", "said", num_generations=3))
    plan = plan_of(then, before)
    assert step_of(plan, "ask").calls.expected == step_of(plan, "ask").calls.low == 12
    assert billed(then).calls == {"ask": 12}


def test_a_step_put_in_the_middle_is_new_and_what_follows_comes_after_other_steps(
    tmp_path: Path,
) -> None:
    ask, more = asking("ask", "passage", "said"), asking("more", "said", "more")
    before = version_of(tmp_path / "version", chain(passages(6), ask, more))
    then = chain(passages(6), ask, asking("between", "said", "other"), more)
    plan = plan_of(then, before)
    assert step_of(plan, "ask").why == ()
    assert step_of(plan, "between").why == ("it is a new step",)
    assert step_of(plan, "more").why == (
        "it comes after other steps",
        "step 'between' before it changed",
    )
    assert expected_calls(plan) == {"between": 6}
    assert billed(then).calls == {"between": 6}


def test_a_step_taken_out_costs_nothing_and_is_told(tmp_path: Path) -> None:
    ask, more = asking("ask", "passage", "said"), asking("more", "said", "more")
    before = version_of(tmp_path / "version", chain(passages(6), ask, more))
    plan = plan_of(chain(passages(6), ask), before)
    assert not plan.calls.high
    assert plan.gone == ("more",)
    assert not plan.changes_nothing


def test_a_renamed_step_is_a_new_one_whose_answers_are_stored(tmp_path: Path) -> None:
    def named(name: str) -> Step:
        return asking(name, "passage", "said", template="Ask: {{ passage }}")

    before = version_of(tmp_path / "version", chain(passages(6), named("ask")))
    plan = plan_of(chain(passages(6), named("inquire")), before)
    assert step_of(plan, "inquire").why == ("it is a new step",)
    assert plan.gone == ("ask",)
    assert not plan.calls.high


@pytest.mark.parametrize("machine", ["warm", "remembers", "cold"])
def test_a_global_step_in_the_middle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine: str
) -> None:
    pytest.importorskip("rensa")
    steps = (
        asking("ask", "passage", "said"),
        MinHashDedup(name="near", input_mappings={"text": "passage"}, tokenizer="ngrams"),
        KeepRows(name="keep", columns=("keep_row_after_minhash_filtering",)),
        asking("more", "said", "more"),
    )
    words = ("apple", "river", "stone", "cloud", "horse", "piano", "seven", "green")
    rows = [{"id": n, "passage": f"{word} " * 9} for n, word in enumerate(words)]
    rows.append({"id": 90, "passage": rows[0]["passage"]})
    first = chain(rows, *steps)
    if machine == "remembers":
        before = saved(tmp_path / "version", remembered(first))
    else:
        before = version_of(tmp_path / "version", first)
    if machine == "cold":
        move_to(tmp_path / "cold", monkeypatch)
    assert plan_of(chain(rows, *steps), before).changes_nothing
    then = chain([*rows, {"id": 91, "passage": "Something else entirely."}], *steps)
    plan = plan_of(then, before)
    assert rows_of(step_of(plan, "near")) == (1, 0, 9, 0)
    assert rows_of(step_of(plan, "more")) == (1, 0, 8, 0)
    assert expected_calls(plan) == {"ask": 1, "more": 1}
    assert billed(then).calls == {"ask": 1, "more": 1}


def test_a_filter_in_the_middle_lets_its_share_through(tmp_path: Path) -> None:
    steps = (asking("ask", "passage", "said"), Even(name="even"), asking("more", "said", "more"))
    before = version_of(tmp_path / "version", chain(passages(20), *steps))
    assert plan_of(chain(passages(20), *steps), before).changes_nothing
    then = chain(passages(30), *steps)
    plan = plan_of(then, before)
    assert rows_of(step_of(plan, "even")) == (10, 0, 20, 0)
    assert rows_of(step_of(plan, "more")) == (5, 0, 10, 0)
    assert expected_calls(plan) == {"ask": 10, "more": 5}
    more = step_of(plan, "more").calls
    assert more.low < billed(then).calls["more"] < more.high


def test_a_rejected_row_costs_nothing_again_and_is_counted_once(tmp_path: Path) -> None:
    steps = (Picky(name="ask", llm=RecordingLLM(), columns="passage", template="{{ passage }}"),)
    rows = [*passages(5), {"id": 5, "passage": "This is forbidden."}]
    before = version_of(tmp_path / "version", chain(rows, *steps))
    assert before.accounts["ask"].requests == 7
    assert before.accounts["ask"].rejected == 1
    assert plan_of(chain(rows, *steps), before).changes_nothing


def test_rows_that_one_of_two_branches_rejects_are_not_asked_about_behind_them(
    tmp_path: Path,
) -> None:
    rows = [*passages(8), {"id": 8, "passage": "This is forbidden."}]
    first = branches(rows)
    before = version_of(tmp_path / "version", first)
    assert before.accounts["both"].rejected == 1
    assert plan_of(branches(rows), before).changes_nothing
    then = branches([*rows, {"id": 9, "passage": "This is new."}])
    plan = plan_of(then, before)
    assert rows_of(step_of(plan, "both")) == (1, 0, 9, 0)
    assert step_of(plan, "last").calls.low <= 1 <= step_of(plan, "last").calls.high
    assert billed(then).calls["last"] == 1


def test_a_prompt_changed_in_one_branch_makes_rows_wait_where_the_branches_meet(
    tmp_path: Path,
) -> None:
    before = version_of(tmp_path / "version", facts(passages(8)))
    then = facts(
        [*passages(8), {"id": 8, "passage": "New."}], free={"template": "Freely: {{ instruction }}"}
    )
    plan = plan_of(then, before)
    assert rows_of(step_of(plan, "both")) == (1, 8, 0, 0)
    assert expected_calls(plan) == {"question": 1, "careful": 1, "free": 9, "two": 18, "last": 18}
    assert billed(then).calls == expected_calls(plan)


def test_a_model_that_is_the_source_makes_the_rows_that_are_not_there_yet(tmp_path: Path) -> None:
    before = version_of(tmp_path / "version", invented(6))
    assert plan_of(invented(6), before).changes_nothing
    plan = plan_of(invented(9), before)
    assert rows_of(step_of(plan, "invent")) == (3, 0, 6, 0)
    assert rows_of(step_of(plan, "more")) == (3, 0, 6, 0)
    assert expected_calls(plan) == {"invent": 3, "more": 3}
    assert billed(invented(9)).calls == {"invent": 3, "more": 3}
    fewer = plan_of(invented(4), before)
    assert rows_of(step_of(fewer, "invent")) == rows_of(step_of(fewer, "more")) == (0, 0, 4, 2)
    assert not fewer.calls.high


def test_a_step_that_asks_in_rounds_goes_by_the_last_version(tmp_path: Path) -> None:
    evolved = EvolInstruct(
        name="evolve",
        llm=RecordingLLM(),
        num_evolutions=3,
        input_mappings={"instruction": "passage"},
    )
    before = version_of(tmp_path / "version", chain(passages(5), evolved))
    each = before.accounts["evolve"].requests / 5
    assert each >= 3
    then = chain(passages(7), evolved)
    plan = plan_of(then, before)
    calls = step_of(plan, "evolve").calls
    assert calls.expected == 2 * each
    assert calls.low <= billed(then).calls["evolve"] <= calls.high
    first = plan_of(chain([{"id": 9, "passage": "Another one."}], evolved), None)
    assert ROUNDS in first.assumptions


def test_answers_that_are_not_stored_are_asked_for_and_that_is_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = chain(passages(6), asking("ask", "passage", "said"))
    before = version_of(tmp_path / "version", pipeline, provenance="rows")
    move_to(tmp_path / "cold", monkeypatch)
    plan = plan_of(pipeline, before)
    assert rows_of(step_of(plan, "ask")) == (0, 0, 6, 0)
    assert step_of(plan, "ask").calls.expected == 6
    assert step_of(plan, "ask").why == ("answers about rows that did not change are not stored",)
    assert not plan.changes_nothing


def test_as_many_source_rows_are_read_as_it_took_before_to_accept_enough(tmp_path: Path) -> None:
    steps = (asking("ask", "passage", "said"), Even(name="even"))
    before = version_of(tmp_path / "version", chain(passages(20), *steps))
    plan = plan_of(chain(passages(100), *steps), before, accepted_rows=10)
    assert rows_of(step_of(plan, "load")) == (0, 0, 20, 0)
    assert plan.changes_nothing
    more = plan_of(chain(passages(100), *steps), before, accepted_rows=15)
    assert rows_of(step_of(more, "load")) == (10, 0, 20, 0)


@pytest.mark.parametrize("seed", range(12))
def test_the_calls_that_a_plan_expects_are_those_that_the_run_makes(
    tmp_path: Path, seed: int
) -> None:
    random = Random(seed)
    shape = Shape.drawn(random)
    before = version_of(tmp_path / "version", shape.pipeline())
    for _ in range(3):
        shape = shape.edited(random)
        expected = expected_calls(plan_of(shape.pipeline(), before))
        assert billed(shape.pipeline()).calls == expected, shape
        assert expected_calls(plan_of(shape.pipeline(), before)) == {}
