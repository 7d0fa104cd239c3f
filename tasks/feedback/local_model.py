"""`LocalModelStep`: a step whose model transformers runs in this process."""

from __future__ import annotations

import gc
import threading
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, ClassVar

from pydantic import Field, PrivateAttr, SecretStr

from llms.config import Operational
from llms.errors import RowRejected, ServerFailed
from llms.weights import cannot_load, check_folder, first_line, name_by_content
from tasks.packages import check_packages
from tasks.row_step import RowStep


class LocalModelStep(RowStep):
    """Makes its columns with weights of the Hugging Face Hub, or of a local folder.

    They are loaded once in a process and asked by one row at a time, so that what a row gets does
    not depend on the rows beside it and nothing is padded. A folder counts by its content, not by
    its path. `token` is for private models; `HF_TOKEN` is used without it.
    """

    version: ClassVar = 1

    model: str
    revision: str = "main"
    torch_dtype: str = "auto"
    trust_remote_code: bool = False
    device_map: Operational[str | dict[str, Any] | None] = None
    token: Operational[SecretStr | None] = Field(default=None, exclude=True, repr=False)

    _loaded: Any = PrivateAttr(default=None)
    _turn: Any = PrivateAttr(default_factory=threading.Lock)

    @abstractmethod
    def open(self) -> Any:
        """Read the weights, and what else is needed to ask them."""

    @cached_property
    def content(self) -> dict[str, Any]:
        return {**super().content, "model": name_by_content(self.model)}

    def load(self) -> None:
        check_packages(type(self).__name__, "transformers", "torch", "transformers")
        check_folder(self.model)
        with self._turn:
            if self._loaded is None:
                self._loaded = self._opened()

    def unload(self) -> None:
        with self._turn:
            self._loaded = None
        gc.collect()

    @contextmanager
    def at_work(self) -> Iterator[Any]:
        """Give one thread at a time what `open` returned.

        Raises:
            RowRejected: the model cannot take what it is asked.
            ServerFailed: torch failed, for lack of memory for example.
        """
        if self._loaded is None:
            self.load()
        import torch

        with self._turn, torch.inference_mode():
            try:
                yield self._loaded
            except RuntimeError as error:
                raise ServerFailed(
                    f"{self.model!r} failed ({first_line(error)}); lower max_length, or name "
                    f"another device_map."
                ) from error
            except (TypeError, ValueError, LookupError) as error:
                raise RowRejected(f"the model cannot take it: {first_line(error)}") from error

    @property
    def shared(self) -> dict[str, Any]:
        """What both weights and tokenizer are loaded with."""
        return {
            "revision": self.revision,
            "trust_remote_code": self.trust_remote_code,
            "token": self.token.get_secret_value() if self.token else None,
        }

    def _opened(self) -> Any:
        try:
            return self.open()
        except Exception as error:
            raise cannot_load("transformers", self.model, error, self.token) from (
                None if self.token else error
            )
