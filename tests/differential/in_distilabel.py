"""Runs the cases in distilabel and writes what it made of them; see `record`.

It runs in an environment of its own, as `python -m tests.differential.in_distilabel FILE`, and
imports distilabel, the standard library and the cases. It records values: no
prompt of distilabel's, no message of an exception and no default that is a text.
"""

# distilabel is not where types are checked.
# mypy: disable-error-code="import-not-found", allow-subclassing-any

from __future__ import annotations

import inspect
import json
import logging
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import distilabel.steps
import distilabel.steps.tasks
from distilabel.models.embeddings.base import Embeddings
from distilabel.models.image_generation.base import ImageGenerationModel
from distilabel.models.llms.base import LLM
from distilabel.models.mixins.magpie import MagpieChatTemplateMixin
from distilabel.steps.base import GeneratorStep, _Step
from distilabel.steps.tasks.apigen.utils import PrepareExamples

from tests.differential.case import Case, Replies, shape_of
from tests.differential.cases import CASES

MODEL = "echo"

LONGEST_DEFAULT = 30
"""Characters; a longer default is a text of distilabel's."""


class EchoLLM(LLM, MagpieChatTemplateMixin):
    """Answers with the replies of a case."""

    replies: Any
    # distilabel asks for other packages unless the model has been told a schema.
    structured_output: Any = "a schema"
    magpie_pre_query_template: str | None = "user:"

    @property
    def model_name(self) -> str:
        return MODEL

    def generate(
        self, inputs: list[Any], num_generations: int = 1, **kwargs: Any
    ) -> list[dict[str, Any]]:
        return [
            {
                "generations": [self.replies.next() for _ in range(num_generations)],
                "statistics": {
                    "input_tokens": [1] * num_generations,
                    "output_tokens": [1] * num_generations,
                },
            }
            for _ in inputs
        ]


class EchoEmbeddings(Embeddings):
    """Embeds a text as its length and its number of spaces."""

    @property
    def model_name(self) -> str:
        return MODEL

    def encode(self, inputs: list[str]) -> list[list[float]]:
        return [[float(len(text)), float(text.count(" "))] for text in inputs]


class EchoImages(ImageGenerationModel):
    """Paints the replies of a case."""

    replies: Any

    @property
    def model_name(self) -> str:
        return MODEL

    def generate(
        self, inputs: list[str], num_generations: int = 1, **kwargs: Any
    ) -> list[list[dict[str, Any]]]:
        made = []
        for _ in inputs:
            replies = [self.replies.next() for _ in range(num_generations)]
            made.append([{"images": [reply] if reply else []} for reply in replies])
        return made


def public() -> dict[str, Any]:
    """Return what distilabel exports, by name."""
    modules = (distilabel.steps, distilabel.steps.tasks)
    found = {name: getattr(module, name) for module in modules for name in module.__all__}
    return {**found, "PrepareExamples": PrepareExamples}


def described(thing: Any) -> dict[str, Any]:
    """Return what kind of thing a public name is and the parameters it takes."""
    if inspect.isclass(thing) and issubclass(thing, _Step):
        fields: dict[str, Any] = thing.model_fields  # type: ignore[attr-defined]  # pydantic's
        return {"kind": "step", "parameters": {n: default_of(f) for n, f in fields.items()}}
    if inspect.isfunction(thing):
        return {
            "kind": "function",
            "parameters": dict.fromkeys(inspect.signature(thing).parameters),
        }
    return {"kind": "type"}


def default_of(field: Any) -> dict[str, Any]:
    """Return a parameter's default, {} where it has none that can be written down."""
    if field.is_required():
        return {"required": True}
    default = plain(field.get_default(call_default_factory=True))
    try:
        written = json.dumps(default)
    except TypeError:
        return {}
    return {"default": default} if len(written) <= LONGEST_DEFAULT else {}


def plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def recorded(case: Case) -> dict[str, Any]:
    """Run a case and return its declared outputs, its rows or its error, and the replies used."""
    replies = Replies(case.replies)
    found: dict[str, Any] = {}
    with TemporaryDirectory() as folder:
        try:
            step = step_of(case, Path(folder), replies)
            step.load()
            found["outputs"] = declared(step)
            rows = made_by(step, case)
            found["rows"] = shape_of(rows) if case.random else rows
        except Exception as error:
            found["error"] = type(error).__name__
    return {**found, "asked": replies.asked}


def step_of(case: Case, folder: Path, replies: Replies) -> Any:
    """Return the step of a case."""
    cls = public()[case.step]
    parameters = case.parameters_in(folder)
    if "image_generation_model" in cls.model_fields:
        parameters["image_generation_model"] = EchoImages(replies=replies)
    elif "llm" in cls.model_fields:
        parameters["llm"] = EchoLLM(replies=replies)
    elif "embeddings" in cls.model_fields:
        parameters["embeddings"] = EchoEmbeddings()
    return cls(name="step", **parameters)


def declared(step: Any) -> list[str] | None:
    """Return the columns that a step says it always makes, None where it cannot say."""
    try:
        outputs = step.outputs
    except Exception:
        return None
    return sorted(n for n in outputs if not isinstance(outputs, dict) or outputs[n])


def made_by(step: Any, case: Case) -> list[dict[str, Any]]:
    """Return the rows that a step makes."""
    made: list[dict[str, Any]] = []
    if isinstance(step, GeneratorStep):
        for rows, is_last in step.process():
            made += rows
            if is_last:
                break
    else:
        copies = json.loads(json.dumps([case.branches or [case.rows]]))[0]
        for rows in step.process(*copies):
            made += rows
    for row in made:
        row.pop("distilabel_metadata", None)
    return list(plain(made))


def main(path: Path) -> None:
    """Write the record."""
    logging.disable(logging.CRITICAL)
    cases = {case.id: recorded(case) for case in CASES}
    names = {name: described(thing) for name, thing in sorted(public().items())}
    parts = {"cases": cases, "public": names}
    text = ",\n".join(f"{json.dumps(name)}: {one_a_line(part)}" for name, part in parts.items())
    path.write_text(f"{{\n{text}\n}}\n", encoding="utf-8")


def one_a_line(entries: dict[str, Any]) -> str:
    """Return an object as JSON with one entry a line, for differences that can be read."""
    lines = [
        f"{json.dumps(name)}: {json.dumps(entry, ensure_ascii=False, sort_keys=True)}"
        for name, entry in sorted(entries.items())
    ]
    return "{\n" + ",\n".join(lines) + "\n}"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
