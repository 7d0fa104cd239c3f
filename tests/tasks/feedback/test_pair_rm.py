"""Candidates ranked by a network of PairRM's architecture, untrained and made on the spot."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from llms.errors import ConfigurationError, MissingPackageError
from tasks import Graph, LoadDataFromDicts, packages
from tasks.feedback.pair_rm import PairRM
from tasks.row import Row
from tests.tasks.conftest import applied, rows_after
from tests.tasks.feedback.tiny_models import PREFIXES, make_pair_ranker


def test_a_missing_package_is_told_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "is_installed", lambda name: name != "transformers")
    with pytest.raises(MissingPackageError, match=r"pip install 'stillhouse\[transformers\]'"):
        PairRM().load()


def test_the_column_is_named_input_and_a_pipeline_says_so() -> None:
    with Graph("ranks") as graph:
        LoadDataFromDicts(data=[{"inputs": "a", "candidates": ["a", "b"]}]) >> PairRM()
    with pytest.raises(ConfigurationError, match="'input'"):
        graph.validate()


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if find_spec("torch") is None or find_spec("transformers") is None:
        pytest.skip("torch and transformers are not installed")
    return make_pair_ranker(tmp_path_factory.mktemp("pairs"))


@pytest.fixture
def ranker(weights: Path) -> PairRM:
    return PairRM(model=str(weights))


def row(*candidates: str | None, text: str | None = "count please") -> Row:
    return {"input": text, "candidates": list(candidates)}


def published_win(weights: Path, source: str, left: str, right: str) -> float:
    """Compare two candidates as the model's card does: states are found by the prefixes' ids."""
    import torch
    from transformers import AutoTokenizer

    from tasks.feedback.pair_ranker import network_class

    tokenizer = AutoTokenizer.from_pretrained(weights)
    network = network_class().from_pretrained(weights).eval()
    texts = [prefix + text for prefix, text in zip(PREFIXES, (source, left, right), strict=True)]
    first, second, third = (tokenizer(text)["input_ids"] for text in texts)
    ids = torch.tensor([first + second[1:] + third[1:]])
    with torch.inference_mode():
        states = network.pretrained_model(input_ids=ids).last_hidden_state
        at = [
            states[0, int((ids[0] == tokenizer.convert_tokens_to_ids(prefix)).nonzero()[0, 0])]
            for prefix in PREFIXES
        ]
        wins = network.head_layer(torch.cat([at[0], at[1]]))
        losses = network.head_layer(torch.cat([at[0], at[2]]))
    return float(wins - losses)


def test_a_score_is_the_sum_of_the_published_comparisons_in_both_orders(
    weights: Path, ranker: PairRM
) -> None:
    source, candidates = "count please", ["one two", "five", "nine eight seven six"]
    with ranker.at_work() as loaded:
        found = loaded.scores(source, candidates)

    def win(left: str, right: str) -> float:
        return published_win(weights, source, left, right)

    expected = [
        sum(win(one, other) - win(other, one) for other in candidates if other != one)
        for one in candidates
    ]
    assert found == pytest.approx(expected, abs=1e-4)
    assert len({round(score, 3) for score in found}) == 3


def test_the_best_candidate_has_rank_1_and_comes_first(weights: Path, ranker: PairRM) -> None:
    candidates = ["one two", "five", "nine eight seven six"]
    [ranked] = rows_after(applied(ranker, [row(*candidates)]))
    with ranker.at_work() as loaded:
        scores = loaded.scores("count please", candidates)
    best = sorted(candidates, key=lambda one: -scores[candidates.index(one)])
    assert ranked["ranked_candidates"] == best
    assert ranked["ranks"] == [best.index(one) + 1 for one in candidates]
    assert ranked["model_name"] == str(weights)


def test_rows_may_have_different_numbers_of_candidates(ranker: PairRM) -> None:
    made = rows_after(applied(ranker, [row("one", "two"), row("one", "two", "three", "four")]))
    assert [sorted(one["ranks"]) for one in made] == [[1, 2], [1, 2, 3, 4]]


def test_ranks_do_not_depend_on_the_rows_beside(ranker: PairRM) -> None:
    rows = [row("one", "two", "three"), row("one two three four five six", "seven")]
    together = rows_after(applied(ranker, rows))
    apart = [rows_after(applied(ranker, [one]))[0] for one in rows]
    assert together == apart


def test_the_order_of_the_candidates_does_not_matter(ranker: PairRM) -> None:
    [forth] = rows_after(applied(ranker, [row("one", "two", "three")]))
    [back] = rows_after(applied(ranker, [row("three", "two", "one")]))
    assert forth["ranked_candidates"] == back["ranked_candidates"]


def test_equal_candidates_share_a_rank(ranker: PairRM) -> None:
    [ranked] = rows_after(applied(ranker, [row("one", "two", "one", "one")]))
    first, second, *rest = ranked["ranks"]
    assert rest == [first, first]
    assert {first, second} in ({1, 2}, {1, 4})
    [same] = rows_after(applied(ranker, [row("one", "one")]))
    assert same["ranks"] == [1, 1]


def test_texts_that_hold_the_networks_own_marks_are_read_as_text(ranker: PairRM) -> None:
    marked = row("one <|candidate2|> two", "<|source|> three", text="count <|candidate1|>")
    [ranked] = rows_after(applied(ranker, [marked]))
    assert sorted(ranked["ranks"]) == [1, 2]


def test_instructions_are_put_before_the_input(weights: Path, ranker: PairRM) -> None:
    told = PairRM(model=str(weights), instructions="be brief")
    rows = [row("one two", "three four", "five")]
    with ranker.at_work() as loaded:
        by_hand = loaded.scores("be brief\ncount please", rows[0]["candidates"])
    [ranked] = rows_after(applied(told, rows))
    assert ranked["ranks"][by_hand.index(max(by_hand))] == 1


def test_long_texts_are_cut_to_what_the_network_reads(ranker: PairRM) -> None:
    [ranked] = rows_after(applied(ranker, [row("one " * 3000, "two", text="count " * 3000)]))
    assert sorted(ranked["ranks"]) == [1, 2]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (row("one", "two", text=None), "the column 'input' is null"),
        (row("one"), "the column 'candidates' holds no list of two texts or more"),
        ({"input": "count", "candidates": None}, "the column 'candidates' holds no list of two "),
        (row("one", None), "candidate 2 is null"),
        (row("one", " "), "candidate 2 is empty"),
    ],
    ids=["no-input", "one", "null", "null-inside", "blank"],
)
def test_a_row_that_cannot_be_ranked_is_rejected_and_its_neighbours_are_not(
    bad: Row, reason: str, ranker: PairRM
) -> None:
    outcome = applied(ranker, [bad, row("one", "two")])
    assert outcome.rejections[0].reason.startswith(reason)
    assert outcome.frame.height == 1


@pytest.mark.usefixtures("weights")
def test_a_tokenizer_without_the_marks_is_told(tmp_path: Path) -> None:
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    folder = make_pair_ranker(tmp_path)
    kept: Any = AutoTokenizer.from_pretrained(folder)
    plain = PreTrainedTokenizerFast(
        tokenizer_object=kept.backend_tokenizer.from_str(
            kept.backend_tokenizer.to_str().replace("<|source|>", "<|other|>")
        ),
        unk_token="[UNK]",
        pad_token="[PAD]",
    )
    plain.save_pretrained(folder)
    with pytest.raises(ConfigurationError, match=r"has no token '<\|source\|>'"):
        PairRM(model=str(folder)).load()
