"""Models by their files: a folder, or a name on the Hugging Face Hub."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from pydantic import SecretStr

from llms.digest import digest
from llms.errors import ConfigurationError


def check_folder(model: str) -> None:
    """Raise `ConfigurationError` if a model is named by the path of a folder that is not there."""
    if model.startswith(("/", "./", "../", "~")) and not Path(model).expanduser().is_dir():
        raise ConfigurationError(
            f"There is no model folder {model!r}; give a folder with a model's files, or a name "
            f"on the Hugging Face Hub."
        )


def location(model: str) -> str:
    """Return the path of a model's folder, or the name on the Hub as it is."""
    return str(folder) if (folder := Path(model).expanduser()).is_dir() else model


def name_for_people(model: str) -> str:
    """Return the last part of a folder's path, or the name on the Hub as it is."""
    return folder.resolve().name if (folder := Path(model).expanduser()).is_dir() else model


def name_by_content(model: str) -> str:
    """Return a digest of what a model's folder holds, or the name on the Hub as it is.

    Notes in Markdown and hidden files do not count.
    """
    folder = Path(model).expanduser()
    if not folder.is_dir():
        return model
    files = []
    for path in sorted(folder.rglob("*")):
        within = path.relative_to(folder)
        if path.suffix == ".md" or any(part.startswith(".") for part in within.parts):
            continue
        if path.is_file():
            files.append([within.as_posix(), file_digest(path)])
    return digest(files)


def cannot_load(
    library: str, model: str, error: Exception, token: SecretStr | None
) -> ConfigurationError:
    """Return the error to raise for a library's own, which may repeat the token."""
    reason = first_line(error)
    if token is not None:
        reason = reason.replace(token.get_secret_value(), "[the token]")
    return ConfigurationError(
        f"{library} cannot load {model!r} ({reason}); check the name or folder, the other "
        f"parameters, and token= for a private model."
    )


def first_line(error: BaseException) -> str:
    """Return how an error's text begins, or its type where it has none."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".:")[:200]


def file_digest(path: Path) -> str:
    """Return the digest of a file's bytes, computed again only after the file has changed."""
    state = path.stat()
    return _digest_of_state(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=1024)
def _digest_of_state(path: Path, size: int, modified: int) -> str:
    with path.open("rb") as file:
        hasher = sha256()
        while chunk := file.read(1 << 20):
            hasher.update(chunk)
    return hasher.hexdigest()
