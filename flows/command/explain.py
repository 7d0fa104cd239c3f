"""`stillhouse explain`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from json import dumps
from pathlib import Path

from rich.console import Console
from rich.text import Text

from flows.command.named_version import named_version
from flows.command.transcript import add_exchange, add_row, panel, printable
from flows.publishing.folder import version_in
from flows.refresh.explain import explain
from flows.refresh.finding_rows import AmbiguousRow, NoSuchRow, find_key
from flows.refresh.story import AnswerStory, Ending, StepStory, Story
from flows.versions.saved import SavedVersion
from llms.errors import ConfigurationError
from llms.spending import dollars

DATASETS = Path("data")


def explain_row(key: str, version: str | None, *, json: bool) -> None:
    """Print how a row came to be.

    Raises:
        StillhouseError: there is no such row, several may be meant, or its version is not found.
    """
    with _version_of(key, version) as found:
        story = explain(found, key)
    if json:
        print(dumps(story.as_json(), indent=2, default=str))
        return
    _show(story)


@contextmanager
def _version_of(key: str, named: str | None) -> Iterator[SavedVersion]:
    if named is not None:
        with named_version(named) as version:
            yield version
        return
    versions = [version_in(folder) for folder in sorted(DATASETS.glob("*")) if folder.is_dir()]
    holding = [version for version in versions if version is not None and _may_hold(version, key)]
    if not holding:
        raise NoSuchRow(
            f"No dataset below {str(DATASETS)!r} has a row {key!r}; name its version with "
            f"--version."
        )
    if len(holding) > 1:
        listed = ", ".join(str(version.folder) for version in holding)
        raise ConfigurationError(f"{listed} have a row {key!r}; name one with --version.")
    yield holding[0]


def _may_hold(version: SavedVersion, key: str) -> bool:
    if version.manifest.provenance == "none":
        return False
    with suppress(AmbiguousRow):
        try:
            find_key(version, key)
        except NoSuchRow:
            return False
    return True


def _show(story: Story) -> None:
    console = Console(highlight=False)
    console.print(Text(printable(f"Row {story.key} of {story.dataset} {story.version}")))
    text = Text()
    if story.source_row:
        add_row(text, story.source_row)
    elif story.source_row is None:
        text.append("The source row is not kept with the version.")
    else:
        text.append("A model made this row from nothing.")
    console.print(panel(text, f"source {story.source}", f"row {story.source_key}"))
    for step in story.steps:
        if step.step != story.source or step.answers:
            _show_step(console, step)
    for ending in story.endings:
        _show_ending(console, ending)


def _show_step(console: Console, step: StepStory) -> None:
    title = f"{step.step} ({step.kind})"
    if step.generation is not None:
        title += f", sample {step.generation + 1}"
    for answer in step.own_answers:
        text = Text()
        add_exchange(text, answer.prompt, answer.reply)
        if answer.prompt is None and answer.reply is None:
            text.append("Neither the prompt nor the reply is kept as text.")
        again = ", asked again" if answer.correction else ""
        console.print(panel(text, f"{title}{again}", _said(answer)))
    text = Text()
    add_row(text, step.made)
    if step.note:
        text.append(f"Not all of it is shown: {printable(step.note)}.", style="italic")
    if text:
        console.print(panel(text, f"{title}: what it made" if step.made else title))


def _said(answer: AnswerStory) -> str:
    cost = "price not known" if answer.cost_usd is None else dollars(answer.cost_usd)
    ending = f", finish reason {answer.finish_reason}" if answer.finish_reason else ""
    request = f", request {answer.request_id}" if answer.request_id else ""
    return (
        f"{answer.model}, {answer.input_tokens} tokens in, {answer.output_tokens} out, "
        f"{cost}{ending}{request}"
    )


def _show_ending(console: Console, ending: Ending) -> None:
    text = Text()
    new = "new in this version" if ending.is_new else "taken over from an earlier version"
    said = f"run {ending.run or 'unknown'}, {new}"
    if ending.status == "made":
        add_row(text, ending.row)
        console.print(panel(text, f"row of {ending.configuration}, {ending.split}", said))
        return
    text.append(printable(f"{ending.reason}\n"), style="bold red")
    if ending.raw_reply is not None:
        add_exchange(text, None, ending.raw_reply)
    console.print(panel(text, f"rejected in step {ending.step}", said))
