"""Reading a rewritten text, and telling whether the rewriting failed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from llms.errors import RowRejected
from tasks.reading.labels import folded
from tasks.reading.plain import plain

_TEXT = r"(?:prompt|instruction|question|request|response|answer|version)s?"
_INTRODUCTION = re.compile(
    rf"(?:sure|certainly|of course|absolutely|okay|ok|here)\b[^\n]*\b{_TEXT}\b[^\n]*:[ \t*_]*\n+",
    re.IGNORECASE,
)
# With a colon, or with marks before it or behind it and alone on its line.
_HEADING = re.compile(
    r"(?P<marks>[#*_>\[][\s#*_>\[]*)?"
    r"(?:the[ \t]+)?(?:(?:new|rewritten|evolved|created|revised|improved|harder)[ _]+)?"
    rf"{_TEXT}[ \t]*(?P<more>[#*_\]][ \t#*_\]]*)?"
    r"(?:[:\uff1a][ \t#*_]*|(?(marks)(?=\n)|(?(more)(?=\n)|(?!)))|\Z)",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"\"([^\"]*)\"|\u201c([^\u201c\u201d]*)\u201d", re.DOTALL)
_WORDS_OF_THE_PROMPT = re.compile(
    r"(?:given|rewritten|created)[ _]+(?:prompt|instruction|response)s?\b"
    r"|(?:new|old|harder|previous) version of the (?:prompt|instruction|response)s?\b"
    r"|\[(?:instruction|response)\]",
    re.IGNORECASE,
)
_REFUSAL = re.compile(
    r"\W*(?:as an ai\b"
    r"|(?:i['\u2019]?m|i am)(?: \w+)? sorry\W+(?:but )?i\b|sorry\W+(?:but )?i (?:can|am|won)"
    r"|i (?:can(?:no|['\u2019])?t|am unable to|am not able to|won['\u2019]?t)"
    r" (?:help|assist)(?: you)? with th(?:at|is)\b"
    r"|i (?:can(?:no|['\u2019])?t|am unable to|won['\u2019]?t) (?:comply|fulfil|rewrite|do that))",
    re.IGNORECASE,
)
_APOLOGY = re.compile(r"\bsorry\b", re.IGNORECASE)
_ABOUT_APOLOGIES = re.compile(r"\bsorry\b|apolog|forgive", re.IGNORECASE)
_SHORT = 80
"""Words; an answer below it with an apology is none (arXiv 2304.12244)."""
_STOP_WORDS = """a an and are as at be but by for from has have he her his i if in is it its me my
not of on or our she so that the their them they this to was we were will with you your"""


def rewritten_in(reply: str | None, earlier: Sequence[str] = ()) -> str:
    """Return the text that a reply gives as the rewriting of `earlier` texts, oldest first.

    Introductions, headings and quotation marks around it are left out.

    Raises:
        RowRejected: the rewriting failed: there is no text, it is one of the earlier ones, a
            refusal, or speaks of the rewriting.
    """
    text = _bare(plain(reply), earlier)
    if not re.search(r"\w", text):
        raise RowRejected("the reply holds no words")
    if any(_same(text, other) for other in earlier):
        raise RowRejected("the reply repeats the text that it should change")
    if _REFUSAL.match(text) and not any(_REFUSAL.match(other) for other in earlier):
        raise RowRejected(f"the reply is a refusal: {text:.80}")
    for words in _WORDS_OF_THE_PROMPT.findall(text):
        if not any(words.lower() in other.lower() for other in earlier):
            raise RowRejected(f"the reply speaks of the rewriting ({words!r}); it must not")
    return text


def refuse_poor_answer(answer: str, instruction: str) -> None:
    """Raise `RowRejected` for an answer that speaks against its instruction.

    As the paper has it: a short one with an apology (here only if the instruction is not about
    one), or one of nothing but stop words and marks.
    """
    words = re.findall(r"\w+", answer.lower())
    apology = _APOLOGY.search(answer) and not _ABOUT_APOLOGIES.search(instruction)
    if apology and len(words) < _SHORT:
        raise RowRejected(f"the answer to the evolved instruction is an apology: {answer:.80}")
    if set(words) <= set(_STOP_WORDS.split()):
        raise RowRejected(f"the answer to the evolved instruction says nothing: {answer:.80}")


def _bare(text: str, earlier: Sequence[str]) -> str:
    """Take away what stands around a text, unless it stood around an earlier one too."""
    dresses = [
        dress
        for dress in (_INTRODUCTION, _HEADING)
        if not any(dress.match(other.strip()) for other in earlier)
    ]
    while found := next(filter(None, (dress.match(text) for dress in dresses)), None):
        text = text[found.end() :].strip()
    quoted = _QUOTED.fullmatch(text)
    if quoted and not any(_QUOTED.fullmatch(other.strip()) for other in earlier):
        return (quoted[1] or quoted[2] or "").strip()
    return text


def _same(text: str, other: str) -> bool:
    return folded(text).rstrip(".!? ") == folded(other).rstrip(".!? ")
