"""Versions at URLs: on a disk, in memory, and in a place that somebody else writes to as well."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from flows.publishing.errors import PublishingError
from flows.publishing.remote import check_url, fetch, publish
from llms.errors import ConfigurationError, MissingPackageError
from tests.flows.publishing.conftest import MakeVersion, files_of_at_most
from tests.flows.versions import contents, loaded, saved, version_of


@pytest.fixture(params=["file", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the URL of a place where nothing is yet."""
    if request.param == "file":
        yield f"file://{tmp_path}/remote/numbers"
        return
    yield "memory://remote/numbers"
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]


def files_at(url: str) -> dict[str, bytes]:
    """Return the files below a URL by their path."""
    files, root = fsspec.url_to_fs(url)
    return {path[len(root) + 1 :]: files.cat_file(path) for path in files.find(root)}


def test_a_version_has_a_folder_of_its_own_and_the_latest_is_named(
    url: str, made: MakeVersion
) -> None:
    first, second = made(1), made(1, 2)
    assert publish(first, url).version == "v1"
    done = publish(second, f"{url}/")
    assert (done.address, done.version, done.committed) == (f"{url}/v2", "v2", True)
    files = files_at(url)
    assert json.loads(files.pop("latest.json")) == {"version": 2, "digest": second.digest}
    assert files == {
        **{f"v1/{path}": content for path, content in contents(first.folder).items()},
        **{f"v2/{path}": content for path, content in contents(second.folder).items()},
    }


def test_the_same_content_again_changes_nothing(url: str, made: MakeVersion) -> None:
    publish(made(1), url)
    before = files_at(url)
    again = made(1, before=made(7))
    done = publish(again, url)
    assert (done.address, done.version, done.committed) == (f"{url}/v1", "v1", False)
    assert files_at(url) == before
    assert {f"v1/{path}": content for path, content in contents(again.folder).items()} == {
        path: content for path, content in before.items() if path != "latest.json"
    }


def test_the_latest_and_any_earlier_version_come_back_byte_for_byte(
    url: str, made: MakeVersion, tmp_path: Path
) -> None:
    first, second = made(1), made(1, 2)
    publish(first, url, charts={"n.svg": "<svg/>"})
    publish(second, url)
    folder = tmp_path / "fetched"
    for tag, version in ((None, second), ("v1", first), ("v2", second)):
        found = fetch(url, folder, tag)
        assert found is not None
        assert contents(folder) == contents(version.folder)
    assert loaded(folder)["n"][:] == [1, 2]


def test_nothing_published_is_no_version(url: str, tmp_path: Path) -> None:
    check_url(url)
    assert fetch(url, tmp_path / "fetched") is None
    assert not (tmp_path / "fetched").exists()


def test_a_version_that_is_not_there_is_told(url: str, made: MakeVersion, tmp_path: Path) -> None:
    publish(made(1), url)
    with pytest.raises(PublishingError, match=rf"^There is no version 'v9' at '{url}'\.$"):
        fetch(url, tmp_path / "fetched", "v9")


def test_what_a_killed_upload_left_is_no_version_and_goes(
    url: str, made: MakeVersion, tmp_path: Path
) -> None:
    first, second = made(1), made(1, 2)
    publish(first, url)
    files, root = fsspec.url_to_fs(url, **({"auto_mkdir": True} if url[0] == "f" else {}))
    for path in ("data/train-00000-of-00009.parquet", "manifest.json"):
        files.makedirs(f"{root}/v2/data", exist_ok=True)
        files.pipe_file(f"{root}/v2/{path}", b"half of it")
    found = fetch(url, tmp_path / "fetched")
    assert found is not None
    assert found.rows == 1
    assert publish(second, url).version == "v2"
    left = {path for path in files_at(url) if path.startswith("v2/")}
    assert left == {f"v2/{path}" for path in contents(second.folder)}


