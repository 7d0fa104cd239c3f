"""Runs that meet every kind of failure, with keys that were given in every way.

Run as `python -m tests.flows.runs_with_planted_keys`; standard input is JSON: the provider's URL
and root, a folder, and the keys.
"""

from __future__ import annotations

import json
import logging
import random
import string
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import pytest
from pydantic import SecretStr

from flows import Pipeline
from flows.runtime import step_runs
from llms import CompletionStore, Gateway, MixtureOfAgentsLLM, RetryPolicy
from llms.embeddings.openai import OpenAIEmbeddings
from llms.errors import RowRejected
from llms.gateway import Budget
from llms.llm import LLM
from llms.registry import as_llm
from tasks import GlobalStep, LoadDataFromDicts, Row, TextGeneration

SEED = 1
HEADER = "X-Team-Token"
BLOCK = "planted-key"
WAYS = {
    "openai": {"api_key"},
    "mistral": {"environment"},
    "azure": {"block"},
    "vllm": {"api_key", "header"},
    "anthropic": {"api_key"},
    "cohere": {"api_key"},
    "gemini": {"environment"},
    "ollama": {"api_key"},
}
"""Provider to the ways in which its keys are given."""

Keys = dict[str, dict[str, str]]
"""Provider to its keys by the way they are given."""


def planted_keys() -> Keys:
    """Return a key of its own for every provider and way."""
    chance = random.Random(SEED)
    letters = string.ascii_letters + string.digits
    shapes: list[Callable[[], str]] = [
        lambda: "sk-" + "".join(chance.choices(letters, k=40)),
        lambda: "".join(chance.choices(letters + "+/=%", k=44)) + "==",
        lambda: "sk-proj-" + "".join(chance.choices(letters + "_-", k=60)),
        lambda: "".join(chance.choices("0123456789abcdef", k=32)),
    ]
    return {
        provider: {way: chance.choice(shapes)() for way in sorted(ways)}
        for provider, ways in WAYS.items()
    }


class Crash(GlobalStep):
    """Fails with all it knows of its model in the message."""

    version: ClassVar = 1
    llm: Any = None

    def process(self, inputs: list[Row]) -> Iterator[list[Row]]:
        known = [self.llm, self.llm.model_dump(), self.llm.describe(), self.llm.account]
        raise RuntimeError(f"crashed with {known!r} and {self!r}")


class Told(TextGeneration):
    """Rejects every reply with all it knows of its model in the reason."""

    version: ClassVar = 1

    def format_output(self, output: str | None, input: Row) -> Row:
        raise RowRejected(f"{self.llm!r} {self.llm.model_dump_json()} {self!r}")


def _models(url: str, root: str, keys: Keys) -> dict[str, LLM]:
    priced = {"price": {"input": 1.0, "output": 1.0}, "generation_kwargs": {"max_new_tokens": 20}}
    addresses: dict[str, dict[str, Any]] = {
        "openai": {"base_url": url},
        "mistral": {"endpoint": root},
        "azure": {"base_url": root, "api_key_block": BLOCK},
        "vllm": {"base_url": url, "default_headers": {HEADER: keys["vllm"]["header"]}},
        "anthropic": {"base_url": root},
        "cohere": {"base_url": root},
        "gemini": {"base_url": root},
        "ollama": {"host": root},
    }
    models = {}
    for name, address in addresses.items():
        if "api_key" in WAYS[name]:
            address["api_key"] = keys[name]["api_key"]
        models[name] = as_llm({"provider": name, "model": name, **priced, **address})
    return models


def _pipeline(name: str, instructions: Sequence[str], *steps: Any) -> Pipeline:
    with Pipeline(name) as pipeline:
        load = LoadDataFromDicts(
            name="load", data=[{"instruction": instruction} for instruction in instructions]
        )
        load >> [step() for step in steps]
    return pipeline


