"""`TextClustering`: a label for each cluster of texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

import polars as pl
from pydantic import Field, model_validator

from llms.chat import ChatType
from llms.config import Operational
from llms.digest import digest
from llms.errors import ConfigurationError
from tasks.ask import Ask
from tasks.classification.text_classification import TextClassification
from tasks.clustering.picture import draw_clusters
from tasks.frames import rows_of
from tasks.generated import METADATA, Books, Generated
from tasks.outcome import Outcome, StepContext
from tasks.packages import check_packages
from tasks.row import KEY, Row
from tasks.step import GlobalStep

_PICTURE = "figure_clustering.png"


class TextClustering(GlobalStep, TextClassification):
    """Asks a model for the label of each cluster, from some of its texts.

    Columns: `text` (str), `cluster_label` (int, negative is noise) and, for the picture,
    `projection` (list of two or more numbers) -> `summary_label` (str, with `n` above 1 a list of
    str), `model_name` (str).

    Each cluster is one request, about up to `samples_per_cluster` different texts of it. They are
    drawn by row key: a rerun asks about the same texts, and further rows hardly change them. Noise
    gets `default_label`, without a request. The other parameters are those of `TextClassification`;
    a cluster is labelled once, so `num_generations` stays 1, and the metadata, which would be
    repeated in every row, is off unless it is asked for.

    With `savefig` a picture of the clusters and their labels is the artifact `Text clusters` (PNG;
    needs the extra `clustering`); rows without a projection are not in it. Rows without a text or a
    cluster are rejected, and those of a cluster whose label cannot be had.

    Example:
        >>> from llms import ScriptedLLM
        >>> from tasks import TextClustering
        >>> llm = ScriptedLLM(rules={"cat": '{"labels": "Pets"}'})
        >>> texts = {"A cat.": 0, "A cat on a mat.": 0, "Noise.": -1}
        >>> rows = [{"text": text, "cluster_label": label} for text, label in texts.items()]
        >>> [row["summary_label"] for row in next(TextClustering(llm=llm).process(rows))]
        ['Pets', 'Pets', 'Unclassified']
    """

    version: ClassVar = 1
    reads_inputs_only: ClassVar = True

    context: str | None = (
        "The texts below were found to be alike. Label what they have in common: their shared "
        "theme, topic or kind."
    )
    samples_per_cluster: int = Field(default=10, ge=1)
    savefig: Operational[bool] = True
    add_raw_output: bool = False
    add_raw_input: bool = False

    @property
    def inputs(self) -> dict[str, Any]:  # type: ignore[override]  # read-only there as well
        kept = {METADATA: False} if self.add_raw_input or self.add_raw_output else {}
        return {"text": pl.String, "cluster_label": True, "projection": False, **kept}

    @property
    def outputs(self) -> dict[str, Any]:
        return {"summary_label": super().outputs["labels"]}

    def load(self) -> None:
        super().load()
        if self.savefig:
            check_packages("TextClustering with savefig", "clustering", "matplotlib")

    def format_input(self, input: Row) -> ChatType:
        return self.chat_about(input["texts"])

    def format_output(self, output: str | None, input: Row) -> Row:
        return {"summary_label": self.labels_said(output)}

    def transform(self, frame: pl.DataFrame, context: StepContext) -> Outcome:
        numbered = frame.with_columns(_numbers(frame["cluster_label"], self.name).alias("_cluster"))
        sound = self.rejecting(frame, numbered.select(_reason()).to_series())
        clusters = numbered.filter(numbered.select(_reason().is_null()).to_series())["_cluster"]
        samples = self._samples(sound.frame, clusters)
        asked = list(samples.values())
        answers = context.gateway.run(
            self._answer_all(asked, [digest(row["keys"]) for row in asked], context)
        )
        labels = dict(zip(samples, answers, strict=True))
        books = Books(self, sound.frame[KEY].to_list(), rows_of(sound.frame), context.final_attempt)
        noise = [Generated({"summary_label": self._noise}, ())]
        unpaid = Ask(self.llm, self.name, "", context)
        for index, cluster in enumerate(clusters):
            result, ask = labels.get(cluster, (noise, unpaid))
            books.enter(index, result, ask)
            if cluster in labels:
                labels[cluster] = (result, unpaid)  # its calls are in the books once
        outcome = books.close(sound.frame)
        if self.savefig:
            self._save_picture(outcome.frame)
        return replace(outcome, rejections=(*sound.rejections, *outcome.rejections))

    def _samples(self, frame: pl.DataFrame, clusters: pl.Series) -> dict[int, Row]:
        """Return for each cluster its sampled texts and the keys of their rows."""
        keys = frame[KEY]
        # The order of digests is the same draw whatever other rows there are, in whatever order.
        drawn = pl.Series("_draw", [digest([key, "sample"]) for key in keys], dtype=pl.String)
        chosen = (
            frame.select("text", KEY)
            .with_columns(clusters.alias("_cluster"), drawn)
            .filter(pl.col("_cluster") >= 0)
            .sort("_cluster", "_draw")
            .unique(["_cluster", "text"], keep="first", maintain_order=True)
            .group_by("_cluster", maintain_order=True)
            .head(self.samples_per_cluster)
        )
        return {
            cluster: {"texts": texts, "keys": its_keys}
            for cluster, texts, its_keys in chosen.group_by("_cluster", maintain_order=True)
            .agg("text", KEY)
            .iter_rows()
        }

    @property
    def _noise(self) -> str | Sequence[str]:
        return self.default[0] if self.n == 1 else self.default

    def _save_picture(self, frame: pl.DataFrame) -> None:
        if "projection" not in frame.columns:
            return
        points = frame.select("projection", "cluster_label", "summary_label")
        clusters = frame["cluster_label"].n_unique()
        about = {"step": self.name, "rows": frame.height, "clusters": clusters}
        self.save_artifact(
            "Text clusters", lambda folder: draw_clusters(points, folder / _PICTURE), about
        )

    @model_validator(mode="after")
    def _check_generations(self) -> Self:
        if self.num_generations > 1 or self.group_generations:
            raise ConfigurationError(
                "TextClustering labels each cluster once; leave num_generations at 1 and "
                "group_generations off, or raise n for several labels."
            )
        if not self.default:
            raise ConfigurationError(
                "TextClustering needs a default_label: noise, which is no cluster, gets it."
            )
        return self


def _numbers(labels: pl.Series, step: str) -> pl.Series:
    """Return cluster labels as whole numbers, null where there is none."""
    if not (labels.dtype.is_numeric() or labels.dtype == pl.Null):
        raise ConfigurationError(
            f"Step {step!r} needs whole numbers in the column 'cluster_label', which holds "
            f"{labels.dtype}."
        )
    return labels.cast(pl.Int64, strict=False)


def _reason() -> pl.Expr:
    """Return why a row cannot be in a cluster, null where it can."""
    return (
        pl.when(pl.col("_cluster").is_null())
        .then(pl.lit("the column 'cluster_label' holds no whole number"))
        .when(pl.col("text").is_null())
        .then(pl.lit("the column 'text' is null"))
        .when(pl.col("text").str.strip_chars() == "")
        .then(pl.lit("the column 'text' is empty"))
    )
