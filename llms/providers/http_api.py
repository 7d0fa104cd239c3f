"""What models behind a JSON API in the manner of OpenAI's have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pydantic import Field

from llms.config import Operational
from llms.errors import ConfigurationError, MissingKeyError
from llms.model import Remote
from llms.providers.quotas import quota_of
from llms.providers.responses import NO_KEY
from llms.providers.wire import Posted, ReadQuota, Wire

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class HttpApi(Remote):
    """A model behind an API that takes a bearer key and JSON.

    A server on this machine needs no key. `default_headers` are sent with every request.
    """

    key_optional: ClassVar[bool] = False
    """Whether servers of this kind often ask for no key."""

    default_headers: Operational[Mapping[str, str] | None] = Field(
        default=None, exclude=True, repr=False
    )

    def key(self) -> str:
        try:
            return super().key()
        except MissingKeyError:
            optional = self.key_optional or urlsplit(self.url).hostname in _LOOPBACK
            if optional and self.api_key_block is None:
                return NO_KEY
            raise

    def check(self) -> None:
        super().check()
        if self.address is None:
            raise ConfigurationError(
                f"The base URL {self.url!r} has no host; it begins with http:// or https://."
            )

    def connect(self) -> Wire:
        return self.connect_to(self.url)

    def connect_to(self, url: str) -> Wire:
        """Return a client whose requests go to a base URL."""
        return Wire(url, {"Authorization": f"Bearer {self.key()}"})

    async def post_json(
        self,
        client: Wire,
        path: str,
        body: Mapping[str, Any],
        read_quota: ReadQuota = quota_of,
    ) -> Posted:
        """Post a body to a path below the base URL.

        Raises:
            LLMError: no answer came, or one that is an error or cannot be read.
        """
        return await client.post(self, path, body, self.default_headers, read_quota)

    async def close(self, client: Any) -> None:
        await client.close()