def test_a_file_that_was_changed_there_is_told_and_the_old_folder_stays(
    url: str, made: MakeVersion, tmp_path: Path
) -> None:
    folder = tmp_path / "fetched"
    publish(made(1), url)
    fetch(url, folder)
    before = contents(folder)
    publish(made(1, 2), url)
    files, root = fsspec.url_to_fs(url)
    files.pipe_file(f"{root}/v2/pipeline.yaml", b"mine: yes")
    with pytest.raises(PublishingError, match=r"'pipeline.yaml' is missing or not what its man"):
        fetch(url, folder)
    assert contents(folder) == before


def test_a_persons_edits_of_the_card_survive(url: str, made: MakeVersion) -> None:
    publish(made(1), url)
    files, root = fsspec.url_to_fs(url)
    card = files_at(url)["v1/README.md"]
    files.pipe_file(f"{root}/v1/README.md", card + b"\nMine.\n")
    publish(made(1, 2), url)
    assert files_at(url)["v2/README.md"].endswith(b"-->\n\nMine.\n")


def test_a_folder_that_is_not_whole_is_refused(url: str, made: MakeVersion) -> None:
    version = made(1)
    (version.folder / "pipeline.yaml").write_text("mine: yes")
    with pytest.raises(PublishingError, match=r"^The version in .* is not whole: 'pipeline.yaml'"):
        publish(version, url)
    assert files_at(url) == {}


@pytest.mark.parametrize("latest", [b"not JSON", b"[1]", b'{"other": 1}'])
def test_a_list_of_somebody_else_is_told(latest: bytes, url: str, made: MakeVersion) -> None:
    files, root = fsspec.url_to_fs(url)
    files.makedirs(root, exist_ok=True)
    files.pipe_file(f"{root}/latest.json", latest)
    with pytest.raises(PublishingError, match=r"latest\.json' is no list of ours; remove it"):
        publish(made(1), url)


def test_a_full_disk_leaves_the_latest_version_as_it_is(made: MakeVersion, tmp_path: Path) -> None:
    url = f"file://{tmp_path}/remote"
    publish(made(1), url)
    text = Random(1).randbytes(30_000).hex()
    larger = saved(tmp_path / "larger", version_of([{"text": text}]))
    with (
        files_of_at_most(20_000),
        pytest.raises(PublishingError, match=r"cannot be read or written \(.*\); run again when"),
    ):
        publish(larger, url)
    found = fetch(url, tmp_path / "fetched")
    assert found is not None
    assert found.manifest.version == 1
    assert publish(larger, url).version == "v2"


class Overtaking(MemoryFileSystem):  # type: ignore[misc]  # fsspec has no types
    """Lets somebody else publish while files are put here."""

    protocol = "overtaking"
    store: dict[str, Any] = {}  # noqa: RUF012  # as its base class has it
    pseudo_dirs = [""]  # noqa: RUF012  # as its base class has it

    def put(self, lpath: Any, rpath: Any, *args: Any, **kwargs: Any) -> None:
        super().put(lpath, rpath, *args, **kwargs)
        root = rpath[0].split("/v")[0]
        self.pipe_file(f"{root}/latest.json", b'{"version": 1, "digest": "theirs"}')


def test_a_version_that_somebody_else_published_meanwhile_stays_the_latest(
    made: MakeVersion,
) -> None:
    fsspec.register_implementation("overtaking", Overtaking, clobber=True)
    with pytest.raises(PublishingError, match=r"Somebody else has published to 'overtaking://x'"):
        publish(made(1), "overtaking://x")
    files, root = fsspec.url_to_fs("overtaking://x")
    assert files.cat_file(f"{root}/latest.json") == b'{"version": 1, "digest": "theirs"}'


@pytest.mark.parametrize(
    ("url", "error", "sentence"),
    [
        ("nosuch://x", ConfigurationError, r"'nosuch://x' cannot be published to: .*nosuch\.$"),
        ("s3://bucket/x", MissingPackageError, r"'s3://bucket/x' cannot be reached: .*s3fs"),
        ("s3://key:secret@bucket/x", ConfigurationError, r"^The URL .* holds a password or a key"),
    ],
    ids=["unknown", "package", "password"],
)
def test_a_url_that_cannot_be_used_is_told_before_a_run(
    url: str, error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence) as caught:
        check_url(url)
    assert "secret" not in str(caught.value)
