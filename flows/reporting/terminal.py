"""The run in the terminal: a live table, or a line now and then where there is no terminal."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Table

from flows.runtime.progress import Progress, StepProgress
from llms.spending import dollars

console = Console(stderr=True)

_SECONDS_BETWEEN_LINES = 10.0


def tell(sentence: str) -> None:
    """Print a sentence about a run."""
    console.print(sentence, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def shown_progress(progress: Progress) -> Iterator[None]:
    """Show the counts of a run while a block works."""
    if console.is_terminal:
        with Live(get_renderable=lambda: _table(progress), console=console, refresh_per_second=4):
            yield
        return
    finished = threading.Event()

    def tell() -> None:
        while not finished.wait(_SECONDS_BETWEEN_LINES):
            console.print(_line(progress), highlight=False, soft_wrap=True)

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        finished.set()
        teller.join()


def _table(progress: Progress) -> Table:
    left = progress.seconds_left()
    elapsed = time.monotonic() - progress.started
    table = Table(
        caption=f"{_duration(elapsed)} gone, {_duration(left) if left is not None else '…'} left",
        caption_justify="left",
    )
    table.add_column("step")
    for heading in ("rows", "rejected", "calls", "reused", "tokens in", "tokens out", "spent"):
        table.add_column(heading, justify="right")
    for step in progress.steps.values():
        total = "…" if step.total is None else f"{step.total:,}"
        table.add_row(
            step.name,
            f"{step.done + step.rejected:,} / {total}",
            f"[red]{step.rejected:,}[/]" if step.rejected else "",
            f"{step.requests - step.reused:,}" if step.requests else "",
            f"{step.reused:,}" if step.reused else "",
            f"{step.input_tokens:,}" if step.requests else "",
            f"{step.output_tokens:,}" if step.requests else "",
            _spent(step),
        )
    return table


def _line(progress: Progress) -> str:
    left = progress.seconds_left()
    tokens_in, tokens_out = progress.tokens
    rejected = sum(step.rejected for step in progress.steps.values())
    until = f", about {_duration(left)} left" if left is not None else ""
    return (
        f"{progress.fraction():.0%} done, {progress.calls:,} calls, {progress.reused:,} reused, "
        f"{tokens_in:,} tokens in, {tokens_out:,} out, "
        f"{dollars(progress.spent_usd)} spent, {rejected:,} rejected{until}"
    )


def _spent(step: StepProgress) -> str:
    if not step.requests:
        return ""
    return "unknown" if step.unpriced == step.requests else dollars(step.spent_usd)


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
