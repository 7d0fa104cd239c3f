"""Magpie: a model plays both sides, and what comes out has the columns that were declared."""

from __future__ import annotations

import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import Field, PrivateAttr

from llms import ChatRequest, ClientvLLM, Gateway, LlamaCppLLM, OpenAILLM, ScriptedLLM
from llms.chat import text_content
from llms.config import Operational
from llms.errors import ConfigurationError
from llms.llm import Reply
from tasks import Graph, Row, StepContext
from tasks.generated import METADATA
from tasks.generation.magpie import Magpie
from tests.tasks.conftest import applied, keyed, keys_of, rows_after

ROWS = [{"id": number} for number in range(4)]


class TwoSided(ScriptedLLM):
    """Plays both sides of a conversation, and keeps what it was asked.

    `{sample}` stands for the sample, `{turns}` for the turns before. The first `empty` turns of the
    user that are asked for have no words, the first `cut` are cut at the token limit.
    """

    user: str = "question {sample} after {turns}"
    assistant: str = "answer {sample} to: {prompt}"
    empty: Operational[int] = 0
    cut: Operational[int] = 0
    _requests: list[ChatRequest] = PrivateAttr(default_factory=list)

    @property
    def opened(self) -> list[ChatRequest]:
        """The requests for a user's turn, in order."""
        return [request for request in self._requests if request.open_turn]

    @property
    def closed(self) -> list[ChatRequest]:
        """The requests for an answer, in order."""
        return [request for request in self._requests if not request.open_turn]

    def reply(self, request: ChatRequest, seed: int) -> str:
        self._requests.append(request)
        if request.open_turn and len(self.opened) <= self.empty:
            return " \n"
        said = self.user if request.open_turn else self.assistant
        prompt = text_content(request.messages[-1]) if request.messages else ""
        said = said.replace("{sample}", str(seed)).replace("{turns}", str(len(request.messages)))
        return said.replace("{prompt}", prompt)

    async def send(self, client: Any, request: ChatRequest, seed: int) -> Reply:
        reply = await super().send(client, request, seed)
        if request.open_turn and len(self.opened) <= self.cut:
            object.__setattr__(reply.completion, "finish_reason", "length")
        return reply


class WordySide(TwoSided):
    """Writes space around its turns."""

    user: str = "  Why? \n"
    assistant: str = "\nBecause. "
    replies: tuple[str, ...] = Field(default=("unused",))


def magpie(llm: ScriptedLLM | None = None, **parameters: Any) -> Magpie:
    return Magpie(llm=llm or TwoSided(), name="magpie", **parameters)


def made_by(task: Magpie, gateway: Gateway, rows: list[Row] | None = None) -> Any:
    """Return the rows a task makes, without the metadata."""
    outcome = applied(task, rows or ROWS, gateway)
    return [
        {name: value for name, value in row.items() if name not in (METADATA, "model_name")}
        for row in rows_after(outcome)
    ]


def test_an_instruction_and_its_response_come_from_the_model_alone(gateway: Gateway) -> None:
    llm = TwoSided()
    rows = made_by(magpie(llm), gateway)
    assert [row["id"] for row in rows] == [0, 1, 2, 3]
    assert all(row.keys() == {"id", "instruction", "response"} for row in rows)
    assert len({row["instruction"] for row in rows}) == 4
    assert all(row["response"].endswith(f"to: {row['instruction']}") for row in rows)
    assert all(list(request.messages) == [] for request in llm.opened)


