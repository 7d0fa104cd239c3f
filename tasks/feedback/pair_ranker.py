"""PairRM's network (arXiv 2306.02561): two candidates for one input, read side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

_LONGEST_SOURCE = 1224
_LONGEST = 2048
_PAIRS_AT_ONCE = 8
_PREFIXES = ("<|source|>", "<|candidate1|>", "<|candidate2|>")


@dataclass(frozen=True, slots=True)
class _Encoded:
    """A pair as token ids, and where the source, the left and the right candidate begin."""

    ids: list[int]
    starts: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class PairRanker:
    """The encoder with its head, and its tokenizer."""

    network: Any
    tokenizer: Any

    def check(self) -> None:
        """Raise `ValueError` unless each text will begin with its prefix as one token."""
        known = self.tokenizer.get_vocab()
        for place, prefix in enumerate(_PREFIXES):
            if self._ids(place, ("a", "a", "a"), _LONGEST)[1] != known.get(prefix):
                raise ValueError(f"its tokenizer has no token {prefix!r}")

    def scores(self, source: str, candidates: Sequence[str]) -> list[float]:
        """Return for each candidate by how much it wins over the others, in both orders."""
        pairs = list(permutations(range(len(candidates)), 2))
        encoded = [
            self._encoded(source, candidates[left], candidates[right]) for left, right in pairs
        ]
        scores = [0.0] * len(candidates)
        for start in range(0, len(pairs), _PAIRS_AT_ONCE):
            stop = start + _PAIRS_AT_ONCE
            wins = self._wins(encoded[start:stop])
            for (left, right), win in zip(pairs[start:stop], wins, strict=True):
                scores[left] += win
                scores[right] -= win
        return scores

    def _encoded(self, source: str, left: str, right: str) -> _Encoded:
        texts = (source, left, right)
        first = self._ids(0, texts, _LONGEST_SOURCE)
        room = (_LONGEST - len(first)) // 2
        second, third = (self._ids(place, texts, room)[1:] for place in (1, 2))
        # After the mark that begins a text as the tokenizer writes it: each begins with its prefix.
        starts = (1, len(first), len(first) + len(second))
        return _Encoded([*first, *second, *third], starts)

    def _ids(self, place: int, texts: Sequence[str], longest: int) -> list[int]:
        written = texts[place].encode(errors="replace").decode()
        ids: list[int] = self.tokenizer(
            _PREFIXES[place] + written, truncation=True, max_length=longest
        )["input_ids"]
        return ids

    def _wins(self, pairs: Sequence[_Encoded]) -> list[float]:
        import torch

        padded = self.tokenizer.pad(
            {"input_ids": [pair.ids for pair in pairs]}, return_tensors="pt"
        )
        device = next(self.network.parameters()).device
        starts = torch.tensor([pair.starts for pair in pairs], device=device)
        wins: list[float] = self.network(
            padded["input_ids"].to(device), padded["attention_mask"].to(device), starts
        ).tolist()
        return wins


def network_class() -> Any:
    """Return the network as a class that transformers loads; its parts are named as published."""
    import torch
    from transformers import DebertaV2Model, DebertaV2PreTrainedModel

    class PairRankerNetwork(DebertaV2PreTrainedModel):  # type: ignore[misc]  # transformers has no types here
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            wide = config.hidden_size
            dropout = getattr(config, "drop_out", 0.0)
            self.pretrained_model = DebertaV2Model(config)
            self.head_layer = torch.nn.Sequential(
                torch.nn.Dropout(dropout),
                torch.nn.Linear(2 * wide, wide),
                torch.nn.Tanh(),
                torch.nn.Dropout(dropout),
                torch.nn.Linear(wide, getattr(config, "n_tasks", 1)),
            )
            self.post_init()

        def forward(self, input_ids: Any, attention_mask: Any, starts: Any) -> Any:
            """Return for each pair by how much its left candidate wins over the right one."""
            read = self.pretrained_model(input_ids=input_ids, attention_mask=attention_mask)
            rows = torch.arange(len(starts), device=starts.device)
            source, left, right = (read.last_hidden_state[rows, starts[:, n]] for n in range(3))
            wins = self.head_layer(torch.cat([source, left], dim=-1))
            losses = self.head_layer(torch.cat([source, right], dim=-1))
            return (wins - losses).mean(dim=-1).float()

    return PairRankerNetwork
