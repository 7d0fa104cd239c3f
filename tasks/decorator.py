"""`@step`: a step from a function."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Literal

from llms.errors import ConfigurationError
from tasks.declaration import Columns
from tasks.row import Row
from tasks.step import GeneratorStep, GlobalStep, Step

StepType = Literal["normal", "global", "generator"]

_BASES: dict[StepType, type[Step]] = {
    "normal": Step,
    "global": GlobalStep,
    "generator": GeneratorStep,
}


def step(
    inputs: Columns = (), outputs: Columns = (), step_type: StepType = "normal"
) -> Callable[[Callable[..., Iterator[Any]]], type[Step]]:
    """Make a step class of a function.

    The function takes a list of rows and yields lists of rows; a "global" one gets all rows at
    once; a "generator" takes nothing (or `offset`) and yields `(rows, is_last)`. Further arguments
    of the function become parameters of the step and need a default.

    Raises:
        ConfigurationError: the function does not yield, or an argument has no default.
    """

    def decorate(function: Callable[..., Iterator[Any]]) -> type[Step]:
        if not inspect.isgeneratorfunction(function):
            raise ConfigurationError(
                f"@step needs a function that yields lists of rows; {function.__name__} returns."
            )
        arguments = list(inspect.signature(function).parameters.values())
        if step_type != "generator":
            arguments = arguments[1:]
        takes_offset = any(argument.name == "offset" for argument in arguments)
        fields = {argument.name: argument for argument in arguments if argument.name != "offset"}
        for name, field in fields.items():
            if name in _BASES[step_type].model_fields:
                raise ConfigurationError(
                    f"{function.__name__}: every step has a parameter {name!r} already; give the "
                    f"argument another name."
                )
            if field.default is inspect.Parameter.empty:
                raise ConfigurationError(
                    f"{function.__name__}: give the argument {name!r} a default, so that it can "
                    f"become a parameter of the step."
                )

        def parameters(self: Step) -> dict[str, Any]:
            return {name: getattr(self, name) for name in fields}

        def process_rows(self: Step, rows: list[Row]) -> Iterator[list[Row]]:
            yield from function(rows, **parameters(self))

        def process_source(self: Step, offset: int = 0) -> Iterator[tuple[list[Row], bool]]:
            given = {"offset": offset} if takes_offset else {}
            yield from function(**given, **parameters(self))

        namespace = {
            "__module__": function.__module__,
            "__qualname__": function.__qualname__,
            "__doc__": function.__doc__,
            "__annotations__": {
                "function": ClassVar[Any],
                "inputs": ClassVar[Any],
                "outputs": ClassVar[Any],
                **{
                    name: Any if field.annotation is field.empty else field.annotation
                    for name, field in fields.items()
                },
            },
            "function": staticmethod(function),
            "inputs": inputs,
            "outputs": outputs,
            "process": process_source if step_type == "generator" else process_rows,
            **{name: field.default for name, field in fields.items()},
        }
        return types.new_class(
            function.__name__, (_BASES[step_type],), exec_body=lambda body: body.update(namespace)
        )

    return decorate
