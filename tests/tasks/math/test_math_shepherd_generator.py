"""MathShepherdGenerator: one solution, or several samples of one."""

from __future__ import annotations

import json
import re
from typing import Any

import polars as pl
import pytest

from llms import ChatRequest, Gateway
from llms.chat import text_content
from llms.errors import ConfigurationError
from tasks import Graph, LoadDataFromDicts, Row
from tasks.math.math_shepherd_completer import MathShepherdCompleter
from tasks.math.math_shepherd_generator import MathShepherdGenerator
from tasks.math.solutions import answer_in, solution_in
from tests.tasks.conftest import RecordingLLM, applied, keyed, keys_of, rows_after

ROW: Row = {"instruction": "What is 2 + 3 + 4?"}
REPLY = "Step 1: 2 + 3 = 5\nStep 2: 5 + 4 = 9 ({sample})\nThe answer is: 9"
JSON = json.dumps({"steps": ["2 + 3 = 5", "5 + 4 = 9"], "answer": "9"})
STEPS = ["Step 1: 2 + 3 = 5", "Step 2: 5 + 4 = 9", "The answer is: 9"]
EXAMPLES = [
    *(getattr(MathShepherdGenerator, name) for name in ("few_shots_gsm8k", "few_shots_math")),
    *(getattr(MathShepherdCompleter, name) for name in ("few_shots_gsm8k", "few_shots_math")),
]


def task(reply: str = REPLY, **parameters: Any) -> MathShepherdGenerator:
    llm = RecordingLLM(replies=(reply,))
    return MathShepherdGenerator(**{"llm": llm, "name": "solve", **parameters})


class Failing(RecordingLLM):
    """Writes no steps in every reply but each third one."""

    def reply(self, request: ChatRequest, seed: int) -> str:
        reply = super().reply(request, seed)
        return reply if len(self.sent) % 3 == 0 else "It is nine."


def test_without_M_a_problem_gets_one_golden_solution(gateway: Gateway) -> None:
    outcome = applied(task("\n".join(STEPS)), [ROW], gateway)
    assert keys_of(outcome.frame) == keys_of(keyed([ROW]))
    assert outcome.frame.schema["golden_solution"] == pl.List(pl.String)
    assert outcome.frame["golden_solution"].to_list() == [STEPS]


@pytest.mark.parametrize("count", [1, 2, 5])
def test_with_M_it_gets_that_many_solutions_each_a_sample_of_its_own(
    count: int, gateway: Gateway
) -> None:
    outcome = applied(task(M=count), [ROW], gateway)
    (row,) = rows_after(outcome)
    assert outcome.frame.schema["solutions"] == pl.List(pl.List(pl.String))
    assert len({tuple(solution) for solution in row["solutions"]}) == count
    assert row["distilabel_metadata"]["statistics_solve"]["requests"] == count


def test_more_solutions_leave_the_first_ones_and_ask_only_for_the_new(gateway: Gateway) -> None:
    (few,) = rows_after(applied(task(M=2), [ROW], gateway))
    step = task(M=5)
    (many,) = rows_after(applied(step, [ROW], gateway))
    assert many["solutions"][:2] == few["solutions"]
    assert isinstance(step.llm, RecordingLLM)
    assert len(step.llm.sent) == 3


@pytest.mark.parametrize("count", [None, 3], ids=["golden", "several"])
def test_with_several_generations_every_row_holds_its_own(
    count: int | None, gateway: Gateway
) -> None:
    step = task(M=count, num_generations=4)
    (name,) = step.outputs
    made = [row[name] for row in rows_after(applied(step, [ROW, {"instruction": "1?"}], gateway))]
    assert len(made) == 8
    assert all(made.count(solution) == 1 for solution in made)


@pytest.mark.parametrize("count", [None, 2], ids=["golden", "several"])
def test_structured_output_gives_the_same_as_text(count: int | None, gateway: Gateway) -> None:
    step = task(JSON, M=count, use_default_structured_output=True)
    (row,) = rows_after(applied(step, [ROW], gateway))
    assert row.get("golden_solution", row.get("solutions")) == (
        STEPS if count is None else [STEPS] * 2
    )
    schema = step.response_schema(ROW)
    assert schema["required"] == ["steps", "answer"]
    assert schema["additionalProperties"] is False


def test_text_and_json_are_read_whatever_was_asked_for(gateway: Gateway) -> None:
    made = rows_after(applied(task(JSON), [ROW], gateway))
    assert made[0]["golden_solution"] == STEPS
    assert task().format_output("\n".join(STEPS), ROW) == {"golden_solution": STEPS}
    assert task(M=2).format_output(JSON, ROW) == {"solutions": [STEPS]}


def test_a_solution_that_cannot_be_read_is_left_out_and_the_others_stay(gateway: Gateway) -> None:
    llm = Failing(replies=(REPLY,))
    (row,) = rows_after(applied(task(llm=llm, M=6, corrections=0), [ROW], gateway))
    assert len(row["solutions"]) == 2
    assert row["distilabel_metadata"]["statistics_solve"]["requests"] == 6


