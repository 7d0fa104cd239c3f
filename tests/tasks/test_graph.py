"""The graph: wired with arrows, and checked before the first call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

import polars as pl
import pytest

from llms import MistralLLM
from llms.errors import ConfigurationError, MissingKeyError
from llms.image_generation.scripted import ScriptedImageGeneration
from tasks import (
    FanInStep,
    Graph,
    ImageGeneration,
    KeepColumns,
    LoadDataFromDicts,
    Row,
    Step,
    step,
)
from tasks.step import current_graph
from tests.tasks.conftest import Answer, RecordingLLM, Rows

DATA = [{"instruction": "a", "n": 1}]


@step(inputs={"n": pl.Int64}, outputs={"twice": pl.Int64})
def double(rows: list[Row]) -> Iterator[list[Row]]:
    for row in rows:
        row["twice"] = row["n"] * 2
    yield rows


@step(inputs={"text": pl.String})
def read(rows: list[Row]) -> Iterator[list[Row]]:
    yield rows


@step()
def look(rows: list[Row]) -> Iterator[list[Row]]:
    yield rows


@pytest.fixture(autouse=True)
def _no_graph_around() -> Iterator[None]:
    token = current_graph.set(None)
    yield
    current_graph.reset(token)


class Join(FanInStep):
    """Joins anything."""

    def join(self, frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
        return frames[0]


def schema(**kinds: Any) -> dict[str, dict[str, Any]]:
    """Return the columns of a source named "source"."""
    return {"source": kinds}


# Wiring.


def test_an_arrow_connects_two_steps() -> None:
    with Graph("g") as graph:
        a, b = Rows(name="a"), look(name="b")
        a >> b

    assert graph.edges == [("a", "b")]
    assert (graph.sources_of("b"), graph.sources_of("a"), graph.leaves()) == (["a"], [], ["b"])


def test_arrows_chain_through_lists() -> None:
    with Graph("g") as graph:
        a, b, c, d = Rows(name="a"), look(name="b"), look(name="c"), Join(name="d")
        a >> [b, c] >> d

    assert graph.edges == [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")]
    assert graph.sources_of("d") == ["b", "c"]


def test_connect_does_what_an_arrow_does() -> None:
    with Graph("g") as graph:
        a, b, c = Rows(name="a"), look(name="b"), look(name="c")
        a.connect(b, c)

    assert graph.edges == [("a", "b"), ("a", "c")]


def test_the_same_arrow_twice_is_one_connection() -> None:
    with Graph("g") as graph:
        a, b = Rows(name="a"), look(name="b")
        a >> b
        a >> b

    assert graph.edges == [("a", "b")]


def test_a_step_can_be_given_its_graph() -> None:
    graph = Graph("g")

    Rows(name="a", pipeline=graph) >> look(name="b", pipeline=graph)

    assert graph.edges == [("a", "b")]


def test_the_graph_that_is_named_wins_over_the_one_around() -> None:
    inner = Graph("inner")
    with Graph("outer") as outer:
        look(name="a", pipeline=inner)

    assert (list(inner.steps), list(outer.steps)) == (["a"], [])


def test_nested_graphs_each_take_their_own_steps() -> None:
    with Graph("outer") as outer:
        look(name="before")
        with Graph("inner") as inner:
            look(name="inside")
        look(name="after")

    assert list(outer.steps) == ["before", "after"]
    assert list(inner.steps) == ["inside"]


def test_after_the_block_steps_belong_to_no_graph() -> None:
    with Graph("g") as graph:
        pass

    look(name="late")

    assert graph.steps == {}


def test_an_error_inside_the_block_ends_it_too() -> None:
    with pytest.raises(RuntimeError), Graph("g"):
        raise RuntimeError

    assert current_graph.get() is None


def test_a_graph_can_be_entered_again() -> None:
    graph = Graph("g")
    with graph:
        look(name="a")
    with graph, graph:
        look(name="b")

    assert list(graph.steps) == ["a", "b"]
    assert current_graph.get() is None


def test_a_step_that_could_not_be_made_leaves_no_trace() -> None:
    with Graph("g") as graph, pytest.raises(ConfigurationError):
        look(name="a", input_batch_size=0)

    assert graph.steps == {}


def test_two_steps_cannot_have_one_name() -> None:
    with Graph("g"):
        look(name="a")

        with pytest.raises(
            ConfigurationError,
            match=r"^Pipeline 'g' already has a step 'a'; give one another name=\.$",
        ):
            Rows(name="a")


def test_steps_of_two_graphs_cannot_be_connected() -> None:
    with Graph("one"):
        a = Rows(name="a")
    with Graph("two"):
        b = look(name="b")

    with pytest.raises(
        ConfigurationError,
        match=r"^Step 'b' does not belong to pipeline 'one'; steps can only be connected inside "
        r"one pipeline\.$",
    ):
        a >> b


def test_a_step_of_another_graph_is_not_taken_for_one_of_the_same_name() -> None:
    with Graph("one"):
        a, _ = Rows(name="a"), look(name="b")
    with Graph("two"):
        other = look(name="b")

    with pytest.raises(ConfigurationError, match="'b' does not belong to pipeline 'one'"):
        a >> other


def test_steps_outside_a_graph_cannot_be_connected() -> None:
    with pytest.raises(ConfigurationError, match=r"^Step 'a' is in no pipeline; make it inside"):
        Rows(name="a") >> look(name="b")


def test_steps_are_ordered_after_what_feeds_them() -> None:
    with Graph("g") as graph:
        d, c, b, a = Join(name="d"), look(name="c"), look(name="b"), Rows(name="a")
        a >> [b, c] >> d

    assert graph.order() == ["a", "c", "b", "d"]
    assert graph.followers_of("b") == ["d"]
    assert graph.followers_of("a") == ["c", "b", "d"]


# What validation finds.


def straight(*steps: Callable[[], Step]) -> Graph:
    """Return a graph of a source and some steps in a row."""
    with Graph("g") as graph:
        last: Step = Rows(name="source", data=DATA)
        for make in steps:
            last = last >> make()
    return graph


def test_a_sound_graph_tells_the_columns_after_each_step() -> None:
    graph = straight(double, lambda: Answer(name="ask", llm=RecordingLLM()))

    columns = graph.validate(schema(n=pl.Int64, instruction=pl.String))

    assert columns["double_0"] == {"n": pl.Int64, "instruction": pl.String, "twice": pl.Int64}
    assert list(columns["ask"] or {}) == [
        *("n", "instruction", "twice"),
        *("generation", "model_name", "distilabel_metadata"),
    ]


def test_an_empty_graph_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"^Pipeline 'g' has no steps; make them inside"):
        Graph("g").validate()


def test_a_circle_is_refused() -> None:
    with Graph("g") as graph:
        source, a, b = Rows(name="source"), look(name="a"), look(name="b")
        source >> a >> b >> a

    with pytest.raises(
        ConfigurationError,
        match=r"^The steps 'a', 'b' feed each other in a circle; remove one connection\.$",
    ):
        graph.validate()


def test_a_step_that_feeds_itself_is_refused() -> None:
    with Graph("g") as graph:
        a = look(name="a")
        a >> a

    with pytest.raises(ConfigurationError, match="'a' feed each other in a circle"):
        graph.validate()


def test_a_step_behind_a_circle_is_not_blamed_for_it() -> None:
    with Graph("g") as graph:
        a, b, c = look(name="a"), look(name="b"), look(name="c")
        a >> b >> a
        b >> c

    with pytest.raises(ConfigurationError) as raised:
        graph.validate()

    assert "'c'" not in str(raised.value)


def test_a_step_without_a_source_is_refused() -> None:
    with Graph("g") as graph:
        Rows(name="source") >> look(name="a")
        look(name="lonely")

    with pytest.raises(ConfigurationError, match=r"^Step 'lonely' has nothing before it; connect"):
        graph.validate()


def test_a_source_that_is_fed_is_refused() -> None:
    with Graph("g") as graph:
        Rows(name="a") >> Rows(name="b")

    with pytest.raises(
        ConfigurationError, match=r"^Step 'b' is a source and cannot come after 'a'\.$"
    ):
        graph.validate()


def test_a_step_that_takes_the_rows_of_one_cannot_come_after_two() -> None:
    with Graph("g") as graph:
        source, a, b, c = Rows(name="source"), look(name="a"), look(name="b"), look(name="c")
        source >> [a, b] >> c

    with pytest.raises(
        ConfigurationError,
        match=r"^Step 'c' comes after 'a', 'b' but takes the rows of one step; put CombineOutputs "
        r"or GroupColumns before it\.$",
    ):
        graph.validate()


def test_branches_of_one_source_may_be_joined() -> None:
    with Graph("g") as graph:
        source, a, b, join = Rows(name="source"), double(name="a"), look(name="b"), Join(name="j")
        source >> [a, b] >> join

    assert graph.validate(schema(n=pl.Int64))["j"] == {"n": pl.Int64, "twice": pl.Int64}


def test_rows_of_different_sources_cannot_be_joined() -> None:
    with Graph("g") as graph:
        [Rows(name="one") >> look(name="a"), Rows(name="two") >> look(name="b")] >> Join(name="j")

    with pytest.raises(
        ConfigurationError,
        match=r"^Step 'j' joins rows of different sources \('one', 'two'\), which share no rows\.$",
    ):
        graph.validate()


def test_a_missing_column_is_named_with_the_ones_that_are_there() -> None:
    graph = straight(lambda: Answer(name="ask", llm=RecordingLLM()))

    with pytest.raises(
        ConfigurationError,
        match=r"^Step 'ask' needs the column 'instruction', which does not exist there; the "
        r"columns are: n, question\.$",
    ):
        graph.validate(schema(n=pl.Int64, question=pl.String))


def test_a_column_that_a_later_step_makes_is_not_there_yet() -> None:
    graph = straight(lambda: double(name="early", input_mappings={"n": "twice"}), double)

    with pytest.raises(ConfigurationError, match="Step 'early' needs the column 'twice'"):
        graph.validate(schema(n=pl.Int64))


def test_mapped_columns_are_checked_under_the_names_of_the_dataset() -> None:
    graph = straight(
        lambda: double(name="first", output_mappings={"twice": "fourfold"}),
        lambda: double(name="second", input_mappings={"n": "fourfold"}),
    )

    assert set(graph.validate(schema(n=pl.Int64))["second"] or {}) == {"n", "fourfold", "twice"}


def test_an_optional_column_may_be_missing_but_not_of_the_wrong_type() -> None:
    @step(inputs={"note": False})
    def annotate(rows: list[Row]) -> Iterator[list[Row]]:
        yield rows

    assert straight(annotate).validate(schema(n=pl.Int64))["annotate_0"] == {"n": pl.Int64}


@pytest.mark.parametrize(
    ("found", "fits"),
    [
        (pl.Int64, True),
        (pl.Float64, True),
        (pl.Null, True),
        (None, True),
        (pl.String, False),
        (pl.List(pl.Int64), False),
    ],
    ids=repr,
)
def test_a_column_of_the_wrong_type_is_refused(found: Any, fits: bool) -> None:
    graph = straight(double)

    if fits:
        assert "twice" in (graph.validate(schema(n=found))["double_0"] or {})
    else:
        with pytest.raises(
            ConfigurationError, match=r"^Step 'double_0' needs the column 'n' as Int64, but it is "
        ):
            graph.validate(schema(n=found))


@pytest.mark.parametrize(
    ("found", "fits"),
    [(pl.List(pl.String), True), (pl.List(pl.Int64), False), (pl.String, False)],
    ids=repr,
)
def test_a_list_of_the_wrong_type_is_refused(found: Any, fits: bool) -> None:
    class Rank(Step):
        inputs: ClassVar = {"n": pl.List(pl.String)}

        def process(self, inputs: list[Row]) -> Iterator[list[Row]]:
            yield inputs

    graph = straight(Rank)

    if fits:
        graph.validate(schema(n=found))
    else:
        with pytest.raises(ConfigurationError, match="needs the column 'n' as List"):
            graph.validate(schema(n=found))


def test_generations_that_are_grouped_are_lists() -> None:
    class Typed(Answer):
        outputs: ClassVar[Any] = {"generation": pl.String}

    def graph(group: bool) -> Graph:
        return straight(
            lambda: Typed(llm=RecordingLLM(), num_generations=2, group_generations=group),
            lambda: read(input_mappings={"text": "generation"}),
        )

    graph(False).validate(schema(instruction=pl.String))
    with pytest.raises(ConfigurationError, match=r"as String, but it is List\(String\)"):
        graph(True).validate(schema(instruction=pl.String))


def test_columns_that_are_not_known_yet_are_not_refused() -> None:
    class Unknown(Rows):
        @property
        def outputs(self) -> list[str]:
            return []

    with Graph("g") as graph:
        Unknown(name="source") >> double() >> read()

    assert graph.validate() == {"source": None, "double_0": None, "read_0": None}


def test_the_declared_columns_of_a_source_are_checked_before_it_is_read() -> None:
    with pytest.raises(ConfigurationError, match="Step 'read_0' needs the column 'text'"):
        straight(read).validate()


@pytest.mark.parametrize("mapping", ["input_mappings", "output_mappings"])
def test_a_mapping_of_a_name_that_the_step_does_not_know_is_refused(mapping: str) -> None:
    graph = straight(lambda: double(**{mapping: {"twize": "n"}}))  # type: ignore[arg-type]  # both are mappings

    with pytest.raises(ConfigurationError, match=r"'double_0'.*'twize'"):
        graph.validate(schema(n=pl.Int64))


def test_validation_makes_no_call_and_reads_no_row() -> None:
    class Exploding(Rows):
        def process(self, offset: int = 0) -> Iterator[tuple[list[Row], bool]]:  # type: ignore[override]  # a generator takes no rows
            raise AssertionError("read")
            yield [], True

    llm = RecordingLLM()
    with Graph("g") as graph:
        Exploding(data=DATA) >> Answer(llm=llm) >> look()

    graph.validate()
    graph.check_models()

    assert llm.sent == []


def test_a_model_without_a_key_is_found_before_the_first_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable in ("MISTRAL_API_KEY", "MISTRALAI_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    graph = straight(lambda: Answer(llm=MistralLLM(model="mistral-tiny")))

    graph.validate()
    with pytest.raises(MissingKeyError, match="No API key for mistral"):
        graph.check_models()


# Branches: tasks that would send the same requests.


def test_tasks_that_send_the_same_requests_are_numbered() -> None:
    llm = RecordingLLM()
    with Graph("g") as graph:
        source = Rows(name="source")
        for name in ("a", "b", "c"):
            source >> Answer(name=name, llm=llm)
        source >> Answer(name="mapped", llm=llm, input_mappings={"instruction": "other"})
        source >> Answer(name="other", llm=RecordingLLM(model="other"))

    assert graph.branches() == {"a": 0, "b": 1, "c": 2, "mapped": 0, "other": 0}


# Drawing.


def test_mermaid_draws_steps_and_arrows() -> None:
    with Graph("g") as graph:
        a, b, c = Rows(name="load-data"), look(name="b"), look(name="c")
        a >> [b, c]

    drawn = graph.mermaid().splitlines()

    assert drawn[0] == "graph LR"
    assert len(drawn) == 1 + 3 + 2
    assert any("load-data" in line and "Rows" in line for line in drawn)


def test_mermaid_tells_names_apart() -> None:
    with Graph("g") as graph:
        source, a, b = Rows(name="source"), look(name="a-b"), look(name="a_b")
        source >> [a, b]

    drawn = graph.mermaid().splitlines()

    assert len({line.split("[")[0] for line in drawn[1:4]}) == 3
    assert len(set(drawn[4:])) == 2


def test_mermaid_does_not_take_a_name_for_its_own_word() -> None:
    with Graph("g") as graph:
        Rows(name="graph") >> look(name="end")

    nodes = [line.split("[")[0].strip() for line in graph.mermaid().splitlines()[1:3]]

    assert not {"end", "graph"} & set(nodes)


def test_a_graph_without_a_name_is_named_after_its_steps() -> None:
    with Graph() as graph:
        LoadDataFromDicts(name="load", data=[{"a": 1}]) >> KeepColumns(name="keep", columns=("a",))
    assert graph.name == "pipeline_load_keep"


def test_equal_steps_that_draw_images_get_images_of_their_own() -> None:
    with Graph("pictures") as graph:
        load = LoadDataFromDicts(name="load", data=[{"prompt": "A cat."}])
        for name in ("one", "other"):
            load >> ImageGeneration(name=name, image_generation_model=ScriptedImageGeneration())
    assert graph.branches() == {"one": 0, "other": 1}
