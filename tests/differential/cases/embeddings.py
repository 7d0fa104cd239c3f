"""Vectors: neighbours, duplicates, selection, clusters."""

from __future__ import annotations

from tests.differential.case import Case

INNER_PRODUCT = 0
"""faiss.METRIC_INNER_PRODUCT"""

DISTANCE = 1
"""faiss.METRIC_L2"""

FOUR = [
    {"text": "north", "embedding": [1.0, 0.0]},
    {"text": "almost north", "embedding": [0.995, 0.0998]},
    {"text": "west", "embedding": [0.0, 1.0]},
    {"text": "south", "embedding": [-1.0, 0.0]},
]

TWINS = [FOUR[0], {"text": "north again", "embedding": [1.0, 0.0]}, FOUR[2]]

SCORED = [
    {"id": 1, "evol_instruction_score": 4.0, "evol_response_score": 4.0, "embedding": [0.0, 1.0]},
    {"id": 2, "evol_instruction_score": 2.0, "evol_response_score": 3.0, "embedding": [1.0, 0.0]},
    {"id": 3, "evol_instruction_score": 1.0, "evol_response_score": 1.0, "embedding": [-1.0, 0.0]},
]

SCORED_TWINS = [
    {"id": 0, "evol_instruction_score": 5.0, "evol_response_score": 5.0, "embedding": [0.0, 1.0]},
    *SCORED,
]

BLOBS = [
    *({"projection": [0.0, 0.1 * number]} for number in range(4)),
    *({"projection": [5.0, 0.1 * number]} for number in range(4)),
    {"projection": [50.0, 50.0]},
]

SENTENCES = [
    {"text": "A river runs through the old town and turns the wheel of a mill."},
    {"text": "Nobody had seen the lighthouse keeper since the storm in October."},
    {"text": "A river runs through the old town and turns the wheel of a mill."},
]

CLUSTERED = [
    {"text": "an otter", "projection": [0.0, 0.0], "cluster_label": 0},
    {"text": "a wren", "projection": [0.1, 0.0], "cluster_label": 0},
    {"text": "a spanner", "projection": [5.0, 0.0], "cluster_label": 1},
    {"text": "???", "projection": [50.0, 0.0], "cluster_label": -1},
]

CASES = (
    Case("FaissNearestNeighbour", "no metric named", rows=FOUR),
    Case(
        "FaissNearestNeighbour",
        "one neighbour by distance",
        rows=FOUR,
        parameters={"metric_type": DISTANCE},
    ),
    Case(
        "FaissNearestNeighbour",
        "two neighbours by inner product",
        rows=FOUR,
        parameters={"k": 2, "metric_type": INNER_PRODUCT},
    ),
    Case(
        "FaissNearestNeighbour",
        "searched one row at a time",
        rows=FOUR,
        parameters={"search_batch_size": 1, "metric_type": DISTANCE},
    ),
    Case(
        "FaissNearestNeighbour", "two equal rows", rows=TWINS, parameters={"metric_type": DISTANCE}
    ),
    Case(
        "FaissNearestNeighbour",
        "more neighbours than rows",
        rows=TWINS[1:],
        parameters={"k": 3, "metric_type": DISTANCE},
    ),
    Case(
        "EmbeddingDedup",
        "no duplicates",
        rows=[
            {"nn_indices": [1], "nn_scores": [0.2]},
            {"nn_indices": [0], "nn_scores": [0.2]},
        ],
        parameters={"threshold": 0.9},
        ours={"metric_type": "cosine"},
    ),
    Case(
        "EmbeddingDedup",
        "a pair of duplicates",
        rows=[
            {"nn_indices": [1], "nn_scores": [0.95]},
            {"nn_indices": [0], "nn_scores": [0.95]},
            {"nn_indices": [0], "nn_scores": [0.1]},
        ],
        parameters={"threshold": 0.9},
        ours={"metric_type": "cosine"},
    ),
    Case(
        "MinHashDedup",
        "the same text twice",
        rows=SENTENCES,
        parameters={"tokenizer": "ngrams"},
    ),
    Case(
        "MinHashDedup",
        "a text with another ending under a low threshold",
        rows=[SENTENCES[0], {"text": SENTENCES[0]["text"].replace("mill.", "watermill.")}],
        parameters={"tokenizer": "ngrams", "threshold": 0.5},
    ),
    Case(
        "MinHashDedup",
        "a text shorter than an n-gram",
        rows=[{"text": "abc"}, {"text": "xyz"}],
        parameters={"tokenizer": "ngrams"},
    ),
    Case(
        "DeitaFiltering",
        "the best of rows far apart",
        rows=SCORED,
        parameters={"data_budget": 2},
    ),
    Case(
        "DeitaFiltering",
        "the best row last",
        rows=SCORED[::-1],
        parameters={"data_budget": 2},
    ),
    Case(
        "DeitaFiltering",
        "a score is null",
        rows=[
            {**SCORED[0], "evol_response_score": None},
            {**SCORED[1], "evol_instruction_score": None},
            {**SCORED[2], "evol_instruction_score": None, "evol_response_score": None},
        ],
        parameters={"data_budget": 3},
    ),
    Case(
        "DeitaFiltering",
        "a pair of duplicates",
        rows=SCORED_TWINS,
        parameters={"data_budget": 4},
    ),
    Case(
        "DeitaFiltering",
        "by Manhattan distance without normalizing",
        rows=SCORED,
        parameters={
            "data_budget": 3,
            "distance_metric": "manhattan",
            "normalize_embeddings": False,
            "diversity_threshold": 1.5,
        },
    ),
    Case(
        "DBSCAN",
        "two clusters and a stray row",
        rows=BLOBS,
        parameters={"eps": 0.3, "min_samples": 3},
    ),
    Case(
        "DBSCAN",
        "too few rows for a cluster",
        rows=BLOBS[:3],
        parameters={"eps": 0.3, "min_samples": 30},
    ),
    Case(
        "TextClustering",
        "two clusters and a stray row",
        rows=CLUSTERED,
        replies=['{"labels": "animals"}', '{"labels": "tools"}'],
        parameters={"savefig": False},
    ),
    Case(
        "TextClustering",
        "two labels for each cluster",
        rows=CLUSTERED,
        replies=['{"labels": ["animals", "fur"]}', '{"labels": ["tools", "steel"]}'],
        parameters={"savefig": False, "n": 2},
    ),
    Case(
        "TextClustering",
        "no stray row",
        rows=CLUSTERED[:3],
        replies=['{"labels": "animals"}', '{"labels": "tools"}'],
        parameters={"savefig": False},
    ),
    Case(
        "EmbeddingGeneration",
        "two texts",
        rows=[{"text": "north"}, {"text": "a longer one"}],
    ),
)