def test_a_solution_that_cannot_be_read_is_asked_for_again(gateway: Gateway) -> None:
    llm = Failing(replies=(REPLY,))
    (row,) = rows_after(applied(task(llm=llm, corrections=2), [ROW], gateway))
    assert row["golden_solution"][-1] == "The answer is: 9"
    assert "has no steps; they begin with 'Step 1:'" in text_content(llm.sent[1][-1])


@pytest.mark.parametrize("count", [None, 3], ids=["golden", "several"])
@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param("", "the reply is empty", id="empty"),
        pytest.param("I can't help with that.", "the reply has no steps", id="refusal"),
        pytest.param("Step 1: 2 + 3 = 5\nStep 2: 5 +", "no final answer", id="cut off"),
    ],
)
def test_a_row_without_a_solution_is_a_rejection_never_an_empty_list(
    reply: str, reason: str, count: int | None, gateway: Gateway
) -> None:
    outcome = applied(task(reply, M=count, corrections=0), [ROW], gateway)
    assert rows_after(outcome) == []
    (rejection,) = outcome.rejections
    assert reason in rejection.reason
    assert rejection.raw_reply == reply


@pytest.mark.parametrize("problem", [None, " ", 5], ids=["null", "blank", "number"])
def test_a_row_without_a_problem_is_a_rejection_before_a_call(
    problem: Any, gateway: Gateway
) -> None:
    step = task()
    outcome = applied(step, [{"instruction": problem}], gateway)
    assert "the column 'instruction' is" in outcome.rejections[0].reason
    assert isinstance(step.llm, RecordingLLM)
    assert step.llm.sent == []


def test_the_prompt_has_rules_and_examples_and_the_problem_alone_in_the_last_turn() -> None:
    system, user = task().format_input(ROW)
    prompt = text_content(system)
    assert user["content"] == ROW["instruction"]
    assert "<<6*4=24>>" in prompt
    assert "A baker fills 4 trays" in prompt
    assert "JSON" not in prompt
    structured = task(use_default_structured_output=True).format_input(ROW)
    assert text_content(structured[0]).endswith('the X of "The answer is: X".')


def test_rules_examples_and_system_prompt_can_be_ones_own() -> None:
    ours = task(
        extra_rules=MathShepherdGenerator.rules_math.text,
        few_shots=MathShepherdGenerator.few_shots_math.text,
    )
    prompt = text_content(ours.format_input(ROW)[0])
    assert "LaTeX between $ signs" in prompt
    assert r"The answer is: \frac{1}{6}" in prompt
    bare = text_content(task(extra_rules=None, few_shots=None).format_input(ROW)[0])
    assert bare.endswith("nothing else.")
    assert len(task(system_prompt=None).format_input(ROW)) == 1
    own = task(system_prompt="Solve. {{ extra_rules }} {{few_shots}}", extra_rules="Be {x}.")
    assert text_content(own.format_input(ROW)[0]).startswith("Solve. Be {x}. Examples:")


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        pytest.param({"system_prompt": "{{ rules }}"}, "uses 'rules'; it may use", id="unknown"),
        pytest.param({"system_prompt": "{{ rules "}, "not valid Jinja2", id="broken"),
        pytest.param({"M": 0}, "parameter 'M'", id="no solutions"),
    ],
)
def test_parameters_that_cannot_be_used_are_refused_at_once(
    parameters: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        task(**parameters)


@pytest.mark.parametrize("examples", EXAMPLES, ids=lambda prompt: str(prompt.file))
def test_the_examples_are_read_as_solutions_are_and_their_calculations_are_right(
    examples: Any,
) -> None:
    problems = re.split(r"^Problem: ", examples.text, flags=re.MULTILINE)[1:]
    assert len(problems) == 2
    for problem in problems:
        steps = problem[problem.index("Step 1:") :]
        read = solution_in(re.sub(r"\n{2,}", "\n", steps))
        assert len(read) >= 4
        assert answer_in(steps) == read[-1].removeprefix("The answer is: ")
    calculations = re.findall(r"<<([\d+*/. -]+)=([\d.]+)>>([\d.]*\d)", examples.text)
    assert len(calculations) == examples.text.count("<<")
    for expression, result, written in calculations:
        assert eval(expression) == float(result) == float(written)


def test_the_check_before_a_run_knows_the_columns() -> None:
    with Graph("g") as graph:
        LoadDataFromDicts(data=[ROW]) >> task(M=2, output_mappings={"solutions": "tries"})
    columns = graph.validate()["solve"] or {}
    assert columns["tries"] == pl.List(pl.List(pl.String))


def test_examples_and_rules_are_part_of_the_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    before = task().signature
    monkeypatch.setattr(MathShepherdGenerator.few_shots_gsm8k, "file", "math_solutions.jinja2")
    assert task().signature != before
