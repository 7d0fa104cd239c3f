"""User's turns that a model writes: prompts that stop where the user's words begin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from llms.chat import ChatMessage, text_content
from llms.config import Operational
from llms.errors import BadRequest, ConfigurationError
from llms.llm import LLM

_TURNS = {
    "llama3": ("<|start_header_id|>{role}<|end_header_id|>\n\n", "<|eot_id|>"),
    "qwen2": ("<|im_start|>{role}\n", "<|im_end|>\n"),
}
"""How a turn begins and ends; the mark before the first turn is the server's to add."""

_WORDS = "@@ the words of the user @@"


@dataclass(frozen=True, slots=True)
class OpenPrompt:
    """A prompt that stops where the user's words begin, and the text that ends their turn."""

    text: str
    end: str = ""

    def stops(self, given: Sequence[str] | None) -> list[str]:
        """Return the texts that end the turn: the ones given, and its own end."""
        return [*(given or ()), *([self.end] if self.end else [])]


class UserTurns(LLM):
    """A model that can write the user's turn of a conversation, as Magpie asks (arXiv 2406.08464).

    `magpie_pre_query_template` says how the user's turn begins: "llama3" or "qwen2" (ChatML, which
    many models share) stand for the way in which these write conversations; any other text is what
    stands before the user's words in a conversation that has no turn yet. Where it is left out, the
    model's own chat template says it, if the provider lets it be asked. `use_magpie_template=False`
    keeps the model from writing user's turns.
    """

    own_template: ClassVar[bool] = False
    """Whether the model's own chat template can be asked."""

    magpie_pre_query_template: str | None = None
    use_magpie_template: Operational[bool] = True

    def check_user_turns(self, messages: Sequence[ChatMessage] = ()) -> None:
        super().check_user_turns(messages)
        name, template = type(self).__name__, self.magpie_pre_query_template
        named = " or ".join(map(repr, _TURNS))
        if not self.use_magpie_template:
            raise ConfigurationError(
                f"{name} is kept from writing the user's turn by use_magpie_template=False; leave "
                f"it out."
            )
        if template is None and not self.own_template:
            raise ConfigurationError(
                f"{name} cannot tell how the user's turn begins; give magpie_pre_query_template=, "
                f"which is {named} or the text before the user's words."
            )
        if messages and template is not None and template not in _TURNS:
            raise ConfigurationError(
                f"A text of your own as magpie_pre_query_template begins a conversation, and "
                f"cannot follow a system prompt or other turns; give {named} to {name} instead."
            )

    def written(self, messages: Sequence[ChatMessage]) -> OpenPrompt | None:
        """Return the prompt by `magpie_pre_query_template`; None leaves it to the own template."""
        template = self.magpie_pre_query_template
        if template not in _TURNS:
            return None if template is None else OpenPrompt(template)
        begin, end = _TURNS[template]
        turns = [
            f"{begin.format(role=message['role'])}{text_content(message)}{end}"
            for message in messages
        ]
        return OpenPrompt("".join(turns) + begin.format(role="user"), end.strip())


def with_open_turn(messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    """Return a conversation with a user's turn more, for a chat template to write it."""
    return [*messages, {"role": "user", "content": _WORDS}]


def left_open(written: str) -> OpenPrompt:
    """Return what a chat template made of `with_open_turn`, up to the user's words.

    Raises:
        BadRequest: the words are not in it.
    """
    text, found, rest = written.rpartition(_WORDS)
    if not found:
        raise BadRequest("The model's chat template writes no user's turn at this place.")
    return OpenPrompt(text, rest.strip())
