"""Other values for parameters, and rows to start from, given when a pipeline runs."""

from __future__ import annotations

from typing import Any

import pytest

from llms import ScriptedLLM
from llms.errors import ConfigurationError
from tasks import Graph, KeepColumns, LoadDataFromDicts, TextGeneration
from tasks.runtime_parameters import with_dataset, with_parameters


def graph(with_source: bool = True) -> Graph:
    """Return a small graph, with or without a source."""
    with Graph("small", "A small one.") as made:
        llm = ScriptedLLM(model="first").sampling(temperature=0.2, max_new_tokens=9)
        answer = TextGeneration(name="answer", llm=llm, system_prompt="Be brief.")
        answer >> KeepColumns(name="keep", columns=("generation",))
        if with_source:
            LoadDataFromDicts(name="load", data=[{"instruction": "Hi"}]) >> answer
    return made


def test_a_step_gets_other_values_and_keeps_the_rest() -> None:
    before = graph()
    after = with_parameters(before, {"answer": {"num_generations": 3}})
    assert after.steps["answer"].num_generations == 3  # type: ignore[attr-defined]  # a task has it
    assert after.steps["answer"].system_prompt == "Be brief."  # type: ignore[attr-defined]  # as above
    assert after.edges == before.edges
    assert list(after.steps) == list(before.steps)
    assert before.steps["answer"].num_generations == 1  # type: ignore[attr-defined]  # as above
    assert after.steps["keep"].signature == before.steps["keep"].signature
    assert after.validate().keys() == before.validate().keys()


def test_parameters_of_a_model_are_nested_and_change_only_what_they_name() -> None:
    nested = {"model": "second", "generation_kwargs": {"temperature": 0.9}}
    llm: Any = with_parameters(graph(), {"answer": {"llm": nested}}).steps["answer"]
    assert llm.llm.model == "second"
    assert llm.llm.generation_kwargs.temperature == 0.9
    assert llm.llm.generation_kwargs.max_new_tokens == 9


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"anser": {}},
            "step 'anser', which pipeline 'small' does not have. Did you mean 'answer'",
        ),
        ({"answer": {"num_generation": 2}}, "Did you mean 'num_generations'"),
        ({"answer": {"llm": {"generation_kwargs": {"heat": 1}}}}, "no parameter 'heat'"),
        ({"answer": {"num_generations": 0}}, "parameter 'num_generations'"),
    ],
)
def test_what_does_not_exist_or_fit_is_told(parameters: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        with_parameters(graph(), parameters)


def test_rows_may_be_given_to_a_pipeline_without_a_source() -> None:
    made = with_dataset(graph(with_source=False), [{"instruction": "Hi"}])
    columns = made.validate()
    assert list(columns["keep"] or {}) == ["generation"]


def test_rows_for_a_pipeline_with_a_source_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="has one, 'load'; leave out one of them"):
        with_dataset(graph(), [{"instruction": "Hi"}])
