"""The gate `contamination`."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from flows.gates.shared_words import SharedWords, words_of
from llms.errors import MissingPackageError
from tasks import Row, packages
from tests.flows.gates.refreshes import (
    OTHER,
    QUESTION,
    configured,
    evaluation,
    gates,
    key_of,
    passages,
    refreshed,
    verdict,
    verdicts,
)


def in_capitals_without_marks(text: str) -> str:
    return re.sub(r"[^\w\s]", " ", text).upper()


def inside_other_text(text: str) -> str:
    return f"{OTHER} {text} {OTHER}"


def with_a_few_other_words(text: str) -> str:
    words = text.split()
    return " ".join("other" if place % 12 == 5 else word for place, word in enumerate(words))


@pytest.mark.parametrize(
    "leak",
    [str, in_capitals_without_marks, inside_other_text, with_a_few_other_words],
    ids=["as it is", "capitals, no marks", "inside other text", "a word in twelve exchanged"],
)
def test_leaked_items_are_found_and_other_rows_are_not(
    leak: Callable[[str], str], tmp_path: Path
) -> None:
    texts = passages()
    items, rows = texts[:60], texts[60:]
    planted = [leak(text) for text in items[:40]]
    version = refreshed(tmp_path / "v", [{"text": text} for text in [*rows, *planted]])
    source = evaluation(tmp_path / "set", *items)
    found = verdict(version, contamination={"sets": {"docs": source}})
    assert len(rows) > 100
    assert not found.passed
    assert isinstance(found.measured, int)
    assert 38 <= found.measured <= 41
    clean = refreshed(tmp_path / "clean", [{"text": text} for text in rows])
    of_others = verdict(clean, contamination={"sets": {"docs": source}, "at_most": 1})
    assert of_others.passed, of_others.sentence


def words(count: int, first: int = 0) -> str:
    return " ".join(f"w{number}" for number in range(first, first + count))


@pytest.mark.parametrize(
    ("shared", "found"), [(13, True), (12, False), (14, True)], ids=lambda value: str(value)
)
def test_thirteen_words_in_a_row_are_shared(shared: int, found: bool, tmp_path: Path) -> None:
    text = f"{words(20, 500)} {words(shared)} {words(20, 800)}"
    version = refreshed(tmp_path / "v", [{"text": text}])
    source = evaluation(tmp_path / "set", f"{words(10, 900)} {words(shared)} {words(10, 950)}")
    wanted = {"sets": {"docs": source}, "similarity": None}
    assert verdict(version, contamination=wanted).measured == int(found)
    assert verdict(version, contamination={**wanted, "words": shared}).measured == 1
    assert verdict(version, contamination={**wanted, "words": shared + 1}).measured == 0


@pytest.mark.parametrize(
    ("item", "text", "found"),
    [
        (words(8), f"x {words(8)} y", True),
        (words(8), f"x {words(7)} y", False),
        (words(7), f"x {words(7)} y", False),
        (words(7), words(7).upper() + "!", True),
        (words(1), words(1), True),
    ],
    ids=["eight words inside", "most of eight", "seven words inside", "seven alone", "one alone"],
)
def test_a_short_item_is_found_as_a_whole(
    item: str, text: str, found: bool, tmp_path: Path
) -> None:
    version = refreshed(tmp_path / "v", [{"text": text}])
    sets = {"short": {"source": evaluation(tmp_path / "set", item), "columns": ["question"]}}
    assert verdict(version, contamination={"sets": sets, "similarity": None}).measured == found


@pytest.mark.parametrize(
    ("similarity", "found"), [(0.8, True), (0.95, False), (None, False)], ids=str
)
def test_texts_that_are_nearly_an_item_are_found(
    similarity: float | None, found: bool, tmp_path: Path
) -> None:
    item = words(60).split()
    text = " ".join("other" if place % 11 == 5 else word for place, word in enumerate(item))
    version = refreshed(tmp_path / "v", [{"text": text}])
    source = evaluation(tmp_path / "set", " ".join(item))
    wanted = {"sets": {"docs": source}, "similarity": similarity}
    assert verdict(version, contamination=wanted).measured == int(found)


@pytest.mark.parametrize(("most", "passed"), [(2, True), (1, False), (0, False)])
def test_so_many_rows_may_hold_items(most: int, passed: bool, tmp_path: Path) -> None:
    version = refreshed(tmp_path / "v", [{"text": text} for text in (QUESTION, OTHER, QUESTION)])
    source = evaluation(tmp_path / "set", QUESTION)
    found = verdict(version, contamination={"sets": {"shop": source}, "at_most": most})
    assert found.measured == 2
    assert found.passed is passed


def test_the_sentence_says_what_was_found_and_where(tmp_path: Path) -> None:
    text = f"Here is one. {QUESTION}"
    version = refreshed(tmp_path / "v", [{"text": OTHER}, {"text": text}])
    found = verdict(version, contamination={"sets": {"shop": evaluation(tmp_path / "s", QUESTION)}})
    key = key_of(version, 1)
    assert found.subject == "shop"
    assert found.rows == (key,)
    assert found.wanted == "at most 0 rows"
    assert found.sentence == (
        f"Items of the evaluation set 'shop' are in 1 of 2 rows (1 by 13 words in a row or all "
        f"words of an item, 0 by similarity), and at most 0 rows may hold some; most are in 'text' "
        f"(for example {key[:8]} “a shop sells pencils in boxes of twelve and a school orders…”)."
    )


def test_a_row_counts_once_and_each_set_has_a_verdict(tmp_path: Path) -> None:
    version = refreshed(tmp_path / "v", [{"a": QUESTION, "b": [QUESTION, QUESTION]}])
    sets = {
        "shop": evaluation(tmp_path / "shop", QUESTION),
        "river": evaluation(tmp_path / "river", OTHER),
    }
    shop, river = verdicts(version, contamination={"sets": sets})
    assert (shop.measured, shop.rows) == (1, (key_of(version, 0),))
    assert (river.measured, river.passed) == (0, True)


def test_only_named_columns_are_compared(tmp_path: Path) -> None:
    version = refreshed(tmp_path / "v", [{"a": QUESTION, "b": OTHER}])
    sets = {"shop": evaluation(tmp_path / "shop", QUESTION)}
    assert verdict(version, contamination={"sets": sets, "columns": ["b"]}).passed
    absent, shop = verdicts(version, contamination={"sets": sets, "columns": ["b", "c"]})
    assert absent.sentence == "There is no column 'c'; the columns are: a, b."
    assert shop.passed


def test_all_configurations_and_chats_are_compared(tmp_path: Path) -> None:
    chat = [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": "Forty."}]
    rows: list[Row] = [{"chat": chat, "text": OTHER}, {"chat": [], "text": QUESTION}]
    version = configured(tmp_path / "v", rows, sft=("chat",), dpo=("text",))
    sets = {"shop": evaluation(tmp_path / "shop", QUESTION)}
    found = verdict(version, contamination={"sets": sets})
    assert found.measured == 2
    assert set(found.rows) == {key_of(version, 0, "sft"), key_of(version, 1, "dpo")}


def test_what_all_items_begin_with_is_no_item(tmp_path: Path) -> None:
    template = "Read the following passage with care and answer the question that comes after it."
    items = [f"{template} {words(20, 30 * number)}" for number in range(12)]
    rows = [f"{template} {words(20, 1_000)}", f"{words(5, 2_000)} {words(20, 30)}"]
    version = refreshed(tmp_path / "v", [{"text": text} for text in rows])
    source = evaluation(tmp_path / "set", *items)
    found = verdict(version, contamination={"sets": {"read": source}, "similarity": None})
    assert found.rows == (key_of(version, 1),)


def test_an_item_that_is_all_template_is_found(tmp_path: Path) -> None:
    template = words(20)
    items = [template, *(f"{template} {words(20, 30 * number)}" for number in range(1, 13))]
    version = refreshed(tmp_path / "v", [{"text": f"x {template}"}])
    source = evaluation(tmp_path / "set", *items)
    assert verdict(version, contamination={"sets": {"t": source}, "similarity": None}).measured == 1


def test_each_character_is_a_word_where_no_spaces_are_written() -> None:
    assert words_of(pl.Series(["Die 12 Äpfel, 没有人!", "\uff21\uff22-c", ""])).to_list() == [
        ["die", "12", "äpfel", "没", "有", "人"],
        ["ab", "c"],
        [],
    ]


def test_runs_of_words_do_not_cross_texts() -> None:
    items = SharedWords(pl.Series([words(26)]), 13)
    texts = pl.Series([words(6), words(7, 6), "", None, words(13, 3)], dtype=pl.String)
    matches = items.matches(words_of(texts))
    assert matches.rows() == [(4, 0, 0)]


def test_a_missing_package_is_named_with_the_command_that_helps(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(packages, "is_installed", lambda name: name != "rensa")
    wanted = {"sets": {"shop": evaluation(tmp_path / "set", QUESTION)}}
    with pytest.raises(MissingPackageError, match=r"pip install 'stillhouse\[minhash\]'"):
        gates(contamination=wanted).prepare()
    gates(contamination={**wanted, "similarity": None}).prepare()
    with pytest.raises(MissingPackageError, match=r"pip install 'stillhouse\[minhash\]'"):
        gates(duplicates={"near_at_most": 0}).prepare()
    gates(duplicates={"at_most": 0}).prepare()
