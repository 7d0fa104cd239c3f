"""A reply without what models put around it."""

from __future__ import annotations

import re

from llms.errors import RowRejected
from llms.structured import after_reasoning

_FENCED = re.compile(r"\s*```[\w+-]*[ \t]*\n(.*?)\n?[ \t]*```\s*", re.DOTALL)
_INVISIBLE = re.compile("[\ufeff\u200b\u2060]")


def plain(reply: str | None) -> str:
    """Return a reply without reasoning, invisible marks and a code fence around the whole of it.

    Lines end with a line feed alone.

    Raises:
        RowRejected: nothing is left.
    """
    text = _INVISIBLE.sub("", reply or "").replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise RowRejected("the reply is empty")
    text = after_reasoning(text)
    fenced = _FENCED.fullmatch(text)
    if fenced and "```" not in fenced[1]:
        text = fenced[1]
    if not text.strip():
        raise RowRejected("the reply has reasoning but no answer")
    return text.strip()