def test_turns_have_no_space_around_them(gateway: Gateway) -> None:
    (row,) = made_by(magpie(WordySide()), gateway, [{"id": 1}])
    assert (row["instruction"], row["response"]) == ("Why?", "Because.")


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"only_instruction": True},
        {"only_instruction": True, "n_turns": 3, "end_with_user": True},
        {"include_system_prompt": True},
        {"include_system_prompt": True, "system_prompt": "You cook."},
        {"n_turns": 2},
        {"n_turns": 3, "end_with_user": True, "include_system_prompt": True},
        {"system_prompt": {"cook": "You cook.", "sing": "You sing."}},
        {"system_prompt": {"cook": ("You cook.", 1.0)}, "include_system_prompt": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("system", [None, "You draw."], ids=["", "own system prompt"])
def test_the_columns_made_are_the_declared_ones(
    parameters: dict[str, Any], system: str | None, gateway: Gateway
) -> None:
    task = magpie(**parameters)
    rows: list[Row] = [{"id": 1, "system_prompt": system}, {"id": 2, "system_prompt": None}]
    frame = applied(task, rows, gateway).frame
    declared = task.columns_after({"id": pl.Int64(), "system_prompt": pl.String()})
    visible = [name for name in frame.columns if not name.startswith("_")]
    assert sorted(visible) == sorted(declared)
    for name, kind in task.outputs.items():
        assert frame.schema[name] == kind, name


def test_with_include_system_prompt_and_one_turn_the_conversation_is_declared(
    gateway: Gateway,
) -> None:
    task = magpie(system_prompt="You cook.", include_system_prompt=True)
    assert list(task.outputs) == ["conversation"]
    (row,) = made_by(task, gateway, [{"id": 1}])
    assert [turn["role"] for turn in row["conversation"]] == ["system", "user", "assistant"]
    assert row["conversation"][0]["content"] == "You cook."


def test_a_conversation_goes_on_from_what_was_said(gateway: Gateway) -> None:
    llm = TwoSided()
    (row,) = made_by(magpie(llm, n_turns=3), gateway, [{"id": 1}])
    roles = [turn["role"] for turn in row["conversation"]]
    assert roles == ["user", "assistant"] * 3
    assert [len(request.messages) for request in llm.opened] == [1, 3, 5]
    assert [len(request.messages) for request in llm.closed] == [2, 4, 6]
    assert list(llm.opened[2].messages)[1:] == row["conversation"][:4]
    assert llm.opened[0].messages[0]["role"] == "system"


def test_a_conversation_may_end_with_the_user(gateway: Gateway) -> None:
    llm = TwoSided()
    task = magpie(llm, n_turns=2, end_with_user=True, include_system_prompt=True)
    (row,) = made_by(task, gateway, [{"id": 1}])
    assert [turn["role"] for turn in row["conversation"]] == ["system", "user", "assistant", "user"]
    assert len(llm.closed) == 1


def test_with_only_instruction_nothing_is_answered(gateway: Gateway) -> None:
    llm = TwoSided()
    rows = made_by(magpie(llm, only_instruction=True, n_turns=3), gateway)
    assert len(llm.opened) == 4
    assert llm.closed == []
    assert all(row.keys() == {"id", "instruction"} for row in rows)


def test_num_generations_is_not_ignored(gateway: Gateway) -> None:
    outcome = applied(magpie(num_generations=3), ROWS, gateway)
    rows = rows_after(outcome)
    assert [row["id"] for row in rows] == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert len({row["instruction"] for row in rows}) == 12
    assert len(set(keys_of(outcome.frame))) == 12
    (grouped,) = made_by(magpie(num_generations=3, group_generations=True), gateway, [{"id": 1}])
    assert len(grouped["instruction"]) == len(grouped["response"]) == 3


def test_the_cost_of_a_row_counts_every_turn(gateway: Gateway) -> None:
    outcome = applied(magpie(n_turns=2), [{"id": 1}], gateway)
    (row,) = rows_after(outcome)
    assert row[METADATA]["statistics_magpie"]["requests"] == 4 == outcome.calls.requests
    assert row[METADATA]["raw_output_magpie"] == row["conversation"][-1]["content"]


def test_a_rerun_over_the_same_answers_makes_the_same_rows(gateway: Gateway) -> None:
    first = made_by(magpie(n_turns=2, num_generations=4), gateway)
    llm = TwoSided()
    assert made_by(magpie(llm, n_turns=2, num_generations=4), gateway) == first
    assert llm.opened == llm.closed == []


# A user's turn that cannot be had


@pytest.mark.parametrize("trouble", ["empty", "cut"])
def test_an_instruction_that_cannot_be_used_is_asked_for_again_as_another_sample(
    trouble: str, gateway: Gateway
) -> None:
    llm = TwoSided.model_validate({trouble: 2})
    (row,) = made_by(magpie(llm), gateway, [{"id": 1}])
    assert row["instruction"].startswith("question")
    assert [list(request.messages) for request in llm.opened] == [[], [], []]


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ("empty", "turn 1 of the conversation, the user's, is empty"),
        ("cut", "the user's turn was cut at the token limit; raise max_new_tokens"),
    ],
)
def test_a_user_turn_that_stays_missing_is_a_rejection_and_no_assistant_only_conversation(
    trouble: str, reason: str, gateway: Gateway
) -> None:
    llm = TwoSided.model_validate({trouble: 99})
    outcome = applied(magpie(llm, n_turns=2, corrections=3), [{"id": 1}], gateway)
    assert rows_after(outcome) == []
    (rejection,) = outcome.rejections
    assert rejection.reason == reason
    assert len(llm.opened) == 4
    assert llm.closed == []
    assert outcome.calls.requests == 4


