"""`stillhouse models`."""

from __future__ import annotations

import asyncio
import json
import os
import time
from dataclasses import asdict, dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from llms import loop
from llms.chat import ChatRequest, Completion
from llms.errors import ConfigurationError
from llms.llm import LLM, CompositeLLM, RemoteLLM
from llms.providers.llama_cpp import LlamaCppLLM
from llms.providers.packages import OptionalPackage, is_installed
from llms.registry import PROVIDERS, as_llm, provider_class

_HEADINGS = {
    "structured_output": "schema",
    "tools": "tools",
    "images": "images",
    "logprobs": "logprobs",
    "seed": "seed",
    "batches": "batch",
    "user_turns": "magpie",
}
_PROMPT = "Reply with the one word: ready"


@dataclass(frozen=True, slots=True)
class Provider:
    """What a provider offers, and what it needs that is here or is not.

    `key` is the environment variable that holds the key, None where none does; `key_variables` are
    those that may. `package` is the optional package it needs.
    """

    name: str
    cls: str
    supports: dict[str, bool]
    free: bool
    key_variables: list[str]
    key_optional: bool
    key: str | None
    package: str | None
    installed: bool

    @property
    def needs(self) -> str:
        """The key and whether it is here, and a package that is not, as the table shows them."""
        lines = []
        if self.key is not None:
            lines.append(f"{self.key} is set")
        elif self.key_variables:
            state = "(optional)" if self.key_optional else "is missing"
            lines.append(f"{self.key_variables[0]} {state}")
        if self.package is not None and not self.installed:
            lines.append(f"{self.package} is missing")
        return "\n".join(lines) or "nothing"


def list_models(check: str | None, *, as_json: bool) -> None:
    """Print the providers; or make one call of a model and print what came back.

    Raises:
        StillhouseError: the model that is to be checked gave no answer.
    """
    if check is not None:
        _check(as_llm(check), as_json=as_json)
        return
    providers = [_provider(name) for name in PROVIDERS]
    if as_json:
        print(json.dumps([asdict(each) for each in providers], indent=2))
        return
    table = Table(
        "provider", *_HEADINGS.values(), box=SIMPLE_HEAD, padding=0, collapse_padding=True
    )
    table.add_column("needs", overflow="fold")
    for each in providers:
        marks = ["yes" if each.supports[name] else "" for name in _HEADINGS]
        table.add_row(f"{each.name}\n[dim]{each.cls}[/]", *marks, each.needs)
    Console().print(table)


def _provider(name: str) -> Provider:
    cls = provider_class(name)
    packages = _packages(cls)
    variables = list(cls.key_variables) if issubclass(cls, RemoteLLM) else []
    return Provider(
        name=name,
        cls=cls.__name__,
        supports=asdict(cls.supports),
        free=cls.free,
        key_variables=variables,
        key_optional=bool(getattr(cls, "key_optional", False)),
        key=next((each for each in variables if os.environ.get(each)), None),
        package=" and ".join(packages) or None,
        installed=all(is_installed(package) for package in packages),
    )


def _packages(cls: type[LLM]) -> tuple[str, ...]:
    if issubclass(cls, OptionalPackage):
        return cls.packages
    return ("xllamacpp",) if issubclass(cls, LlamaCppLLM) else ()


def _check(llm: LLM, *, as_json: bool) -> None:
    if isinstance(llm, CompositeLLM):
        raise ConfigurationError("A mixture is checked by its members: name one of them.")
    llm.check()
    completion, seconds = loop.run(_ask(llm))
    found = {
        "model": completion.model,
        "seconds": round(seconds, 3),
        "input_tokens": completion.usage.input_tokens,
        "output_tokens": completion.usage.output_tokens,
        "request_id": completion.request_id,
    }
    print(json.dumps(found) if as_json else _line(found))


async def _ask(llm: LLM) -> tuple[Completion, float]:
    """Make one call past the store, so that it is really made; return also the seconds it took."""
    request = ChatRequest([{"role": "user", "content": _PROMPT}])
    client = await asyncio.to_thread(llm.connect)
    try:
        began = time.monotonic()
        reply = await llm.send(client, request, 1)
        return reply.completion, time.monotonic() - began
    finally:
        await llm.close(client)


def _line(found: dict[str, Any]) -> str:
    tokens = f"{found['input_tokens']} + {found['output_tokens']} tokens"
    request = found["request_id"] or "none"
    return f"{found['model']}: {found['seconds']:.2f} s, {tokens}, request id {request}."
