"""Chats for fine-tuning: instruction and answer, with the system prompt where there is one."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from tasks import FormatTextGenerationSFT
from tests.tasks.conftest import applied, keyed, keys_of, rows_after

ROW = {"instruction": "Sag \u201eHallo\u201c.", "generation": "Hallo!"}


def test_by_hand_a_row_becomes_a_chat() -> None:
    (made,) = FormatTextGenerationSFT().process([ROW])
    assert made == [
        {
            **ROW,
            "prompt": ROW["instruction"],
            "prompt_id": sha256(ROW["instruction"].encode()).hexdigest(),
            "messages": [
                {"role": "user", "content": ROW["instruction"]},
                {"role": "assistant", "content": "Hallo!"},
            ],
        }
    ]


def test_in_a_pipeline_rows_keep_their_keys() -> None:
    rows = [ROW, {**ROW, "generation": "Servus!"}]
    assert keys_of(applied(FormatTextGenerationSFT(), rows).frame) == keys_of(keyed(rows))


def test_a_system_prompt_comes_first() -> None:
    (made,) = rows_after(applied(FormatTextGenerationSFT(), [{**ROW, "system_prompt": "S"}]))
    assert made["messages"][0] == {"role": "system", "content": "S"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"instruction": None}, "the column 'instruction' is null", id="instruction"),
        pytest.param({"generation": None}, "the column 'generation' is null", id="generation"),
        pytest.param({"generation": " "}, "the column 'generation' is empty", id="blank"),
        pytest.param({"generation": ["a"]}, "the column 'generation' is a list", id="list"),
    ],
)
def test_a_row_without_both_texts_is_rejected(changes: dict[str, Any], reason: str) -> None:
    outcome = applied(FormatTextGenerationSFT(), [{**ROW, **changes}])
    assert not outcome.frame.height
    assert reason in outcome.rejections[0].reason


def test_a_row_without_both_texts_harms_no_other() -> None:
    outcome = applied(FormatTextGenerationSFT(), [ROW, {**ROW, "generation": None}])
    assert outcome.frame.height == 1
    assert outcome.rejections[0].row["generation"] is None
