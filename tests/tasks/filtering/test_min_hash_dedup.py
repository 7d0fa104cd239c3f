"""MinHash dedup: the first of similar texts stays, whatever the batches, threads or process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest

from llms.errors import ConfigurationError, MissingPackageError
from tasks import packages
from tasks.filtering.min_hash_dedup import MinHashDedup
from tasks.outcome import StepContext
from tasks.row import Row
from tests.tasks.conftest import applied, keyed, keys_of, rows_after

KEEP = "keep_row_after_minhash_filtering"

OTTER = "An otter floats on its back and cracks a mussel on a flat stone it keeps under an arm."
RIVER = "The river runs through the old town, past the mill and out between two low hills."


def rows(*texts: str | None) -> list[Row]:
    return [{"text": text} for text in texts]


def kept(*texts: str, **parameters: Any) -> list[bool]:
    return [row[KEEP] for row in rows_after(applied(MinHashDedup(**parameters), rows(*texts)))]


def words(count: int, random: Random) -> list[str]:
    return [f"word{random.randrange(50_000)}" for _ in range(count)]


# Who stays.


def test_the_first_occurrence_stays_and_its_copies_go() -> None:
    assert kept(RIVER, OTTER, RIVER, OTTER, OTTER) == [True, True, False, False, False]


def test_a_text_that_is_nearly_the_same_goes() -> None:
    long = " ".join(words(60, Random(0)))
    assert kept(long, long + " indeed") == [True, False]


def test_texts_with_little_in_common_stay() -> None:
    assert kept(RIVER, OTTER) == [True, True]


@pytest.mark.parametrize("tokenizer", ["words", "ngrams"])
def test_a_lower_threshold_finds_less_similar_texts(tokenizer: Any) -> None:
    other = RIVER.replace("two low hills", "three steep hills")

    assert kept(RIVER, other, tokenizer=tokenizer, threshold=0.95) == [True, True]
    assert kept(RIVER, other, tokenizer=tokenizer, threshold=0.5) == [True, False]


def test_a_row_near_to_a_dropped_one_only_stays() -> None:
    first = words(40, Random(1))
    second = first[8:] + words(8, Random(2))
    third = second[8:] + words(8, Random(3))
    texts = [" ".join(text) for text in (first, second, third)]

    assert kept(*texts, threshold=0.55, num_perm=512) == [True, False, True]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param("日本語の文章です。", "中国的文字不同。", id="no spaces"),
        pytest.param("abc", "xyz", id="shorter than n"),
        pytest.param("a", "b", id="one letter"),
        pytest.param("😀", "😃", id="emoji"),
        pytest.param("?", "!", id="marks"),
    ],
)
def test_short_texts_in_any_script_are_told_apart(first: str, second: str) -> None:
    for tokenizer in ("words", "ngrams"):
        assert kept(first, second, first, tokenizer=tokenizer) == [True, True, False]


def test_words_are_found_in_any_script_and_in_any_order() -> None:
    assert kept("Ёлка — зелёная", "зелёная Ёлка —") == [True, False]
    assert kept("Ёлка зелёная", "зелёная Ёлка", tokenizer="ngrams") == [True, True]


# How well.


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.8, 0.9])
@pytest.mark.parametrize("num_perm", [64, 128, 256])
def test_pairs_clearly_above_the_threshold_go_and_pairs_clearly_below_stay(
    threshold: float, num_perm: int
) -> None:
    random = Random(f"{threshold} {num_perm}")
    margin = 2.0 / num_perm**0.5
    found = missed = wrong = 0
    for _ in range(150):
        size, shared = 40, random.randrange(41)
        first = words(size, random)
        second = first[:shared] + words(size - shared, random)
        similarity = len({*first} & {*second}) / len({*first} | {*second})
        _, keep = kept(" ".join(first), " ".join(second), threshold=threshold, num_perm=num_perm)
        if similarity > min(threshold + margin, 0.99):
            found += not keep
            missed += keep
        elif similarity < threshold - margin:
            wrong += not keep
    assert wrong <= 1
    assert missed <= 2
    assert found or threshold + margin > 0.95


@pytest.mark.parametrize("num_perm", [2, 7, 100, 127, 128])
@pytest.mark.parametrize("threshold", [0.01, 0.5, 1.0])
def test_equal_texts_are_found_whatever_the_parameters(num_perm: int, threshold: float) -> None:
    assert kept(RIVER, RIVER, threshold=threshold, num_perm=num_perm) == [True, False]


# The whole dataset, once.


def many() -> list[str]:
    """Return 3,000 texts of which every third is like an earlier one."""
    random = Random(7)
    texts: list[str] = []
    for number in range(3_000):
        if number % 3 == 2:
            again = random.choice(texts).split()
            again[0] = f"word{number}"
            texts.append(" ".join(again))
        else:
            texts.append(" ".join(words(30, random)))
    return texts


def test_what_is_like_a_row_of_an_earlier_partition_goes() -> None:
    frame = keyed([{"text": text, "id": number} for number, text in enumerate(many())])
    whole = MinHashDedup(threshold=0.85).apply(frame, StepContext()).frame
    parts = pl.concat([part.lazy() for part in frame.iter_slices(100)])
    scanned = MinHashDedup(threshold=0.85).apply_to_dataset(parts, StepContext()).frame

    assert scanned.select("id", KEEP).equals(whole.select("id", KEEP))
    assert whole.filter(pl.col("id") % 3 == 2)[KEEP].sum() < 0.01 * 1_000
    assert whole.filter(pl.col("id") % 3 != 2)[KEEP].all()


_PROGRAM = """
from tests.tasks.filtering.test_min_hash_dedup import kept, many
print("".join(str(int(keep)) for keep in kept(*many(), threshold=0.85)))
"""


def test_neither_threads_nor_the_process_change_the_result() -> None:
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", _PROGRAM],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "RAYON_NUM_THREADS": threads, "PYTHONHASHSEED": threads},
            cwd=Path(__file__).parents[3],
        )
        for threads in ("1", "4")
    ]
    one, four = (program.communicate(timeout=120)[0].strip() for program in programs)
    here = "".join(str(int(keep)) for keep in kept(*many(), threshold=0.85))
    assert one == four == here


def test_nothing_is_left_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    kept(RIVER, OTTER, RIVER)
    assert list(tmp_path.glob("*.*")) == []


def test_a_second_run_of_the_same_step_begins_anew() -> None:
    step = MinHashDedup()
    first = rows_after(applied(step, rows(RIVER, OTTER)))
    assert rows_after(applied(step, rows(RIVER, OTTER))) == first


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(None, "the column 'text' is null", id="none"),
        pytest.param("", "the column 'text' is empty", id="empty"),
        pytest.param(" \t", "the column 'text' is empty", id="blank"),
    ],
)
def test_a_row_without_a_text_is_a_rejection_and_no_duplicate_of_another(
    text: str | None, reason: str
) -> None:
    given = rows(RIVER, text, RIVER, OTTER, text)
    outcome = applied(MinHashDedup(), given)

    assert [row[KEEP] for row in rows_after(outcome)] == [True, False, True]
    assert [rejection.reason for rejection in outcome.rejections] == [reason] * 2
    keys = keys_of(keyed(given))
    assert [rejection.key for rejection in outcome.rejections] == [keys[1], keys[4]]


def test_a_dataset_without_rows_has_the_mark() -> None:
    outcome = MinHashDedup().apply(keyed(rows(RIVER)).clear(), StepContext())

    assert outcome.frame.schema[KEEP] == pl.Boolean


def test_mappings_name_the_datasets_columns() -> None:
    frame = keyed([{"body": RIVER, "id": 1}, {"body": RIVER, "id": 2}])
    step = MinHashDedup(input_mappings={"text": "body"}, output_mappings={KEEP: "keep"})
    outcome = step.apply_to_dataset(frame.lazy(), StepContext())

    assert outcome.frame.select("id", "body", "keep").rows() == [
        (1, RIVER, True),
        (2, RIVER, False),
    ]


@pytest.mark.parametrize(
    "parameters",
    [{"num_perm": 1}, {"threshold": 0}, {"threshold": 1.1}, {"n": 0}, {"storage": "disk"}],
    ids=str,
)
def test_a_parameter_that_cannot_work_is_told_when_the_step_is_made(
    parameters: dict[str, Any],
) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(parameters))):
        MinHashDedup(**parameters)


def test_a_missing_package_is_told_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "is_installed", lambda name: name != "rensa")
    with pytest.raises(MissingPackageError, match=r"pip install 'stillhouse\[minhash\]'"):
        applied(MinHashDedup(), rows(RIVER))
