"""`stillhouse store` and `stillhouse store prune`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from json import dumps
from pathlib import Path

from rich.console import Console
from rich.filesize import decimal
from rich.markup import escape
from rich.table import Table

from llms.errors import ConfigurationError
from llms.home import store_location
from llms.spending import Amount, dollars
from llms.store import CompletionStore, StoreTotals

_DATASETS = "dataset/"
_SECONDS = {"m": 60, "h": 3600, "d": 86400, "w": 604800}


def show_store(json: bool) -> None:
    """Print what the store holds, what it saved, and what each dataset cost in each month.

    Raises:
        ConfigurationError: there is no store yet.
        StoreError: it cannot be read.
    """
    with _opened() as store:
        name, totals, spending = store.name, store.totals(), store.spending(_DATASETS)
    if json:
        datasets = [
            {"dataset": dataset, "month": month, "usd": amount.usd, "tokens": amount.tokens,
             "requests": amount.requests}
            for dataset, month, amount in _by_month(spending)
        ]  # fmt: skip
        print(dumps({"store": name, **asdict(totals), "datasets": datasets}, indent=2))
        return
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"Completion store {name}", markup=False)
    console.print(
        f"{decimal(totals.bytes)} on disk, {totals.answers:,} answers, {totals.hits:,} hits"
    )
    console.print(f"spent {dollars(totals.spent_usd)}, saved {dollars(totals.saved_usd)}")
    if totals.models:
        Console().print(_models(totals))
    if spending:
        Console().print(_datasets(spending))


def prune_store(older_than: str | None, pipeline: str | None, *, dry_run: bool, json: bool) -> None:
    """Remove stored answers and print how many.

    Raises:
        ConfigurationError: nothing says which answers, or there is no store yet.
        StoreError: another process is writing to it.
    """
    if older_than is None and pipeline is None:
        raise ConfigurationError(
            "Say which answers to remove: --older-than 30d, --pipeline NAME, or both."
        )
    seconds = None if older_than is None else _seconds(older_than)
    with _opened() as store:
        pruned = store.prune(seconds, pipeline, dry_run=dry_run)
    if json:
        print(dumps({"store": store.name, "dry_run": dry_run, **asdict(pruned)}, indent=2))
        return
    said = "Would remove" if dry_run else "Removed"
    print(f"{said} {pruned.answers:,} answers of {decimal(pruned.bytes)} from {store.name}.")


@contextmanager
def _opened() -> Iterator[CompletionStore]:
    location = store_location()
    if isinstance(location, Path) and not location.exists():
        raise ConfigurationError(
            f"There is no completion store at {str(location)!r} yet: the first run makes it, or "
            f"name another one with STILLHOUSE_STORE."
        )
    store = CompletionStore(location)
    try:
        yield store
    finally:
        store.close()


def _seconds(age: str) -> float:
    match = re.fullmatch(r"(\d+)([mhdw])", age)
    if match is None:
        raise ConfigurationError(
            f"--older-than takes a number of minutes, hours, days or weeks such as 90m, 12h, 30d "
            f"or 4w; {age!r} is none."
        )
    return int(match[1]) * _SECONDS[match[2]]


def _models(totals: StoreTotals) -> Table:
    table = Table("model", title="Models", title_justify="left")
    for column in ("answers", "hits", "spent", "saved", "without a price"):
        table.add_column(column, justify="right")
    for model in totals.models:
        table.add_row(
            escape(model.model),
            f"{model.answers:,}",
            f"{model.hits:,}",
            dollars(model.spent_usd),
            dollars(model.saved_usd),
            f"{model.unpriced:,}",
        )
    return table


def _datasets(spending: dict[str, Amount]) -> Table:
    table = Table("dataset", "month", title="Spending of datasets", title_justify="left")
    for column in ("spent", "tokens", "requests"):
        table.add_column(column, justify="right")
    for dataset, month, amount in _by_month(spending):
        table.add_row(
            escape(dataset),
            month,
            dollars(amount.usd),
            f"{amount.tokens:,}",
            f"{amount.requests:,}",
        )
    return table


def _by_month(spending: dict[str, Amount]) -> list[tuple[str, str, Amount]]:
    """Take accounts named `dataset/NAME/2026-11` apart; a dataset's name may have slashes."""
    parted = ((account.removeprefix(_DATASETS), amount) for account, amount in spending.items())
    return [(*_name_and_month(account), amount) for account, amount in parted]


def _name_and_month(account: str) -> tuple[str, str]:
    name, _, month = account.rpartition("/")
    return name, month
