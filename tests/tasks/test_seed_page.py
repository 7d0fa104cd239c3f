"""Programs written for distilabel's tasks run with other imports only.

`seed_page_*.txt` use every name, argument and override of its page on tasks, with texts of our own.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module, invalidate_caches
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import pytest

from llms import MistralLLM
from llms.errors import AuthenticationFailed, ConfigurationError, MissingKeyError, RowRejected
from tasks import Graph, Step
from tests.loopback import LoopbackProvider, Status, loopback_provider

HERE = Path(__file__).parent
KEY = "sk-planted-5f3a9c1e77b24d60"

IMPORTS = {
    "distilabel.pipeline": "flows",
    "distilabel.llms.mistral": "llms",
    "distilabel.steps.tasks.text_generation": "tasks",
    "distilabel.steps.tasks.base": "tasks",
    "distilabel.steps.tasks.typing": "tasks",
}
"""Where the page imports from, and where its programs do here."""

PAIR = "[Problem Description] Add two numbers.\n[Solution]\nreturn a + b\n"


class RunPage(Protocol):
    """Runs a program of the page, without the lines that contain `dropping`."""

    def __call__(self, program: str, *, dropping: str | None = None) -> ModuleType: ...


@pytest.fixture
def run_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunPage]:
    """Write a program of the page to a file, with the imports of this project, and run it."""

    def run(program: str, *, dropping: str | None = None) -> ModuleType:
        text = (HERE / f"seed_page_{program}.txt").read_text(encoding="utf-8")
        for theirs, ours in IMPORTS.items():
            text = text.replace(f"from {theirs} import", f"from {ours} import")
        assert "distilabel" not in text
        if dropping is not None:
            assert text.count(dropping) == 1
            text = "\n".join(line for line in text.splitlines() if dropping not in line)
        (tmp_path / "page_program.py").write_text(text, encoding="utf-8")
        monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
        invalidate_caches()
        return import_module("page_program")

    yield run
    sys.modules.pop("page_program", None)


def answer(body: dict[str, Any]) -> str:
    """Answer the questions of the page."""
    said = body["messages"][-1]["content"]
    return PAIR if "[Problem Description]" in said else "Text that a model wrote."


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackProvider]:
    """Mistral's API on loopback, with the key in the variable that the page reads."""
    monkeypatch.delenv("MISTRAL_API_KEY", raising=False)
    with loopback_provider(reply=answer) as provider:
        monkeypatch.setenv("MISTRALAI_API_KEY", KEY)
        monkeypatch.setenv("MISTRAL_ENDPOINT", provider.root)
        yield provider


def test_text_generation_runs_as_on_the_page(
    provider: LoopbackProvider, run_page: RunPage, capsys: pytest.CaptureFixture[str]
) -> None:
    page = run_page("text_generation")

    assert page.result[0]["generation"] == "Text that a model wrote."
    assert page.result[0]["instruction"] == "What is a still house?"
    assert capsys.readouterr().out == "Text that a model wrote.\n"
    (body,) = provider.stats().bodies
    assert body["model"] == "mistral-tiny"
    assert body["messages"][-1] == {"role": "user", "content": "What is a still house?"}
    assert list(provider.stats().authorizations) == [f"Bearer {KEY}"]


def test_the_result_of_the_page_tells_the_model_and_the_raw_texts(
    provider: LoopbackProvider, run_page: RunPage
) -> None:
    (row,) = run_page("text_generation").result

    assert row["model_name"] == "mistral-tiny"
    metadata = row["distilabel_metadata"]
    assert metadata["raw_output_text-generation"] == "Text that a model wrote."
    assert metadata["raw_input_text-generation"] == provider.stats().bodies[0]["messages"]
    assert metadata["statistics_text-generation"]["finish_reason"] == "stop"


