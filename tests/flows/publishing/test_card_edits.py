"""A card that people edit and that is written anew with every version."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from flows.publishing.card_edits import Card, Readme, render
from flows.publishing.errors import PublishingError


def card(page: str = "# Numbers", ours: tuple[str, ...] = ("configs",), **metadata: Any) -> Card:
    """Return a card as a run makes it."""
    made = {"pretty_name": "numbers", "tags": ["synthetic"], "configs": [{"n": 1}], **metadata}
    given = {name: value for name, value in made.items() if name not in ours}
    return Card(made, ours, page, given)


def again(readme: str, next_card: Card) -> str:
    """Write the card of the next version over a README."""
    return render(next_card, Readme.read(readme.encode()))


def metadata_in(readme: str) -> Any:
    return yaml.safe_load(readme.split("---\n")[1])


def test_text_outside_the_marks_stays_where_it_is_and_ours_is_written_anew() -> None:
    first = render(card("# First"))
    edited = first.replace("<!-- stillhouse:begin", "By hand, above.\n\n<!-- stillhouse:begin")
    edited += "\nBy hand, below.\n"
    second = again(edited, card("# Second"))
    assert second == edited.replace("# First", "# Second")
    assert again(second, card("# Second")) == second


def test_text_inside_the_marks_is_ours() -> None:
    edited = render(card("# First")).replace("# First", "# Mine")
    assert "Mine" not in again(edited, card("# Second"))


def test_the_marks_say_what_becomes_of_text() -> None:
    assert "Stillhouse writes from here to the mark `stillhouse:end`" in render(card())


@pytest.mark.parametrize(
    "before",
    ["# By hand\n\nMy words.\n", "---\nlicense: mit\n---\n# By hand\n\nMy words.\n"],
    ids=["without-metadata", "with-metadata"],
)
def test_a_card_written_by_hand_is_kept_with_ours_below(before: str) -> None:
    first = again(before, card("# First"))
    page = first.split("---\n", 2)[2]
    assert page.startswith("# By hand\n\nMy words.\n\n<!-- stillhouse:begin")
    assert page.index("My words.") < page.index("# First")
    second = again(first, card("# Second"))
    assert second == first.replace("# First", "# Second")


def test_an_empty_readme_is_as_good_as_none() -> None:
    assert again("", card()) == render(card())


@pytest.mark.parametrize(
    "mark", ["<!-- stillhouse:begin\n", "<!-- stillhouse:end -->\n"], ids=["first", "last"]
)
def test_where_a_mark_was_removed_no_word_is_lost_and_the_next_version_finds_its_place(
    mark: str,
) -> None:
    first = "above\n\n" + render(card("# First")).split("---\n")[2] + "\nbelow\n"
    assert mark in first
    second = again(first.replace(mark, ""), card("# Second"))
    for words in ("above", "# First", "below", "# Second"):
        assert words in second
    assert second.count("stillhouse:begin") == second.count("stillhouse:end -->") == 1
    assert again(second, card("# Third")) == second.replace("# Second", "# Third")


def test_our_part_is_there_once_even_if_it_was_copied() -> None:
    first = render(card("# First"))
    twice = first + "\nbetween\n" + first.split("---\n")[2]
    second = again(twice, card("# Second"))
    assert second.count("# Second") == 1
    assert "# First" not in second
    assert "between" in second


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (("pretty_name: numbers", "pretty_name: Mine"), {"pretty_name": "Mine"}),
        (("pretty_name: numbers\n", ""), {"pretty_name": None}),
        (("- synthetic", "- synthetic\n- math"), {"tags": ["synthetic", "math", "new"]}),
        (("- synthetic", "- math"), {"tags": ["math", "new"]}),
        (("tags:\n- synthetic\n", ""), {"tags": None}),
        (("tags:", "license: mit\ntags:"), {"license": "mit"}),
        (("- n: 1", "- n: 99"), {"configs": [{"n": 2}]}),
        (("n: 1", "n: 1"), {"pretty_name": "renamed", "tags": ["synthetic", "new"]}),
    ],
    ids=[
        "changed",
        "removed",
        "tag-added",
        "tag-replaced",
        "tags-removed",
        "added",
        "ours",
        "none",
    ],
)
def test_what_a_person_changed_in_the_metadata_stays_and_the_rest_follows_the_version(
    edit: tuple[str, str], expected: dict[str, Any]
) -> None:
    first = render(card())
    assert edit[0] in first
    edited = first.replace(*edit, 1)
    following = card(pretty_name="renamed", tags=["synthetic", "new"], configs=[{"n": 2}])
    for _ in range(2):
        edited = again(edited, following)
        found = metadata_in(edited)
        assert {name: found.get(name) for name in expected} == expected


def test_a_tag_that_a_version_no_longer_gives_goes_and_a_persons_stays() -> None:
    first = render(card(tags=["synthetic", "arxiv:1"]))
    edited = first.replace("- arxiv:1", "- arxiv:1\n- math", 1)
    assert metadata_in(again(edited, card(tags=["synthetic"])))["tags"] == ["synthetic", "math"]


def test_what_settings_name_is_always_ours() -> None:
    named = card(license="mit", pretty_name="Set", ours=("configs", "license", "pretty_name"))
    edited = render(named).replace("license: mit", "license: gpl").replace("Set", "Mine")
    found = metadata_in(again(edited, named))
    assert (found["license"], found["pretty_name"]) == ("mit", "Set")


def test_what_settings_named_once_stays_when_they_name_it_no_more() -> None:
    named = card(license="mit", ours=("configs", "license"))
    assert metadata_in(again(render(named), card()))["license"] == "mit"


def test_metadata_that_did_not_change_keep_their_words_comments_and_order() -> None:
    mine = (
        "---\n# who made it\n"
        'license: "mit"  # asked the lawyer\n'
        "language: [no, en]\n"
        "version: 1.10\n"
        "configs: []\n"
        "extra:\n    deep: 'x'\n---\nMine.\n"
    )
    for readme in (mine, mine.replace("\n", "\r\n")):
        written = again(readme, card())
        lines = written.replace("\r\n", "\n")
        kept = mine.replace("configs: []\n", "configs:\n- n: 1\n").split("---\n")[1]
        assert lines.startswith("---\n" + kept + "pretty_name: numbers\ntags:\n- synthetic\n---\n")


def test_metadata_in_one_line_or_with_references_stay_the_same_values() -> None:
    for mine in ("{license: mit, extra: [1]}", "configs: &a [1]\nother: *a\n"):
        before = yaml.safe_load(mine)
        found = metadata_in(again(f"---\n{mine}\n---\n", card()))
        assert {**before, **found} == found | {"configs": [{"n": 1}]}
        assert found.keys() >= before.keys()


@pytest.mark.parametrize(
    ("readme", "said"),
    [
        (b"---\na: [\n---\nMine.\n", "no valid YAML"),
        (b"---\njust words\n---\nMine.\n", "it is no mapping"),
        (b"\xff\xfe", "no UTF-8 text"),
    ],
    ids=["broken", "no-mapping", "no-text"],
)
def test_a_readme_that_cannot_be_read_is_told_and_not_overwritten(readme: bytes, said: str) -> None:
    with pytest.raises(PublishingError, match=rf"{said}.*nothing has to be generated again\.$"):
        Readme.read(readme)


def test_a_byte_order_mark_does_not_hide_the_metadata() -> None:
    assert metadata_in(again("\N{ZERO WIDTH NO-BREAK SPACE}---\nlicense: mit\n---\n", card()))[
        "license"
    ] == ("mit")


@pytest.mark.parametrize("text", ["a --> b", "<!-- stillhouse:end -->", '{"x": 1}'])
def test_no_value_or_page_breaks_the_marks(text: str) -> None:
    first = render(card(f"# First\n{text}", pretty_name=text))
    second = again(first + "\nbelow\n", card("# Second", pretty_name="plain"))
    assert second == render(card("# Second", pretty_name="plain")) + "\nbelow\n"
