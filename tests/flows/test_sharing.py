"""A model that several processes share through a limit on the Prefect server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate

from flows import Pipeline
from llms import CompletionStore, Gateway, MixtureOfAgentsLLM, OpenAILLM
from tasks import LoadDataFromDicts, TextGeneration
from tests.loopback import LoopbackProvider, loopback_provider


def pipeline(llm: Any) -> Pipeline:
    """Return a pipeline that asks a model about 40 rows."""
    with Pipeline("shared") as made:
        load = LoadDataFromDicts(data=[{"instruction": f"Say {n}."} for n in range(40)])
        load >> TextGeneration(name="ask", llm=llm)
    return made


def run(llm: Any, folder: Path) -> None:
    """Run it with ten rows in a partition."""
    gateway = Gateway(CompletionStore(folder / "answers.sqlite"))
    version = pipeline(llm).run(gateway=gateway, rows_per_partition=10)
    assert version.rows == 40
    gateway.close()


def limit(name: str, slots: int) -> None:
    """Make a limit as `prefect gcl create NAME --limit N` does."""
    with get_client(sync_client=True) as client:
        client.create_global_concurrency_limit(
            GlobalConcurrencyLimitCreate(name=name, limit=slots, active=True)
        )


def model(provider: LoopbackProvider, name: str) -> OpenAILLM:
    """Return a model of the loopback provider."""
    return OpenAILLM(model=name, base_url=provider.url)


@pytest.mark.usefixtures("prefect")
def test_a_limit_named_like_a_model_is_the_number_of_partitions_that_ask_it_at_once(
    tmp_path: Path,
) -> None:
    limit("openai:acme-shared", 1)
    with loopback_provider(latency=0.2) as provider:
        run(model(provider, "acme/shared"), tmp_path / "shared")
        assert provider.stats().most_in_flight <= 10
    with loopback_provider(latency=0.2) as provider:
        run(model(provider, "alone"), tmp_path / "alone")
        assert provider.stats().most_in_flight > 10


@pytest.mark.usefixtures("prefect")
def test_a_composite_model_comes_under_the_limits_of_its_members(tmp_path: Path) -> None:
    limit("openai:member", 1)
    with loopback_provider(latency=0.05) as provider:
        member = model(provider, "member")
        mixture = MixtureOfAgentsLLM(aggregator_llm=member, proposers_llms=(member,))
        run(mixture, tmp_path)
        assert provider.stats().most_in_flight <= 10
