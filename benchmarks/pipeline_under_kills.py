"""A pipeline with a budget over a loopback provider, as a process that can be killed.

Run as `python -m benchmarks.pipeline_under_kills BASE_URL FOLDER ROWS BUDGET`; the budget is in
US dollars.
"""

import sys

from flows import Pipeline
from llms import OpenAILLM
from llms.gateway import Budget
from llms.model import Price
from llms.providers.openai import OpenAIParameters
from tasks import LoadDataFromDicts, TextGeneration


def main() -> None:
    """Make the dataset."""
    base_url, folder, rows, budget = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
    llm = OpenAILLM(
        model="loopback",
        base_url=base_url,
        max_concurrent_requests=16,
        price=Price(input=0.137, output=0.411),
        generation_kwargs=OpenAIParameters(max_new_tokens=20),
    )
    with Pipeline("kills") as pipeline:
        load = LoadDataFromDicts(
            name="load", data=[{"instruction": f"Say {number}."} for number in range(rows)]
        )
        first = TextGeneration(name="first", llm=llm, output_mappings={"generation": "draft"})
        second = TextGeneration(
            name="second", llm=llm, template="Improve: {{ draft }}", columns="draft"
        )
        load >> first >> second
    limit = Budget(usd=budget)
    version = pipeline.run(rows_per_partition=50, budget=limit, monthly_budget=limit)
    version.save_to_disk(folder)
    print(version.summary())


if __name__ == "__main__":
    main()
