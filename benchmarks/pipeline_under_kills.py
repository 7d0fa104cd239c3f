"""A pipeline over a loopback provider, as a process that can be killed.

Run as `python -m benchmarks.pipeline_under_kills BASE_URL FOLDER ROWS`.
"""

import sys

from flows import Pipeline
from llms import OpenAILLM
from tasks import LoadDataFromDicts, TextGeneration


def main() -> None:
    """Make the dataset."""
    base_url, folder, rows = sys.argv[1], sys.argv[2], int(sys.argv[3])
    llm = OpenAILLM(model="loopback", base_url=base_url, max_concurrent_requests=16)
    with Pipeline("kills") as pipeline:
        load = LoadDataFromDicts(
            name="load", data=[{"instruction": f"Say {number}."} for number in range(rows)]
        )
        first = TextGeneration(name="first", llm=llm, output_mappings={"generation": "draft"})
        second = TextGeneration(
            name="second", llm=llm, template="Improve: {{ draft }}", columns="draft"
        )
        load >> first >> second
    version = pipeline.run(rows_per_partition=50)
    version.save_to_disk(folder)
    print(version.summary())


if __name__ == "__main__":
    main()
