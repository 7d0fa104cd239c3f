"""`TextGenerationWithImage`: the model's answer to an instruction about a picture."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import model_validator

from llms.chat import ChatType, ImagePart
from llms.errors import ConfigurationError, RowRejected
from llms.images import image_part
from llms.registry import providers_with
from tasks.chats import required_text
from tasks.generation.text_generation import TextGeneration
from tasks.row import Row

_ADDRESSES = ("https://", "http://", "data:")


class TextGenerationWithImage(TextGeneration):
    """Asks a model about a picture and keeps its answer as it is.

    Columns: `image`, with those of `TextGeneration` ("instruction", str, if not named) and, where
    it exists, `system_prompt` (str) -> `generation` (str).

    `image_type` says what `image` holds: "url" a web address or a `data:` URL (str), "base64" the
    file in base 64 (str), "PIL" the file as bytes, or as `{"bytes", "path"}`, the form in which
    Hugging Face datasets keep pictures. A PNG, JPEG, GIF or WebP is sent as the type its bytes say.
    A row without a picture, or with something else, is a rejection; paths of files are not read.

    Raises:
        ConfigurationError: the model's provider takes no pictures.

    Example:
        >>> from tasks import TextGenerationWithImage
        >>> from llms import ScriptedLLM
        >>> llm = ScriptedLLM(rules={"Who sits here": "A cat, it seems."})
        >>> task = TextGenerationWithImage(llm=llm)
        >>> row = {"instruction": "Who sits here?", "image": "https://pictures.example/1.png"}
        >>> next(task.process([row]))[0]["generation"]
        'A cat, it seems.'
    """

    version: ClassVar = 1

    image_type: Literal["url", "base64", "PIL"] = "url"

    @property
    def inputs(self) -> dict[str, Any]:
        return {**super().inputs, "image": True}

    @model_validator(mode="after")
    def _check_model(self) -> Self:
        if not self.llm.supports.images:
            raise ConfigurationError(
                f"{type(self.llm).__name__} takes no pictures; name a model of one of the "
                f"providers that do: {', '.join(providers_with('images'))}."
            )
        return self

    def format_input(self, input: Row) -> ChatType:
        *before, asked = super().format_input(input)
        text = str(asked["content"])
        picture = self._picture(input.get("image"))
        return [*before, {"role": "user", "content": [{"type": "text", "text": text}, picture]}]

    def _picture(self, value: Any) -> ImagePart:
        try:
            return image_part(self._source(value))
        except ConfigurationError as error:
            raise RowRejected(f"the column 'image' holds no picture: {error}") from error

    def _source(self, value: Any) -> str | bytes:
        if self.image_type == "PIL":
            data = value.get("bytes") if isinstance(value, Mapping) else value
            if not isinstance(data, bytes) or not data:
                raise RowRejected("the column 'image' holds no bytes of a picture")
            return data
        text = required_text(value, "the column 'image'").strip()
        if self.image_type == "base64":
            try:
                return b64decode(text, validate=True)
            except (NotBase64, ValueError) as error:
                raise RowRejected(f"the column 'image' is no base 64: {error}") from error
        if not text.startswith(_ADDRESSES):
            raise RowRejected(f"the column 'image' is {text!r:.60}, not a web or data: address")
        return text
