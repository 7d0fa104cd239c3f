"""`@step`: a function is enough to make a step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest

from llms.errors import ConfigurationError
from tasks import GeneratorStep, GlobalStep, Graph, Row, Step, step
from tests.tasks.conftest import applied, keys_of, rows_after


@step(inputs=["text"], outputs={"short": pl.String})
def cut(rows: list[Row], length: int = 3, mark: str = "") -> Iterator[list[Row]]:
    """Cuts a text."""
    for row in rows:
        row["short"] = row["text"][:length] + mark
    yield rows


@step(outputs=["n"], step_type="generator")
def count(limit: int = 3) -> Iterator[tuple[list[Row], bool]]:
    for n in range(limit):
        yield [{"n": n}], n == limit - 1


@step(outputs=["n"], step_type="generator")
def count_from(offset: int = 0, limit: int = 3) -> Iterator[tuple[list[Row], bool]]:
    yield [{"n": n} for n in range(offset, limit)], True


def test_a_function_becomes_a_step() -> None:
    assert issubclass(cut, Step)
    assert (cut.__name__, cut.__doc__, cut.__module__) == ("cut", "Cuts a text.", __name__)
    assert rows_after(applied(cut(), [{"text": "longer"}])) == [{"text": "longer", "short": "lon"}]


def test_its_further_arguments_become_parameters() -> None:
    made = cut.model_validate({"length": 1, "mark": "."})

    assert rows_after(applied(made, [{"text": "longer"}]))[0]["short"] == "l."
    assert made.content["length"] == 1


def test_its_parameters_are_checked() -> None:
    with pytest.raises(ConfigurationError, match=r"^cut: parameter 'length': input should be"):
        cut.model_validate({"length": "long"})


def test_an_unknown_parameter_gets_a_hint() -> None:
    with pytest.raises(ConfigurationError, match=r"cut has no parameter 'lenght'.*'length'"):
        cut.model_validate({"lenght": 2})


def test_it_takes_the_parameters_of_every_step() -> None:
    made = cut(name="short", input_mappings={"text": "body"}, output_mappings={"short": "title"})

    assert made.name == "short"
    assert rows_after(applied(made, [{"body": "longer"}])) == [{"body": "longer", "title": "lon"}]


def test_it_declares_its_columns() -> None:
    made = cut()

    assert list(made.inputs) == ["text"]
    assert made.columns_after({"text": pl.String}) == {"text": pl.String, "short": pl.String}


def test_it_joins_the_graph_it_is_made_in() -> None:
    with Graph("g") as graph:
        count() >> cut(input_mappings={"text": "n"})

    assert graph.edges == [("count_0", "cut_0")]


@pytest.mark.parametrize(
    ("kind", "base"), [("normal", Step), ("global", GlobalStep), ("generator", GeneratorStep)]
)
def test_the_type_says_which_kind_of_step_it_is(kind: Any, base: type[Step]) -> None:
    @step(step_type=kind)
    def made(rows: Any = ()) -> Iterator[Any]:
        yield rows

    assert made.__mro__[1] is base


def test_a_generator_yields_keyed_rows() -> None:
    source = count.model_validate({"limit": 2})
    assert isinstance(source, GeneratorStep)

    frames = list(source.keyed_frames())

    assert [frame["n"].to_list() for frame in frames] == [[0], [1]]
    assert len({key for frame in frames for key in keys_of(frame)}) == 2


def test_a_generator_may_take_an_offset() -> None:
    made = count_from()
    assert isinstance(made, GeneratorStep)

    assert list(made.process(offset=1)) == [([{"n": 1}, {"n": 2}], True)]
    assert "offset" not in type(made).model_fields


def test_a_function_that_returns_is_refused() -> None:
    with pytest.raises(
        ConfigurationError,
        match=r"^@step needs a function that yields lists of rows; identity returns\.$",
    ):

        @step()
        def identity(rows: list[Row]) -> Any:
            return rows


def test_an_argument_without_a_default_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"^needy: give the argument 'length' a default"):

        @step()
        def needy(rows: list[Row], length: int) -> Iterator[list[Row]]:
            yield rows[:length]


def test_an_argument_with_the_name_of_a_step_parameter_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"^clash: .*'name'"):

        @step()
        def clash(rows: list[Row], name: str = "x") -> Iterator[list[Row]]:
            yield [{**row, "name": name} for row in rows]


@pytest.mark.parametrize("kind", ["normal", "generator"])
def test_a_mutable_default_is_not_shared_between_steps(kind: Any) -> None:
    @step(step_type=kind)
    def remember(rows: Any = (), words: list[str] = []) -> Iterator[Any]:  # noqa: B006  # what is tested
        words.append("seen")
        yield rows

    first, second = remember(), remember()
    next(iter(first.process([])))

    assert second.model_dump()["words"] == []
