"""Prompts: strict templates in files beside the step."""

from __future__ import annotations

import sys
from importlib import import_module, invalidate_caches
from pathlib import Path
from typing import Any

import pytest

from llms.errors import ConfigurationError, RowRejected
from tasks.prompt import Prompt, compiled, render, variables


def test_a_template_is_filled_with_values() -> None:
    assert render("Say {{ word }} {{ n }} times.", {"word": "hi", "n": 2}) == "Say hi 2 times."


def test_a_template_may_branch_and_loop() -> None:
    template = (
        "{% if words %}\nWords:\n{% for word in words %}\n- {{ word }}\n{% endfor %}\n{% endif %}"
    )

    assert render(template, {"words": ["a", "b"]}) == "Words:\n- a\n- b"


def test_the_edges_of_a_prompt_are_trimmed_and_its_inside_is_not() -> None:
    assert render("\n\na\n\n  b\n\n", {}) == "a\n\n  b"


@pytest.mark.parametrize("text", ["{{ word }}", "{% raw %}", "{# note #}", "<b>&amp;</b>", "{}"])
def test_a_value_is_never_taken_for_a_template(text: str) -> None:
    assert render("{{ text }}", {"text": text}) == text


def test_a_missing_value_rejects_the_row() -> None:
    with pytest.raises(RowRejected, match=r"^the prompt cannot be filled: 'word' is undefined$"):
        render("Say {{ word }}", {"wrod": "hi"})


@pytest.mark.parametrize(
    "template",
    ["{{ n + 'text' }}", "{{ nothing.upper() }}", "{{ n() }}", "{{ 1 // 0 }}"],
    ids=["addition", "attribute of nothing", "call", "division"],
)
def test_values_that_a_template_cannot_use_reject_the_row(template: str) -> None:
    with pytest.raises(RowRejected, match=r"^the prompt cannot be filled: "):
        render(template, {"n": 1, "nothing": None})


@pytest.mark.parametrize(
    "template",
    [
        "{{ row.__class__.__mro__ }}",
        "{{ row.__class__.__base__.__subclasses__() }}",
        "{{ ''.__class__ }}",
    ],
)
def test_a_template_cannot_reach_into_python(template: str) -> None:
    with pytest.raises(RowRejected):
        render(template, {"row": {}})


def test_a_template_that_is_not_jinja_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match=r"^The template is not valid Jinja2: "):
        render("{% if %}", {})


def test_the_names_that_a_template_needs_are_known() -> None:
    template = "{% for item in items %}{{ item }} {{ loop.index }} {{ note }}{% endfor %}"

    assert variables(template) == {"items", "note"}


def test_a_template_is_compiled_once() -> None:
    assert compiled("Say {{ word }}") is compiled("Say {{ word }}")


@pytest.fixture
def asking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A class with a prompt, in a module of its own."""
    folder = tmp_path / "family"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "ask.jinja2").write_text("Frage: {{ question }} \u00e4\n", encoding="utf-8")
    (folder / "asking.py").write_text(
        "from tasks import Prompt\n\n\nclass Asking:\n    template = Prompt('ask.jinja2')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    invalidate_caches()
    yield import_module("family.asking").Asking
    for name in ("family", "family.asking"):
        del sys.modules[name]


def test_a_prompt_is_read_from_the_file_beside_its_class(asking: Any) -> None:
    assert asking.template.text == "Frage: {{ question }} \u00e4\n"
    assert asking.template.render(question="why") == "Frage: why \u00e4"


def test_a_prompt_is_read_from_the_folder_of_the_class_that_names_it(asking: Any) -> None:
    class Derived(asking):  # type: ignore[misc]  # the base is made by the fixture
        pass

    assert Derived.template.render(question="who") == "Frage: who \u00e4"


def test_a_prompt_file_that_is_missing_is_a_configuration_error() -> None:
    class Asking:
        template = Prompt("nowhere.jinja2")

    with pytest.raises(ConfigurationError, match=r"nowhere\.jinja2"):
        Asking.template.render()
