"""`stillhouse new task`."""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from string import Template

from rich.console import Console

from flows.command.catalogue import catalogue
from llms.errors import ConfigurationError

_NAME = re.compile(r"[A-Z][A-Za-z0-9]*")

_TASK = Template('''\
"""`$name`: what it does, in a sentence."""

from __future__ import annotations

from typing import ClassVar

import polars as pl

from tasks import ChatType, Prompt, Row, RowRejected, Task


class $name(Task):
    """Says of a text whether it is positive or negative.

    Columns: `text` (str) -> `label` (str). A reply that is neither is a rejection.
    """

    version: ClassVar = 1
    inputs: ClassVar = {"text": pl.String}
    outputs: ClassVar = {"label": pl.String}
    template: ClassVar = Prompt("$stem.jinja2")

    def format_input(self, input: Row) -> ChatType:
        return [{"role": "user", "content": self.template.render(text=input["text"])}]

    def format_output(self, output: str | None, input: Row) -> Row:
        label = (output or "").strip().strip(".*").lower()
        if label not in ("positive", "negative"):
            raise RowRejected("the reply is neither positive nor negative")
        return {"label": label}
''')

_PROMPT = """\
Is this text positive or negative? Answer with that one word.

<text>
{{ text }}
</text>
"""

_TEST = Template('''\
"""$name: what can be read is read, the rest is rejected with what was missing."""

from __future__ import annotations

import pytest

from $module import $name
from llms import ScriptedLLM
from tasks import RowRejected

ROW = {"text": "What a fine day."}


def task(reply: str) -> $name:
    """Return the task with a model that gives one reply."""
    return $name(llm=ScriptedLLM(replies=(reply,)), corrections=0)


@pytest.mark.parametrize("reply", ["positive", "Positive.", " **positive**\\r\\n"])
def test_a_label_is_read(reply: str) -> None:
    ((made,),) = task(reply).process([ROW])
    assert made["label"] == "positive"


@pytest.mark.parametrize("reply", ["", "I would rather not say.", "pos"])
def test_what_is_no_label_is_rejected(reply: str) -> None:
    with pytest.raises(RowRejected, match="neither positive nor negative"):
        list(task(reply).process([ROW]))


def test_the_prompt_shows_the_text() -> None:
    ((turn),) = task("positive").format_input(ROW)
    assert ROW["text"] in turn["content"]
''')


def write_task(name: str, folder: Path | None) -> None:
    """Write a task, its prompt and its test, and tell where they are.

    Raises:
        ConfigurationError: the name is no class name or is taken, or a file exists.
    """
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise ConfigurationError(
            f"{name!r} is no name for a task; write it like a class: Sentiment, RateAnswers."
        )
    if name in catalogue():
        raise ConfigurationError(f"There is a step {name!r} already; choose another name.")
    stem = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    in_checkout = folder is None and Path("tasks/task.py").is_file()
    code = Path("tasks/own") if in_checkout else folder or Path()
    tests = Path("tests/tasks/own") if in_checkout else code
    module = f"tasks.own.{stem}" if in_checkout else stem
    files = {
        code / f"{stem}.py": _TASK.substitute(name=name, stem=stem),
        code / f"{stem}.jinja2": _PROMPT,
        tests / f"test_{stem}.py": _TEST.substitute(name=name, module=module),
    }
    if in_checkout:
        for package, what in ((code, "Your own steps."), (tests, "Tests of your own steps.")):
            if not (package / "__init__.py").exists():
                files[package / "__init__.py"] = f'"""{what}"""\n'
    for file in files:
        if file.exists():
            raise ConfigurationError(f"{str(file)!r} exists already; choose another name.")
    for file, text in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    console = Console(highlight=False, soft_wrap=True)
    for file in files:
        console.print(f"Wrote {file}")
    console.print(f"Try it: pytest {tests / f'test_{stem}.py'}")
