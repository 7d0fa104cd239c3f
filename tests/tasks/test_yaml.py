"""A pipeline as YAML: all of it, without secrets, and back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import Field, SecretStr

from llms import MistralLLM, OpenAILLM, ScriptedLLM
from llms.config import Operational
from llms.errors import ConfigurationError
from tasks import Graph, Row, Step, step
from tasks.graph import pipeline_digest
from tests.tasks.conftest import Answer, Rows

SECRET = "sk-planted-5f3a9c1e77b24d60"
HERE = __name__
SOURCE = {"name": "source", "step": "tests.tasks.conftest:Rows"}


class Configured(Step):
    """A step with parameters of many types."""

    words: frozenset[str] = frozenset()
    weights: dict[str, float] = Field(default_factory=dict)
    since: date | None = None
    pairs: tuple[tuple[int, int], ...] = ()
    limit: int = 3

    def process(self, inputs: list[Row]) -> Iterator[list[Row]]:
        yield inputs


@step()
def look(rows: list[Row], depth: int = 1) -> Iterator[list[Row]]:
    yield rows


class Outer:
    """A place for a step that is not at the top of its module."""

    class Inner(Configured):
        """A nested step."""


def full() -> Graph:
    """Return a graph that uses everything a file can say."""
    with Graph("full", description="Uses everything: \u00e4, 'quotes' and\nlines.") as graph:
        source = Rows(name="source", data=[{"question": "\u00e4", "n": 1}], key_columns=("n",))
        configured = Configured(
            name="configured",
            words=frozenset({"b", "a", "c"}),
            weights={"y": 0.5, "x": 1.0},
            since=date(2026, 1, 2),
            pairs=((1, 2), (3, 4)),
        )
        ask = Answer(
            name="ask",
            llm=ScriptedLLM.model_validate(
                {"replies": ("a", "b"), "generation_kwargs": {"temperature": 0.5, "stop": ["."]}}
            ),
            num_generations=2,
            input_batch_size=7,
            input_mappings={"instruction": "question"},
            output_mappings={"generation": "answer"},
        )
        source >> configured >> [ask, look.model_validate({"name": "look", "depth": 2})]
        source >> Outer.Inner(name="inner")
    return graph


def read_back(graph: Graph, folder: Path) -> Graph:
    """Write a graph to a file and read it."""
    path = folder / "pipeline.yaml"
    path.write_text(graph.to_yaml(), encoding="utf-8")
    return Graph.from_yaml(path)


def from_steps(*steps: Any) -> Graph:
    """Read a graph with these entries under `steps`."""
    return Graph.from_dict({"name": "g", "steps": list(steps)})


# There and back.


def test_a_graph_comes_back_from_yaml_as_it_was(tmp_path: Path) -> None:
    graph = full()

    back = read_back(graph, tmp_path)

    assert pipeline_digest(back) == pipeline_digest(graph)
    assert back.to_dict() == graph.to_dict()
    assert (back.name, back.description) == (graph.name, graph.description)
    assert (back.edges, list(back.steps)) == (graph.edges, list(graph.steps))
    assert back.steps["ask"].input_batch_size == 7
    assert [type(step) for step in back.steps.values()] == [
        type(step) for step in graph.steps.values()
    ]


def test_yaml_is_the_same_after_a_second_round(tmp_path: Path) -> None:
    once = read_back(full(), tmp_path)

    assert read_back(once, tmp_path).to_yaml() == once.to_yaml()


def test_yaml_reads_like_the_recipe() -> None:
    with Graph("small", description="Asks.") as graph:
        source = Rows(name="source", data=[{"instruction": "a"}])
        source >> Answer(name="ask", llm=ScriptedLLM(replies=("x",)), num_generations=2)

    assert graph.to_yaml() == (
        "name: small\n"
        "description: Asks.\n"
        "steps:\n"
        "- name: source\n"
        "  step: tests.tasks.conftest:Rows\n"
        "  parameters:\n"
        "    data:\n"
        "    - instruction: a\n"
        "- name: ask\n"
        "  step: tests.tasks.conftest:Answer\n"
        "  after:\n"
        "  - source\n"
        "  parameters:\n"
        "    llm:\n"
        "      provider: scripted\n"
        "      replies:\n"
        "      - x\n"
        "    num_generations: 2\n"
    )


def test_a_set_is_written_in_the_same_order_by_every_process() -> None:
    words = [f"word {number:02}" for number in range(30)]
    with Graph("g") as graph:
        Configured(name="configured", words=frozenset(words))

    assert graph.to_dict()["steps"][0]["parameters"]["words"] == words


def test_order_of_branches_survives(tmp_path: Path) -> None:
    with Graph("g") as graph:
        source = Rows(name="source")
        first, second = Answer(name="b", llm=ScriptedLLM()), Answer(name="a", llm=ScriptedLLM())
        source >> [second, first]

    assert read_back(graph, tmp_path).branches() == graph.branches() == {"b": 0, "a": 1}


def test_a_model_may_be_named_by_a_string(tmp_path: Path) -> None:
    described = {
        "name": "ask",
        "step": "tests.tasks.conftest:Answer",
        "after": ["source"],
        "parameters": {"llm": "mistral:mistral-tiny"},
    }

    task = from_steps(SOURCE, described).steps["ask"]

    assert isinstance(task, Answer)
    assert isinstance(task.llm, MistralLLM)
    assert task.llm.model == "mistral-tiny"


def test_a_step_may_come_after_one_that_stands_below_it() -> None:
    graph = from_steps({"name": "look", "step": f"{HERE}:look", "after": ["source"]}, SOURCE)

    assert graph.edges == [("source", "look")]


def test_one_step_before_may_be_named_without_a_list() -> None:
    graph = from_steps(SOURCE, {"name": "look", "step": f"{HERE}:look", "after": "source"})

    assert graph.edges == [("source", "look")]


def test_the_digest_tells_pipelines_apart_by_what_they_do() -> None:
    def graph(name: str = "g", depth: int = 1, *, connected: bool = True) -> Graph:
        with Graph(name) as made:
            source, after = Rows(name="source"), look.model_validate({"name": "l", "depth": depth})
            if connected:
                source >> after
        return made

    assert pipeline_digest(graph()) == pipeline_digest(graph("another name"))
    assert len({pipeline_digest(g) for g in (graph(), graph(depth=2))}) == 2
    assert len({pipeline_digest(g) for g in (graph(), graph(connected=False))}) == 2


# No secrets.


@pytest.mark.parametrize(
    "llm",
    [
        pytest.param(MistralLLM(model="m", api_key=SecretStr(SECRET)), id="key of Mistral"),
        pytest.param(OpenAILLM(model="m", api_key=SecretStr(SECRET)), id="key of OpenAI"),
        pytest.param(
            OpenAILLM(model="m", default_headers={"Authorization": f"Bearer {SECRET}"}),
            id="header",
        ),
    ],
)
def test_no_secret_is_written(llm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    with Graph("g") as graph:
        ask = Answer(name="ask", llm=llm)

    assert SECRET not in graph.to_yaml()
    assert SECRET not in repr(ask)
    assert SECRET not in ask.signature


def test_a_secret_parameter_of_a_step_is_not_written_and_not_invented(tmp_path: Path) -> None:
    class Private(Configured):
        token: Operational[SecretStr | None] = None

    with Graph("g") as graph:
        Private(name="private", token=SecretStr(SECRET))

    written = graph.to_yaml()

    assert SECRET not in written
    assert "***" not in written


def test_a_key_comes_from_the_block_that_is_named(tmp_path: Path) -> None:
    with Graph("g") as graph:
        Answer(name="ask", llm=MistralLLM(model="m", api_key_block="team-key"))

    task = read_back(graph, tmp_path).steps["ask"]

    assert isinstance(task, Answer)
    assert isinstance(task.llm, MistralLLM)
    assert task.llm.api_key_block == "team-key"


# Files that are wrong.


@pytest.mark.parametrize(
    ("value", "said"),
    [
        pytest.param([], r"^A pipeline file needs `name:` and a list of `steps:`", id="a list"),
        pytest.param({"steps": []}, r"^A pipeline file needs `name:`", id="no name"),
        pytest.param({"name": "g"}, r"^A pipeline file needs `name:` and a list", id="no steps"),
        pytest.param({"name": 1, "steps": []}, r"^A pipeline file needs `name:`", id="number"),
        pytest.param(
            {"name": "g", "steps": [], "descripton": "x"}, r"'?descripton'?", id="unknown entry"
        ),
    ],
)
def test_a_file_that_is_no_pipeline_says_what_a_pipeline_needs(value: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Graph.from_dict(value)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        pytest.param("look", r"^Each step needs `name:` and `step:`; found 'look'\.$", id="text"),
        pytest.param({"name": "a"}, r"^Each step needs `name:` and `step:`; found ", id="no step"),
        pytest.param(
            {"name": "a", "step": f"{HERE}:look", "depth": 2},
            r"^Step 'a' has unknown entries: depth; what the step takes belongs under "
            r"`parameters:`\.$",
            id="parameter in the wrong place",
        ),
        pytest.param(
            {"name": "a", "step": "TextGenration"},
            r"^There is no step 'TextGenration'; `stillhouse steps` lists the steps, and a step "
            r"of your own is named 'module:Class'\.$",
            id="unknown step",
        ),
        pytest.param({"name": "a", "step": 3}, r"^There is no step 3;", id="number as step"),
        pytest.param({"name": "a", "step": "Graph"}, r"^There is no step 'Graph'", id="no step"),
        pytest.param({"name": "a", "step": "Task"}, r"'Task'", id="abstract step"),
        pytest.param(
            {"name": "a", "step": "no_such_module:Own"},
            r"^The step 'no_such_module:Own' cannot be imported: ",
            id="unknown module",
        ),
        pytest.param(
            {"name": "a", "step": f"{HERE}:Nothing"},
            r"^The step '.*:Nothing' cannot be imported: ",
            id="unknown class",
        ),
        pytest.param(
            {"name": "a", "step": "json:loads"}, r"^There is no step 'json:loads'", id="function"
        ),
        pytest.param(
            {"name": "a", "step": f"{HERE}:look", "parameters": {"detph": 2}},
            r"^look has no parameter 'detph'\. Did you mean 'depth'\? It takes: ",
            id="unknown parameter",
        ),
        pytest.param(
            {"name": "a", "step": f"{HERE}:look", "parameters": {"depth": "deep"}},
            r"^look: parameter 'depth': ",
            id="unfit parameter",
        ),
        pytest.param(
            {"name": "a", "step": f"{HERE}:look", "parameters": ["depth"]},
            r"^Step 'a' .*`parameters:`",
            id="parameters as a list",
        ),
        pytest.param(
            {"name": "a", "step": f"{HERE}:look", "parameters": {"name": "b"}},
            r"^Step 'a' .*'name'",
            id="a second name",
        ),
        pytest.param(
            {"name": "a", "step": f"{HERE}:look", "after": ["sauce"]},
            r"^Step 'a' comes after 'sauce', which is not in the file\.$",
            id="unknown source",
        ),
        pytest.param(
            {"name": "source", "step": f"{HERE}:look"},
            r"already has a step 'source'",
            id="name twice",
        ),
    ],
)
def test_a_step_that_is_wrong_is_explained_in_one_sentence(entry: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        from_steps(SOURCE, entry)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError,
        match=r"^The pipeline file '.*nowhere\.yaml' cannot be read: No such file or directory\.$",
    ):
        Graph.from_yaml(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize(
    "content",
    [b"name: [", b"name: !!python/object:os.system {}", b"\xff\xfe\x00"],
    ids=["unbalanced", "python object", "not text"],
)
def test_a_file_that_is_not_yaml_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.yaml"
    path.write_bytes(content)

    with pytest.raises(ConfigurationError, match=r"broken\.yaml' is not valid YAML: "):
        Graph.from_yaml(path)


def test_a_parameter_that_cannot_be_written_is_named() -> None:
    class Holding(Configured):
        thing: Any = None

    with Graph("g") as graph:
        Holding(name="holding", thing=object())

    with pytest.raises(
        ConfigurationError, match=r"^Step 'holding' has a parameter that cannot be written to YAML"
    ):
        graph.to_yaml()


def test_yaml_is_plain(tmp_path: Path) -> None:
    assert yaml.safe_load(full().to_yaml()) == full().to_dict()
