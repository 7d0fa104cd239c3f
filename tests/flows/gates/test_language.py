"""The gate `language`."""

from __future__ import annotations

from pathlib import Path

import pytest

from llms.errors import ConfigurationError, MissingPackageError
from tasks import packages
from tests.flows.gates.refreshes import gates, key_of, refreshed, verdict

ENGLISH = [
    "The harbour was quiet when the first boats came back with their catch.",
    "She keeps a garden behind the house and gives most of the vegetables away.",
    "Nobody knew why the train had stopped between two stations for an hour.",
    "Please read the instructions carefully before you switch the machine on.",
]
GERMAN = [
    "Der Hafen war still, als die ersten Boote mit ihrem Fang zurückkamen.",
    "Bitte lesen Sie die Anleitung sorgfältig, bevor Sie das Gerät einschalten.",
]
OTHERS = {
    "fr": "Personne ne savait pourquoi le train s'était arrêté entre deux gares.",
    "es": "Nadie sabía por qué el tren se había detenido entre dos estaciones.",
    "zh": "没有人知道火车为什么在两个车站之间停了一个小时。",
    "no": "Ingen visste hvorfor toget hadde stoppet mellom to stasjoner i en time.",
}


@pytest.mark.parametrize(("least", "passed"), [(0.8, True), (0.81, False)])
def test_a_share_of_the_texts_is_in_the_language(
    least: float, passed: bool, tmp_path: Path
) -> None:
    version = refreshed(tmp_path / "v", [{"text": text} for text in [*ENGLISH, GERMAN[0]]])
    found = verdict(version, language={"columns": ["text"], "language": "en", "at_least": least})
    assert found.measured == 0.8
    assert found.passed is passed


def test_the_sentence_names_the_other_languages_and_rows(tmp_path: Path) -> None:
    version = refreshed(tmp_path / "v", [{"text": text} for text in [*ENGLISH, *GERMAN]])
    found = verdict(version, language={"columns": ["text"], "language": "en"})
    assert found.rows == (key_of(version, 4), key_of(version, 5))
    assert found.sentence.startswith(
        "66.7% of the texts in 'text' are in en (4 of 6 whose language can be told; 6 were looked "
        f"at), and at least 95% should be; others: de 2 (for example {found.rows[0][:8]} “Der Hafen"
    )


@pytest.mark.parametrize("language", OTHERS)
def test_languages_go_by_their_codes(language: str, tmp_path: Path) -> None:
    version = refreshed(tmp_path / "v", [{"text": OTHERS[language]}])
    assert verdict(version, language={"columns": ["text"], "language": language}).passed


def test_bokmal_is_norwegian(tmp_path: Path) -> None:
    version = refreshed(tmp_path / "v", [{"text": OTHERS["no"]}])
    assert verdict(version, language={"columns": ["text"], "language": "nb"}).passed


def test_what_cannot_be_told_does_not_count(tmp_path: Path) -> None:
    texts = [*ENGLISH, "ok", "42", "x = [1, 2, 3]", "", None]
    version = refreshed(tmp_path / "v", [{"text": text, "n": n} for n, text in enumerate(texts)])
    found = verdict(version, language={"columns": ["text"], "language": "en", "at_least": 1})
    assert found.passed
    assert "(4 of 4 whose language can be told; 8 were looked at)" in found.sentence


def test_texts_that_can_all_not_be_told_fail(tmp_path: Path) -> None:
    version = refreshed(tmp_path / "v", [{"text": "42"}, {"text": ""}])
    found = verdict(version, language={"columns": ["text"], "language": "en", "at_least": 0})
    assert not found.passed
    assert "0 of 0 whose language can be told" in found.sentence


def test_the_texts_of_chats_and_lists_are_read(tmp_path: Path) -> None:
    chat = [{"role": "user", "content": ENGLISH[0]}, {"role": "assistant", "content": ENGLISH[1]}]
    version = refreshed(tmp_path / "v", [{"chat": chat, "texts": [ENGLISH[2], GERMAN[0]]}])
    found = gates(language={"columns": ["chat", "texts"], "language": "en"}).check(version, None)
    assert [item.measured for item in found] == [1, 0.5]


def test_large_versions_are_sampled(tmp_path: Path) -> None:
    rows = [{"text": f"{ENGLISH[0]} {n}"} for n in range(60)]
    version = refreshed(tmp_path / "v", rows)
    found = verdict(version, language={"columns": ["text"], "language": "en", "sample": 25})
    assert "(25 of 25 whose language can be told; 25 were looked at)" in found.sentence


@pytest.mark.parametrize("language", ["english", "xx", "EN"])
def test_an_unknown_language_is_found_before_a_run(language: str) -> None:
    wanted = gates(language={"columns": ["text"], "language": language})
    with pytest.raises(ConfigurationError, match=f"does not know the language {language!r}"):
        wanted.prepare()


def test_a_missing_package_is_named_with_the_command_that_helps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(packages, "is_installed", lambda name: name != "py3langid")
    with pytest.raises(MissingPackageError, match=r"pip install 'stillhouse\[language\]'"):
        gates(language={"columns": ["text"], "language": "en"}).prepare()
