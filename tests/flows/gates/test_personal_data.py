"""The gate `personal_data`."""

from __future__ import annotations

from pathlib import Path
from time import process_time
from typing import Any

import polars as pl
import pytest

from flows import Pipeline
from flows.gates.personal_values import KIND, KINDS, Kind, PersonalValues
from flows.gates.published_texts import texts_beside
from flows.versions.saved import SavedVersion
from llms import ScriptedLLM
from llms.errors import ConfigurationError, MissingPackageError
from tasks import KeepColumns, LoadDataFromDicts, LoadPythonDocs, TextGeneration, packages
from tests.flows.gates.refreshes import (
    Graded,
    configured,
    gates,
    key_of,
    made_by,
    refreshed,
    verdict,
    verdicts,
)

PERSONAL: list[tuple[Kind, str]] = [
    ("email", "anna.smith@stillhouse.dev"),
    ("email", "anna+list@mail.müller-bau.de"),
    ("email", "änne@post.fr"),
    ("phone", "+49 30 901820"),
    ("phone", "+33142685300"),
    ("phone", "0049 30 901820"),
    ("phone", "(212) 736-5000"),
    ("phone", "212-736-5000"),
    ("credit_card", "4539578763621486"),
    ("credit_card", "4539 5787 6362 1486"),
    ("credit_card", "378282246310005"),
    ("iban", "DE89370400440532013000"),
    ("iban", "GB29 NWBK 6016 1331 9268 19"),
    ("ip_address", "8.8.8.8"),
    ("ip_address", "2001:4860:4860::8888"),
    ("us_ssn", "536-90-4399"),
]

_ALL_BUT_PHONES = tuple(kind for kind in KINDS if kind != "phone")

HARMLESS = [
    "jo@example.com",
    "jo@mail.example.org",
    "jo@corp.test",
    "git@github.com:owner/name.git",
    "noreply@stillhouse.dev",
    "a@b and c @ d",
    "pip install pkg@1.2.3",
    "@decorator",
    "user@localhost",
    "2147483647",
    "1700000000",
    "212-555-0123",
    "2024-11-23 23:15:30",
    "12 345 678 people",
    "+5 and -3",
    "4539578763621487",
    "1234 5678 9012 3456",
    "4539 5787 6362 1486 4539 5787 6362 1486",
    "ISBN 978-3-16-148410-0",
    "DE89370400440532013001",
    "127.0.0.1, 10.0.0.7, 192.168.1.1 and 0.0.0.0",
    "::1 and fe80::1",
    "version 3.10.14.4",
    "Chapter 4.2.1.3",
    "std::vector<int>::iterator",
    "12:34:56:78:9a:bc",
    "000-12-3456",
    "123-45-6789X",
]


def found_in(text: str, **parameters: Any) -> list[str]:
    found = PersonalValues(**parameters).find(pl.DataFrame({"value": [text]}))
    return found[KIND].to_list()


@pytest.mark.parametrize(("kind", "value"), PERSONAL, ids=[value for _, value in PERSONAL])
@pytest.mark.parametrize("text", ["{}", "Please write to {}, or call.", "name,value\nann,{}\n"])
def test_personal_data_is_found_and_known_for_what_it_is(kind: Kind, value: str, text: str) -> None:
    assert kind in found_in(text.format(value))
    assert found_in(text.format(value), kinds=(kind,)) == [kind]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_belongs_to_nobody_is_not_found(text: str) -> None:
    assert found_in(text) == []
    assert found_in(f"See {text} for more.") == []


@pytest.mark.parametrize("run", [":", "a:", "1 ", "1.", "A", "a@", "(", "12-"])
def test_a_long_run_of_the_same_is_read_quickly(run: str) -> None:
    begun = process_time()
    assert found_in(run * 20_000 + "x", kinds=_ALL_BUT_PHONES) == []
    assert found_in(run * 2_000 + "x") == []
    assert process_time() - begun < 5


def test_ordinary_prose_about_programming_holds_none() -> None:
    passages = pl.concat(LoadPythonDocs(name="docs").frames())
    texts = passages.select(pl.col("passage").alias("value"))
    assert texts.height > 300
    assert PersonalValues().find(texts).height == 0


def test_numbers_without_a_plus_are_known_in_the_named_countries() -> None:
    assert found_in("030 901820", kinds=("phone",)) == []
    assert found_in("030 901820", kinds=("phone",), countries=("DE",)) == ["phone"]
    assert found_in("+49 30 901820", kinds=("phone",), countries=()) == ["phone"]


@pytest.mark.parametrize(("most", "passed"), [(0.25, True), (0.24, False), (0, False)])
def test_a_share_of_rows_may_hold_personal_data(most: float, passed: bool, tmp_path: Path) -> None:
    texts = ["a", "b", "Call (212) 736-5000 or 8.8.8.8", "c"]
    version = refreshed(tmp_path / "v", [{"text": text} for text in texts], provenance="none")
    found = verdict(version, personal_data={"at_most": most})
    assert found.measured == 0.25
    assert found.passed is passed


