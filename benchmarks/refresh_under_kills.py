"""A refresh that publishes to the Hub of the tests, as a process that can be killed.

Run as `python -m benchmarks.refresh_under_kills BASE_URL FOLDER ROWS EDITED`: of ROWS source rows
the first EDITED are other ones than in the first version.
"""

import sys
from typing import Any

from prefect import Flow

from flows import Pipeline
from flows.settings import FlowSettings
from llms import OpenAILLM
from tasks import LoadDataFromDicts, TextGeneration

REPO = "maker/kills"


def main() -> None:
    """Refresh the dataset."""
    base_url, folder, rows, edited = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    llm = OpenAILLM(model="loopback", base_url=base_url, max_concurrent_requests=16)
    data = [
        {"id": number, "instruction": f"Say {'again ' * (number < edited)}{number}."}
        for number in range(rows)
    ]
    with Pipeline("kills") as pipeline:
        load = LoadDataFromDicts(name="load", data=data, key_columns=("id",))
        first = TextGeneration(name="first", llm=llm, output_mappings={"generation": "draft"})
        second = TextGeneration(
            name="second", llm=llm, template="Improve: {{ draft }}", columns="draft"
        )
        load >> first >> second
    settings = FlowSettings(output=folder, repo=REPO)

    def kills() -> dict[str, Any]:
        return settings.refresh(pipeline)

    flow: Flow[[], dict[str, Any]] = Flow(kills, persist_result=False)
    summary = flow()
    print(summary["version"], summary["published"], summary["calls"])


if __name__ == "__main__":
    main()
