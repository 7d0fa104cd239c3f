"""Large files that go to the Hub on loopback by Xet, with the real Xet client."""

from __future__ import annotations

import random
from hashlib import sha256
from pathlib import Path

import hf_xet
import httpx2
import numpy as np
import pytest
from huggingface_hub import HfApi, hf_hub_url
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils import _xet

from tests.hub import WRITER, Cut, FakeHub, LostAnswer, Status
from tests.hub.access import STORE, STORE_READER, STORE_WRITER
from tests.hub.conftest import REPO, commit

NOISE = random.Random(0).randbytes(600_000)


def on_a_fresh_machine(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Let the client forget what it has uploaded and downloaded."""
    monkeypatch.setenv("HF_XET_CACHE", str(home / "xet-cache"))
    monkeypatch.setattr(_xet, "_GLOBAL_XET_HOLDER", _xet.XetSessionHolder())
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(home / "hub-cache"))


def downloaded(path: str) -> bytes:
    """Return a file as the client gets it."""
    return Path(HfApi().hf_hub_download(REPO, path, repo_type="dataset")).read_bytes()


@pytest.mark.parametrize(
    "content",
    [
        NOISE,
        b"the same words again and again " * 20_000,
        np.arange(100_003, dtype=np.float32).tobytes() + b"odd",
        b"x",
    ],
    ids=["noise", "text", "numbers", "one-byte"],
)
def test_what_goes_up_comes_back_by_xet_and_over_plain_http(
    content: bytes, xet_hub: FakeHub, tmp_path: Path
) -> None:
    commit({"data.parquet": content})
    assert xet_hub.repositories[REPO].files["data.parquet"] == content
    assert downloaded("data.parquet") == content
    assert {"xorb", "shard", "reconstruction", "fetch"} <= set(xet_hub.calls)
    assert list((tmp_path / "xet-cache").rglob("*.mdb"))
    assert not {"batch", "upload"} & set(xet_hub.calls)
    answer = httpx2.get(
        hf_hub_url(REPO, "data.parquet", repo_type="dataset"), headers={"Range": "bytes=0-99"}
    )
    assert (answer.status_code, answer.content) == (206, content[:100])


def test_files_are_listed_with_both_their_names(xet_hub: FakeHub) -> None:
    commit({"data.parquet": NOISE})
    (entry,) = HfApi().get_paths_info(REPO, "data.parquet", repo_type="dataset")
    assert isinstance(entry, RepoFile)
    assert entry.lfs is not None
    assert entry.lfs.sha256 == sha256(NOISE).hexdigest()
    metadata = HfApi().get_hf_file_metadata(
        url=hf_hub_url(REPO, "data.parquet", repo_type="dataset")
    )
    assert metadata.xet_file_data is not None
    assert metadata.xet_file_data.file_hash == entry.xet_hash


def test_a_version_that_grew_sends_only_what_is_new(xet_hub: FakeHub) -> None:
    commit({"data.parquet": NOISE})
    first = xet_hub.uploaded_bytes
    assert len(NOISE) <= first < len(NOISE) + 1000
    commit({"data.parquet": NOISE + b"more"})
    assert first < xet_hub.uploaded_bytes < first + 200_000


def test_a_fresh_machine_sends_only_what_the_hub_does_not_know(
    xet_hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit({"data.parquet": NOISE})
    first = xet_hub.uploaded_bytes
    on_a_fresh_machine(monkeypatch, tmp_path / "fresh")
    xet_hub.calls.clear()
    commit({"copy.parquet": NOISE, "longer.parquet": NOISE + b"more"})
    assert first < xet_hub.uploaded_bytes < first + 200_000
    assert "known_chunk" in xet_hub.calls
    assert downloaded("longer.parquet") == NOISE + b"more"


def test_a_part_of_a_file_can_be_put_together_of_several_blocks(xet_hub: FakeHub) -> None:
    commit({"data.parquet": NOISE})
    longer = NOISE + random.Random(1).randbytes(300_000)
    commit({"data.parquet": longer})
    address = hf_hub_url(REPO, "data.parquet", repo_type="dataset")
    metadata = HfApi().get_hf_file_metadata(url=address)
    assert metadata.xet_file_data is not None
    info = hf_xet.XetFileInfo(metadata.xet_file_data.file_hash, len(longer))
    streams = hf_xet.XetSession().new_download_stream_group(
        token_refresh_url=metadata.xet_file_data.refresh_route
    )
    for start, end in ((1000, 2000), (550_000, 750_000), (899_990, 900_000)):
        assert b"".join(streams.download_stream(info, start=start, end=end)) == longer[start:end]


@pytest.mark.parametrize(
    ("token", "status"), [(STORE_WRITER, 200), (STORE_READER, 403), (WRITER, 401)]
)
def test_the_store_takes_blocks_with_its_own_token_only(
    token: str, status: int, xet_hub: FakeHub
) -> None:
    answer = httpx2.post(
        f"{xet_hub.url}{STORE}/v1/xorbs/default/{'0' * 64}",
        content=b"",
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status_code == status


def test_many_files_come_down_at_once(xet_hub: FakeHub) -> None:
    files = {f"data/{number}.parquet": NOISE[number * 50_000 :] for number in range(8)}
    commit(files)
    folder = Path(HfApi().snapshot_download(REPO, repo_type="dataset"))
    assert {path: (folder / path).read_bytes() for path in files} == files
    assert xet_hub.calls.count("read_token") == 1


@pytest.mark.parametrize(
    "fault", [Status(503), LostAnswer(), Cut(1000)], ids=lambda f: type(f).__name__
)
@pytest.mark.parametrize("action", ["xorb", "shard"])
def test_an_upload_that_breaks_is_tried_again(
    action: str, fault: Status | LostAnswer | Cut, xet_hub: FakeHub
) -> None:
    xet_hub.fail(action, fault)
    commit({"data.parquet": NOISE})
    assert xet_hub.calls.count(action) == 2
    assert downloaded("data.parquet") == NOISE


@pytest.mark.parametrize(
    "fault", [Status(503), LostAnswer(), Cut(1000)], ids=lambda f: type(f).__name__
)
@pytest.mark.parametrize("action", ["reconstruction", "fetch"])
def test_a_download_that_breaks_is_tried_again(
    action: str, fault: Status | LostAnswer | Cut, xet_hub: FakeHub
) -> None:
    commit({"data.parquet": NOISE})
    xet_hub.fail(action, fault)
    assert downloaded("data.parquet") == NOISE


def test_a_hub_without_xet_refuses_the_token_for_it(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", False)
    with pytest.raises((HfHubHTTPError, OSError, RuntimeError)):
        commit({"data.parquet": NOISE})
    assert not hub.repositories[REPO].pushed
