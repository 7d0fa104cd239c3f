"""`MagpieConversations`: what the two Magpie tasks share, a model that plays both sides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, ClassVar, Literal, Self

import polars as pl
from pydantic import Field, field_validator, model_validator

from llms.chat import ChatType
from llms.errors import ConfigurationError, RowRejected
from llms.gateway import together
from tasks.ask import Ask, Exchange
from tasks.chats import required_text, system_prompt_in
from tasks.generated import CHAT, Generated
from tasks.generation.system_prompts import (
    SystemPrompts,
    check_system_prompts,
    drawn_prompt,
)
from tasks.row import Row
from tasks.task import Task

_SEVERAL_TURNS = (
    "You are an AI assistant that talks with a user over several turns. The user opens with a "
    "question or a task and then comes back with follow-ups on what you said. Answer each one "
    "thoroughly, correctly and to the point, with the whole conversation in mind."
)


@dataclass(slots=True)
class _Conversation:
    """A conversation as it grows, until a turn of it cannot be had."""

    turns: ChatType
    system_prompt_key: str | None
    exchanges: list[Exchange] = field(default_factory=list)
    trouble: RowRejected | None = None

    async def go_on(self, ask: Ask, role: Literal["user", "assistant"], number: int) -> None:
        """Let the model write the next turn."""
        if self.trouble is not None:
            return
        what = f"turn {number} of the conversation, the {role}'s,"
        reading = await ask.read(
            self.turns,
            lambda reply: required_text(reply, what).strip(),
            open_turn="user" if role == "user" else None,
        )
        self.exchanges += reading.exchanges
        if isinstance(reading.found, RowRejected):
            self.trouble = reading.found
        else:
            self.turns.append({"role": role, "content": reading.found})


class MagpieConversations(Task):
    """Lets a model write the user's turns and answer them; see `Magpie`."""

    version: ClassVar = 1

    n_turns: int = Field(default=1, ge=1)
    end_with_user: bool = False
    include_system_prompt: bool = False
    only_instruction: bool = False
    system_prompt: SystemPrompts | None = None
    corrections: int = Field(default=2, ge=0)

    @property
    def outputs(self) -> dict[str, Any]:
        named = isinstance(self.system_prompt, Mapping)
        key = {"system_prompt_key": pl.String} if named else {}
        if self.only_instruction:
            return {"instruction": pl.String, **key}
        if self._is_pair:
            return {"instruction": pl.String, "response": pl.String, **key}
        return {"conversation": CHAT, **key}

    @property
    def _is_pair(self) -> bool:
        return self.n_turns == 1 and not self.include_system_prompt

    @property
    def _is_long(self) -> bool:
        return self.n_turns > 1 and not self.only_instruction

    @property
    def _roles(self) -> list[Literal["user", "assistant"]]:
        """Who speaks, in order."""
        if self.only_instruction:
            return ["user"]
        roles: list[Literal["user", "assistant"]] = ["user", "assistant"]
        return (roles * self.n_turns)[: -1 if self.end_with_user else None]

    @field_validator("system_prompt", mode="before")
    @classmethod
    def _check_prompts(cls, prompts: Any) -> Any:
        if prompts is not None:
            check_system_prompts(prompts)
        return prompts

    @model_validator(mode="after")
    def _check_turns(self) -> Self:
        if self.end_with_user and self.n_turns == 1 and not self.only_instruction:
            raise ConfigurationError(
                "With end_with_user and one turn there is nothing but an instruction; set "
                "only_instruction=True for that, or n_turns=2 or more."
            )
        before: ChatType = [{"role": "system", "content": ""}]
        self.llm.check_user_turns(before if self._is_long or self.system_prompt else [])
        return self

    def draw(self, random: Random) -> Row:
        if self.system_prompt is not None:
            return drawn_prompt(self.system_prompt, random)
        return {"system_prompt": _SEVERAL_TURNS} if self._is_long else {}

    def format_input(self, input: Row) -> ChatType:
        prompt = system_prompt_in(input)
        return [{"role": "system", "content": prompt}] if prompt else []

    def format_output(self, output: str | None, input: Row) -> Row:
        return {"instruction": required_text(output or "", "the instruction").strip()}

    async def answer(self, input: Row, ask: Ask) -> list[Generated]:
        conversations = [
            self._opened(input, self.draw(ask.random(number)))
            for number in range(self.num_generations)
        ]
        for number, role in enumerate(self._roles, 1):
            await together([each.go_on(ask, role, number) for each in conversations])
        return [
            Generated(each.trouble or self._columns(each), tuple(each.exchanges))
            for each in conversations
        ]

    def _opened(self, input: Row, drawn: Row) -> _Conversation:
        """Return a conversation before its first turn; a row's own system prompt wins."""
        if system_prompt_in(input) is not None:
            return _Conversation(self.format_input(input), None)
        return _Conversation(self.format_input(drawn), drawn.get("system_prompt_key"))

    def _columns(self, conversation: _Conversation) -> Row:
        said = [turn for turn in conversation.turns if turn["role"] != "system"]
        made: Row = {
            "instruction": said[0]["content"],
            "response": said[-1]["content"],
            "conversation": conversation.turns if self.include_system_prompt else said,
            "system_prompt_key": conversation.system_prompt_key,
        }
        return {name: made[name] for name in self.outputs}
