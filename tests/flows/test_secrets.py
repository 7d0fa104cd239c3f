"""API keys in Prefect Secret blocks: named in the pipeline, read where they are used."""

from __future__ import annotations

from pathlib import Path

import pytest
from prefect.blocks.system import Secret
from pydantic import SecretStr

from flows import Pipeline
from llms import OpenAILLM
from llms.errors import MissingKeyError
from tasks import LoadDataFromDicts, TextGeneration
from tests.loopback import LoopbackProvider

pytestmark = pytest.mark.usefixtures("prefect")

KEY = "sk-planted-in-a-block-77aa"


def asked_with(block: str, provider: LoopbackProvider) -> Pipeline:
    llm = OpenAILLM(model="loopback", base_url=provider.url, api_key_block=block)
    with Pipeline("secret") as pipeline:
        LoadDataFromDicts(data=[{"instruction": "Say a."}]) >> TextGeneration(llm=llm)
    return pipeline


def test_a_key_is_read_from_the_block_and_written_nowhere(
    provider: LoopbackProvider, tmp_path: Path
) -> None:
    Secret(value=SecretStr(KEY)).save("loopback-key", overwrite=True)
    version = asked_with("loopback-key", provider).run()
    version.save_to_disk(tmp_path / "dataset")
    assert provider.stats().authorizations == {f"Bearer {KEY}": 1}
    assert "api_key_block: loopback-key" in (tmp_path / "dataset" / "pipeline.yaml").read_text()
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or KEY.encode() not in path.read_bytes(), path


def test_a_block_that_does_not_exist_is_one_sentence_before_any_call(
    provider: LoopbackProvider,
) -> None:
    with pytest.raises(MissingKeyError, match="There is no Prefect Secret block 'nobody-made-it'"):
        asked_with("nobody-made-it", provider).run()
    assert provider.stats().requests == 0
