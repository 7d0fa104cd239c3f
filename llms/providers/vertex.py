"""Gemini, by Vertex AI."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

from llms.config import Operational
from llms.credentials import fingerprint
from llms.errors import ConfigurationError, MissingKeyError
from llms.providers.chat_completions import from_environment
from llms.providers.google import GoogleLLM
from llms.providers.responses import NO_KEY, one_line


class VertexAILLM(GoogleLLM):
    """A Gemini model on Vertex AI (needs the extra `google`).

    Without a key (`VERTEX_API_KEY`) the credentials are those of the machine (`gcloud auth
    application-default login`), for `project` (`GOOGLE_CLOUD_PROJECT`) at `location`
    (`GOOGLE_CLOUD_LOCATION`, else "global").
    """

    provider: ClassVar = "vertex"
    key_variables: ClassVar = ("VERTEX_API_KEY",)
    key_optional: ClassVar = True

    project: Operational[str | None] = from_environment("GOOGLE_CLOUD_PROJECT")
    location: Operational[str | None] = from_environment("GOOGLE_CLOUD_LOCATION")
    base_url: str | None = from_environment("VERTEX_BASE_URL")

    @property
    def url(self) -> str:
        if self.base_url is not None:
            return self.base_url
        place = self.location or "global"
        prefix = "" if place == "global" else f"{place}-"
        return f"https://{prefix}aiplatform.googleapis.com"

    @cached_property
    def account(self) -> str:
        paying = self.project if self.key() == NO_KEY else fingerprint(self.key())
        return f"{self.provider}:{self.model}@{self.url}#{paying}"

    def key(self) -> str:
        try:
            return super().key()
        except MissingKeyError:
            if self.api_key_block is None:
                return NO_KEY
            raise

    def open_client(self, options: Any) -> Any:
        from google.auth.exceptions import GoogleAuthError
        from google.genai import Client

        key = self.key()
        who: dict[str, Any] = {"api_key": key}
        if key == NO_KEY:
            who = {"project": self.project, "location": self.location or "global"}
        try:
            return Client(enterprise=True, http_options=options, **who)
        except (GoogleAuthError, ValueError) as error:
            raise ConfigurationError(
                f"Vertex AI has neither a key nor credentials of this machine: set VERTEX_API_KEY, "
                f"or run `gcloud auth application-default login` and set GOOGLE_CLOUD_PROJECT. "
                f"{one_line(error, self)}"
            ) from error
