"""Chats, and texts that must be there before they are sent or kept."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from llms.chat import ChatMessage, ChatType, text_content
from llms.errors import RowRejected
from tasks.row import Row

_ROLES = ("system", "user", "assistant")


def chat(user: str, *, system: str | None = None, assistant: str | None = None) -> ChatType:
    """Return a chat of one user turn, with a system prompt before it and an answer after it."""
    turns = {"system": system, "user": user, "assistant": assistant}
    return [{"role": role, "content": text} for role, text in turns.items() if text]


def text_in(row: Row, column: str) -> str:
    """Return the text in a column.

    Raises:
        RowRejected: there is none.
    """
    return required_text(row.get(column), f"the column {column!r}")


def texts_in(row: Row, column: str) -> list[str]:
    """Return the texts in a column of lists.

    Raises:
        RowRejected: there is none, or one is missing.
    """
    texts = row.get(column)
    if not isinstance(texts, list) or not texts:
        raise RowRejected(f"the column {column!r} holds no list with one text or more")
    name = column.removesuffix("s")
    return [required_text(text, f"{name} {number}") for number, text in enumerate(texts, 1)]


def required_text(value: Any, what: str) -> str:
    """Return a value that must be text; `what` says what it is.

    Raises:
        RowRejected: it is missing, empty or no text.
    """
    if value is None:
        raise RowRejected(f"{what} is null")
    if not isinstance(value, str):
        raise RowRejected(f"{what} is a {type(value).__name__}, not text")
    if not value.strip():
        raise RowRejected(f"{what} is empty")
    return value


def system_prompt_in(row: Row, default: str | None = None) -> str | None:
    """Return a row's own `system_prompt`, else the default; an empty one means none.

    Raises:
        RowRejected: it is no text.
    """
    prompt = row.get("system_prompt")
    if prompt is None:
        return default
    if not isinstance(prompt, str):
        raise RowRejected(f"the column 'system_prompt' is a {type(prompt).__name__}, not text")
    return prompt.strip() and prompt


def turns_in(row: Row, column: str) -> ChatType:
    """Return the chat in a column, without fields that are not `role` and `content`.

    Raises:
        RowRejected: it is no chat.
    """
    value = row.get(column)
    if not isinstance(value, list) or not value:
        raise RowRejected(f"the column {column!r} holds no chat, a list with one turn or more")
    return [_turn(turn, f"turn {number} of {column!r}") for number, turn in enumerate(value, 1)]


def _turn(turn: Any, what: str) -> ChatMessage:
    if not isinstance(turn, dict):
        raise RowRejected(f"{what} is no object with role and content")
    if turn.get("role") not in _ROLES:
        raise RowRejected(f"the role of {what} is {turn.get('role')!r}, not {', '.join(_ROLES)}")
    return {"role": turn["role"], "content": required_text(turn.get("content"), what)}


def prompt_id(prompt: str) -> str:
    """Return the SHA-256 of a prompt in hexadecimal, as preference datasets name prompts."""
    return sha256(prompt.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class UnansweredChat:
    """The turns of a chat, of which the last is the user's, and its first user turn."""

    prompt: str
    turns: ChatType


def unanswered_chat(row: Row, column: str) -> UnansweredChat:
    """Return the chat in a column.

    Raises:
        RowRejected: it is no chat, or its last turn is not the user's.
    """
    turns = turns_in(row, column)
    if turns[-1]["role"] != "user":
        raise RowRejected(
            f"the last turn of {column!r} is the {turns[-1]['role']}'s, not the user's"
        )
    first = next(turn for turn in turns if turn["role"] == "user")
    return UnansweredChat(text_content(first), turns)
