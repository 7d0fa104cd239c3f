"""Asking again: the model is shown what was wrong, a bounded number of times."""

from __future__ import annotations

from typing import Any, ClassVar

import polars as pl
import pytest

from llms import ChatRequest, ChatType, Gateway
from llms.chat import text_content
from llms.errors import RowRejected
from tasks import Ask, Generated, Reading, Row, StepContext, Task
from tests.tasks.conftest import Answer, RecordingLLM, applied, keyed, rows_after

ROW = {"instruction": "How good is it?"}


class Rate(Answer):
    """Reads a number from 1 to 5."""

    outputs: ClassVar[Any] = {"rating": pl.Int64}

    def format_output(self, output: str | None, input: Row) -> Row:
        if output not in ("1", "2", "3", "4", "5"):
            raise RowRejected("the rating is missing")
        return {"rating": int(output)}


class Learning(RecordingLLM):
    """Answers what it is told to, one reply after the other."""

    said: tuple[str, ...] = ()

    def reply(self, request: ChatRequest, seed: int) -> str:
        super().reply(request, seed)
        return self.said[min(len(self.sent), len(self.said)) - 1]


def test_an_unreadable_reply_is_asked_for_again_with_the_reason(gateway: Gateway) -> None:
    llm = Learning(said=("Quite good.", "4"))

    outcome = applied(Rate(llm=llm, name="rate"), [ROW], gateway)

    (row,) = rows_after(outcome)
    assert row["rating"] == 4
    asked, reply, again = llm.sent[1]
    assert [asked, reply] == [*llm.sent[0], {"role": "assistant", "content": "Quite good."}]
    assert "the rating is missing" in text_content(again)


def test_what_a_row_cost_counts_every_reply(gateway: Gateway) -> None:
    outcome = applied(Rate(llm=Learning(said=("no", "4")), name="rate"), [ROW], gateway)

    (row,) = rows_after(outcome)
    statistics = row["distilabel_metadata"]["statistics_rate"]
    assert statistics["requests"] == 2 == outcome.calls.requests
    assert statistics["input_tokens"] == outcome.calls.input_tokens
    assert row["distilabel_metadata"]["raw_output_rate"] == "4"
    assert len(row["distilabel_metadata"]["raw_input_rate"]) == 3


@pytest.mark.parametrize("corrections", [0, 1, 3])
def test_asking_again_ends_and_the_last_reply_is_kept(gateway: Gateway, corrections: int) -> None:
    llm = Learning(said=("a", "b", "c", "d", "e"))

    outcome = applied(Rate(llm=llm, corrections=corrections), [ROW], gateway)

    (rejection,) = outcome.rejections
    assert len(llm.sent) == corrections + 1
    assert rejection.reason == "the rating is missing"
    assert rejection.raw_reply == "abcde"[corrections]


def test_after_an_empty_reply_the_same_is_asked_again(gateway: Gateway) -> None:
    llm = Learning(said=("", "5"))

    (row,) = rows_after(applied(Rate(llm=llm), [ROW], gateway))

    assert row["rating"] == 5
    assert llm.sent[0] == llm.sent[1]


def test_a_rerun_asks_nothing_and_gives_each_generation_its_own_reply_again(
    gateway: Gateway,
) -> None:
    class Picky(Answer):
        def format_output(self, output: str | None, input: Row) -> Row:
            if not (output or "").startswith("mended"):
                raise RowRejected("not mended")
            return {"generation": output}

    class Mending(RecordingLLM):
        def reply(self, request: ChatRequest, seed: int) -> str:
            super().reply(request, seed)
            return f"mended {seed}" if len(request.messages) > 1 else "the same for all"

    llm = Mending()
    first = applied(Picky(llm=llm, num_generations=4), [ROW], gateway)
    sent = len(llm.sent)
    second = applied(Picky(llm=llm, num_generations=4), [ROW], gateway)

    assert sent == len(llm.sent) == 8
    assert first.frame.equals(second.frame)
    assert len({row["generation"] for row in rows_after(first)}) == 4


def test_a_task_that_talks_in_rounds_reads_each_reply(gateway: Gateway) -> None:
    class Doubted(Answer):
        async def answer(self, input: Row, ask: Ask) -> list[Generated]:
            first: Reading[str] = await ask.read(self.format_input(input), no_doubt)
            chat: ChatType = [{"role": "user", "content": f"Is this right: {first.value}?"}]
            second = await ask.read(chat, no_doubt)
            exchanges = (*first.exchanges, *second.exchanges)
            return [Generated({"generation": second.value}, exchanges)]

    llm = Learning(said=("perhaps", "yes", "surely"))

    (row,) = rows_after(applied(Doubted(llm=llm, name="doubted"), [ROW], gateway))

    assert row["generation"] == "surely"
    assert row["distilabel_metadata"]["statistics_doubted"]["requests"] == 3


def no_doubt(reply: str) -> str:
    """Take a reply that is sure of itself."""
    if "perhaps" in reply:
        raise RowRejected("the reply is in doubt")
    return reply


def test_random_choices_are_the_rows_own(gateway: Gateway) -> None:
    class Drawn(Task):
        inputs: ClassVar = ("instruction",)
        outputs: ClassVar = ("generation",)

        def draw(self, random: Any) -> Row:
            return {"style": random.choice("abcdefghijklmnopqrstuvwxyz")}

        def format_input(self, input: Row) -> ChatType:
            return [{"role": "user", "content": f"{input['instruction']} {input['style']}"}]

        def format_output(self, output: str | None, input: Row) -> Row:
            return {"generation": input["style"]}

    rows = [{"instruction": str(number)} for number in range(40)]
    step = Drawn(llm=RecordingLLM(), num_generations=2)
    whole = rows_after(step.apply(keyed(rows), StepContext(gateway)))
    half = rows_after(step.apply(keyed(rows[20:]), StepContext(gateway)))

    assert whole[40:] == half
    assert len({row["generation"] for row in whole}) > 10
    assert any(
        a["generation"] != b["generation"] for a, b in zip(whole[::2], whole[1::2], strict=True)
    )
