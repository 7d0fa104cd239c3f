"""Persons: whole, of their locale, and the same ones in every process."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import polars as pl
import pytest
from scipy.stats import chisquare  # type: ignore[import-untyped]  # scipy has no types

from llms.errors import ConfigurationError, MissingPackageError
from tasks.samplers import Person
from tests.tasks.samplers.conftest import SIGNIFICANCE, drawn

FIELDS = ["name", "first_name", "last_name", "sex", "age", "city", "occupation", "email"]


def test_a_person_has_every_field_with_its_type() -> None:
    kind = Person().dtype
    assert isinstance(kind, pl.Struct)
    persons = drawn(Person(), 50)
    assert [list(person) for person in persons] == [FIELDS] * 50
    assert all(value not in (None, "") for person in persons for value in person.values())
    assert pl.Series(persons, dtype=kind).to_list() == persons


@pytest.mark.parametrize("locale", ["en_US", "de_DE", "ja_JP", "ru_RU", "pl_PL", "zh_CN", "el_GR"])
def test_names_are_of_one_person_in_the_order_of_the_language(locale: str) -> None:
    for person in drawn(Person(locale=locale), 30):
        first, last = person["first_name"], person["last_name"]
        family_first = locale in ("ja_JP", "zh_CN")
        ordered = (last, first) if family_first else (first, last)
        assert person["name"].replace(" ", "") == "".join(ordered).replace(" ", "")


def test_first_names_go_with_the_sex() -> None:
    women = {person["first_name"] for person in drawn(Person(locale="pl_PL", sex="female"), 200)}
    men = {person["first_name"] for person in drawn(Person(locale="pl_PL", sex="male"), 200)}
    assert not women & men
    assert sum(name.endswith("a") for name in women) > 0.8 * len(women)


@pytest.mark.parametrize("locale", ["en_US", "de_DE", "ja_JP", "ru_RU"])
def test_no_email_can_reach_anybody(locale: str) -> None:
    for person in drawn(Person(locale=locale), 100):
        assert re.fullmatch(r"[a-z0-9._-]+@example\.(com|net|org)", person["email"]), person


def test_an_email_is_made_of_the_name_where_its_letters_allow() -> None:
    for person in drawn(Person(locale="de_DE"), 50):
        for name in (person["first_name"].casefold(), person["last_name"].casefold()):
            assert name in person["email"] or not (name.isascii() and name.isalpha())


def test_sexes_and_ages_come_equally_often() -> None:
    persons = drawn(Person(age_range=(20, 24)), 1500)
    for field in ("sex", "age"):
        counts = Counter(person[field] for person in persons)
        assert chisquare(list(counts.values())).pvalue > SIGNIFICANCE
    assert {person["age"] for person in persons} == {20, 21, 22, 23, 24}


def test_sex_and_age_may_be_narrowed() -> None:
    persons = drawn(Person(sex="female", age_range=(30, 30)), 20)
    assert {(person["sex"], person["age"]) for person in persons} == {("female", 30)}


def test_persons_are_the_same_in_every_process_whatever_faker_did_before() -> None:
    script = """
import faker
faker.Faker.seed(int(__import__("sys").argv[1]))
faker.Faker("de_DE").name()
from tests.tasks.samplers.conftest import drawn
from tasks.samplers import Person
print(drawn(Person(locale="de_DE"), 20))
"""
    found = {
        subprocess.run(
            [sys.executable, "-c", script, seed],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8", "PYTHONPATH": "."},
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert found == {str(drawn(Person(locale="de_DE"), 20))}


def test_threads_do_not_mix_up_their_persons() -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: drawn(Person(), 100), range(8)))
    assert all(persons == found[0] for persons in found)


def test_a_person_may_be_drawn_without_a_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Any:
        raise AssertionError("a person depends on the day")

    monkeypatch.setattr("time.time", fail)
    assert len(drawn(Person(), 20)) == 20


def test_a_missing_package_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    person = Person(locale="fi_FI")
    monkeypatch.setitem(sys.modules, "faker", None)
    with pytest.raises(MissingPackageError) as caught:
        person.load()
    assert str(caught.value) == (
        "Person needs the package faker: pip install 'stillhouse[samplers]'."
    )


def test_faker_is_not_imported_before_a_person_is_drawn() -> None:
    script = """
import sys
from tasks.samplers import Person
Person(locale="de_DE")
print("faker" in sys.modules)
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


def test_an_unknown_locale_is_one_sentence_before_any_row() -> None:
    with pytest.raises(ConfigurationError, match=r"^faker knows no locale 'xx_YY'; name one like"):
        Person(locale="xx_YY").load()


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        pytest.param({"age_range": (40, 30)}, "is no range of ages, youngest first", id="swapped"),
        pytest.param({"age_range": (-1, 30)}, "is no range of ages", id="negative"),
        pytest.param({"sex": "woman"}, "'sex'", id="sex"),
        pytest.param({"locale": "German"}, "'locale'", id="locale"),
    ],
)
def test_bad_parameters_are_one_sentence_at_construction(
    parameters: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        Person(**parameters)
    assert "\n" not in str(caught.value)