def test_a_task_of_ones_own_runs_as_on_the_page(
    provider: LoopbackProvider, run_page: RunPage, capsys: pytest.CaptureFixture[str]
) -> None:
    page = run_page("oss_instruct", dropping="num_instructions=1,")

    assert page.result[0]["problem"] == "Add two numbers."
    assert page.result[0]["solution"] == "return a + b"
    assert capsys.readouterr().out == "Add two numbers.\nreturn a + b\n"
    (body,) = provider.stats().bodies
    assert body["model"] == "mistral-medium"
    prompt = page.oss_instruct_prompt.format(code=page.code_snippet)
    assert body["messages"] == [{"role": "user", "content": prompt}]


def test_a_parameter_that_the_page_misspells_gets_a_clear_error(
    provider: LoopbackProvider, run_page: RunPage
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        run_page("oss_instruct")

    assert str(raised.value).startswith(
        "OSSInstruct has no parameter 'num_instructions'. Did you mean 'num_generations'? "
        "It takes: "
    )
    assert provider.stats().requests == 0


def test_the_steps_of_the_page_belong_to_their_pipelines(
    provider: LoopbackProvider, run_page: RunPage
) -> None:
    page = run_page("oss_instruct", dropping="num_instructions=1,")

    assert isinstance(page.oss_instruct, Step)
    pipeline = page.oss_instruct.pipeline
    assert isinstance(pipeline, Graph)
    assert (pipeline.name, list(pipeline.steps)) == ("oss-instruct-pipeline", ["oss-generation"])


def test_running_the_page_again_costs_no_call(
    provider: LoopbackProvider, run_page: RunPage
) -> None:
    first = run_page("oss_instruct", dropping="num_instructions=1,").result
    sys.modules.pop("page_program")

    second = run_page("oss_instruct", dropping="num_instructions=1,").result

    assert second == first
    assert provider.stats().requests == 1


def test_several_rows_at_once_each_get_their_answer(
    provider: LoopbackProvider, run_page: RunPage
) -> None:
    task = run_page("text_generation").text_generation

    rows = next(task.process([{"instruction": f"question {number}"} for number in range(20)]))

    assert [row["instruction"] for row in rows] == [f"question {number}" for number in range(20)]
    assert provider.stats().requests == 21


def test_a_reply_the_own_task_cannot_read_says_so_instead_of_returning_none(
    provider: LoopbackProvider, run_page: RunPage
) -> None:
    task = run_page("oss_instruct", dropping="num_instructions=1,").oss_instruct
    provider.reply = lambda body: "no sections here"

    with pytest.raises(RowRejected, match="1 of 1 rows were rejected by step 'oss-generation'"):
        next(task.process([{"code_snippet": "another"}]))


def test_the_private_prompt_of_the_page_is_part_of_what_its_task_does(
    provider: LoopbackProvider, run_page: RunPage
) -> None:
    page = run_page("oss_instruct", dropping="num_instructions=1,")

    class Briefer(page.OSSInstruct):  # type: ignore[name-defined,misc]  # a class of the page
        _template: str = "{code}"

    shared = {"name": "a", "llm": page.oss_instruct.llm}
    assert Briefer(**shared).signature != page.OSSInstruct(**shared).signature


def test_the_key_of_the_page_is_nowhere_to_be_seen(
    provider: LoopbackProvider, run_page: RunPage
) -> None:
    page = run_page("text_generation")

    assert KEY not in page.text_generation.pipeline.to_yaml()
    assert KEY not in repr(page.text_generation)
    assert KEY not in repr(page.result)


def test_without_a_key_the_page_says_which_variable_to_set(
    provider: LoopbackProvider, run_page: RunPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MISTRALAI_API_KEY")
    monkeypatch.delenv("MISTRAL_ENDPOINT")

    with pytest.raises(MissingKeyError, match="set the environment variable MISTRAL_API_KEY"):
        run_page("text_generation")


def test_a_wrong_key_is_an_error_and_not_an_empty_row(
    provider: LoopbackProvider, run_page: RunPage
) -> None:
    provider.fail_with([Status(401)])

    with pytest.raises(AuthenticationFailed, match="The API key was refused"):
        run_page("text_generation")


def test_the_model_of_the_page_can_be_named_in_one_word(provider: LoopbackProvider) -> None:
    assert MistralLLM(model="mistral-tiny").key() == KEY
