"""Scores of a reward model that transformers runs, untrained and made on the spot."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from llms.errors import ConfigurationError, MissingPackageError, ServerFailed
from tasks import Graph, LoadDataFromDicts, packages
from tasks.feedback.reward_model_score import RewardModelScore
from tasks.row import Row
from tests.tasks.conftest import applied, rows_after
from tests.tasks.feedback.tiny_models import make_reward_model


def test_a_missing_package_is_told_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "is_installed", lambda name: name != "torch")
    with pytest.raises(MissingPackageError, match=r"pip install 'stillhouse\[transformers\]'"):
        RewardModelScore(model="a/b").load()


def test_the_columns_needed_are_told_before_a_run() -> None:
    with Graph("scores") as graph:
        LoadDataFromDicts(data=[{"instruction": "a"}]) >> RewardModelScore(model="a/b")
    with pytest.raises(ConfigurationError, match="needs the column 'conversation', or 'instructio"):
        graph.validate()


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if find_spec("torch") is None or find_spec("transformers") is None:
        pytest.skip("torch and transformers are not installed")
    return make_reward_model(tmp_path_factory.mktemp("reward"))


def answer(instruction: str, response: str | None) -> Row:
    return {"instruction": instruction, "response": response}


def scores(step: RewardModelScore, rows: list[Row]) -> list[float]:
    return [row["score"] for row in rows_after(applied(step, rows))]


@pytest.fixture
def scorer(weights: Path) -> RewardModelScore:
    return RewardModelScore(model=str(weights))


def test_a_score_is_what_the_model_gives_for_the_written_conversation(
    weights: Path, scorer: RewardModelScore
) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokens = AutoTokenizer.from_pretrained(weights)(
        "<|user|>Count.<|end|><|assistant|>one two<|end|>",
        add_special_tokens=False,
        return_tensors="pt",
    )
    model = AutoModelForSequenceClassification.from_pretrained(weights)
    with torch.inference_mode():
        expected = model(**tokens).logits[0, 0].item()
    assert scores(scorer, [answer("Count.", "one two")]) == [pytest.approx(expected, abs=1e-6)]


@pytest.mark.parametrize("rows", [1, 2, 3, 7])
def test_a_score_is_a_number_whatever_the_number_of_rows(
    rows: int, scorer: RewardModelScore
) -> None:
    found = scores(scorer, [answer("Count.", "one " * (n + 1)) for n in range(rows)])
    assert len(found) == rows
    assert all(isinstance(score, float) for score in found)


def test_a_score_does_not_depend_on_longer_neighbours(scorer: RewardModelScore) -> None:
    short, long = answer("Count.", "one"), answer("Count.", "one two three four five six")
    assert scores(scorer, [short, long, long])[0] == scores(scorer, [short])[0]


def test_a_conversation_is_scored_like_its_instruction_and_response(
    scorer: RewardModelScore,
) -> None:
    chat = [{"role": "user", "content": "Count."}, {"role": "assistant", "content": "one"}]
    rows: list[Row] = [
        {"conversation": chat, "instruction": None, "response": None},
        {"conversation": None, **answer("Count.", "one")},
        {"conversation": [*chat, *chat], "instruction": None, "response": None},
    ]
    first, second, third = scores(scorer, rows)
    assert first == second != third


def test_a_row_without_an_answer_is_rejected_and_its_neighbours_are_not(
    scorer: RewardModelScore,
) -> None:
    rows = [answer("Count.", None), answer("", "one"), answer("Count.", "one")]
    outcome = applied(scorer, rows)
    assert [rejection.reason for rejection in outcome.rejections] == [
        "the column 'response' is null",
        "the column 'instruction' is empty",
    ]
    assert outcome.frame.height == 1


def test_a_chat_that_the_template_refuses_is_a_rejection(weights: Path, tmp_path: Path) -> None:
    folder = make_reward_model(tmp_path)
    (folder / "chat_template.jinja").write_text("{{ raise_exception('no chats on Monday') }}")
    outcome = applied(RewardModelScore(model=str(folder)), [answer("Count.", "one")])
    assert outcome.rejections[0].reason.endswith("no chats on Monday")


def test_a_conversation_that_is_too_long_is_rejected_or_cut(
    weights: Path, scorer: RewardModelScore
) -> None:
    long = answer("Count.", "one two three four five six seven " * 20)
    assert "tokens, and 64 are read" in applied(scorer, [long]).rejections[0].reason
    cut = RewardModelScore(model=str(weights), truncation=True)
    assert len(scores(cut, [long])) == 1
    shorter = RewardModelScore(model=str(weights), max_length=8)
    assert "and 8 are read" in applied(shorter, [answer("Count.", "one two")]).rejections[0].reason


@pytest.mark.usefixtures("weights")
def test_a_score_that_is_not_finite_is_a_rejection(tmp_path: Path) -> None:
    from transformers import AutoModelForSequenceClassification

    model = AutoModelForSequenceClassification.from_pretrained(make_reward_model(tmp_path))
    model.score.weight.data.fill_(float("nan"))
    model.save_pretrained(tmp_path)
    broken = RewardModelScore(model=str(tmp_path))
    assert applied(broken, [answer("Count.", "one")]).rejections[0].reason == "the score is nan"


@pytest.mark.usefixtures("weights")
def test_a_model_that_gives_several_numbers_is_no_reward_model(tmp_path: Path) -> None:
    several = RewardModelScore(model=str(make_reward_model(tmp_path, num_labels=3)))
    with pytest.raises(ConfigurationError, match="gives 3 numbers"):
        applied(several, [answer("Count.", "one")])


@pytest.mark.usefixtures("weights")
def test_weights_that_cannot_be_loaded_are_told_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="There is no model folder"):
        RewardModelScore(model="./nowhere").load()
    with pytest.raises(ConfigurationError, match="transformers cannot load") as caught:
        RewardModelScore(model=str(tmp_path), token=SecretStr("hf_planted")).load()
    assert "hf_planted" not in str(caught.value)


def test_a_failure_of_torch_is_worth_another_try(
    scorer: RewardModelScore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("out of memory")

    scorer.load()
    monkeypatch.setattr(scorer._loaded.model, "forward", fail)
    with pytest.raises(ServerFailed, match="out of memory"):
        applied(scorer, [answer("Count.", "one")])


def test_threads_share_the_weights_and_unload_frees_them(scorer: RewardModelScore) -> None:
    rows = [[answer("Count.", "one " * (n + 1))] for n in range(6)]
    alone = [scores(scorer, row) for row in rows]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda row: scores(scorer, row), rows)) == alone
    scorer.unload()
    assert scorer._loaded is None


def test_a_folder_counts_by_its_content_and_the_token_not_at_all(
    weights: Path, tmp_path: Path
) -> None:
    elsewhere = make_reward_model(tmp_path / "same")
    other = make_reward_model(tmp_path / "other", hidden_size=32)
    token = SecretStr("hf_planted")
    first = RewardModelScore(model=str(weights))
    assert first.signature == RewardModelScore(model=str(elsewhere)).signature
    assert first.signature != RewardModelScore(model=str(other)).signature
    keyed = RewardModelScore(model=str(weights), token=token)
    assert first.signature == keyed.signature
    assert "hf_planted" not in repr(keyed)