def test_a_missing_later_turn_rejects_the_row_and_harms_no_neighbour(gateway: Gateway) -> None:
    class Silent(TwoSided):
        def reply(self, request: ChatRequest, seed: int) -> str:
            later = request.open_turn and len(request.messages) > 1
            tired = later and "tired" in text_content(request.messages[0])
            return "" if tired else super().reply(request, seed)

    rows = [{"system_prompt": "a"}, {"system_prompt": "tired"}, {"system_prompt": "b"}]
    outcome = applied(magpie(Silent(), n_turns=2), rows, gateway)
    assert [row["system_prompt"] for row in rows_after(outcome)] == ["a", "b"]
    (rejection,) = outcome.rejections
    assert rejection.reason == "turn 3 of the conversation, the user's, is empty"


def test_an_answer_that_stays_empty_is_a_rejection(gateway: Gateway) -> None:
    outcome = applied(magpie(TwoSided(assistant=" ")), [{"id": 1}], gateway)
    (rejection,) = outcome.rejections
    assert rejection.reason == "turn 2 of the conversation, the assistant's, is empty"


# System prompts


def test_a_rows_own_system_prompt_wins_and_an_empty_one_means_none(gateway: Gateway) -> None:
    llm = TwoSided()
    rows: list[Row] = [{"system_prompt": prompt} for prompt in ("You draw.", "", None)]
    task = magpie(llm, system_prompt={"cook": "You cook."}, only_instruction=True)
    made = made_by(task, gateway, rows)
    assert [row["system_prompt_key"] for row in made] == [None, None, "cook"]
    prompts = [[text_content(turn) for turn in request.messages] for request in llm.opened]
    assert sorted(prompts) == [[], ["You cook."], ["You draw."]]


@pytest.mark.parametrize(
    ("prompts", "keys"),
    [
        ("You cook.", None),
        (["You cook.", "You sing."], None),
        ({"a": "You cook.", "b": "You sing."}, {"a": "You cook.", "b": "You sing."}),
        ({"a": ("You cook.", 0.5), "b": ("You sing.", 0.5)}, {"a": "You cook.", "b": "You sing."}),
        ({"a": ("You cook.", 0.5), "b": ("", 0.5)}, {"a": "You cook.", "b": None}),
    ],
    ids=["text", "list", "by name", "by name with probability", "one of them none"],
)
def test_a_system_prompt_is_drawn_and_its_name_kept(
    prompts: Any, keys: dict[str, str] | None, gateway: Gateway
) -> None:
    llm = TwoSided()
    rows = [{"id": number} for number in range(24)]
    task = magpie(llm, system_prompt=prompts, include_system_prompt=True)
    made = made_by(task, gateway, rows)
    used = [row["conversation"][0] for row in made]
    drawn = [turn["content"] if turn["role"] == "system" else None for turn in used]
    assert len(set(drawn)) == (1 if isinstance(prompts, str) else 2)
    if keys:
        assert drawn == [keys[row["system_prompt_key"]] for row in made]
    else:
        assert "system_prompt_key" not in made[0]


def test_prompts_are_drawn_by_the_row_and_not_by_its_place(gateway: Gateway) -> None:
    prompts = {name: f"You are {name}." for name in "abcdef"}
    rows = [{"id": number} for number in range(12)]

    def drawn(task: Magpie, rows: list[Row]) -> dict[int, str]:
        return {row["id"]: row["system_prompt_key"] for row in made_by(task, gateway, rows)}

    first = drawn(magpie(system_prompt=prompts), rows)
    backwards = dict(reversed(prompts.items()))
    again = drawn(magpie(system_prompt=backwards, input_batch_size=1), rows[::-1])
    assert again == first
    assert len(set(first.values())) > 2