def _tell(*things: Any) -> None:
    """Print things in every way that somebody may print them."""
    for thing in things:
        print(repr(thing), str(thing))
        for name in ("model_dump", "model_dump_json", "describe", "to_yaml", "summary"):
            if hasattr(thing, name):
                print(name, getattr(thing, name)())
        for name in ("content", "identity", "account", "url", "address", "digest"):
            if hasattr(thing, name):
                print(name, getattr(thing, name))


def _happens(error_name: str, work: Callable[[], Any]) -> None:
    """Do what must fail, and print the failure with everything behind it."""
    with pytest.raises(Exception) as failure:  # noqa: PT011  # its type is looked at below
        work()
    link: BaseException | None = failure.value
    while link is not None:
        print("".join(traceback.format_exception(link)), repr(link), link.args)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    assert failure.typename == error_name, failure.value


def _run_everything(url: str, root: str, tree: str, keys: Keys) -> None:
    logging.getLogger().addHandler(logging.StreamHandler())
    logging.getLogger().setLevel(logging.DEBUG)
    step_runs.RETRIES, step_runs.FIRST_WAIT_SECONDS = 1, 0
    retries = RetryPolicy(3, first_wait=0.01, patience=0.05)
    gateway = Gateway(CompletionStore(Path(tree) / "home" / "completions.sqlite"), retries=retries)
    models = _models(url, root, keys)
    steps = [partial(TextGeneration, name=name, llm=llm) for name, llm in models.items()]
    whole = _pipeline("secrets-all", ["Say 1.", "Say 2.", "refuse", "fail"], *steps)
    version = whole.run(gateway=gateway, budget=Budget(usd=1.0))
    rejected = {
        (rejection.step, rejection.row["instruction"]) for rejection in version.rejections()
    }
    assert rejected == {(name, word) for name in models for word in ("refuse", "fail")}
    version.save_to_disk(Path(tree) / "dataset")
    _tell(gateway, gateway.store, whole, version, *models.values(), *whole.steps.values())
    print(list(version.rejections()))
    for name, llm in models.items():
        _happens("AuthenticationFailed", partial(llm.generate, ["deny"], gateway=gateway))
        if WAYS[name] & {"block", "header"}:
            denied = _pipeline(f"secrets-{name}", ["deny"], partial(TextGeneration, llm=llm))
            _happens("AuthenticationFailed", partial(denied.run, gateway=gateway))
    openai = models["openai"]
    key = keys["openai"]["api_key"]
    embedder = OpenAIEmbeddings(model="openai", base_url=url, api_key=SecretStr(key))
    several = MixtureOfAgentsLLM(aggregator_llm=openai, proposers_llms=tuple(models.values()))
    _tell(embedder, several)
    _happens("AuthenticationFailed", partial(several.generate, ["deny"], gateway=gateway))
    _happens("AuthenticationFailed", partial(embedder.encode, ["deny"], gateway=gateway))
    _happens("RateLimited", partial(openai.generate, ["slow"], gateway=gateway))
    nobody = openai.model_copy(update={"base_url": "http://127.0.0.1:9/v1"})
    many = [f"Say {number}." for number in range(20)]
    asked = _pipeline("secrets-budget", many, partial(TextGeneration, llm=openai))
    crash = _pipeline("secrets-crash", many, partial(Crash, llm=openai))
    told = _pipeline("secrets-told", many, partial(Told, llm=openai))
    lost = _pipeline("secrets-lost", many, partial(TextGeneration, llm=nobody))
    short = Budget(requests=2)
    _happens("BudgetExceeded", partial(asked.run, gateway=gateway, budget=short))
    _happens("RunFailed", partial(crash.run, gateway=gateway))
    _happens("EverythingRejected", partial(told.run, gateway=gateway))
    _happens("ProviderUnreachable", partial(lost.run, gateway=gateway))
    store = f"postgresql://a:{quote(key, safe='')}@127.0.0.1:9/b"
    _happens("StoreError", partial(CompletionStore, store))
    gateway.close()
    print("all happened")


if __name__ == "__main__":
    _run_everything(*json.load(sys.stdin))
