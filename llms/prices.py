"""What calls cost, by the price list of `genai-prices`, or by the price that the user gives."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from llms.chat import Completion, Usage
from llms.model import Model
from llms.spending import NANODOLLARS, Amount

BATCH_SHARE = 0.5
"""What a request in a provider's batch job costs, next to the same request by itself."""

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Rates:
    """US dollars for each token; `tiers` computes the price where it depends on the length."""

    input: float
    output: float
    cached_input: float
    context_window: int | None = None
    tiers: Any = None

    def cost(self, usage: Usage) -> float:
        """Return what a request cost in US dollars."""
        if self.tiers is not None:
            return float(self.tiers.calc_price(_listed(usage))["total_price"])
        fresh = usage.input_tokens - usage.cached_tokens
        return (
            fresh * self.input
            + usage.cached_tokens * self.cached_input
            + usage.output_tokens * self.output
        )


def rates_of(model: Model) -> Rates | None:
    """Return the rates of a model, None where no price is known."""
    if model.price is not None:
        price = model.price
        cached = price.input if price.cached_input is None else price.cached_input
        listed = _listed_rates(model.price_list, model.model)
        window = listed.context_window if listed else None
        return Rates(price.input / _MILLION, price.output / _MILLION, cached / _MILLION, window)
    if model.free:
        return Rates(0.0, 0.0, 0.0)
    return _listed_rates(model.price_list, model.model)


def priced(model: Model, completion: Completion, share: float = 1.0) -> Completion:
    """Return a completion with its cost, where the price is known; `share` is that of a batch."""
    rates = rates_of(model)
    if rates is None:
        return completion
    return replace(completion, cost_usd=rates.cost(completion.usage) * share)


def amount_of(model: Model, usage: Usage, share: float = 1.0) -> Amount:
    """Return what a request with this usage costs; money only where the price is known."""
    rates = rates_of(model)
    cost = 0 if rates is None else round(rates.cost(usage) * share * NANODOLLARS)
    return Amount(cost, usage.input_tokens + usage.output_tokens, 1)


@lru_cache(maxsize=256)
def _listed_rates(provider: str | None, model: str) -> Rates | None:
    if provider is None:
        return None
    from genai_prices import calc_price

    try:
        found = calc_price(_listed(Usage(1, 1)), model_ref=model, provider_id=provider)
    except (LookupError, ValueError):
        return None
    price = found.model_price
    rates = (price.input_mtok, price.output_mtok, price.cache_read_mtok)
    window = found.model.context_window
    if any(hasattr(rate, "tiers") for rate in rates) or price.requests_kcount:
        return Rates(0.0, 0.0, 0.0, window, tiers=price)
    fresh, output, cached = (
        None if rate is None else float(str(rate)) / _MILLION for rate in rates
    )
    if fresh is None:
        return None
    return Rates(fresh, output or 0.0, fresh if cached is None else cached, window)


def _listed(usage: Usage) -> Any:
    from genai_prices import Usage as Listed

    return Listed(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cached_tokens,
    )
