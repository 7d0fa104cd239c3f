"""A step: rows in, rows out, and every one of them accounted for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar, cast

import polars as pl
import pytest
from pydantic import Field, PrivateAttr

from llms import ScriptedLLM
from llms.errors import ConfigurationError, MissingKeyError, RowRejected
from tasks import GeneratorStep, GlobalStep, Graph, Outcome, Row, Step, StepContext, Task, step
from tasks.outcome import Accounts, Observer
from tasks.row import KEY, PARENT
from tasks.step import snake_case
from tests.tasks.conftest import Answer, Rows, applied, keyed, keys_of, rows_after


@step(inputs=["n"], outputs=["half"])
def halve(rows: list[Row]) -> Iterator[list[Row]]:
    for row in rows:
        if row["n"] % 2:
            raise RowRejected(f"{row['n']} is odd")
        row["half"] = row["n"] // 2
    yield rows


@step(inputs=["n"])
def keep_even(rows: list[Row]) -> Iterator[list[Row]]:
    yield [row for row in rows if row["n"] % 2 == 0]


@step(inputs=["n"])
def count_down(rows: list[Row]) -> Iterator[list[Row]]:
    for row in rows:
        yield [{"n": row["n"], "left": left} for left in range(row["n"])]


def numbers(*values: int) -> list[Row]:
    return [{"n": value} for value in values]


# What becomes of rows.


def test_a_row_that_fails_does_not_harm_its_neighbours() -> None:
    outcome = applied(halve(), numbers(2, 3, 4))

    assert rows_after(outcome) == [{"n": 2, "half": 1}, {"n": 4, "half": 2}]
    (rejection,) = outcome.rejections
    assert rejection.key == rejection.parent == keys_of(keyed(numbers(2, 3, 4)))[1]
    assert (rejection.step, rejection.reason) == ("halve_0", "3 is odd")
    assert rejection.row == {"n": 3}


def test_an_unexpected_error_is_a_rejection_with_its_type() -> None:
    @step(inputs=["n"], outputs=["inverse"])
    def invert(rows: list[Row]) -> Iterator[list[Row]]:
        for row in rows:
            row["inverse"] = 1 / row["n"]
        yield rows

    outcome = applied(invert(), numbers(1, 0))

    assert [rejection.reason for rejection in outcome.rejections] == [
        "ZeroDivisionError: division by zero"
    ]


@pytest.mark.parametrize("input_batch_size", [1, 2, 3, 50])
@pytest.mark.parametrize(
    ("make", "values", "accounts"),
    [
        (halve, (2, 3, 4, 5), Accounts(rows_in=4, rows_out=2, rejected=2)),
        (keep_even, (1, 2, 3, 4, 5), Accounts(rows_in=5, rows_out=2, filtered=3)),
        (count_down, (2, 0, 3), Accounts(rows_in=3, rows_out=5, filtered=1, expanded=3)),
        (halve, (), Accounts()),
        (keep_even, (1,), Accounts(rows_in=1, filtered=1)),
    ],
    ids=["some fail", "some are filtered", "some become many", "no rows", "none is left"],
)
def test_the_books_of_a_step_balance(
    make: type[Step], values: tuple[int, ...], accounts: Accounts, input_batch_size: int
) -> None:
    frame = keyed(numbers(*values)) if values else keyed(numbers(0)).clear()

    outcome = make(input_batch_size=input_batch_size).apply(frame, StepContext())

    assert outcome.accounts(keys_of(frame)) == accounts
    assert accounts.rows_in + accounts.expanded == (
        accounts.rows_out + accounts.rejected + accounts.filtered
    )


def test_books_of_partitions_add_up() -> None:
    first = Accounts(rows_in=3, rows_out=5, filtered=1, expanded=3, requests=4, input_tokens=9)
    first = replace(first, cost_usd=0.1)
    second = Accounts(rows_in=1, rejected=1, output_tokens=2, cost_usd=0.2, unpriced=1)

    assert (first + second).as_json() == {
        "rows_in": 4,
        "rows_out": 5,
        "rejected": 1,
        "filtered": 1,
        "expanded": 3,
        "requests": 4,
        "input_tokens": 9,
        "output_tokens": 2,
        "cost_usd": 0.3,
        "unpriced": 1,
    }


def test_a_step_that_yields_more_than_once_loses_nothing() -> None:
    @step(inputs=["n"])
    def one_by_one(rows: list[Row]) -> Iterator[list[Row]]:
        for row in rows:
            yield [row]
            yield []

    assert rows_after(applied(one_by_one(), numbers(1, 2, 3, 4, 5))) == numbers(1, 2, 3, 4, 5)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_a_step_gets_batches_of_the_size_it_asks_for(size: int) -> None:
    sizes: list[int] = []

    @step(inputs=["n"])
    def look(rows: list[Row]) -> Iterator[list[Row]]:
        sizes.append(len(rows))
        yield rows

    applied(look(input_batch_size=size), numbers(*range(7)))

    assert sizes == [size] * (7 // size) + ([7 % size] if 7 % size else [])


def test_what_a_failed_batch_did_to_its_rows_is_forgotten() -> None:
    @step(inputs=["tags"])
    def tag(rows: list[Row]) -> Iterator[list[Row]]:
        for row in rows:
            row["tags"].append("new")
            if "bad" in row["tags"]:
                raise RowRejected("bad")
        yield rows

    outcome = applied(tag(), [{"tags": ["good"]}, {"tags": ["bad"]}])

    assert rows_after(outcome) == [{"tags": ["good", "new"]}]
    assert outcome.rejections[0].row == {"tags": ["bad"]}


def test_rows_built_anew_come_from_rows_as_they_were() -> None:
    @step(inputs=["tags"])
    def tag(rows: list[Row]) -> Iterator[list[Row]]:
        for row in rows:
            row["tags"].append("new")
        yield [{"tags": row["tags"]} for row in rows]

    assert rows_after(applied(tag(), [{"tags": ["a"]}, {"tags": ["b"]}])) == [
        {"tags": ["a", "new"]},
        {"tags": ["b", "new"]},
    ]


def test_a_rejection_shows_the_row_as_it_came() -> None:
    @step(inputs=["n"])
    def spoil(rows: list[Row]) -> Iterator[list[Row]]:
        for row in rows:
            row["n"] = None
            raise ValueError("spoilt")
        yield rows

    assert applied(spoil(), numbers(7)).rejections[0].row == {"n": 7}


def test_a_row_without_a_declared_output_is_a_rejection_not_a_null() -> None:
    @step(inputs=["n"], outputs=["word"])
    def spell(rows: list[Row]) -> Iterator[list[Row]]:
        for row in rows:
            if row["n"] < 3:
                row["word"] = ["zero", "one", "two"][row["n"]]
        yield rows

    outcome = applied(spell(), numbers(1, 3, 2))

    assert [row["word"] for row in rows_after(outcome)] == ["one", "two"]
    (rejection,) = outcome.rejections
    assert "'word'" in rejection.reason


def test_an_optional_output_may_be_left_out() -> None:
    @step(inputs=["n"], outputs={"note": False})
    def annotate(rows: list[Row]) -> Iterator[list[Row]]:
        for row in rows:
            if row["n"] == 1:
                row["note"] = "first"
        yield rows

    assert rows_after(applied(annotate(), numbers(1, 2))) == [
        {"n": 1, "note": "first"},
        {"n": 2, "note": None},
    ]


@pytest.mark.parametrize("good", [5, None], ids=["a number", "nothing"])
def test_a_value_of_another_type_than_declared_rejects_its_row_only(good: int | None) -> None:
    @step(inputs=["text"], outputs={"rating": pl.Int64})
    def rate(rows: list[Row]) -> Iterator[list[Row]]:
        for row in rows:
            row["rating"] = good if row["text"] == "good" else "five stars"
        yield rows

    outcome = applied(rate(), [{"text": "good"}, {"text": "bad"}])

    assert rows_after(outcome) == [{"text": "good", "rating": good}]
    assert outcome.frame.schema["rating"] == pl.Int64
    (rejection,) = outcome.rejections
    assert "'rating'" in rejection.reason


@pytest.mark.parametrize(
    "odd_one",
    [
        pytest.param("text", id="text among structs"),
        pytest.param(object(), id="an object"),
        pytest.param("\ud800", id="half a character"),
    ],
)
def test_a_value_that_no_column_can_hold_rejects_its_row_only(odd_one: Any) -> None:
    @step(inputs=["n"], outputs=["made"])
    def make(rows: list[Row]) -> Iterator[list[Row]]:
        for row in rows:
            row["made"] = odd_one if row["n"] == 3 else {"value": row["n"]}
        yield rows

    outcome = applied(make(), numbers(1, 2, 3))

    assert rows_after(outcome) == [{"n": n, "made": {"value": n}} for n in (1, 2)]
    (rejection,) = outcome.rejections
    assert rejection.row == {"n": 3}
    assert "'made'" in rejection.reason


@pytest.mark.parametrize("nonsense", [None, "row", 3], ids=repr)
def test_what_is_not_a_row_is_a_rejection(nonsense: Any) -> None:
    @step(inputs=["n"])
    def confuse(rows: list[Row]) -> Iterator[list[Row]]:
        yield [nonsense if row["n"] == 2 else row for row in rows]

    outcome = applied(confuse(), numbers(1, 2, 3))

    assert rows_after(outcome) == numbers(1, 3)
    assert len(outcome.rejections) == 1


def test_a_partition_without_rows_left_still_has_the_columns_for_the_next_step() -> None:
    nothing = applied(halve(), numbers(1, 3))
    assert rows_after(nothing) == []

    @step(inputs=["half"], outputs=["quarter"])
    def quarter(rows: list[Row]) -> Iterator[list[Row]]:
        for row in rows:
            row["quarter"] = row["half"] / 2
        yield rows

    after = quarter().apply(nothing.frame, StepContext())

    assert {"n", "half", "quarter"} <= set(after.frame.columns)


def test_a_step_may_work_on_a_frame() -> None:
    class Double(Step):
        inputs: ClassVar = ("n",)
        outputs: ClassVar = ("twice",)

        def transform(self, frame: pl.DataFrame, context: StepContext) -> Outcome:
            return Outcome(frame.with_columns(twice=pl.col("n") * 2))

    outcome = applied(Double(), numbers(1, 2))

    assert rows_after(outcome) == [{"n": 1, "twice": 2}, {"n": 2, "twice": 4}]
    assert keys_of(outcome.frame) == keys_of(keyed(numbers(1, 2)))


def test_an_observer_hears_of_every_row() -> None:
    class Counting(Observer):
        made = rejected = 0

        def finished(self, step: str, made: int, rejected: int) -> None:
            assert step == "halve_0"
            self.made += made
            self.rejected += rejected

    observer = Counting()
    halve(input_batch_size=2).apply(keyed(numbers(2, 4, 6, 7, 8)), StepContext(observer=observer))

    assert (observer.made, observer.rejected) == (4, 1)


# Steps that see the whole dataset.


@pytest.mark.parametrize("anew", [False, True], ids=["rows given back", "rows built anew"])
def test_a_global_step_sees_all_rows_at_once(anew: bool) -> None:
    @step(inputs=["n"], outputs=["rank"], step_type="global")
    def rank(rows: list[Row]) -> Iterator[list[Row]]:
        ranked = sorted(row["n"] for row in rows)
        if anew:
            yield [{**row, "rank": ranked.index(row["n"])} for row in rows]
            return
        for row in rows:
            row["rank"] = ranked.index(row["n"])
        yield rows

    made = rank(input_batch_size=1)
    assert isinstance(made, GlobalStep)
    outcome = made.apply_to_dataset(keyed(numbers(30, 10, 20)).lazy(), StepContext())

    assert [row["rank"] for row in rows_after(outcome)] == [2, 0, 1]
    assert keys_of(outcome.frame) == keys_of(keyed(numbers(30, 10, 20)))


def test_a_global_step_may_make_one_row_of_all() -> None:
    @step(inputs=["n"], outputs=["sum"], step_type="global")
    def total(rows: list[Row]) -> Iterator[list[Row]]:
        yield [{"sum": sum(row["n"] for row in rows)}]

    frame = keyed(numbers(1, 2, 3))

    outcome = total().apply(frame, StepContext())

    assert rows_after(outcome) == [{"sum": 6}]
    assert outcome.accounts(keys_of(frame)) == Accounts(rows_in=3, rows_out=1, filtered=2)


def test_a_global_step_may_make_more_rows_than_it_got() -> None:
    @step(inputs=["n"], step_type="global")
    def pairs(rows: list[Row]) -> Iterator[list[Row]]:
        yield [{"n": a["n"], "with": b["n"]} for a in rows for b in rows]

    frame = keyed(numbers(1, 2))

    outcome = pairs().apply(frame, StepContext())

    assert [(row["n"], row["with"]) for row in rows_after(outcome)] == [
        (1, 1),
        (1, 2),
        (2, 1),
        (2, 2),
    ]
    assert len(set(keys_of(outcome.frame))) == 4
    assert outcome.accounts(keys_of(frame)).expanded == 2


def test_a_global_step_that_fails_is_not_tried_on_single_rows() -> None:
    given: list[int] = []

    @step(inputs=["n"], step_type="global")
    def fail_on_many(rows: list[Row]) -> Iterator[list[Row]]:
        given.append(len(rows))
        if len(rows) > 1:
            raise ZeroDivisionError("too many")
        yield rows

    with pytest.raises(ZeroDivisionError):
        applied(fail_on_many(), numbers(1, 2, 3))

    assert given == [3]


# Global steps that read their inputs only.


class Ranks(GlobalStep):
    """Ranks the numbers in `n`, drops the negative ones and rejects the null ones."""

    inputs: ClassVar = {"n": pl.Int64, "weight": False}
    outputs: ClassVar = {"rank": pl.Int64}
    reads_inputs_only: ClassVar = True

    descending: bool = False
    _given: list[list[str]] = PrivateAttr(default_factory=list)

    @property
    def given(self) -> list[list[str]]:
        """The columns that each call was given."""
        return self._given

    def transform(self, frame: pl.DataFrame, context: StepContext) -> Outcome:
        self._given.append(frame.columns)
        missing = pl.when(pl.col("n").is_null()).then(pl.lit("there is no number"))
        outcome = self.rejecting(frame, frame.select(missing).to_series())
        kept = outcome.frame.filter(pl.col("n") >= 0).sort("n", descending=self.descending)
        return replace(outcome, frame=kept.with_columns(rank=pl.int_range(pl.len())))


def numbered(*values: int | None) -> list[Row]:
    """Return rows with a number and with columns that the step knows nothing of."""
    return [{"id": f"row {i}", "n": n, "text": f"text {n}"} for i, n in enumerate(values)]


def of_dataset(step: GlobalStep, rows: list[Row]) -> Outcome:
    return step.apply_to_dataset(keyed(rows).lazy(), StepContext())


def test_a_global_step_that_reads_its_inputs_only_is_given_no_other_column() -> None:
    step = Ranks()
    of_dataset(step, numbered(1, 2))
    of_dataset(step, [{**row, "weight": 1} for row in numbered(1)])

    assert step.given == [["n", KEY, PARENT], ["n", "weight", KEY, PARENT]]


def test_columns_that_were_not_read_come_back_to_their_rows() -> None:
    rows = numbered(30, -1, 10, 20)
    outcome = of_dataset(Ranks(), rows)

    assert rows_after(outcome) == [
        {"id": "row 2", "n": 10, "text": "text 10", "rank": 0},
        {"id": "row 3", "n": 20, "text": "text 20", "rank": 1},
        {"id": "row 0", "n": 30, "text": "text 30", "rank": 2},
    ]
    keys = keys_of(keyed(rows))
    assert keys_of(outcome.frame) == [keys[2], keys[3], keys[0]]
    assert outcome.accounts(keys) == Accounts(rows_in=4, rows_out=3, filtered=1)


def test_a_rejection_shows_columns_that_were_not_read() -> None:
    rows = numbered(1, None, 2)
    (rejection,) = of_dataset(Ranks(), rows).rejections

    assert rejection.row == {"id": "row 1", "n": None, "text": "text None"}
    assert (rejection.key, rejection.reason) == (keys_of(keyed(rows))[1], "there is no number")


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [
        pytest.param({}, {}, id="no mapping"),
        pytest.param({"n": "size"}, {}, id="an input of another name"),
        pytest.param({}, {"rank": "place"}, id="an output of another name"),
        pytest.param({"n": "size"}, {"rank": "n"}, id="an output with the name of an input"),
        pytest.param({"n": "size"}, {"rank": "size"}, id="an output over the input"),
        pytest.param({"n": "rank"}, {}, id="an output over the column read"),
        pytest.param({}, {"rank": "text"}, id="an output over a column not read"),
    ],
)
def test_reading_inputs_only_changes_no_result(
    inputs: dict[str, str], outputs: dict[str, str], descending: bool
) -> None:
    rows = [
        {**row, "size": 7 - i, "rank": i % 3, "place": "here"}
        for i, row in enumerate(numbered(3, 1, -1, 2))
    ]
    step = Ranks(input_mappings=inputs, output_mappings=outputs, descending=descending)
    whole = step.apply(keyed(rows), StepContext())
    outcome = of_dataset(step, rows)

    assert set(outcome.frame.columns) == set(whole.frame.columns)
    assert outcome.frame.select(whole.frame.columns).equals(whole.frame)
    assert outcome.rejections == whole.rejections


def test_a_missing_column_is_told_beside_all_that_are_there() -> None:
    with pytest.raises(ConfigurationError, match=r"'size'.*the columns are: id, n, text"):
        of_dataset(Ranks(input_mappings={"n": "size"}), numbered(1))


def test_a_dataset_without_rows_keeps_its_columns() -> None:
    empty = keyed(numbered(1)).clear().lazy()

    frame = Ranks().apply_to_dataset(empty, StepContext()).frame

    assert frame.columns == ["id", "n", "text", "rank", KEY, PARENT]


# By hand.


def test_a_step_can_be_tried_by_hand() -> None:
    assert next(halve().process(numbers(2, 4))) == [{"n": 2, "half": 1}, {"n": 4, "half": 2}]


def test_a_task_by_hand_leaves_out_rejected_rows_with_a_warning() -> None:
    class Picky(Answer):
        def format_output(self, output: str | None, input: Row) -> Row:
            if input["instruction"] == "bad":
                raise RowRejected("not that one")
            return {"generation": output}

    picky = Picky(llm=ScriptedLLM(replies=("a reply",)), name="picky")

    with pytest.warns(
        UserWarning,
        match=r"^1 of 2 rows were rejected by step 'picky', the first because: not that one$",
    ):
        (row,) = next(picky.process([{"instruction": "good"}, {"instruction": "bad"}]))

    assert (row["instruction"], row["generation"]) == ("good", "a reply")


def test_by_hand_it_is_an_error_when_every_row_fails() -> None:
    class Never(Answer):
        def format_output(self, output: str | None, input: Row) -> Row:
            raise RowRejected("never")

    with pytest.raises(RowRejected, match=r"2 of 2 rows were rejected .* because: never"):
        next(Never(llm=ScriptedLLM()).process([{"instruction": "a"}, {"instruction": "b"}]))


def test_no_rows_by_hand_give_no_rows() -> None:
    assert list(Answer(llm=ScriptedLLM()).process([])) == [[]]


# Mistakes of the user.


def test_an_unknown_parameter_gets_a_hint_and_the_known_ones() -> None:
    with pytest.raises(ConfigurationError) as raised:
        Answer.model_validate({"llm": ScriptedLLM(), "num_generation": 2})

    said = str(raised.value)
    assert said.startswith(
        "Answer has no parameter 'num_generation'. Did you mean 'num_generations'? It takes: "
    )
    for name in Task.model_fields:
        assert name in said


def test_an_unknown_parameter_like_no_other_gets_no_hint() -> None:
    with pytest.raises(ConfigurationError, match=r"^halve has no parameter 'xyz'\. It takes: "):
        halve.model_validate({"xyz": 1})


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({}, r"^Answer: parameter 'llm' is missing\.$"),
        (
            {"llm": ScriptedLLM(), "num_generations": 0},
            r"^Answer: parameter 'num_generations': input should be greater than or equal to 1\.$",
        ),
        (
            {"llm": ScriptedLLM(), "num_generations": 0, "input_batch_size": "many"},
            r"^Answer: parameter 'input_batch_size': .*; parameter 'num_generations': .*\.$",
        ),
        ({"llm": "nonsense"}, r"'nonsense' has no provider"),
        ({"llm": "nobody:model"}, r"There is no provider 'nobody'; it is one of: .*mistral"),
        ({"llm": ScriptedLLM(), "name": "a name"}, r"^Answer: parameter 'name': .*pattern"),
    ],
    ids=["missing", "out of range", "two at once", "no provider", "unknown provider", "name"],
)
def test_an_unfit_parameter_is_named_in_one_sentence(parameters: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Answer(**parameters)


def test_a_value_that_is_refused_is_not_repeated() -> None:
    with pytest.raises(ConfigurationError) as raised:
        Answer(llm=ScriptedLLM(), input_batch_size=cast(int, "a-secret"))

    assert "a-secret" not in str(raised.value)


def test_a_missing_column_is_named_with_the_ones_that_are_there() -> None:
    with pytest.raises(
        ConfigurationError,
        match=r"^Step 'halve_0' needs the column 'n', which does not exist; "
        r"the columns are: m, o\.$",
    ):
        applied(halve(), [{"m": 1, "o": 2}])


def test_an_optional_column_may_be_missing() -> None:
    @step(inputs={"n": True, "system_prompt": False})
    def look(rows: list[Row]) -> Iterator[list[Row]]:
        yield rows

    assert rows_after(applied(look(), numbers(1))) == numbers(1)


@pytest.mark.parametrize("error", [ConfigurationError, MissingKeyError])
@pytest.mark.parametrize("values", [(1,), (1, 2, 3)], ids=["one row", "a batch"])
def test_a_configuration_error_inside_a_step_is_no_rejection(
    error: type[ConfigurationError], values: tuple[int, ...]
) -> None:
    @step(inputs=["n"])
    def misconfigured(rows: list[Row]) -> Iterator[list[Row]]:
        raise error("set the variable")
        yield rows

    with pytest.raises(error, match="set the variable"):
        applied(misconfigured(), numbers(*values))


@pytest.mark.parametrize("base", [Step, GlobalStep])
def test_a_step_without_a_body_says_what_to_write(base: type[Step]) -> None:
    class Empty(base):  # type: ignore[valid-type,misc]  # the base is the parameter
        pass

    with pytest.raises(ConfigurationError, match="Empty overrides neither `process` nor"):
        applied(Empty(), numbers(1))


def test_a_source_without_a_body_says_what_to_write() -> None:
    class Empty(GeneratorStep):
        pass

    with pytest.raises(ConfigurationError, match="Empty overrides neither `process` nor"):
        list(Empty().keyed_frames())


def test_a_source_does_not_map_one_column_onto_another() -> None:
    source = Rows(name="source", data=[{"a": 1, "b": 2}], output_mappings={"a": "b"})

    with pytest.raises(ConfigurationError, match=r"'source'.*'b'"):
        list(source.keyed_frames())


def test_a_configured_step_cannot_be_changed() -> None:
    made = halve()

    with pytest.raises(ValueError, match="frozen"):
        made.input_batch_size = 3


# Names.


@pytest.mark.parametrize(
    ("class_name", "name"),
    [
        ("TextGeneration", "text_generation"),
        ("FormatTextGenerationSFT", "format_text_generation_sft"),
        ("PRMFormat", "prm_format"),
        ("UltraFeedback", "ultra_feedback"),
        ("Genstruct", "genstruct"),
    ],
)
def test_a_step_is_named_after_its_class(class_name: str, name: str) -> None:
    assert snake_case(type(class_name, (), {})) == name


def test_steps_of_one_class_in_a_graph_are_numbered() -> None:
    with Graph("g") as graph:
        halve()
        halve(name="other")
        halve()

    assert list(graph.steps) == ["halve_0", "other", "halve_1"]


def test_equal_steps_are_still_two_steps() -> None:
    first, second = halve(), halve()

    assert first != second
    assert len({first, second}) == 2


def test_mutable_defaults_are_not_shared() -> None:
    class Remembering(Step):
        words: list[str] = Field(default_factory=list)

    first, second = Remembering(), Remembering()
    first.words.append("x")

    assert second.words == []


def test_hidden_columns_never_reach_the_step() -> None:
    seen: list[str] = []

    @step()
    def look(rows: list[Row]) -> Iterator[list[Row]]:
        seen.extend(name for row in rows for name in row)
        yield rows

    applied(look(input_mappings={"n": "m"}), [{"n": 1, "m": 2}])

    assert set(seen) == {"n", "m"}
    assert KEY not in seen
