"""A task: one honest sample for every row, and a rejection where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest

from llms import ChatRequest, Completion, CompletionStore, Gateway, RetryPolicy, Usage
from llms.chat import Answer as StoredAnswer
from llms.chat import text_content
from llms.errors import (
    AuthenticationFailed,
    BadRequest,
    ConfigurationError,
    ContentFiltered,
    ContextLengthExceeded,
    LLMError,
    MissingKeyError,
    ModelNotFound,
    ProviderRefused,
    RateLimited,
    RequestTimedOut,
    RowRejected,
    ServerFailed,
    TransientError,
)
from llms.llm import Reply
from llms.model import Supports
from tasks import Ask, ChatType, Generated, Graph, Outcome, Row, Step, StepContext, step
from tasks.generated import METADATA
from tasks.outcome import Accounts, Observer
from tests.tasks.conftest import (
    Answer,
    RecordingLLM,
    Rows,
    applied,
    keyed,
    keys_of,
    parents_of,
    rows_after,
)


class Rate(Answer):
    """Reads a number; only some of the replies have one."""

    outputs: ClassVar[Any] = {"rating": pl.Int64}
    corrections: int = 0

    def format_output(self, output: str | None, input: Row) -> Row:
        return {"rating": int(output or "")}


class Discuss(Answer):
    """Asks, and then asks whether it is sure; it goes on writing the same list."""

    outputs: ClassVar[Any] = ("first", "second")

    async def answer(self, input: Row, ask: Ask) -> list[Generated]:
        chat = self.format_input(input)
        (first,) = await ask(chat)
        chat.append({"role": "assistant", "content": first.completion.text})
        chat.append({"role": "user", "content": "Are you sure?"})
        (second,) = await ask(chat)
        chat.append({"role": "assistant", "content": second.completion.text})
        said = {"first": first.completion.text, "second": second.completion.text}
        return [Generated(said, (first, second))]


def instructions(*texts: str) -> list[Row]:
    return [{"instruction": text} for text in texts]


def generations(outcome: Outcome) -> list[Any]:
    return outcome.frame["generation"].to_list()


# Honest sampling.


def test_a_row_gets_the_reply_to_its_own_prompt(gateway: Gateway) -> None:
    llm = RecordingLLM(replies=("You said {prompt}",))

    outcome = applied(Answer(llm=llm), instructions("a", "b"), gateway)

    assert generations(outcome) == ["You said a", "You said b"]


def test_rows_with_equal_prompts_get_different_samples(gateway: Gateway) -> None:
    llm = RecordingLLM()

    outcome = applied(Answer(llm=llm), instructions("a", "a", "a"), gateway)

    assert len(set(generations(outcome))) == 3
    assert len(llm.sent) == 3


def test_different_rows_with_equal_prompts_get_different_samples(gateway: Gateway) -> None:
    rows = [{"instruction": "a", "n": 1}, {"instruction": "a", "n": 2}]

    assert len(set(generations(applied(Answer(llm=RecordingLLM()), rows, gateway)))) == 2


def test_the_generations_of_a_row_are_different_samples(gateway: Gateway) -> None:
    task = Answer(llm=RecordingLLM(), num_generations=5)

    assert len(set(generations(applied(task, instructions("a", "a"), gateway)))) == 10


def test_a_rerun_gives_the_same_samples_without_a_call(gateway: Gateway) -> None:
    rows = instructions("a", "a", "b")
    first = applied(Answer(llm=RecordingLLM(), num_generations=2), rows, gateway)

    llm = RecordingLLM()
    second = applied(Answer(llm=llm, num_generations=2), rows, gateway)

    assert llm.sent == []
    assert second.frame.equals(first.frame)
    assert (second.calls.requests, second.calls.reused) == (6, 6)
    assert first.calls.reused == 0


def test_answers_survive_the_process_in_the_store(tmp_path: Path) -> None:
    path = tmp_path / "kept.sqlite"
    outcomes = []
    models = [RecordingLLM(), RecordingLLM()]
    for llm in models:
        with closing(Gateway(CompletionStore(path))) as gateway:
            outcomes.append(applied(Answer(llm=llm), instructions("a", "a"), gateway))

    assert [len(llm.sent) for llm in models] == [2, 0]
    assert outcomes[0].frame.equals(outcomes[1].frame)


def test_samples_do_not_depend_on_the_partition(gateway: Gateway) -> None:
    frame = keyed(instructions("a", "a", "b", "a"))
    whole = Answer(llm=RecordingLLM()).apply(frame, StepContext(gateway))

    llm = RecordingLLM()
    parts = [Answer(llm=llm).apply(part, StepContext(gateway)) for part in frame.iter_slices(1)]

    assert llm.sent == []
    assert [generations(part)[0] for part in parts] == generations(whole)


def test_more_generations_pay_only_for_the_new_ones(gateway: Gateway) -> None:
    few = applied(Answer(llm=RecordingLLM(), num_generations=2), instructions("a"), gateway)

    llm = RecordingLLM()
    many = applied(Answer(llm=llm, num_generations=3), instructions("a"), gateway)

    assert len(llm.sent) == 1
    assert generations(many)[:2] == generations(few)


def test_a_new_row_does_not_cost_the_others_a_call(gateway: Gateway) -> None:
    before = applied(Answer(llm=RecordingLLM()), instructions("a", "b"), gateway)

    llm = RecordingLLM()
    after = applied(Answer(llm=llm), instructions("new", "a", "b"), gateway)

    assert llm.sent == [[{"role": "user", "content": "new"}]]
    assert generations(after)[1:] == generations(before)


def test_editing_a_column_that_is_not_read_costs_no_call(gateway: Gateway) -> None:
    before = [{"id": 1, "instruction": "a", "note": "x"}, {"id": 2, "instruction": "a"}]
    after = [{"id": 1, "instruction": "a", "note": "edited"}, {"id": 2, "instruction": "a"}]
    first = Answer(llm=RecordingLLM()).apply(keyed(before, ["id"]), StepContext(gateway))

    llm = RecordingLLM()
    second = Answer(llm=llm).apply(keyed(after, ["id"]), StepContext(gateway))

    assert llm.sent == []
    assert generations(second) == generations(first)
    assert second.frame["note"].to_list() == ["edited", None]


def test_editing_a_column_that_is_read_asks_again(gateway: Gateway) -> None:
    Answer(llm=RecordingLLM()).apply(
        keyed([{"id": 1, "instruction": "a"}], ["id"]), StepContext(gateway)
    )

    llm = RecordingLLM()
    Answer(llm=llm).apply(keyed([{"id": 1, "instruction": "b"}], ["id"]), StepContext(gateway))

    assert len(llm.sent) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "renamed"},
        {"input_batch_size": 1},
        {"add_raw_input": False, "add_raw_output": False},
        {"group_generations": True},
        {"output_mappings": {"generation": "final"}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_does_not_change_the_request_costs_no_call(
    gateway: Gateway, changes: dict[str, Any]
) -> None:
    task = Answer(llm=RecordingLLM(), num_generations=2)
    applied(task, instructions("a", "a"), gateway)

    llm = RecordingLLM()
    applied(task.model_copy(update={"llm": llm, **changes}), instructions("a", "a"), gateway)

    assert llm.sent == []


@pytest.mark.parametrize(
    "llm",
    [
        RecordingLLM(model="other"),
        RecordingLLM(generation_kwargs={"temperature": 0.5}),  # type: ignore[arg-type]  # pydantic takes a dict
    ],
    ids=["model", "temperature"],
)
def test_another_model_or_temperature_asks_again(gateway: Gateway, llm: RecordingLLM) -> None:
    applied(Answer(llm=RecordingLLM()), instructions("a"), gateway)

    applied(Answer(llm=llm), instructions("a"), gateway)

    assert len(llm.sent) == 1


def in_one_graph(gateway: Gateway, *tasks: Answer) -> list[Outcome]:
    """Run tasks that share a source, as a pipeline would."""
    with Graph("g") as graph:
        source = Rows(data=instructions("a", "b"))
        for task in tasks:
            source >> task.model_copy(update={"pipeline": graph})
    frame = keyed(instructions("a", "b"))
    branches = graph.branches()
    return [
        task.apply(frame, StepContext(gateway, branch=branches[task.name]))
        for task in graph.steps.values()
        if isinstance(task, Answer)
    ]


class Shout(Answer):
    """Sends the same requests as its base and reads the replies in another way."""

    def format_output(self, output: str | None, input: Row) -> Row:
        return {"generation": (output or "").upper()}


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({}, id="identical"),
        pytest.param({"num_generations": 2}, id="more generations"),
        pytest.param({"output_mappings": {"generation": "second"}}, id="another output column"),
        pytest.param({"use_default_structured_output": True}, id="a schema it does not have"),
    ],
)
def test_tasks_of_one_graph_that_ask_the_same_get_samples_apart(
    gateway: Gateway, other: dict[str, Any]
) -> None:
    llm = RecordingLLM()
    tasks = Answer(name="one", llm=llm), Answer(name="two", llm=llm, **other)

    in_one_graph(gateway, *tasks)

    assert len(llm.sent) == 2 + 2 * other.get("num_generations", 1)


def test_tasks_of_two_classes_that_ask_the_same_get_samples_apart(gateway: Gateway) -> None:
    llm = RecordingLLM()

    first, second = in_one_graph(gateway, Answer(name="one", llm=llm), Shout(name="two", llm=llm))

    assert [text.upper() for text in generations(first)] != generations(second)
    assert len(llm.sent) == 4


def test_two_pipelines_may_share_answers(gateway: Gateway) -> None:
    in_one_graph(gateway, Answer(name="one", llm=RecordingLLM()))

    llm = RecordingLLM()
    in_one_graph(gateway, Answer(name="elsewhere", llm=llm))

    assert llm.sent == []


def test_one_row_that_asks_the_same_twice_gets_two_samples(gateway: Gateway) -> None:
    class Twice(Answer):
        async def answer(self, input: Row, ask: Ask) -> list[Generated]:
            chat = self.format_input(input)
            (first,), (second,) = await ask(chat), await ask(chat)
            texts = [first.completion.text, second.completion.text]
            return [Generated({"generation": " / ".join(texts)}, (first, second))]

    (said,) = generations(applied(Twice(llm=RecordingLLM()), instructions("a"), gateway))

    first, second = said.split(" / ")
    assert first != second


# What comes out.


def test_the_books_count_calls_and_tokens(gateway: Gateway) -> None:
    llm = RecordingLLM(replies=("three words here",))
    frame = keyed(instructions("one", "two words"))

    outcome = Answer(llm=llm, num_generations=2).apply(frame, StepContext(gateway))

    assert outcome.accounts(keys_of(frame)) == Accounts(
        rows_in=2, rows_out=4, expanded=2, requests=4, input_tokens=6, output_tokens=12
    )


def test_grouped_generations_make_one_row_with_lists(gateway: Gateway) -> None:
    apart = applied(Answer(llm=RecordingLLM(), num_generations=3), instructions("a", "b"), gateway)
    task = Answer(llm=RecordingLLM(), num_generations=3, group_generations=True)

    grouped = applied(task, instructions("a", "b"), gateway)

    assert generations(grouped) == [generations(apart)[:3], generations(apart)[3:]]
    assert grouped.frame["model_name"].to_list() == ["scripted", "scripted"]
    metadata = grouped.frame[METADATA].to_list()[0]
    assert metadata["raw_output_answer_0"] == generations(apart)[:3]
    assert [said["model"] for said in metadata["statistics_answer_0"]] == ["scripted"] * 3
    assert keys_of(grouped.frame) == keys_of(keyed(instructions("a", "b")))


def test_one_generation_is_a_list_of_one_when_grouped(gateway: Gateway) -> None:
    task = Answer(llm=RecordingLLM(replies=("x",)), group_generations=True)

    assert generations(applied(task, instructions("a"), gateway)) == [["x"]]


def test_a_field_that_only_a_later_generation_has_survives_grouping(gateway: Gateway) -> None:
    class Sometimes(Answer):
        outputs: ClassVar[Any] = {"generation": True, "note": False}

        def format_output(self, output: str | None, input: Row) -> Row:
            made: Row = {"generation": output}
            notes.append(len(notes))
            return made if len(notes) == 1 else {**made, "note": "late"}

    notes: list[int] = []
    task = Sometimes(llm=RecordingLLM(), num_generations=2, group_generations=True)

    (row,) = rows_after(applied(task, instructions("a"), gateway))

    assert row["note"] == [None, "late"]


def test_a_task_tells_which_model_was_asked_and_what_it_cost(gateway: Gateway) -> None:
    class Renamed(RecordingLLM):
        async def send(self, client: Any, request: ChatRequest, seed: int) -> Reply:
            return Reply(Completion("cut", Usage(11, 7), "length", "scripted-2026-01"))

    (row,) = rows_after(applied(Answer(llm=Renamed(), name="ask"), instructions("a"), gateway))

    assert row["model_name"] == "scripted"
    assert row[METADATA]["statistics_ask"] == {
        "model": "scripted-2026-01",
        "requests": 1,
        "input_tokens": 11,
        "output_tokens": 7,
        "finish_reason": "length",
        "cost_usd": 0.0,
    }


def test_the_raw_input_is_the_prompt_that_was_sent(gateway: Gateway) -> None:
    class AtRandom(Answer):
        def format_input(self, input: Row) -> ChatType:
            rolled.append(len(rolled))
            return [
                {"role": "system", "content": f"roll {len(rolled)}"},
                {"role": "user", "content": input["instruction"]},
            ]

    rolled: list[int] = []
    llm = RecordingLLM()

    outcome = applied(AtRandom(llm=llm, name="ask"), instructions("a", "b", "c"), gateway)

    assert [row["raw_input_ask"] for row in outcome.frame[METADATA]] == llm.sent


def test_the_raw_input_of_a_talk_is_the_last_chat_that_was_sent(gateway: Gateway) -> None:
    llm = RecordingLLM()

    (row,) = rows_after(applied(Discuss(llm=llm, name="talk"), instructions("a"), gateway))

    assert len(llm.sent) == 2
    assert row[METADATA]["raw_input_talk"] == llm.sent[-1]
    assert row[METADATA]["raw_output_talk"] == row["second"]


def test_the_metadata_of_earlier_tasks_survives_later_ones(gateway: Gateway) -> None:
    frame = keyed(instructions("a", "b"))
    for name in ("first", "second", "third"):
        task = Answer(name=name, llm=RecordingLLM(), output_mappings={"generation": name})
        frame = task.apply(frame, StepContext(gateway, branch=len(frame.columns))).frame

    for row in frame.iter_rows(named=True):
        for name in ("first", "second", "third"):
            assert row[METADATA][f"raw_output_{name}"] == row[name]
            assert row[METADATA][f"raw_input_{name}"][0]["content"] == row["instruction"]
            assert row[METADATA][f"statistics_{name}"]["input_tokens"] == 1


def test_metadata_survives_expansion_and_rejection(gateway: Gateway) -> None:
    first = applied(Answer(name="first", llm=RecordingLLM()), instructions("a", "b"), gateway)
    llm = RecordingLLM(rules={"a": "5", "b": "no number"})

    second = Rate(name="second", llm=llm, num_generations=2).apply(
        first.frame, StepContext(gateway)
    )

    assert [row["instruction"] for row in rows_after(second)] == ["a", "a"]
    assert [row["raw_output_first"] for row in second.frame[METADATA]] == [
        generations(first)[0]
    ] * 2
    assert [row["raw_output_second"] for row in second.frame[METADATA]] == ["5", "5"]


@pytest.mark.parametrize(
    ("kept", "fields"),
    [
        ({}, {"raw_input_ask", "raw_output_ask", "statistics_ask"}),
        ({"add_raw_input": False}, {"raw_output_ask", "statistics_ask"}),
        ({"add_raw_output": False}, {"raw_input_ask", "statistics_ask"}),
    ],
    ids=["both", "output only", "input only"],
)
def test_raw_input_and_output_may_be_left_out(
    gateway: Gateway, kept: dict[str, bool], fields: set[str]
) -> None:
    task = Answer(llm=RecordingLLM(), name="ask", **kept)  # type: ignore[arg-type]  # all are flags

    (row,) = rows_after(applied(task, instructions("a"), gateway))

    assert set(row[METADATA]) == fields


def test_without_raw_input_and_output_there_is_no_metadata(gateway: Gateway) -> None:
    task = Answer(llm=RecordingLLM(), add_raw_input=False, add_raw_output=False)

    assert METADATA not in applied(task, instructions("a"), gateway).frame.columns


def test_the_other_columns_stay_as_they_are(gateway: Gateway) -> None:
    rows: list[Row] = [
        {"instruction": "a", "keep": [{"x": 1}]},
        {"instruction": "b", "late": 1.5},
    ]

    made = applied(Answer(llm=RecordingLLM()), rows, gateway).frame

    assert made.select("instruction", "keep", "late").equals(
        keyed(rows).drop("_row_key", "_parent_key")
    )


def test_a_parser_that_empties_its_row_does_not_harm_the_next_generation(
    gateway: Gateway,
) -> None:
    class Careless(Answer):
        def format_output(self, output: str | None, input: Row) -> Row:
            input["notes"].append("read")
            if len(input["notes"]) > 1:
                raise RowRejected("read before")
            return {"generation": input.pop("instruction")}

    rows = [{"instruction": "a", "notes": []}]

    outcome = applied(Careless(llm=RecordingLLM(), num_generations=3), rows, gateway)

    assert generations(outcome) == ["a", "a", "a"]
    assert outcome.frame["notes"].to_list() == [[], [], []]


def test_a_partition_without_rows_has_the_columns_of_one_with_rows(gateway: Gateway) -> None:
    task = Rate(llm=RecordingLLM(replies=("5",)))
    full = applied(task, instructions("a"), gateway)

    empty = task.apply(keyed(instructions("a")).clear(), StepContext(gateway))

    assert empty.frame.schema == full.frame.schema


def test_an_observer_hears_of_every_answer_and_every_row(gateway: Gateway) -> None:
    class Listening(Observer):
        def __init__(self) -> None:
            self.answers: list[tuple[str, str]] = []
            self.rows: list[tuple[int, int]] = []

        def answered(self, step: str, key: str, chat: ChatType, answer: StoredAnswer) -> None:
            self.answers.append((text_content(chat[-1]), answer.completion.text))

        def finished(self, step: str, made: int, rejected: int) -> None:
            self.rows.append((made, rejected))

    observer = Listening()
    llm = RecordingLLM(rules={"a": "5", "b": "none"})

    Rate(llm=llm).apply(keyed(instructions("a", "b")), StepContext(gateway, observer=observer))

    assert sorted(observer.answers) == [("a", "5"), ("b", "none")]
    assert sorted(observer.rows) == [(0, 1), (1, 0)]


@pytest.mark.parametrize("asked_for", [True, False], ids=["asked for", "not asked for"])
def test_the_schema_goes_with_the_request_when_asked_for(gateway: Gateway, asked_for: bool) -> None:
    schema = {"type": "object", "properties": {"generation": {"type": "string"}}}

    class Schooled(Answer):
        def response_schema(self, input: Row) -> dict[str, Any] | None:
            return schema

    class Noting(RecordingLLM):
        supports: ClassVar = Supports(structured_output=True)

        def reply(self, request: ChatRequest, seed: int) -> str:
            schemas.append(request.response_schema)
            return "{}"

    schemas: list[Any] = []
    applied(
        Schooled(llm=Noting(), use_default_structured_output=asked_for), instructions("a"), gateway
    )

    assert schemas == [schema if asked_for else None]


# What cannot be read.


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RowRejected("no number"), "no number"),
        (ValueError("bad"), "the reply cannot be read: ValueError: bad"),
        (KeyError("x"), "the reply cannot be read: KeyError: 'x'"),
        (RecursionError("deep"), "the reply cannot be read: RecursionError: deep"),
    ],
    ids=["on purpose", "value", "key", "recursion"],
)
def test_a_reply_that_cannot_be_read_is_a_rejection_with_the_reply(
    gateway: Gateway, error: Exception, reason: str
) -> None:
    class Unreadable(Answer):
        def format_output(self, output: str | None, input: Row) -> Row:
            if input["instruction"] == "bad":
                raise error
            return {"generation": output}

    task = Unreadable(llm=RecordingLLM(replies=("what it said",)), name="read")

    outcome = applied(task, instructions("good", "bad"), gateway)

    assert [row["instruction"] for row in rows_after(outcome)] == ["good"]
    (rejection,) = outcome.rejections
    assert (rejection.step, rejection.reason) == ("read", reason)
    assert rejection.raw_reply == "what it said"
    assert rejection.row == {"instruction": "bad"}
    assert not rejection.unanswered


def test_a_reply_without_a_declared_output_is_a_rejection_not_a_null(gateway: Gateway) -> None:
    class Half(Answer):
        outputs: ClassVar[Any] = ("generation", "score")

        def format_output(self, output: str | None, input: Row) -> Row:
            return {"generation": output}

    outcome = applied(Half(llm=RecordingLLM(replies=("x",))), instructions("a"), gateway)

    (rejection,) = outcome.rejections
    assert (rejection.reason, rejection.raw_reply) == ("the reply gave no 'score'", "x")


def test_an_optional_output_of_a_reply_may_be_missing(gateway: Gateway) -> None:
    class Optional(Answer):
        outputs: ClassVar[Any] = {"generation": True, "score": False}

    outcome = applied(Optional(llm=RecordingLLM(replies=("x",))), instructions("a"), gateway)

    assert (generations(outcome), outcome.rejections) == (["x"], ())


def test_an_output_of_another_type_than_declared_rejects_its_row_only(gateway: Gateway) -> None:
    class Loose(Rate):
        def format_output(self, output: str | None, input: Row) -> Row:
            return {"rating": int(output) if output == "5" else output}

    llm = RecordingLLM(rules={"good": "5", "bad": "five"})

    outcome = applied(Loose(llm=llm), instructions("good", "bad"), gateway)

    assert outcome.frame["rating"].to_list() == [5]
    assert outcome.frame.schema["rating"] == pl.Int64
    (rejection,) = outcome.rejections
    assert "'rating'" in rejection.reason
    assert rejection.raw_reply == "five"


def test_outputs_that_fit_no_common_column_reject_a_row_and_not_the_partition(
    gateway: Gateway,
) -> None:
    class Any_(Answer):
        def format_output(self, output: str | None, input: Row) -> Row:
            return {"generation": {"x": 1} if input["instruction"] == "a" else "text"}

    outcome = applied(Any_(llm=RecordingLLM()), instructions("a", "b"), gateway)

    assert generations(outcome) == [{"x": 1}]
    assert [rejection.row for rejection in outcome.rejections] == instructions("b")


@pytest.mark.parametrize("nonsense", [None, "text", 3, ["generation"]], ids=repr)
def test_a_parser_that_returns_no_row_rejects_that_generation(
    gateway: Gateway, nonsense: Any
) -> None:
    class Forgetful(Answer):
        outputs: ClassVar[Any] = ()

        def format_output(self, output: str | None, input: Row) -> Row:
            return nonsense if input["instruction"] == "bad" else {}

    outcome = applied(
        Forgetful(llm=RecordingLLM(replies=("x",))), instructions("good", "bad"), gateway
    )

    assert [row["instruction"] for row in rows_after(outcome)] == ["good"]
    (rejection,) = outcome.rejections
    assert rejection.raw_reply == "x"


@pytest.mark.parametrize("group", [False, True], ids=["apart", "grouped"])
def test_one_bad_generation(gateway: Gateway, group: bool) -> None:
    class OneBad(RecordingLLM):
        def reply(self, request: ChatRequest, seed: int) -> str:
            super().reply(request, seed)
            return "not a number" if len(self.sent) == 2 else "5"

    frame = keyed(instructions("a"))
    task = Rate(llm=OneBad(), num_generations=3, group_generations=group)

    outcome = task.apply(frame, StepContext(gateway))

    (rejection,) = outcome.rejections
    assert rejection.raw_reply == "not a number"
    assert rejection.parent == keys_of(frame)[0]
    accounts = outcome.accounts(keys_of(frame))
    if group:
        assert accounts.rows_out == 0
        assert rejection.reason.startswith("generation 2 of 3: the reply cannot be read")
        assert accounts.rejected == 1
    else:
        assert parents_of(outcome) == keys_of(frame) * 2
        assert rejection.key not in {*keys_of(outcome.frame), *keys_of(frame)}
        assert (accounts.rows_out, accounts.rejected, accounts.expanded) == (2, 1, 2)


def test_an_error_while_the_prompt_is_made_rejects_the_row_only(gateway: Gateway) -> None:
    class Fragile(Answer):
        def format_input(self, input: Row) -> ChatType:
            return [{"role": "user", "content": input["instruction"].strip()}]

    llm = RecordingLLM()

    outcome = applied(Fragile(llm=llm), [{"instruction": None}, {"instruction": "b"}], gateway)

    assert [row["instruction"] for row in rows_after(outcome)] == ["b"]
    (rejection,) = outcome.rejections
    assert rejection.reason.startswith("AttributeError: ")
    assert rejection.raw_reply is None
    assert len(llm.sent) == 1


@pytest.mark.parametrize("where", ["format_input", "format_output"])
@pytest.mark.parametrize("error", [ConfigurationError, MissingKeyError])
def test_a_configuration_error_inside_a_task_is_no_rejection(
    gateway: Gateway, where: str, error: type[ConfigurationError]
) -> None:
    def misconfigured(self: Answer, *_: object) -> Any:
        raise error("set the variable")

    misconfigured_task = type("Misconfigured", (Answer,), {where: misconfigured})

    with pytest.raises(error, match="set the variable"):
        applied(misconfigured_task(llm=RecordingLLM()), instructions("a", "b"), gateway)


def test_half_a_character_in_a_reply_does_not_harm_the_other_rows(gateway: Gateway) -> None:
    llm = RecordingLLM(rules={"bad": "half \ud83d", "good": "whole"})

    outcome = applied(Answer(llm=llm), instructions("good", "bad"), gateway)

    assert generations(outcome)[0] == "whole"
    assert outcome.frame.height + len(outcome.rejections) == 2


# When the provider fails.


@pytest.mark.parametrize("error", [BadRequest, ContextLengthExceeded, ContentFiltered])
@pytest.mark.parametrize("final", [True, False], ids=["final attempt", "earlier attempt"])
def test_a_refused_request_rejects_the_row_only(
    gateway: Gateway, error: type[LLMError], final: bool
) -> None:
    llm = RecordingLLM(troubles={"bad": error("it said no")})

    outcome = Answer(llm=llm).apply(
        keyed(instructions("a", "bad", "b")), StepContext(gateway, final_attempt=final)
    )

    assert [row["instruction"] for row in rows_after(outcome)] == ["a", "b"]
    (rejection,) = outcome.rejections
    assert (rejection.reason, rejection.raw_reply) == ("it said no", None)
    assert not rejection.unanswered


@pytest.mark.parametrize("error", [AuthenticationFailed, ModelNotFound])
@pytest.mark.parametrize("final", [True, False], ids=["final attempt", "earlier attempt"])
def test_a_provider_that_refuses_everything_stops_the_partition(
    gateway: Gateway, error: type[ProviderRefused], final: bool
) -> None:
    llm = RecordingLLM(troubles={"bad": error("check the key")})

    with pytest.raises(error, match="check the key"):
        Answer(llm=llm).apply(
            keyed(instructions("a", "bad", "b")), StepContext(gateway, final_attempt=final)
        )


@pytest.mark.parametrize("error", [RateLimited, ServerFailed, RequestTimedOut])
def test_an_unanswered_row_fails_an_attempt_that_is_not_the_final_one(
    gateway: Gateway, error: type[TransientError]
) -> None:
    llm = RecordingLLM(troubles={"bad": error("later")})

    with pytest.raises(error, match="later"):
        Answer(llm=llm).apply(
            keyed(instructions("a", "bad")), StepContext(gateway, final_attempt=False)
        )


@pytest.mark.parametrize("error", [RateLimited, ServerFailed, RequestTimedOut])
def test_an_unanswered_row_is_an_unanswered_rejection_on_the_final_attempt(
    gateway: Gateway, error: type[TransientError]
) -> None:
    llm = RecordingLLM(troubles={"bad": error("still down")})

    outcome = applied(Answer(llm=llm), instructions("a", "bad"), gateway)

    assert [row["instruction"] for row in rows_after(outcome)] == ["a"]
    (rejection,) = outcome.rejections
    assert (rejection.reason, rejection.unanswered) == ("still down", True)


def test_a_provider_that_answers_nothing_is_an_error_even_on_the_final_attempt(
    gateway: Gateway,
) -> None:
    llm = RecordingLLM(troubles={"": ServerFailed("down")})

    with pytest.raises(ServerFailed, match="down"):
        applied(Answer(llm=llm), instructions("a", "b"), gateway)


def test_the_next_run_asks_again_for_unanswered_rows_only(gateway: Gateway) -> None:
    rows = instructions("a", "bad", "b")
    applied(Answer(llm=RecordingLLM(troubles={"bad": ServerFailed("down")})), rows, gateway)

    llm = RecordingLLM()
    outcome = applied(Answer(llm=llm), rows, gateway)

    assert llm.sent == [[{"role": "user", "content": "bad"}]]
    assert outcome.frame.height == 3


def test_what_was_answered_before_a_failure_is_not_paid_again(gateway: Gateway) -> None:
    class FailsLater(RecordingLLM):
        def reply(self, request: ChatRequest, seed: int) -> str:
            reply = super().reply(request, seed)
            if request.messages[-1]["content"] == "Are you sure?" and not healthy:
                raise ServerFailed("down")
            return reply

    healthy: list[bool] = []
    llm = FailsLater()
    with pytest.raises(ServerFailed):
        applied(Discuss(llm=llm), instructions("a"), gateway)
    healthy.append(True)

    applied(Discuss(llm=llm), instructions("a"), gateway)

    assert [chat[-1]["content"] for chat in llm.sent] == ["a", "Are you sure?", "Are you sure?"]


def test_a_rejection_in_a_later_round_keeps_the_last_reply(gateway: Gateway) -> None:
    llm = RecordingLLM(
        replies=("the first reply",), troubles={"Are you sure?": BadRequest("too long")}
    )

    (rejection,) = applied(Discuss(llm=llm), instructions("a"), gateway).rejections

    assert (rejection.reason, rejection.raw_reply) == ("too long", "the first reply")


def test_the_gateway_retries_before_the_task_hears_of_it(tmp_path: Path) -> None:
    class FailsTwice(RecordingLLM):
        def reply(self, request: ChatRequest, seed: int) -> str:
            reply = super().reply(request, seed)
            if len(self.sent) < 3:
                raise ServerFailed("down")
            return reply

    retries = RetryPolicy(attempts=3, first_wait=0.001)
    with closing(Gateway(CompletionStore(tmp_path / "a.sqlite"), retries=retries)) as gateway:
        outcome = Answer(llm=FailsTwice()).apply(
            keyed(instructions("a")), StepContext(gateway, final_attempt=False)
        )

    assert outcome.frame.height == 1


def test_rejections_are_plain_values(gateway: Gateway) -> None:
    llm = RecordingLLM(replies=("no number",))

    (rejection,) = applied(Rate(llm=llm, name="rate"), instructions("a"), gateway).rejections

    assert rejection.as_json() == {
        "key": keys_of(keyed(instructions("a")))[0],
        "parent": keys_of(keyed(instructions("a")))[0],
        "step": "rate",
        "reason": "the reply cannot be read: ValueError: invalid literal for int() with base 10: "
        "'no number'",
        "row": {"instruction": "a"},
        "raw_reply": "no number",
        "unanswered": False,
    }


def test_an_expanding_step_before_a_task_gives_each_of_its_rows_a_sample(
    gateway: Gateway,
) -> None:
    @step(inputs=["instruction"])
    def copies(rows: list[Row]) -> Iterator[list[Row]]:
        for row in rows:
            yield [dict(row) for _ in range(3)]

    made: Step = copies()
    llm = RecordingLLM()

    outcome = Answer(llm=llm).apply(
        applied(made, instructions("a", "b")).frame, StepContext(gateway)
    )

    assert len(set(generations(outcome))) == len(llm.sent) == 6


def test_one_generation_that_leaves_the_schema_is_a_rejection_of_its_own(gateway: Gateway) -> None:
    class Schooled(Answer):
        def response_schema(self, input: Row) -> dict[str, Any]:
            return {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}

        def format_output(self, output: str | None, input: Row) -> Row:
            return {"generation": output}

    class FirstIsRight(RecordingLLM):
        replies: tuple[str, ...] = ("nothing of the kind",)
        asked: ClassVar[list[int]] = []

        def reply(self, request: ChatRequest, seed: int) -> str:
            self.asked.append(seed)
            return '{"n": 3}' if len(self.asked) == 1 else super().reply(request, seed)

    task = Schooled(llm=FirstIsRight(), num_generations=2, use_default_structured_output=True)
    outcome = applied(task, instructions("a"), gateway)

    assert [row["generation"] for row in rows_after(outcome)] == ['{"n": 3}']
    (rejection,) = outcome.rejections
    assert "asked 3 times" in rejection.reason
    assert rejection.raw_reply == "nothing of the kind"
    assert outcome.calls.requests == 4
