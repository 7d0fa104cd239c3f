"""Which token a model inside this process takes next, and when its answer ends."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llms.providers.transformers import TransformersParameters

Choice = Callable[[Any, Any], Any]
"""Takes the tokens so far and the scores of the next one, and returns changed scores."""


def choosing(given: TransformersParameters, usual: Any, seed: int) -> list[Choice]:
    """Return the steps that leave one token to take; none where the likeliest one is wanted.

    `usual` is how the model's own files say to sample: it holds for what is not given.
    """
    from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

    temperature = usual.temperature if given.temperature is None else given.temperature
    top_k = usual.top_k if given.top_k is None else given.top_k
    top_p = usual.top_p if given.top_p is None else given.top_p
    if not given.do_sample or temperature == 0:
        return []
    steps: list[Choice] = []
    if temperature is not None:
        steps.append(TemperatureLogitsWarper(float(temperature)))
    if top_k:
        steps.append(TopKLogitsWarper(top_k))
    if top_p is not None:
        steps.append(TopPLogitsWarper(float(top_p)))
    return [*steps, _Draw(seed)]


class _Draw:
    """Draws a token with a generator of its own: torch has one for all threads together."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._generator: Any = None

    def __call__(self, tokens: Any, scores: Any) -> Any:
        import torch

        if self._generator is None:
            self._generator = torch.Generator(scores.device).manual_seed(self._seed)
        drawn = torch.multinomial(scores.softmax(-1), 1, generator=self._generator)
        return torch.full_like(scores, float("-inf")).scatter(-1, drawn, 0.0)


class Ending:
    """Ends an answer at a stop text, and when nobody waits for it any more.

    `asked` is how many tokens the prompt has; a stop text in it does not count.
    """

    def __init__(self, tokenizer: Any, asked: int, stops: tuple[str, ...], stopped: Event) -> None:
        self.at_stop = False
        self._tokenizer = tokenizer
        self._asked = asked
        self._stops = stops
        self._stopped = stopped
        self._tail = max((len(stop.encode()) for stop in stops), default=0) + 4

    def __call__(self, tokens: Any, scores: Any, **options: Any) -> bool:
        if self._stops:
            tail = self._tokenizer.decode(tokens[0, self._asked :][-self._tail :])
            self.at_stop = any(stop in tail for stop in self._stops)
        return self.at_stop or self._stopped.is_set()

    def before_stop(self, text: str) -> str:
        """Return an answer up to the first stop text in it."""
        return text[
            : min((place for stop in self._stops if (place := text.find(stop)) >= 0), default=None)
        ]
