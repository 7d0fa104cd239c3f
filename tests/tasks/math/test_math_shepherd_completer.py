"""MathShepherdCompleter: a step is as good as the best place it leads to."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import polars as pl
import pytest
from pydantic import Field, PrivateAttr

from llms import ChatRequest, Gateway
from llms.chat import text_content
from llms.config import Operational
from llms.errors import ConfigurationError, MissingPackageError, ServerFailed
from llms.llm import Reply
from tasks import Graph, LoadDataFromDicts, Row
from tasks.math.math_shepherd_completer import MathShepherdCompleter
from tests.tasks.conftest import RecordingLLM, applied, keyed, keys_of, rows_after

RIGHT = ["Step 1: 2 + 3 = 5", "Step 2: 5 + 4 = 9", "The answer is: 9"]
WRONG = ["Step 1: 2 + 3 = 6", "Step 2: 6 + 4 = 10", "The answer is: 10"]
ROW: Row = {
    "instruction": "What is 2 + 3 + 4?",
    "solutions": [RIGHT, WRONG],
    "golden_solution": RIGHT,
}


class Completing(RecordingLLM):
    """Comes to 9, but to 10 after a 6; after a key of `said` it says that."""

    said: Operational[dict[str, str]] = Field(default_factory=dict)

    def reply(self, request: ChatRequest, seed: int) -> str:
        super().reply(request, seed)
        prompt = next(text_content(m) for m in request.messages if m["role"] == "user")
        for mark, said in self.said.items():
            if mark in prompt:
                return said
        return f"Step 9: So be it.\nThe answer is: {10 if '= 6' in prompt else 9}"


def task(**parameters: Any) -> MathShepherdCompleter:
    return MathShepherdCompleter(**{"llm": Completing(), "name": "label", **parameters})


def labelled(step: MathShepherdCompleter, gateway: Gateway, **columns: Any) -> list[list[str]]:
    """Return the labelled solutions of a row."""
    outcome = applied(step, [{**ROW, **columns}], gateway)
    assert [rejection.reason for rejection in outcome.rejections] == []
    (row,) = rows_after(outcome)
    return list(row["solutions"])


def tags_of(solutions: list[list[str]]) -> list[str]:
    """Return the tags of each solution, one after the other."""
    return ["".join(step[-1] for step in solution) for solution in solutions]


def reason(step: MathShepherdCompleter, gateway: Gateway, **columns: Any) -> str:
    """Return why a row is rejected."""
    outcome = applied(step, [{**ROW, **columns}], gateway)
    assert rows_after(outcome) == []
    (rejection,) = outcome.rejections
    return rejection.reason


def test_each_step_is_labelled_by_where_it_leads_and_the_last_by_its_answer(
    gateway: Gateway,
) -> None:
    assert labelled(task(), gateway) == [
        ["Step 1: 2 + 3 = 5 +", "Step 2: 5 + 4 = 9 The answer is: 9 +"],
        ["Step 1: 2 + 3 = 6 -", "Step 2: 6 + 4 = 10 The answer is: 10 -"],
    ]


def test_in_a_pipeline_rows_keep_their_keys_and_other_columns(gateway: Gateway) -> None:
    outcome = applied(task(), [ROW], gateway)
    assert keys_of(outcome.frame) == keys_of(keyed([ROW]))
    assert outcome.frame.schema["solutions"] == pl.List(pl.List(pl.String))
    assert outcome.frame["golden_solution"].to_list() == [RIGHT]
    assert outcome.frame["model_name"].to_list() == ["scripted"]


def test_a_step_is_good_if_any_of_N_completions_is_right(gateway: Gateway) -> None:
    class Lucky(Completing):
        def reply(self, request: ChatRequest, seed: int) -> str:
            reply = super().reply(request, seed)
            return "The answer is: 9" if len(self.sent) == 4 else reply.replace("9", "8")

    llm = Lucky()
    assert tags_of(labelled(task(llm=llm, N=8), gateway, solutions=[RIGHT])) == ["++"]
    assert len(llm.sent) == 8
    never = Completing(said={"": "The answer is: 8"})
    assert tags_of(labelled(task(llm=never, N=8, name="other"), gateway, solutions=[WRONG])) == [
        "--"
    ]


def test_every_step_but_the_last_is_completed_N_times_all_at_once(gateway: Gateway) -> None:
    class Barrier(Completing):
        """Answers nothing before all is asked."""

        _all_asked: asyncio.Event = PrivateAttr(default_factory=asyncio.Event)
        _waiting: list[int] = PrivateAttr(default_factory=list)

        async def send(self, client: Any, request: ChatRequest, seed: int) -> Reply:
            self._waiting.append(seed)
            if len(self._waiting) == 3 * 2:
                self._all_asked.set()
            await asyncio.wait_for(self._all_asked.wait(), timeout=20)
            return await super().send(client, request, seed)

    llm = Barrier()
    long = ["Step 1: a", "Step 2: b", "Step 3: c", "The answer is: 9"]
    assert tags_of(labelled(task(llm=llm, N=2), gateway, solutions=[long, WRONG])) == ["+++", "--"]
    problem = ROW["instruction"]
    asked = [text_content(chat[-1]) for chat in llm.sent]
    assert sorted(set(asked)) == [
        f"{problem}\n\nStep 1: 2 + 3 = 6",
        f"{problem}\n\nStep 1: a",
        f"{problem}\n\nStep 1: a\nStep 2: b",
    ]


@pytest.mark.parametrize(
    ("solution", "made"),
    [
        pytest.param(["The answer is: 9"], ["The answer is: 9 +"], id="an answer alone"),
        pytest.param(["The answer is: 8"], ["The answer is: 8 -"], id="a wrong answer alone"),
        pytest.param(
            ["Step 1: 9", "The answer is: 9"], ["Step 1: 9 The answer is: 9 +"], id="one step"
        ),
        pytest.param(
            ["Step 1: 5 + 4 = 9. The answer is: 9"],
            ["Step 1: 5 + 4 = 9. The answer is: 9 +"],
            id="one step with its answer",
        ),
        pytest.param(
            ["Step 1: a", "Step 2: b. The answer is: 8"],
            ["Step 1: a +", "Step 2: b. The answer is: 8 -"],
            id="two steps with the answer in the last",
        ),
        pytest.param(
            ["Step 1: a", "Step 2: b"], ["Step 1: a +", "Step 2: b +"], id="no answer at all"
        ),
    ],
)
def test_short_solutions_and_answers_in_the_last_step_are_labelled_too(
    solution: list[str], made: list[str], gateway: Gateway
) -> None:
    assert labelled(task(), gateway, solutions=[solution]) == [made]


def test_a_row_that_needs_no_completion_costs_nothing(gateway: Gateway) -> None:
    step = task()
    row = {**ROW, "solutions": [["Step 1: 9", "The answer is: 9"]]}
    outcome = applied(step, [row], gateway)
    assert outcome.calls.requests == 0
    statistics = rows_after(outcome)[0]["distilabel_metadata"]["statistics_label"]
    assert (statistics["requests"], statistics["model"]) == (0, None)


def test_steps_that_several_solutions_begin_with_are_completed_once(gateway: Gateway) -> None:
    llm = Completing()
    other = [RIGHT[0], "Step 2: 5 + 4 = 8", "The answer is: 8"]
    assert tags_of(labelled(task(llm=llm, N=3), gateway, solutions=[RIGHT, other])) == ["++", "+-"]
    assert len(llm.sent) == 3


@pytest.mark.parametrize(
    ("golden", "answer", "tag"),
    [
        (["The answer is: 1,000"], "1000.0", "+"),
        (["The answer is: 1000"], "$1,000", "+"),
        (["The answer is: \\frac{1}{2}"], "0.5", "+"),
        (["The answer is: 18"], "18 dollars.", "+"),
        (["The answer is: 18"], "**18**", "+"),
        (["The answer is: 18"], "19", "-"),
    ],
)
def test_answers_are_compared_as_values(
    golden: list[str], answer: str, tag: str, gateway: Gateway
) -> None:
    solution = ["Step 1: a", "Step 2: b", f"The answer is: {answer}"]
    llm = Completing(said={"Step 1: a": f"The answer is: {answer}"})
    made = labelled(task(llm=llm), gateway, solutions=[solution], golden_solution=golden)
    assert tags_of(made) == [tag * 2]


@pytest.mark.parametrize(
    "golden",
    [
        pytest.param("He has 5, then 9.\n#### 9", id="GSM8K text"),
        pytest.param("Thus $\\boxed{9}$.", id="MATH text"),
        pytest.param("9", id="the answer alone"),
        pytest.param(9, id="a number"),
        pytest.param(9.0, id="a real number"),
        pytest.param(["Step 1: 2 + 3 + 4 = 9", "9"], id="steps and the answer alone"),
        pytest.param(["Step 1: 2 + 3 + 4 = 9. So the answer is 9."], id="in the last step"),
    ],
)
def test_the_golden_solution_may_be_a_list_a_text_or_the_answer(
    golden: Any, gateway: Gateway
) -> None:
    assert tags_of(labelled(task(), gateway, golden_solution=golden)) == ["++", "--"]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        pytest.param({"instruction": ""}, "the column 'instruction' is empty", id="problem"),
        pytest.param({"golden_solution": None}, "golden solution is null", id="no golden"),
        pytest.param(
            {"golden_solution": []}, "the golden solution has no steps", id="empty golden"
        ),
        pytest.param(
            {"golden_solution": ["Step 1: nine"]}, "'golden_solution' has no final", id="unended"
        ),
        pytest.param({"golden_solution": "It is nine."}, "has no final answer", id="prose"),
        pytest.param({"solutions": []}, "holds no list with one solution", id="no solutions"),
        pytest.param({"solutions": None}, "holds no list with one solution", id="null"),
        pytest.param({"solutions": [RIGHT, []]}, "solution 2 has no steps", id="no steps"),
        pytest.param({"solutions": [["", *RIGHT]]}, "step 1 of solution 1 is empty", id="blank"),
        pytest.param({"solutions": [[*RIGHT, None]]}, "step 4 of solution 1 is null", id="gap"),
    ],
)
def test_a_row_that_cannot_be_labelled_is_a_rejection_before_a_call(
    columns: dict[str, Any], said: str, gateway: Gateway
) -> None:
    llm = Completing()
    assert said in reason(task(llm=llm), gateway, **columns)
    assert llm.sent == []


@pytest.mark.parametrize("structured", [False, True], ids=["asked for text", "asked for JSON"])
def test_structured_completions_count(structured: bool, gateway: Gateway) -> None:
    reply = json.dumps({"steps": ["5 + 4 = 9"], "answer": "9"})
    llm = Completing(said={"": reply})
    step = task(llm=llm, N=3, use_default_structured_output=structured)
    assert tags_of(labelled(step, gateway)) == ["++", "+-"]


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param("**Step 2** 5 + 4 = 9\r\n\r\n**The answer is 9.**", id="bold"),
        pytest.param("```\nStep 2: 5 + 4 = 9\n#### 9\n```", id="fence"),
        pytest.param("Sure, going on:\nStep 2: so $\\boxed{9}$", id="box"),
        pytest.param("The answer is: \u0669", id="Unicode digit"),
        pytest.param("Step 1: 2 + 3 = 5\nStep 2: 5 + 4 = 9\nThe answer is: 9", id="repeats"),
    ],
)
def test_sloppy_completions_are_read(reply: str, gateway: Gateway) -> None:
    assert tags_of(labelled(task(llm=Completing(said={"= 5": reply})), gateway)) == ["++", "--"]


UNREADABLE = [
    pytest.param("", "the reply is empty", id="empty"),
    pytest.param("I can't help with that.", "has no final answer", id="refusal"),
    pytest.param("Step 2: 5 + 4 =", "has no final answer", id="cut off"),
]


@pytest.mark.parametrize(("reply", "said"), UNREADABLE)
def test_a_solution_whose_completions_cannot_be_read_gets_no_label_made_up(
    reply: str, said: str, gateway: Gateway
) -> None:
    llm = Completing(said={"= 6": reply})
    step = task(llm=llm, N=2, corrections=0)
    assert tags_of(labelled(step, gateway)) == ["++"]
    assert said in reason(step, gateway, solutions=[WRONG])


def test_a_completion_that_cannot_be_read_is_asked_for_again_and_then_not_counted(
    gateway: Gateway,
) -> None:
    class Slipping(Completing):
        def reply(self, request: ChatRequest, seed: int) -> str:
            reply = super().reply(request, seed)
            return "Hm." if len(self.sent) % 2 else reply

    llm = Slipping()
    assert tags_of(labelled(task(llm=llm), gateway, solutions=[RIGHT])) == ["++"]
    assert "ends with 'The answer is: X'" in text_content(llm.sent[1][-1])
    uncorrected = task(llm=Slipping(), N=2, corrections=0, name="other")
    assert tags_of(labelled(uncorrected, gateway, solutions=[WRONG])) == ["--"]


def test_a_failed_request_is_no_wrong_answer_and_what_was_answered_is_not_asked_again(
    gateway: Gateway,
) -> None:
    failing = Completing(troubles={"= 6": ServerFailed("down")})
    with pytest.raises(ServerFailed):
        applied(task(llm=failing, N=4), [ROW], gateway)
    llm = Completing()
    assert tags_of(labelled(task(llm=llm, N=4), gateway)) == ["++", "--"]
    assert sum("= 6" in text_content(chat[-1]) for chat in llm.sent) == 4
    again = Completing()
    labelled(task(llm=again, N=4), gateway)
    assert again.sent == []


def test_generations_are_labelled_apart(gateway: Gateway) -> None:
    class Wavering(Completing):
        def reply(self, request: ChatRequest, seed: int) -> str:
            super().reply(request, seed)
            return f"The answer is: {8 + len(self.sent) % 2}"

    step = task(llm=Wavering(), num_generations=2)
    rows = rows_after(applied(step, [{**ROW, "solutions": [RIGHT]}], gateway))
    assert [tags_of(row["solutions"]) for row in rows] == [["++"], ["-+"]]
    assert ROW["solutions"] == [RIGHT, WRONG]


def test_statistics_count_every_completion(gateway: Gateway) -> None:
    (row,) = rows_after(applied(task(N=3), [ROW], gateway))
    assert row["distilabel_metadata"]["statistics_label"]["requests"] == 6


def test_tags_may_be_words_of_ones_own(gateway: Gateway) -> None:
    made = labelled(task(tags=["good", "no good"]), gateway, solutions=[WRONG])
    assert made[0][0] == "Step 1: 2 + 3 = 6 no good"


@pytest.mark.parametrize(
    "tags", [["+"], ["+", "+"], ["+", ""], ["+", " -"], ["a", "b", "c"]], ids=str
)
def test_tags_that_could_not_be_told_apart_are_refused_at_once(tags: list[str]) -> None:
    with pytest.raises(ConfigurationError, match="tags"):
        task(tags=tags)


def test_expressions_are_compared_where_that_is_asked_for(gateway: Gateway) -> None:
    golden = ["The answer is: \\frac{\\sqrt{3}}{3}"]
    llm = Completing(said={"": "So it is $\\boxed{\\frac{1}{\\sqrt{3}}}$."})
    as_numbers = task(llm=llm)
    assert tags_of(labelled(as_numbers, gateway, golden_solution=golden)) == ["--", "--"]
    as_expressions = task(llm=llm, answers="expressions")
    assert tags_of(labelled(as_expressions, gateway, golden_solution=golden)) == ["+-", "+-"]


def test_a_missing_package_is_named_before_the_first_row(monkeypatch: pytest.MonkeyPatch) -> None:
    task(answers="expressions").load()
    monkeypatch.setattr("tasks.packages.is_installed", lambda package: False)
    task().load()
    with pytest.raises(MissingPackageError, match=r"stillhouse\[math\]"):
        task(answers="expressions").load()


def test_the_prompt_has_examples_of_going_on_from_a_step() -> None:
    system, user = task().format_input({**ROW, "steps": RIGHT[:1]})
    assert "A gardener plants 6 rows" in text_content(system)
    assert "Take the given steps as they are" in text_content(system)
    assert text_content(user) == "What is 2 + 3 + 4?\n\nStep 1: 2 + 3 = 5"


def test_the_check_before_a_run_knows_the_columns() -> None:
    with Graph("g") as graph:
        LoadDataFromDicts(data=[ROW]) >> task()
    assert (graph.validate()["label"] or {})["solutions"] == pl.List(pl.List(pl.String))
    with Graph("g") as graph:
        LoadDataFromDicts(data=[{**ROW, "solutions": RIGHT}]) >> task()
    with pytest.raises(ConfigurationError, match="needs the column 'solutions'"):
        graph.validate()
