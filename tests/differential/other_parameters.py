"""Names, parameters and defaults in which we differ from distilabel 1.5.3, each with its reason."""

from __future__ import annotations

MISSING_NAMES: dict[str, str] = {
    "ChatItem": "A turn of a chat is `ChatMessage`.",
    "GeneratorStepOutput": "A source is typed as `Iterator[tuple[list[Row], bool]]`.",
    "ImageTask": "There is one step with an image model, `ImageGeneration`.",
    "StepInput": "A step's rows are typed as `list[Row]`.",
    "StepOutput": "What a step makes is typed as `Iterator[list[Row]]`.",
    "StepResources": "Prefect's task runner, work pools and limits place the work.",
}
"""Public names of distilabel's that we have not."""

MISSING_PARAMETERS: dict[str, str] = {
    "*.exclude_from_signature": "Each field says itself whether it changes results.",
    "*.resources": "Prefect's task runner, work pools and limits place the work.",
    "LoadDataFromDisk.repo_id": "It does nothing there in distilabel.",
    "LoadDataFromDisk.revision": "It does nothing there in distilabel.",
    "LoadDataFromDisk.streaming": "It does nothing there in distilabel; rows are always streamed.",
    "LoadDataFromFileSystem.config": "Files have no configurations.",
    "LoadDataFromFileSystem.repo_id": "It does nothing there in distilabel.",
    "LoadDataFromFileSystem.revision": "It does nothing there in distilabel.",
    "LoadDataFromFileSystem.split": "Files have no splits; `data_files` names those wanted.",
    "LoadDataFromFileSystem.streaming": "Files are always streamed.",
    "RewardModelScore.cuda_devices": "Prefect's task runner, work pools and limits place the work.",
    "RewardModelScore.disable_cuda_device_placement": (
        "Prefect's task runner, work pools and limits place the work."
    ),
    "make_generator_step.repo_id": "Rows that are in memory have no repository.",
    "ImageGeneration.add_raw_input": "The prompt is a column already.",
    "ImageGeneration.add_raw_output": "The image is a column already.",
    "ImageGeneration.llm": "It has an image model and no other.",
    "ImageGeneration.use_default_structured_output": "An image follows no schema.",
    "MinHashDedup.storage": "The index stays in memory; on disk it was never removed.",
}
"""Parameters of distilabel's that we have not, `*` in any class."""

OTHER_DEFAULTS: dict[str, str] = {
    "*.use_default_structured_output": (
        "None asks for JSON from models whose provider enforces the schema."
    ),
    "*.name": "A step without a name gets one from its class, and an empty one is none.",
    "DBSCAN.n_jobs": "It uses the processors that there are.",
    "DataSampler.data": "Without rows there is nothing to draw from.",
    "DeitaFiltering.data_budget": "Nobody else knows how many rows are wanted.",
    "DeitaFiltering.diversity_threshold": (
        "The paper refuses a cosine above 0.9, which is a distance below 0.1."
    ),
    "FaissNearestNeighbour.device": "Devices have names, and None was the CPU.",
    "FaissNearestNeighbour.metric_type": "A higher similarity is nearer, as a threshold takes it.",
    "FaissNearestNeighbour.search_batch_size": "It changes nothing but speed.",
    "LoadDataFromDicts.data": "Without rows there is nothing to load.",
    "MagpieGenerator.num_rows": "A source that asks a model makes one row unless told otherwise.",
    "PreferenceToArgilla.dataset_name": "Argilla has no dataset without a name.",
    "TextGenerationToArgilla.dataset_name": "Argilla has no dataset without a name.",
    "TextClassification.query_title": "Few of the texts that are classified are queries.",
    "TextClustering.add_raw_input": "Every row of a cluster would repeat it.",
    "TextClustering.add_raw_output": "Every row of a cluster would repeat it.",
    "TextClustering.query_title": "Few of the texts that are classified are queries.",
    "UMAP.n_jobs": "It uses the processors that there are.",
    "UMAP.random_state": "Equal rows get equal projections.",
}
"""Parameters with another default than distilabel's, or with none."""