def test_probabilities_are_kept(gateway: Gateway) -> None:
    prompts = {"often": ("You cook.", 0.9), "seldom": ("You sing.", 0.1), "never": ("No.", 0.0)}
    rows = [{"id": number} for number in range(300)]
    task = magpie(system_prompt=prompts, only_instruction=True)
    counted = Counter(row["system_prompt_key"] for row in made_by(task, gateway, rows))
    assert counted.keys() == {"often", "seldom"}
    assert 240 < counted["often"] < 295


@pytest.mark.parametrize(
    "shares", [(0.1,) * 10, (0.333, 0.333, 0.333), (1,)], ids=["tenths", "thirds", "whole"]
)
def test_probabilities_may_sum_to_one_within_rounding_only(shares: tuple[float, ...]) -> None:
    prompts = {str(number): ("You cook.", share) for number, share in enumerate(shares)}
    assert magpie(system_prompt=prompts).system_prompt == prompts


@pytest.mark.parametrize(
    ("prompts", "sentence"),
    [
        ({}, r"system_prompt is a text, a list of texts, .*, not \{\}"),
        ([], r"system_prompt is a text, .*, not \[\]"),
        (3, "system_prompt is a text, .*, not 3"),
        (["You cook.", 3], "all of one kind"),
        ([("You cook.", 1.0)], "all of one kind"),
        ({"a": "You cook.", "b": ("You sing.", 1.0)}, "all of one kind"),
        ({"a": ("You cook.", 0.5), "b": ("You sing.", 0.6)}, r"add up to 1\.1, not to 1"),
        ({"a": ("You cook.", 1.5), "b": ("You sing.", -0.5)}, "a number from 0 to 1"),
        ({"a": ("You cook.", "1")}, "a number from 0 to 1"),
    ],
    ids=str,
)
def test_system_prompts_of_another_shape_are_told_before_any_work(
    prompts: Any, sentence: str
) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        magpie(system_prompt=prompts)


def test_a_pipeline_file_keeps_the_system_prompts(tmp_path: Path) -> None:
    prompts = {"a": ("You cook.", 0.5), "b": ("You sing.", 0.5)}
    with Graph("both-sides") as graph:
        Magpie(llm=ScriptedLLM(), name="magpie", system_prompt=prompts)
    path = tmp_path / "both-sides.yaml"
    path.write_text(graph.to_yaml(), encoding="utf-8")
    step = Graph.from_yaml(path).steps["magpie"]
    assert isinstance(step, Magpie)
    assert step.system_prompt == prompts
    assert step.signature == graph.steps["magpie"].signature


# Models that cannot do it


@pytest.mark.parametrize(
    ("llm", "parameters", "sentence"),
    [
        (OpenAILLM(model="m"), {}, "one of the providers that can: .*llama-cpp, .*vllm"),
        (ClientvLLM(), {}, "give magpie_pre_query_template="),
        (ClientvLLM(magpie_pre_query_template="User:"), {"n_turns": 2}, "cannot follow a system"),
        (
            ClientvLLM(magpie_pre_query_template="User:"),
            {"system_prompt": "You cook."},
            "cannot follow a system prompt",
        ),
        (LlamaCppLLM(use_magpie_template=False), {}, "use_magpie_template=False"),
    ],
    ids=["chats only", "no template", "turns after a text", "a system prompt", "switched off"],
)
def test_a_model_that_cannot_write_users_turns_is_refused_at_construction(
    llm: Any, parameters: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        Magpie(llm=llm, **parameters)


def test_a_text_that_opens_a_turn_is_enough_for_single_instructions() -> None:
    Magpie(llm=ClientvLLM(magpie_pre_query_template="User:"))
    Magpie(llm=ClientvLLM(magpie_pre_query_template="User:"), n_turns=2, only_instruction=True)


def test_one_turn_that_ends_with_the_user_is_told_to_be_an_instruction() -> None:
    with pytest.raises(ConfigurationError, match="set only_instruction=True for that"):
        magpie(end_with_user=True)


def test_the_embedded_model_writes_instructions_and_answers(gateway: Gateway) -> None:
    llm = LlamaCppLLM(
        n_ctx=512,
        n_threads=1,
        max_concurrent_requests=2,
        generation_kwargs={"max_new_tokens": 160, "temperature": 0.3},  # type: ignore[arg-type]
    )
    task = Magpie(llm=llm, only_instruction=True, corrections=4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outcome = task.apply(keyed(ROWS[:2]), StepContext(gateway))
    rows = rows_after(outcome)
    assert len(rows) == 2
    assert all(row["instruction"] and "<|" not in row["instruction"] for row in rows)
