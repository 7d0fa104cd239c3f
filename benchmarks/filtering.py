"""Finding duplicates among 100,000 short texts: time, memory, and whether it finds the planted.

Run as `python -m benchmarks.filtering`. Each case is a process of its own that reads Parquet files
with the texts and with a column that no step reads. One text in twenty is an exact copy of an
earlier one, and one in twenty a copy with one word of about twenty exchanged; no others are alike.
The nearest neighbours are compared with those that an exact search finds for 2,000 of the rows.
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from llms import CompletionStore, Gateway
from llms.embeddings.wordllama import WordLlamaEmbeddings
from tasks.embeddings.embedding_generation import EmbeddingGeneration
from tasks.embeddings.faiss_nearest_neighbour import FaissNearestNeighbour
from tasks.filtering.deita_filtering import DeitaFiltering
from tasks.filtering.embedding_dedup import EmbeddingDedup
from tasks.filtering.min_hash_dedup import MinHashDedup
from tasks.outcome import StepContext
from tasks.row import KEY
from tasks.step import GlobalStep

_ROWS = 100_000
_PARTITION = 5_000
_COPIES = 0.05
_TOPICS = 1_000
_WORDS = 40_000
_WORDS_OF_A_TOPIC = 200
_NEIGHBOURS = 5
_BUDGET = 10_000
_CHECKED = 2_000
_MOST_SECONDS = 60.0
_MOST_MEMORY = 1_500.0

Shares = dict[str, float]
"""What was found, and which share it is of what there was to find."""


@dataclass(frozen=True, slots=True)
class _Measured:
    """Seconds, the peak of resident memory in MB, and what was found."""

    seconds: float
    memory: float
    shares: Shares


def main() -> int:
    """Measure and return the exit code."""
    held = True
    print(f"{_ROWS:,} texts; limits of each case: {_MOST_SECONDS:.0f} s, {_MOST_MEMORY:.0f} MB")
    with TemporaryDirectory() as folder:
        _write_texts(Path(folder))
        for name in _CASES:
            measured = _in_a_process(name, folder)
            print(f"{name}: {measured.seconds:.1f} s, peak {measured.memory:.0f} MB", flush=True)
            held &= measured.seconds <= _MOST_SECONDS and measured.memory <= _MOST_MEMORY
            for what, share in measured.shares.items():
                least, most = _LIMITS[what]
                print(f"    {what}: {share:.2%} (limits {least:.2%} and {most:.2%})", flush=True)
                held &= least <= share <= most
    return 0 if held else 1


def _in_a_process(case: str, folder: str) -> _Measured:
    command = [sys.executable, "-m", "benchmarks.filtering", case, folder]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return _Measured(**json.loads(done.stdout))


def _measured(case: str, folder: Path) -> _Measured:
    began = time.monotonic()
    look = _CASES[case](folder)
    seconds = time.monotonic() - began
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
    return _Measured(seconds, peak, look())


# The texts.


def _write_texts(folder: Path) -> None:
    """Write partitions with `text`, its `kind`, and a column that no step reads."""
    random = Random(0)
    words = sorted({_word(random) for _ in range(_WORDS)})
    topics = [random.sample(words, _WORDS_OF_A_TOPIC) for _ in range(_TOPICS)]
    originals: list[str] = []
    rows: list[dict[str, str]] = []
    for number in range(_ROWS):
        chance = random.random() if originals else 1.0
        if chance >= 2 * _COPIES:
            kind = "original"
            text = " ".join(random.sample(random.choice(topics), random.randint(15, 25)))
            originals.append(text)
        else:
            kind = "copy" if chance < _COPIES else "near copy"
            text = random.choice(originals)
            text = text if kind == "copy" else _with_another_word(text, random, words)
        other = f"{number} " * 50
        rows.append({"text": text, "kind": kind, "other": other, KEY: f"{number:032x}"})
    for number, part in enumerate(pl.DataFrame(rows).iter_slices(_PARTITION)):
        part.write_parquet(folder / f"texts-{number:02}.parquet")


def _word(random: Random) -> str:
    return "".join(random.choices("aeioubcdfglmnprst", k=random.randint(4, 9)))


def _with_another_word(text: str, random: Random, words: list[str]) -> str:
    parts = text.split()
    parts[random.randrange(len(parts))] = random.choice(words)
    return " ".join(parts)


# The cases. Each does its work and returns what looks at the result, which is not measured.


def _by_hash(folder: Path) -> Callable[[], Shares]:
    frame = _made(MinHashDedup(threshold=0.75), folder, "texts-*")
    return lambda: _dropped(frame, "keep_row_after_minhash_filtering")


def _by_embedding(folder: Path) -> Callable[[], Shares]:
    step = EmbeddingGeneration(embeddings=WordLlamaEmbeddings())
    gateway = Gateway(CompletionStore(folder / "completions.sqlite"))
    for path in sorted(folder.glob("texts-*")):
        embedded = step.apply(pl.read_parquet(path), StepContext(gateway)).frame
        embedded.write_parquet(folder / path.name.replace("texts", "embedded"))
    gateway.close()
    search = FaissNearestNeighbour(k=_NEIGHBOURS)
    _made(search, folder, "embedded-*").write_parquet(folder / "searched.parquet")
    frame = _made(EmbeddingDedup(), folder, "searched*")
    return lambda: _dropped(frame, "keep_row_after_embedding_filtering")


def _by_neighbours(folder: Path) -> Callable[[], Shares]:
    frame = _made(FaissNearestNeighbour(k=_NEIGHBOURS), folder, "embedded-*")
    return lambda: {"nearest neighbours found": _recall(frame)}


def _by_deita(folder: Path) -> Callable[[], Shares]:
    scores = pl.col("text").str.len_chars().alias("evol_instruction_score")
    scored = pl.scan_parquet(folder / "embedded-*").with_columns(scores, evol_response_score=1.0)
    step = DeitaFiltering(data_budget=_BUDGET)
    frame = step.apply_to_dataset(scored, StepContext()).frame
    return lambda: {
        "rows chosen of the budget": frame.height / _BUDGET,
        "copies among the rows chosen": 1 - frame["text"].n_unique() / frame.height,
    }


_CASES: dict[str, Callable[[Path], Callable[[], Shares]]] = {
    "MinHashDedup": _by_hash,
    "EmbeddingGeneration, FaissNearestNeighbour, EmbeddingDedup": _by_embedding,
    "FaissNearestNeighbour": _by_neighbours,
    "DeitaFiltering": _by_deita,
}

_LIMITS = {
    "copies dropped": (1.0, 1.0),
    "near copies dropped": (0.99, 1.0),
    "originals dropped": (0.0, 0.001),
    "nearest neighbours found": (0.98, 1.0),
    "rows chosen of the budget": (1.0, 1.0),
    "copies among the rows chosen": (0.0, 0.0),
}


def _made(step: GlobalStep, folder: Path, files: str) -> pl.DataFrame:
    return step.apply_to_dataset(pl.scan_parquet(folder / files), StepContext()).frame


def _dropped(frame: pl.DataFrame, mark: str) -> Shares:
    shares = frame.group_by("kind").agg((~pl.col(mark)).mean())
    found = dict(shares.iter_rows())
    return {
        "copies dropped": found["copy"],
        "near copies dropped": found["near copy"],
        "originals dropped": found["original"],
    }


def _recall(frame: pl.DataFrame) -> float:
    """Return how many of the neighbours are as near as an exact search finds them."""
    import faiss

    vectors = np.stack(frame["embedding"].to_list()).astype(np.float32)
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    rows = np.linspace(0, len(vectors) - 1, _CHECKED).astype(int)
    exact, _ = index.search(vectors[rows], _NEIGHBOURS + 1)
    scores = np.stack(frame["nn_scores"][rows].to_list())
    rounding = 1e-5
    return float((scores >= exact[:, 1:] - rounding).mean())


if __name__ == "__main__":
    if len(sys.argv) == 1:
        sys.exit(main())
    print(json.dumps(asdict(_measured(sys.argv[1], Path(sys.argv[2])))))
