"""Preference datasets as a recipe makes them, without a provider: texts that read like texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import ClassVar

import pytest

from flows import DatasetVersion, Pipeline
from flows.versions.saved import SavedVersion
from llms import ScriptedLLM
from llms.chat import ChatRequest, text_content
from llms.home import close_gateways
from llms.model import Price
from tasks import (
    FormatTextGenerationDPO,
    GroupColumns,
    KeepColumns,
    LoadDataFromDicts,
    TextGeneration,
    UltraFeedback,
)
from tests.flows.versions import saved

GARDEN = "tomato seedlings, compost, rain barrels, apple trees, slugs, raised beds, garlic, moss"
KITCHEN = "sourdough, lentil soup, cast iron pans, pickles, rye flour, stock, risotto, knives"
COMPUTING = (
    "log files, unit tests, SQL joins, shell scripts, time zones, caches, regular expressions"
)
TRAVEL = "night trains, ferry tickets, hostels, hiking maps, border crossings, packing lists"
LAW = "tenancy contracts, notice periods, small claims, powers of attorney, wills, late invoices"

_ASKS = (
    "Explain {topic} to someone who has never dealt with it.",
    "What do most people get wrong about {topic}?",
    "Write a short checklist for {topic}.",
    "I have one free weekend and want to learn about {topic}. Where do I begin?",
    "Compare two ways of dealing with {topic} and say which one you would choose.",
    "How did people handle {topic} a hundred years ago?",
    "Give three examples that show why {topic} matter.",
)
_SAID = (
    "Start with {topic} that you can see and touch, and leave the theory for later.",
    "The usual mistake is to hurry: {topic} reward whoever checks twice and acts once.",
    "Keep a note of what you did and when, because memory is a poor judge of {topic}.",
    "Two things decide the outcome, patience and the right order, and the second is learnt faster.",
    "If it fails the first time, change one thing only and try again on a smaller scale.",
    "Ask someone nearby who has done it; an hour beside them replaces a week of reading.",
    "There is no single answer for {topic}, but there are a few that are clearly worse.",
    "Costs stay low if you borrow the tools first and buy only what you used three times.",
    "In short: prepare, do a little every day, and stop before you are tired of {topic}.",
    "A good sign is that you can explain to a friend why each step of it is there.",
)


class Writer(ScriptedLLM):
    """Writes paragraphs about the topic of an instruction; `sentences` long on average."""

    provider: ClassVar = "test-writer"

    sentences: int = 4

    def reply(self, request: ChatRequest, seed: int) -> str:
        asked = text_content(request.messages[-1])
        random = Random(f"{self.model}/{asked}")
        topic = next((t for t in _topics() if t in asked), "it")
        count = max(1, round(random.gauss(self.sentences, 1.2)))
        said = [random.choice(_SAID).format(topic=topic) for _ in range(count)]
        if "checklist" in asked:
            return "\n".join(f"- {sentence}" for sentence in said)
        return " ".join(said).replace(". In short", ".\n\nIn short")


class Judge(ScriptedLLM):
    """Rates answers around `mean`; now and then its reply cannot be read."""

    provider: ClassVar = "test-judge"

    mean: float = 3.6
    unreadable: float = 0.03

    def reply(self, request: ChatRequest, seed: int) -> str:
        asked = text_content(request.messages[0])
        random = Random(f"{self.model}/{asked}")
        if random.random() < self.unreadable:
            return "Both answers are fine, so I would rather not choose between them."
        ratings = [min(5, max(1, round(random.gauss(self.mean, 1)))) for _ in range(2)]
        if ratings[0] == ratings[1]:
            ratings[1] += 1 if ratings[1] < 5 else -1
        return "\n\n".join(
            f"#### Text {number}\nRationale: It answers the question in {rating} of 5 respects.\n"
            f"Rating: {rating}"
            for number, rating in enumerate(ratings, 1)
        )


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a preference dataset is made of."""

    instructions: Sequence[str]
    writers: Sequence[str] = ("harbour-7b", "lantern-13b")
    sentences: int = 4
    judge: str = "assayer-large"
    mean: float = 3.6
    unreadable: float = 0.03
    name: str = "household-preferences"


def instructions(*fields: str, count: int, seed: int = 0) -> list[str]:
    """Return so many different instructions about the topics of some fields."""
    asks = [ask.format(topic=topic) for field in fields for topic in _split(field) for ask in _ASKS]
    many = [f"{ask} {hint}".strip() for hint in _HINTS for ask in asks]
    return Random(seed).sample(many, count)


def preferences(recipe: Recipe) -> DatasetVersion:
    """Run the recipe in this process."""
    price = Price(input=0.4, output=1.6)
    with Pipeline(recipe.name, "Answers about everyday matters, in pairs.") as pipeline:
        load = LoadDataFromDicts(
            name="instructions",
            data=[{"instruction": text} for text in recipe.instructions],
            key_columns=("instruction",),
        )
        answers = [
            TextGeneration(
                name=f"answer-{number}",
                llm=Writer(model=model, price=price, sentences=recipe.sentences - 1 + number),
                system_prompt="Answer in plain words. Say so where you are not sure.",
            )
            for number, model in enumerate(recipe.writers, 1)
        ]
        together = GroupColumns(
            name="answers",
            columns=("generation", "model_name"),
            output_columns=("generations", "generation_models"),
        )
        ratings = UltraFeedback(
            name="ratings",
            llm=Judge(
                model=recipe.judge,
                price=Price(input=2, output=8),
                mean=recipe.mean,
                unreadable=recipe.unreadable,
            ),
        )
        pairs = FormatTextGenerationDPO(name="pairs")
        dataset = KeepColumns(
            name="dataset",
            columns=(
                "prompt",
                "chosen",
                "chosen_rating",
                "chosen_model",
                "rejected",
                "rejected_rating",
                "rejected_model",
            ),
        )
        load >> answers >> together >> ratings >> pairs >> dataset
    return pipeline.preview(len(recipe.instructions))


def saved_preferences(
    folder: Path, recipe: Recipe, before: SavedVersion | None = None
) -> SavedVersion:
    """Run the recipe and write the version that follows another."""
    return saved(folder, preferences(recipe), before)


_HINTS = (
    "",
    "Keep it under a page.",
    "Use examples from a small flat.",
    "I am in a hurry.",
    "Assume I have no tools.",
    "My neighbour disagrees with me about it.",
)


def _split(field: str) -> list[str]:
    return field.split(", ")


def _topics() -> list[str]:
    return [topic for field in (GARDEN, KITCHEN, COMPUTING, TRAVEL, LAW) for topic in _split(field)]


@dataclass(frozen=True, slots=True)
class Planted:
    """Two versions of one dataset: in the second another writer, a stricter judge that is harder to
    read, 12 instructions gone and 30 about another field.
    """

    before: SavedVersion
    version: SavedVersion


@contextmanager
def planted_versions(folder: Path) -> Iterator[Planted]:
    """Make the two versions in a folder, with a home of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STILLHOUSE_HOME", str(folder / "home"))
        old = instructions(GARDEN, KITCHEN, COMPUTING, TRAVEL, count=300)
        before = saved_preferences(folder / "v1", Recipe(old))
        new = Recipe(
            [*old[12:], *instructions(LAW, count=30, seed=3)],
            writers=("harbour-7b", "lantern-13b-2026-11"),
            judge="assayer-large-2",
            mean=2.7,
            unreadable=0.12,
        )
        yield Planted(before, saved_preferences(folder / "v2", new, before))
        close_gateways()
