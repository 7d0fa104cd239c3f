"""The completions API, `/v1/completions`: a prompt as it is, and what the model goes on with."""

from __future__ import annotations

from tests.loopback.dialects.dialect import Body, Dialect
from tests.loopback.dialects.openai import OPENAI


def _read(body: Body) -> Body:
    prompt = body["prompt"]
    if not isinstance(prompt, str):
        raise TypeError("the loopback provider takes one prompt, as text")
    rest = {name: value for name, value in body.items() if name != "prompt"}
    return {**rest, "messages": [{"role": "user", "content": prompt}]}


def _write(answer: Body) -> Body:
    [choice] = answer["choices"]
    written = {"index": 0, "text": choice["message"].get("content") or "", "logprobs": None}
    choices = [{**written, "finish_reason": choice["finish_reason"]}]
    return {**answer, "object": "text_completion", "choices": choices}


COMPLETIONS = Dialect(_read, _write, OPENAI.error)
