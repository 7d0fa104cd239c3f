"""`Pipeline`: a graph of steps that can run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flows.dataset import DatasetVersion
from llms.gateway import Budget, Gateway
from llms.home import default_gateway
from tasks.graph import Graph
from tasks.outcome import Observer
from tasks.runtime_parameters import Parameters, with_dataset, with_parameters


class Pipeline(Graph):
    """A graph that runs as a Prefect flow.

    Called inside a flow, `run` adds its task runs to that flow run; called elsewhere it is a flow
    run of its own, on the Prefect server that `PREFECT_API_URL` names or on a passing local one.
    """

    def run(
        self,
        parameters: Parameters | None = None,
        *,
        dataset: Any = None,
        use_cache: bool = True,
        rows_per_partition: int | None = None,
        gateway: Gateway | None = None,
        budget: Budget | None = None,
        monthly_budget: Budget | None = None,
        accepted_rows: int | None = None,
        attempts_per_row: int = 5,
    ) -> DatasetVersion:
        """Run every step and return the finished dataset.

        `parameters` are other values for parameters, by step name; `dataset` are rows for a
        pipeline without a source (a list of dicts, a `DataFrame` or a `datasets.Dataset`).

        `budget` is the most that this run may spend; a run that was killed or stopped, and is
        started again, counts as the same one until its dataset is finished. `monthly_budget` is the
        most that all runs of a pipeline of this name may spend in a calendar month (UTC).

        With `accepted_rows` the dataset gets exactly so many rows: of the sources that many rows
        are read first, then as many more as it takes, up to `attempts_per_row` for each wanted.

        What an earlier run finished is reused, by content: answers of models always, and with
        `use_cache` whole partitions too.

        Raises:
            StillhouseError: one sentence about what stopped the run; what is finished is kept.
        """
        from flows.runtime.acceptance import Wanted
        from flows.runtime.flow_runs import run_graph

        graph: Pipeline = self
        if dataset is not None:
            graph = with_dataset(graph, dataset)
        if parameters:
            graph = with_parameters(graph, parameters)
        return run_graph(
            graph,
            use_cache=use_cache,
            rows_per_partition=rows_per_partition,
            gateway=gateway or default_gateway(),
            budget=budget,
            monthly_budget=monthly_budget,
            wanted=Wanted(accepted_rows, attempts_per_row) if accepted_rows else None,
        )

    def preview(self, rows: int = 3, observer: Observer | None = None) -> DatasetVersion:
        """Run the first rows through every step in this process, without Prefect.

        Raises:
            StillhouseError: one sentence about what is wrong.
        """
        from flows.runtime.preview import preview

        return preview(self, rows, observer)

    def to_file(self, path: Path | str) -> None:
        """Write the pipeline as YAML."""
        Path(path).write_text(self.to_yaml(), encoding="utf-8")
