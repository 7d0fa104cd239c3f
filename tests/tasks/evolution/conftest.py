"""A model that does as a rewriting prompt says."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import Field

from llms import ChatRequest
from llms.chat import text_content
from llms.config import Operational
from tests.tasks.conftest import RecordingLLM

_LAST_SECTION = re.compile(r"\[(?:Instruction|Response)\]\n(?P<text>(?:(?!\n\[).)*)\Z", re.DOTALL)


class Rewriter(RecordingLLM):
    """Adds a word to the text that it is to rewrite, and answers what is no rewriting prompt.

    Where a key of `said` is in the text to rewrite or to answer, it says that instead; `{text}`
    stands for the text and `{sample}` for the seed of the sample.
    """

    said: Operational[dict[str, str]] = Field(default_factory=dict)

    def reply(self, request: ChatRequest, seed: int) -> str:
        super().reply(request, seed)
        text, is_rewriting = asked_of(text_content(request.messages[0]))
        for mark, said in self.said.items():
            if mark in text:
                return said.replace("{text}", text).replace("{sample}", str(seed))
        return f"{text} more" if is_rewriting else f"Answer to: {text}"

    @property
    def prompts(self) -> list[str]:
        """The first turns that reached the model, in order."""
        return [text_content(chat[0]) for chat in self.sent]


def asked_of(prompt: str) -> tuple[str, bool]:
    """Return the text that a prompt is about, and whether it is to be rewritten."""
    section = _LAST_SECTION.search(prompt)
    return (section["text"], True) if section else (prompt, False)


def mutation_of(prompt: str, templates: Mapping[str, str]) -> str:
    """Return the name of the template that a prompt was made of."""
    for name, template in templates.items():
        if prompt.startswith(template.partition("{{")[0]):
            return name
    raise AssertionError(f"no mutation made the prompt {prompt!r}")
