"""`@task`: a task from a function."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable
from typing import Any, ClassVar

import yaml

from llms.chat import ChatType
from llms.errors import ConfigurationError
from tasks.chats import chat, required_text
from tasks.declaration import Columns, required
from tasks.prompt import render, variables
from tasks.row import Row
from tasks.task import Task

_PROMPTS = re.compile(r"\A\s*---[ \t]*\n(?P<yaml>.*?)^[ \t]*---[ \t]*$", re.DOTALL | re.MULTILINE)
_PLACE = re.compile(r"(?<!\{)\{(\w+)\}(?!\})")


def task(inputs: Columns = (), outputs: Columns = ()) -> Callable[[Callable[..., Row]], type[Task]]:
    r"""Make a task class of a function that reads a reply: `function(output, input) -> row`.

    Its docstring holds the prompts as YAML between two lines of `---`: `user_message_template`
    and, if there is one, `system_prompt`. A template names the columns of `inputs` as in Jinja2,
    or in single braces; other braces stay as they are.

    Raises:
        ConfigurationError: the docstring has no prompts, or names a column that is no input.

    Example:
        >>> from llms import ScriptedLLM
        >>> from tasks import task
        >>> @task(inputs=["text"], outputs=["words"])
        ... def CountWords(output, input):
        ...     '''
        ...     ---
        ...     user_message_template: |
        ...         How many words has this text? {text}
        ...     ---
        ...     '''
        ...     return {"words": int(output)}
        >>> count = CountWords(llm=ScriptedLLM(replies=("2",)))
        >>> next(count.process([{"text": "Say hi."}]))[0]["words"]
        2
    """

    def decorate(function: Callable[..., Row]) -> type[Task]:
        prompts = _prompts_of(function, required(inputs))

        def format_input(self: Task, input: Row) -> ChatType:
            values = {name: input.get(name) for name in required(inputs)}
            user = render(prompts["user_message_template"], values)
            return chat(required_text(user, "the prompt"), system=prompts["system_prompt"])

        def format_output(self: Task, output: str | None, input: Row) -> Row:
            return function(output, input)

        namespace = {
            "__module__": function.__module__,
            "__qualname__": function.__qualname__,
            "__doc__": function.__doc__,
            "__annotations__": dict.fromkeys(
                ("function", "inputs", "outputs", "prompts"), ClassVar[Any]
            ),
            "prompts": prompts,
            "function": staticmethod(function),
            "inputs": inputs,
            "outputs": outputs,
            "format_input": format_input,
            "format_output": format_output,
        }
        return types.new_class(
            function.__name__, (Task,), exec_body=lambda body: body.update(namespace)
        )

    return decorate


def _prompts_of(function: Callable[..., Row], columns: list[str]) -> dict[str, Any]:
    found = _PROMPTS.search(inspect.getdoc(function) or "")
    try:
        prompts = yaml.safe_load(found["yaml"]) if found else None
    except yaml.YAMLError as error:
        raise ConfigurationError(
            f"{function.__name__}: its prompts are no YAML: {error}"
        ) from error
    if not isinstance(prompts, dict) or not prompts.get("user_message_template"):
        raise ConfigurationError(
            f"{function.__name__}: @task needs a docstring that begins with ---, names a "
            f"user_message_template in YAML, and goes on after another ---."
        )
    if strange := sorted(set(prompts) - {"system_prompt", "user_message_template"}):
        raise ConfigurationError(
            f"{function.__name__}: its docstring names {strange[0]!r}; it may name system_prompt "
            f"and user_message_template."
        )
    template = _PLACE.sub(
        lambda place: f"{{{{ {place[1]} }}}}" if place[1] in columns else place[0],
        prompts["user_message_template"],
    )
    if unknown := sorted(variables(template) - set(columns)):
        raise ConfigurationError(
            f"{function.__name__}: its template uses {unknown[0]!r}, which is not among its inputs "
            f"({', '.join(columns) or 'none'})."
        )
    return {"user_message_template": template, "system_prompt": prompts.get("system_prompt")}
