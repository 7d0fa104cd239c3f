"""What runs in the sandbox for a row: its calls, one after the other, with an answer for each.

An answer is one word, "ran" or "failed", and the result or the reason.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # `typing` costs a third of the time that a process takes to start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_MOST_ITEMS = 1_000


def call_all(given: dict[str, Any], answer: Callable[[str], None]) -> None:
    """Make the calls of a row, each whatever became of those before it.

    A call of no function loads the file and is all right if that goes well.
    """
    sys.path.append(given["folder"])
    modules: dict[str, Any] = {}
    longest = given["longest_result"]
    for call in given["calls"]:
        try:
            file = call["file"]
            if file not in modules:
                modules[file] = _loaded(file, given)
            text = f"ran {_written(_result(modules[file], call), longest)}"
        except BaseException as error:
            text = f"failed {_described(error)[:longest]}"
        answer(text)


def _loaded(file: str, given: dict[str, Any]) -> Any:
    """Run a file of the library as a module of its own name, unless that name is taken."""
    name = file.removesuffix(".py")
    module = type(sys)(f"library_{name}" if name in sys.modules else name)
    module.__file__ = f"{given['folder']}/{file}"
    sys.modules[module.__name__] = module
    exec(given["code"][file], module.__dict__)
    return module


def _result(module: Any, call: dict[str, Any]) -> Any:
    if call["function"] is None:
        return None
    if "random" in sys.modules:
        sys.modules["random"].seed(0)  # so that a row has the same results in every run
    value = getattr(module, call["function"])(*call["positional"], **call["named"])
    if hasattr(value, "__await__"):
        import asyncio

        value = asyncio.run(_awaited(value))
    if hasattr(value, "gi_frame"):
        from itertools import islice

        value = list(islice(value, _MOST_ITEMS))
    return value


async def _awaited(value: Any) -> Any:
    return await value


def _written(value: Any, longest: int) -> str:
    """Write a result down, without addresses in memory, which no two runs share."""
    text = repr(value)[: 2 * longest]
    if " at 0x" in text:
        import re

        text = re.sub(r" at 0x[0-9a-f]+", "", text)
    return text if len(text) <= longest else f"{text[:longest]}..."


def _described(error: BaseException) -> str:
    try:
        said = str(error)
    except Exception:
        said = ""
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
