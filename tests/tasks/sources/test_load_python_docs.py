"""Real documents without a network."""

from __future__ import annotations

import sys

import polars as pl
import pytest

from llms.errors import ConfigurationError
from tasks import Graph, LoadPythonDocs
from tasks.row import KEY


def loaded(step: LoadPythonDocs) -> pl.DataFrame:
    return pl.concat(step.keyed_frames())


def test_passages_are_real_and_of_readable_length() -> None:
    frame = loaded(LoadPythonDocs())
    lengths = frame["passage"].str.len_chars()
    assert frame.height > 200
    assert lengths.min() >= 400  # type: ignore[operator]  # polars says that it may be of any type
    assert lengths.quantile(0.95) <= 1300  # type: ignore[operator]  # as above
    assert frame["passage"].str.contains(r"(?m)^(\+-+\+|\*{3,}|={3,})").sum() == 0


def test_the_columns_are_topic_and_passage() -> None:
    ((row,), _) = next(LoadPythonDocs(num_examples=1).process())
    assert list(row) == ["topic", "passage"]
    assert row["topic"] == "assert"
    assert "insert debugging assertions" in row["passage"]


def test_order_text_and_keys_are_the_same_every_time() -> None:
    assert loaded(LoadPythonDocs()).equals(loaded(LoadPythonDocs()))


def test_no_passage_comes_twice_and_every_row_has_a_key_of_its_own() -> None:
    frame = loaded(LoadPythonDocs())
    assert frame["passage"].n_unique() == frame.height
    assert frame[KEY].n_unique() == frame.height


def test_the_first_rows_are_from_different_topics() -> None:
    frame = loaded(LoadPythonDocs(num_examples=24))
    assert frame.height == 24
    assert frame["topic"].n_unique() == 24


def test_fewer_rows_are_the_first_of_more() -> None:
    more = loaded(LoadPythonDocs(num_examples=20))
    assert loaded(LoadPythonDocs(num_examples=5)).equals(more.head(5))


def test_the_bounds_of_length_are_parameters() -> None:
    lengths = loaded(LoadPythonDocs(min_length=100, max_length=300))["passage"].str.len_chars()
    assert lengths.quantile(0.5) <= 350  # type: ignore[operator]  # polars says it may be anything


def test_no_passage_of_that_length_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="no passage of 10000000 characters"):
        loaded(LoadPythonDocs(min_length=10_000_000))


def test_a_python_without_documentation_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    with pytest.raises(ConfigurationError, match="installed without its documentation"):
        loaded(LoadPythonDocs())


def test_the_columns_are_known_before_the_run() -> None:
    with Graph("g") as graph:
        LoadPythonDocs()
    assert graph.validate() == {"load_python_docs_0": {"topic": pl.String, "passage": pl.String}}
