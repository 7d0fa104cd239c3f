"""A clean environment, gateways that close themselves, and a provider on the loopback interface."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Protocol

import pytest

from llms import (
    ChatRequest,
    CompletionStore,
    Gateway,
    MistralLLM,
    OpenAILLM,
    RemoteLLM,
    RetryPolicy,
)
from tests.loopback import LoopbackProcess, LoopbackProvider, loopback_provider

CHECKOUT = Path(__file__).parents[2]
KEY = "sk-planted-5f3a9c1e77b24d60"


class OpenGateway(Protocol):
    """Opens a gateway on a store file; it closes with the test."""

    def __call__(
        self, path: Path | None = None, *, attempts: int = 1, patience: float = 600.0
    ) -> Gateway: ...


RemoteModel = Callable[..., RemoteLLM]
"""Makes a model of one provider class, served by a loopback provider."""


def openai_model(provider: LoopbackProvider | LoopbackProcess, **parameters: Any) -> OpenAILLM:
    """Return an OpenAI model that the loopback provider serves."""
    return OpenAILLM(**{"model": "m", "base_url": provider.url, "api_key": KEY, **parameters})


def mistral_model(provider: LoopbackProvider | LoopbackProcess, **parameters: Any) -> MistralLLM:
    """Return a Mistral model that the loopback provider serves."""
    return MistralLLM(**{"model": "m", "endpoint": provider.root, "api_key": KEY, **parameters})


def chat_request(text: str) -> ChatRequest:
    """Return a request of one user turn."""
    return ChatRequest([{"role": "user", "content": text}])


def run_python(script: str, *arguments: str) -> str:
    """Run a script in a process of its own and return what it prints."""
    command = [sys.executable, "-c", script, *arguments]
    finished = subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=True)
    return finished.stdout.strip()


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until a condition holds; fail when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        "MISTRAL_API_KEY",
        "MISTRALAI_API_KEY",
        "MISTRAL_ENDPOINT",
    ):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def provider() -> Iterator[LoopbackProvider]:
    """A provider that answers by content, at once and without faults."""
    with loopback_provider() as provider:
        yield provider


@pytest.fixture(params=[openai_model, mistral_model], ids=["openai", "mistral"])
def remote_model(request: pytest.FixtureRequest) -> RemoteModel:
    """The test runs with OpenAI's client and with Mistral's."""
    model: RemoteModel = request.param
    return model


@pytest.fixture
def store_path(tmp_path: Path) -> Path:
    """Where a store file may be made."""
    return tmp_path / "answers" / "completions.sqlite"


@pytest.fixture
def open_gateway(store_path: Path) -> Iterator[OpenGateway]:
    """Opens gateways whose retries hardly wait."""
    with ExitStack() as stack:

        def open_one(
            path: Path | None = None, *, attempts: int = 1, patience: float = 600.0
        ) -> Gateway:
            retries = RetryPolicy(
                attempts=attempts, first_wait=0.01, longest_wait=0.02, patience=patience
            )
            gateway = Gateway(CompletionStore(path or store_path), retries=retries)
            return stack.enter_context(closing(gateway))

        yield open_one


@pytest.fixture
def gateway(open_gateway: OpenGateway) -> Gateway:
    """A gateway that tries a request three times."""
    return open_gateway(attempts=3)
