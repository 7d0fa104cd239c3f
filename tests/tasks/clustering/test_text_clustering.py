"""Labels of clusters: one request each, the same samples again, noise or not."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from PIL import Image

from llms import Gateway
from llms.chat import text_content
from llms.errors import BadRequest, ConfigurationError, MissingPackageError, ServerFailed
from tasks import packages
from tasks.artifacts import artifacts_in
from tasks.clustering.picture import draw_clusters
from tasks.clustering.text_clustering import TextClustering
from tasks.outcome import StepContext
from tasks.row import Row
from tests.tasks.conftest import RecordingLLM, applied, keyed, keys_of, parents_of, rows_after


def labelling(**parameters: Any) -> RecordingLLM:
    """Return a model that labels texts by the animal in them."""
    rules = {animal: json.dumps({"labels": animal.title()}) for animal in ("cat", "dog", "bird")}
    return RecordingLLM(rules=rules, **parameters)


def texts(**animals: int) -> list[Row]:
    """Return texts about animals, each animal a cluster; "noise" is none."""
    draw = random.Random(3)
    return [
        {
            "text": f"{animal} number {number}",
            "cluster_label": -1 if animal == "noise" else list(animals).index(animal),
            "projection": [draw.gauss(0, 1), draw.gauss(0, 1)],
        }
        for animal, count in animals.items()
        for number in range(count)
    ]


def step(llm: RecordingLLM | None = None, **parameters: Any) -> TextClustering:
    return TextClustering(llm=llm or labelling(), **parameters)


def labels(outcome: Any) -> dict[str, Any]:
    return {row["text"]: row["summary_label"] for row in rows_after(outcome)}


def test_every_row_gets_the_label_of_its_cluster_and_noise_the_default(gateway: Gateway) -> None:
    outcome = applied(step(), texts(cat=3, dog=2, noise=1), gateway)
    assert outcome.frame.schema["summary_label"] == pl.String
    assert labels(outcome) == {
        "cat number 0": "Cat",
        "cat number 1": "Cat",
        "cat number 2": "Cat",
        "dog number 0": "Dog",
        "dog number 1": "Dog",
        "noise number 0": "Unclassified",
    }
    assert {row["model_name"] for row in rows_after(outcome)} == {"scripted"}
    assert keys_of(outcome.frame) == parents_of(outcome)


def test_a_dataset_without_noise_is_labelled_to_the_last_cluster(gateway: Gateway) -> None:
    assert set(labels(applied(step(), texts(cat=2, dog=2), gateway)).values()) == {"Cat", "Dog"}


def test_a_dataset_of_noise_alone_needs_no_request(gateway: Gateway) -> None:
    llm = labelling()
    assert set(labels(applied(step(llm), texts(noise=3), gateway)).values()) == {"Unclassified"}
    assert llm.sent == []


def test_a_cluster_is_one_request_about_some_of_its_different_texts(gateway: Gateway) -> None:
    llm = labelling()
    rows = [*texts(cat=30, dog=2), *texts(cat=30, dog=2)]
    outcome = applied(step(llm, samples_per_cluster=5), rows, gateway)
    cats, dogs = (text_content(chat[-1]) for chat in llm.sent)
    assert (cats.count("cat number"), dogs.count("dog number")) == (5, 2)
    assert outcome.calls.requests == 2


def test_the_same_texts_are_asked_about_again_whatever_the_order_and_numbers(
    gateway: Gateway,
) -> None:
    llm = labelling()
    rows = texts(cat=30, dog=30)
    applied(step(llm), rows, gateway)
    renumbered = [{**row, "cluster_label": 7 - row["cluster_label"]} for row in rows]
    key_columns = ["text"]
    for some in (rows[::-1], renumbered):
        frame = keyed(some, key_columns)
        step(llm).apply(frame, StepContext(gateway))
    again = step(llm).apply(keyed(rows[::-1]), StepContext(gateway))
    assert again.calls.reused == 2
    assert (
        len({text_content(chat[-1]) for chat in llm.sent}) == 4
    )  # by whole rows, and by text alone


def test_a_further_row_rarely_changes_what_is_asked(gateway: Gateway) -> None:
    llm = labelling()
    rows = texts(cat=200)
    for count in range(150, 200):
        applied(step(llm), rows[:count], gateway)
    assert len(llm.sent) < 10


def test_several_labels_are_a_plain_list_and_not_json(gateway: Gateway) -> None:
    llm = RecordingLLM(replies=('{"labels": ["Pets", "Fur"]}',))
    outcome = applied(step(llm, n=2), texts(cat=1, noise=1), gateway)
    assert outcome.frame.schema["summary_label"] == pl.List(pl.String)
    assert labels(outcome) == {
        "cat number 0": ["Pets", "Fur"],
        "noise number 0": ["Unclassified"],
    }


def test_labels_are_those_available(gateway: Gateway) -> None:
    llm = RecordingLLM(replies=('{"labels": "PETS"}',))
    outcome = applied(step(llm, available_labels=["Pets", "Wild"]), texts(cat=1), gateway)
    assert labels(outcome) == {"cat number 0": "Pets"}


def test_a_cluster_whose_label_cannot_be_had_is_rejected_and_the_others_are_not(
    gateway: Gateway,
) -> None:
    llm = labelling(troubles={"dog": BadRequest("not dogs")})
    outcome = applied(step(llm), texts(cat=2, dog=2, noise=1), gateway)
    assert set(labels(outcome).values()) == {"Cat", "Unclassified"}
    assert [(one.row["text"], one.reason) for one in outcome.rejections] == [
        ("dog number 0", "not dogs"),
        ("dog number 1", "not dogs"),
    ]


def test_a_reply_that_is_no_label_is_a_rejection_with_the_reply(gateway: Gateway) -> None:
    llm = RecordingLLM(replies=("I would rather not.",))
    outcome = applied(step(llm, corrections=0), texts(cat=1), gateway)
    [rejection] = outcome.rejections
    assert rejection.raw_reply == "I would rather not."


def test_what_the_provider_failed_is_tried_again_and_then_unanswered(gateway: Gateway) -> None:
    failing = step(labelling(troubles={"dog": ServerFailed("down")}))
    frame = keyed(texts(cat=1, dog=1))
    with pytest.raises(ServerFailed):
        failing.apply(frame, StepContext(gateway, final_attempt=False))
    outcome = failing.apply(frame, StepContext(gateway))
    assert [rejection.unanswered for rejection in outcome.rejections] == [True]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"cluster_label": None}, "the column 'cluster_label' holds no whole number"),
        ({"cluster_label": float("nan")}, "the column 'cluster_label' holds no whole number"),
        ({"text": None}, "the column 'text' is null"),
        ({"text": " "}, "the column 'text' is empty"),
    ],
    ids=["no-cluster", "nan", "no-text", "blank"],
)
def test_a_bad_row_is_rejected_and_its_cluster_is_labelled(
    values: Row, reason: str, gateway: Gateway
) -> None:
    rows = texts(cat=2, dog=1)
    outcome = applied(step(), [{**rows[0], **values}, *rows[1:]], gateway)
    assert [rejection.reason for rejection in outcome.rejections] == [reason]
    assert set(labels(outcome).values()) == {"Cat", "Dog"}


def test_text_for_a_cluster_is_told_in_one_sentence(gateway: Gateway) -> None:
    with pytest.raises(ConfigurationError, match="needs whole numbers in the column 'cluster_lab"):
        applied(step(), [{"text": "a", "cluster_label": "0"}], gateway)


def test_columns_that_are_not_read_stay(gateway: Gateway) -> None:
    rows = [{**row, "n": number} for number, row in enumerate(texts(cat=2, noise=1))]
    outcome = step().apply_to_dataset(keyed(rows).lazy(), StepContext(gateway))
    assert [row["n"] for row in rows_after(outcome)] == [0, 1, 2]


@pytest.mark.parametrize("lazily", [False, True])
def test_metadata_is_kept_where_it_is_asked_for_beside_that_of_earlier_tasks(
    lazily: bool, gateway: Gateway
) -> None:
    earlier = {"distilabel_metadata": {"raw_output_before": "x"}}
    rows = [{**row, **earlier} for row in texts(cat=1, noise=1)]
    told = step(add_raw_output=True)
    if lazily:
        outcome = told.apply_to_dataset(keyed(rows).lazy(), StepContext(gateway))
    else:
        outcome = applied(told, rows, gateway)
    cat, noise = (row["distilabel_metadata"] for row in rows_after(outcome))
    assert cat["raw_output_before"] == noise["raw_output_before"] == "x"
    assert (cat["raw_output_text_clustering_0"], noise["raw_output_text_clustering_0"]) == (
        '{"labels": "Cat"}',
        None,
    )
    plain = applied(step(), rows, gateway)
    assert rows_after(plain)[0]["distilabel_metadata"] == {"raw_output_before": "x"}


def test_the_picture_is_an_artifact(gateway: Gateway, tmp_path: Path) -> None:
    with artifacts_in(tmp_path):
        applied(step(), texts(cat=20, dog=20, noise=5), gateway)
    folder = tmp_path / "Text clusters"
    with Image.open(folder / "figure_clustering.png") as picture:
        assert (picture.format, picture.size) == ("PNG", (1800, 1200))
        assert len(picture.convert("RGB").getcolors(2**20) or []) > 50
    assert json.loads((folder / "metadata.json").read_text())["clusters"] == 3


def test_rows_without_a_projection_are_labelled_and_not_in_the_picture(
    gateway: Gateway, tmp_path: Path
) -> None:
    rows = texts(cat=3)
    odd = [None, [1.0], [float("nan"), 1.0]]
    some = [{**row, "projection": place} for row, place in zip(rows, odd, strict=True)]
    with artifacts_in(tmp_path / "odd"):
        assert applied(step(), some, gateway).frame.height == 3
    without = [{k: v for k, v in row.items() if k != "projection"} for row in rows]
    with artifacts_in(tmp_path / "none"):
        assert applied(step(), without, gateway).frame.height == 3
    assert (tmp_path / "odd" / "Text clusters" / "figure_clustering.png").is_file()
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("label", ["$5 & $x^2", "日本語", "a_b^c \\frac", "x" * 200, "two\nlines"])
def test_any_label_can_be_drawn(label: str, tmp_path: Path) -> None:
    points = pl.DataFrame(
        {"projection": [[0.0, 0.0]], "cluster_label": [0], "summary_label": [label]}
    )
    draw_clusters(points, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 1000


def test_the_same_rows_give_the_same_picture(tmp_path: Path) -> None:
    points = pl.DataFrame(texts(cat=9, dog=9)).with_columns(pl.lit("x").alias("summary_label"))
    for name in ("one", "two"):
        draw_clusters(points, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_drawing_leaves_pyplot_alone() -> None:
    script = (
        "import sys, tempfile, pathlib, polars as pl\n"
        "from tasks.clustering.picture import draw_clusters\n"
        "assert 'matplotlib' not in sys.modules\n"
        "points = pl.DataFrame({'projection': [[0.0, 0.0]], 'cluster_label': [0],"
        " 'summary_label': ['x']})\n"
        "draw_clusters(points, pathlib.Path(tempfile.mkdtemp()) / 'x.png')\n"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "False"


def test_without_a_picture_no_package_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "is_installed", lambda name: name != "matplotlib")
    step(savefig=False).load()
    with pytest.raises(MissingPackageError, match=r"pip install 'stillhouse\[clustering\]'"):
        step().load()


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"num_generations": 2}, "labels each cluster once"),
        ({"group_generations": True}, "labels each cluster once"),
        ({"default_label": None}, "needs a default_label"),
        ({"samples_per_cluster": 0}, "samples_per_cluster"),
    ],
    ids=["generations", "grouped", "no-default", "no-samples"],
)
def test_a_parameter_that_cannot_work_is_told_when_the_step_is_made(
    parameters: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        step(**parameters)


def test_no_rows_have_the_columns_too(gateway: Gateway) -> None:
    outcome = step().apply(keyed(texts(cat=1)).clear(), StepContext(gateway))
    assert {"summary_label", "model_name"} <= set(outcome.frame.columns)