def test_the_sentence_shows_what_was_found_masked(tmp_path: Path) -> None:
    texts = ["none", "Mail anna.smith@stillhouse.dev, she knows.", "IBAN DE89370400440532013000"]
    version = refreshed(tmp_path / "v", [{"text": text} for text in texts])
    found = verdict(version, personal_data={"columns": ["text"], "beside_the_rows": False})
    keys = (key_of(version, 1), key_of(version, 2))
    assert found.rows == keys
    assert found.sentence == (
        f"66.7% of the rows hold personal data in 'text' (2 of 3: email 1, iban 1), and at most 0% "
        f"may (for example {keys[0][:8]} email an***, {keys[1][:8]} iban DE***)."
    )


def test_all_columns_with_text_are_looked_at_however_deep(tmp_path: Path) -> None:
    mail = "anna@stillhouse.dev"
    row = {
        "n": 1,
        "plain": mail,
        "chat": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": mail}],
        "texts": ["x", mail],
        "judged": {"by": {"why": mail}},
        "clean": "x",
        "scores": [1.0],
    }
    version = refreshed(tmp_path / "v", [row])
    found = verdicts(version, personal_data={"beside_the_rows": False})
    assert {item.subject: item.passed for item in found} == {
        "plain": False,
        "chat": False,
        "texts": False,
        "judged": False,
        "clean": True,
    }


def test_known_values_may_be_published(tmp_path: Path) -> None:
    version = refreshed(tmp_path / "v", [{"text": "Write to Help@Stillhouse.dev."}])
    wanted = {"columns": ["text"], "beside_the_rows": False}
    assert not verdict(version, personal_data=wanted).passed
    assert verdict(version, personal_data={**wanted, "ignore": [" help@stillhouse.DEV"]}).passed


def test_only_the_wanted_kinds_count(tmp_path: Path) -> None:
    version = refreshed(tmp_path / "v", [{"text": "8.8.8.8"}], provenance="none")
    kinds = [kind for kind in KINDS if kind != "ip_address"]
    assert verdict(version, personal_data={"kinds": kinds}).passed


@pytest.fixture
def leaky(tmp_path: Path) -> SavedVersion:
    """Rows without personal data; the source, an answer and a raw reply hold some."""
    rows = [
        {"text": "good", "owner": "anna@stillhouse.dev"},
        {"text": "bad", "owner": "nobody"},
        {"text": "fine", "owner": "nobody"},
    ]
    llm = ScriptedLLM(rules={"bad": "Ask +49 30 901820.", "good": "5"}, replies=("4",))
    hint = ScriptedLLM(rules={"fine": "Mine is 4539578763621486."}, replies=("none",))
    with Pipeline("grades") as pipeline:
        load = LoadDataFromDicts(name="load", data=rows)
        ask = TextGeneration(name="hint", llm=hint, template="{{ text }}", columns="text")
        kept = KeepColumns(name="kept", columns=("text", "grade"))
        load >> ask >> Graded(name="grade", llm=llm) >> kept
    return made_by(tmp_path / "leaky", pipeline)


def test_what_is_published_beside_the_rows_is_looked_at(leaky: SavedVersion) -> None:
    found = {item.subject: item for item in verdicts(leaky, personal_data={})}
    assert {name: item.measured for name, item in found.items()} == {
        "text": 0,
        "rejections": 1,
        "answers": 2 / 6,
        "sources.load": 1 / 3,
    }
    assert found["rejections"].sentence.startswith(
        "100% of the rejected rows hold personal data in 'rejections' (1 of 1: phone 1)"
    )
    assert "credit_card 45***" in found["answers"].sentence
    assert found["sources.load"].rows == (key_of(leaky, 0),)
    assert not any("901820" in item.sentence or "anna" in item.sentence for item in found.values())


def test_only_the_rows_are_looked_at_if_that_is_wanted(leaky: SavedVersion) -> None:
    assert verdict(leaky, personal_data={"beside_the_rows": False}).passed


def test_what_a_version_does_not_keep_is_not_looked_at(tmp_path: Path) -> None:
    version = refreshed(tmp_path / "v", [{"text": "x"}], provenance="rows")
    assert list(texts_beside(version)) == []


def test_every_configuration_is_looked_at(tmp_path: Path) -> None:
    rows = [{"a": "anna@stillhouse.dev", "b": "x"}]
    version = configured(tmp_path / "v", rows, sft=("a", "b"), dpo=("a",))
    found = verdicts(version, personal_data={"columns": ["a"], "beside_the_rows": False})
    assert [(item.subject, item.passed) for item in found] == [("sft.a", False), ("dpo.a", False)]


def test_an_unknown_country_is_found_before_a_run() -> None:
    with pytest.raises(ConfigurationError, match="does not know the country 'UK'"):
        gates(personal_data={"countries": ["UK"]}).prepare()


@pytest.mark.parametrize("package", ["phonenumbers", "stdnum"])
def test_a_missing_package_is_named_with_the_command_that_helps(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "is_installed", lambda name: name != package)
    with pytest.raises(MissingPackageError, match=r"pip install 'stillhouse\[pii\]'"):
        gates(personal_data={}).prepare()
