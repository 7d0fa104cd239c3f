"""Budgets of runs and of months: what stops, what goes on, and that all books agree."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.client.orchestration import SyncPrefectClient

from flows import DatasetVersion, Pipeline
from flows.command.app import main
from flows.reporting.artifacts import accounts_page
from flows.runtime.ledger import dataset_account
from llms import OpenAILLM, default_gateway
from llms.errors import BudgetExceeded, ConfigurationError
from llms.gateway import Budget
from llms.model import Price
from llms.providers.openai import OpenAIParameters
from llms.spending import NANODOLLARS, Amount
from tasks import LoadDataFromDicts, TextGeneration
from tests.llms.conftest import wait_until
from tests.loopback import LoopbackProvider

pytestmark = pytest.mark.usefixtures("prefect")

CHECKOUT = Path(__file__).parents[2]
A_CALL = 7
"""Tokens of one call, each at a tenth of a cent."""
PRICE = Price(input=1_000.0, output=1_000.0)
AT_MOST = 0.108
"""US dollars that are reserved for one call."""


def model(url: str, price: Price | None = PRICE) -> OpenAILLM:
    parameters = OpenAIParameters(max_new_tokens=20)
    return OpenAILLM(model="loopback", base_url=url, price=price, generation_kwargs=parameters)


def answers(url: str, rows: range, price: Price | None = PRICE) -> Pipeline:
    with Pipeline("answers") as pipeline:
        load = LoadDataFromDicts(
            name="load", data=[{"instruction": f"Say {number:03}."} for number in rows]
        )
        load >> TextGeneration(name="answer", llm=model(url, price))
    return pipeline


def booked(account: str) -> Amount:
    gateway = default_gateway()
    return gateway.run(gateway.store.spent(account))


def this_month() -> str:
    return dataset_account("answers", datetime.now(UTC))


def test_a_run_that_stops_at_its_budget_goes_on_with_a_higher_one_and_pays_nothing_twice(
    provider: LoopbackProvider,
) -> None:
    with pytest.raises(BudgetExceeded) as stopped:
        answers(provider.url, range(40)).run(budget=Budget(usd=0.20))
    first = provider.stats().requests
    said = re.fullmatch(
        r"The budget of 'run/answers' is \$0\.2000 and has no room for another call: "
        r"\$(0\.\d+) are spent, the next call may cost \$0\.1080\. Raise it and run again: "
        r"what is answered is kept and not paid again\.",
        str(stopped.value),
    )
    assert said
    assert 0.20 - AT_MOST < float(said[1]) <= 0.20
    assert booked("run/answers") == Amount(first * A_CALL * 1_000_000, first * A_CALL, first)
    version = answers(provider.url, range(40)).run(budget=Budget(usd=1.0))
    assert (version.rows, version.calls) == (40, 40 - first)
    assert provider.stats().requests == 40
    assert provider.stats().duplicates == 0


@pytest.mark.parametrize(
    ("budget", "most"),
    [
        pytest.param(Budget(requests=12), 12, id="requests"),
        pytest.param(Budget(tokens=300), 300 // A_CALL, id="tokens"),
        pytest.param(Budget(usd=0.0), 0, id="nothing"),
    ],
)
def test_no_budget_is_overspent(provider: LoopbackProvider, budget: Budget, most: int) -> None:
    with pytest.raises(BudgetExceeded):
        answers(provider.url, range(60)).run(budget=budget)
    assert provider.stats().requests <= most
    assert provider.stats().requests == booked("run/answers").requests


def test_the_account_of_a_killed_run_stays_open_and_closes_with_the_dataset(
    provider: LoopbackProvider,
) -> None:
    provider.latency = 0.1
    killed = subprocess.Popen(
        [sys.executable, "-m", "tests.flows.test_budget", provider.url],
        cwd=CHECKOUT,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: booked("run/answers").requests >= 20, seconds=60)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    provider.latency = 0.0
    wait_until(lambda: provider.stats().in_flight == 0)
    spent = booked("run/answers")
    with pytest.raises(BudgetExceeded):
        answers(provider.url, range(200)).run(budget=Budget(requests=spent.requests))
    assert booked("run/answers") == spent
    version = answers(provider.url, range(200)).run(budget=Budget(requests=200))
    assert version.calls == 200 - spent.requests
    assert booked("run/answers") == Amount()
    closed = default_gateway().store.spending("run/answers/")
    assert [amount.requests for amount in closed.values()] == [200]
    fresh = answers(provider.url, range(200, 205)).run(budget=Budget(requests=5))
    assert fresh.calls == 5


def test_a_monthly_budget_counts_over_runs(provider: LoopbackProvider) -> None:
    monthly = Budget(requests=12)
    answers(provider.url, range(10)).run(monthly_budget=monthly)
    with pytest.raises(BudgetExceeded, match=r"'dataset/answers/\d{4}-\d\d' is 12 requests"):
        answers(provider.url, range(10, 20)).run(monthly_budget=monthly)
    assert provider.stats().requests == booked(this_month()).requests == 12
    answers(provider.url, range(10)).run(monthly_budget=monthly)
    assert provider.stats().requests == 12


def test_summary_accounts_manifest_and_rows_agree_with_the_ledger(
    provider: LoopbackProvider, prefect: SyncPrefectClient, tmp_path: Path
) -> None:
    odd = Price(input=0.137, output=0.411)
    answers(provider.url, range(7), odd).run()
    version = answers(provider.url, range(30), odd).run(use_cache=False)
    whole = booked(this_month())
    spent = default_gateway().store.spending("run/answers/")
    last = spent[max(spent)]
    rows = [item["statistics_answer"]["cost_usd"] for item in metadata(version)]
    folder = version.save_to_disk(tmp_path / "dataset")
    manifest = json.loads((folder / "manifest.json").read_text())
    summary = version.summary()
    assert whole.requests == 30
    assert last.requests == version.calls == 23
    assert sum(round(cost * NANODOLLARS) for cost in rows) == whole.nanodollars
    accounts = manifest["steps"]["answer"]["accounts"]
    assert round(accounts["cost_usd"] * NANODOLLARS) == whole.nanodollars
    assert (accounts["requests"], accounts["unpriced"]) == (30, 0)
    assert summary["cost_usd"] == whole.usd
    assert summary["spent_usd"] == last.usd
    assert summary["unpriced"] == 0
    assert sum(model.spent_usd for model in default_gateway().store.totals().models) == whole.usd
    page = accounts_page(version)
    (artifact,) = prefect.request(
        "POST",
        "/artifacts/latest/filter",
        json={"artifacts": {"key": {"any_": ["answers-accounts"]}}},
    ).json()
    assert artifact["data"] == page
    assert f"23 model calls in this run, ${last.usd:.6f} spent, 7 answers reused" in page
    assert f"| ${whole.usd:.6f} |" in page


def test_answers_without_a_price_are_counted_and_cost_nobody_knows_what(
    provider: LoopbackProvider,
) -> None:
    version = answers(provider.url, range(5), None).run(budget=Budget(requests=5))
    summary = version.summary()
    assert (summary["unpriced"], summary["cost_usd"], summary["spent_usd"]) == (5, 0, 0)
    assert [item["statistics_answer"]["cost_usd"] for item in metadata(version)] == [None] * 5
    assert booked(this_month()) == Amount(0, 5 * A_CALL, 5)


def test_a_money_budget_for_a_model_without_a_price_is_refused_before_any_call(
    provider: LoopbackProvider,
) -> None:
    with pytest.raises(ConfigurationError, match="The price of openai:loopback is not known"):
        answers(provider.url, range(5), None).run(monthly_budget=Budget(usd=5.0))
    assert provider.stats().requests == 0


def test_budgets_are_options_of_the_command_line(
    provider: LoopbackProvider,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    llm = {"provider": "openai", **model(provider.url).describe()}
    steps: list[dict[str, Any]] = [
        {
            "name": "load",
            "step": "LoadDataFromDicts",
            "parameters": {"data": [{"instruction": f"Say {n:03}."} for n in range(30)]},
        },
        {
            "name": "answer",
            "step": "TextGeneration",
            "after": ["load"],
            "parameters": {"llm": llm},
        },
    ]
    monkeypatch.chdir(tmp_path)
    Path("answers.yaml").write_text(yaml.safe_dump({"name": "answers", "steps": steps}))

    def stillhouse(*arguments: str) -> str:
        monkeypatch.setenv("COLUMNS", "160")
        monkeypatch.setattr(sys, "argv", ["stillhouse", "run", "answers.yaml", *arguments])
        with suppress(SystemExit):
            main()
        printed = capfd.readouterr()
        return printed.err or printed.out

    shown = stillhouse("--help")
    assert re.search(r"--budget\.usd FLOAT +Limit for this run", shown)
    assert re.search(r"--monthly-budget\.tokens INT +Limit for all runs of this dataset", shown)
    stopped = stillhouse("--budget.usd", "0.20", "--monthly-budget.tokens", "100000")
    assert stopped.splitlines()[-1].startswith("stillhouse: The budget of 'run/answers' is $0.2000")
    stopped = stillhouse("--budget.usd", "1.00", "--monthly-budget.tokens", "150")
    assert "'dataset/answers/" in stopped.splitlines()[-1]
    assert "Raise it and run again" in stopped
    done = stillhouse("--budget.usd", "1.00", "--monthly-budget.tokens", "100000")
    assert done.startswith("answers: 30 rows, 0 rejected. ")
    assert provider.stats().requests == 30


def metadata(version: DatasetVersion) -> list[dict[str, Any]]:
    """Return the metadata of the rows, in their order."""
    found: list[dict[str, Any]] = version.frame()["distilabel_metadata"].to_list()
    return found


if __name__ == "__main__":
    answers(sys.argv[1], range(200)).run(budget=Budget(requests=200))
