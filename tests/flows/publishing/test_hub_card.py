"""A card on the Hub that people edit between versions, up to a second before the commit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from flows.publishing.card_settings import CardSettings
from flows.publishing.errors import PublishingError
from flows.publishing.hub import publish
from tests.flows.publishing.conftest import REPO, TARGET, MakeVersion, published, pushed
from tests.flows.versions import contents
from tests.hub import FakeHub, Overtaken, Repository

# huggingface_hub uploads by LFS with an argument that httpx2 no longer likes.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>' to upload:DeprecationWarning")

MARK = "<!-- stillhouse:begin"


def readme(hub: FakeHub) -> str:
    return pushed(hub).files["README.md"].decode()


def metadata(hub: FakeHub) -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.safe_load(readme(hub).split("---\n")[1])
    return found


def edited(hub: FakeHub) -> bytes:
    """Return the card with what a person changes of it."""
    text = readme(hub).replace("tags:\n", "license: odbl\ntags:\n- math\n", 1)
    return text.replace(MARK, f"> Ask us before you use it.\n\n{MARK}").encode()


@pytest.mark.parametrize("when", ["between-versions", "one-second-before"])
def test_a_persons_edits_survive_the_next_version(
    when: str, hub: FakeHub, made: MakeVersion
) -> None:
    published(made(1))
    if when == "between-versions":
        pushed(hub).commit("by hand", {"README.md": edited(hub)})
    else:
        hub.fail("commit", Overtaken({"README.md": edited(hub)}))
    version = made(1, 2)
    published(version)
    assert metadata(hub)["license"] == "odbl"
    assert metadata(hub)["tags"] == ["math", "synthetic", "stillhouse"]
    assert metadata(hub)["dataset_info"][0]["splits"][0]["num_examples"] == 2
    page = readme(hub)
    assert page.index("> Ask us before you use it.\n\n") < page.index(MARK)
    assert "\n2 rows, made by" in page
    assert "\n1 rows, made by" not in page
    assert contents(version.folder)["README.md"].decode() == page
    pushed(hub).commit("by hand", {"LICENSE": b"ODbL"})
    assert not published(made(1, 2)).committed


def test_a_card_that_was_there_before_the_first_version_is_kept(
    hub: FakeHub, made: MakeVersion
) -> None:
    hub.repositories[REPO] = Repository()
    mine = b"---\nlicense: mit\npretty_name: My numbers\n---\n# My numbers\n\nSoon.\n"
    pushed(hub).commit("by hand", {"README.md": mine})
    published(made(1))
    assert "\n---\n# My numbers\n\nSoon.\n\n<!-- stillhouse:begin" in readme(hub)
    assert metadata(hub)["license"] == "mit"
    assert metadata(hub)["pretty_name"] == "My numbers"
    assert metadata(hub)["size_categories"] == ["n<1K"]


def test_settings_win_over_a_person_and_say_nothing_of_the_rest(
    hub: FakeHub, made: MakeVersion
) -> None:
    published(made(1))
    pushed(hub).commit("by hand", {"README.md": edited(hub)})
    publish(made(1, 2), TARGET, card=CardSettings(license="mit"))
    assert metadata(hub)["license"] == "mit"
    assert metadata(hub)["tags"] == ["math", "synthetic", "stillhouse"]


def test_a_readme_in_the_folder_is_published_where_there_is_none(
    hub: FakeHub, made: MakeVersion
) -> None:
    version = made(1)
    (version.folder / "README.md").write_text("---\nlicense: mit\n---\nMy words.\n")
    published(version)
    assert metadata(hub)["license"] == "mit"
    assert "---\nMy words.\n\n<!-- stillhouse:begin" in readme(hub)


def test_metadata_of_the_folder_fill_in_what_the_card_on_the_hub_does_not_say(
    hub: FakeHub, made: MakeVersion
) -> None:
    published(made(1))
    pushed(hub).commit("by hand", {"README.md": edited(hub)})
    version = made(1, 2)
    (version.folder / "README.md").write_text("---\nlicense: mit\nlanguage:\n- en\n---\nLocal.\n")
    published(version)
    assert metadata(hub)["license"] == "odbl"
    assert metadata(hub)["language"] == ["en"]
    assert "> Ask us before you use it." in readme(hub)


def test_a_card_with_broken_metadata_is_told_and_left_alone(
    hub: FakeHub, made: MakeVersion
) -> None:
    published(made(1))
    broken = b"---\nlicence mit\n---\nMine.\n"
    pushed(hub).commit("by hand", {"README.md": broken})
    with pytest.raises(PublishingError, match=r"README\.md .* no valid YAML .*; mend them there"):
        published(made(1, 2))
    assert pushed(hub).files["README.md"] == broken
