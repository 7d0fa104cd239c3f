"""Labels for texts, and for records that people label too."""

from __future__ import annotations

from typing import Any

from tests.differential.case import Case

TEXT = {"text": "The parcel never came."}

LABELS = {"available_labels": ["delivery", "price"]}

DESCRIBED = {"available_labels": {"delivery": "late or lost", "price": "too much"}}

FIELDS = [{"name": "text", "title": "text", "settings": {"type": "text"}}]


def question(kind: str, *options: object) -> dict[str, Any]:
    """Return a question of a kind, as it is kept in a dataset's settings."""
    settings: dict[str, Any] = {"type": kind}
    if options:
        settings["options"] = [{"value": value} for value in options]
    return {"name": "topic", "title": "topic", "settings": settings}


def record(**values: object) -> dict[str, Any]:
    """Return a row that asks for a suggestion."""
    return {"record": {"fields": {"text": "The parcel never came."}}, "fields": FIELDS, **values}


TOPIC = question("label_selection", "delivery", "price")

CASES = (
    Case("TextClassification", "a label", rows=[TEXT], replies=['{"labels": "delivery"}']),
    Case(
        "TextClassification",
        "a label of a list",
        rows=[TEXT],
        replies=['{"labels": "delivery"}'],
        parameters=LABELS,
    ),
    Case(
        "TextClassification",
        "a label with a description",
        rows=[TEXT],
        replies=['{"labels": "delivery"}'],
        parameters=DESCRIBED,
    ),
    Case(
        "TextClassification",
        "a label beside the list",
        rows=[TEXT],
        replies=['{"labels": "weather"}'],
        parameters=LABELS,
    ),
    Case(
        "TextClassification",
        "a label of the list in capitals",
        rows=[TEXT],
        replies=['{"labels": "Delivery"}'],
        parameters=LABELS,
    ),
    Case(
        "TextClassification",
        "the default label",
        rows=[TEXT],
        replies=['{"labels": "Unclassified"}'],
        parameters=LABELS,
    ),
    Case(
        "TextClassification",
        "two labels",
        rows=[TEXT],
        replies=['{"labels": ["delivery", "price"]}'],
        parameters={"n": 2},
    ),
    Case(
        "TextClassification",
        "fewer labels than asked for",
        rows=[TEXT],
        replies=['{"labels": ["delivery"]}'],
        parameters={"n": 2},
    ),
    Case(
        "TextClassification",
        "more labels than asked for",
        rows=[TEXT],
        replies=['{"labels": ["delivery", "price", "tone"]}'],
        parameters={"n": 2},
    ),
    Case(
        "TextClassification",
        "a list for one label",
        rows=[TEXT],
        replies=['{"labels": ["delivery"]}'],
    ),
    Case(
        "TextClassification",
        "inside a fence",
        rows=[TEXT],
        replies=['```json\n{"labels": "delivery"}\n```'],
    ),
    Case(
        "TextClassification",
        "without the schema",
        rows=[TEXT],
        replies=['{"labels": "delivery"}'],
        parameters={"use_default_structured_output": False},
    ),
    Case("TextClassification", "no JSON", rows=[TEXT], replies=["delivery"]),
    Case("TextClassification", "no reply", rows=[TEXT], replies=[None]),
    Case(
        "ArgillaLabeller",
        "a label",
        rows=[record(question=TOPIC)],
        replies=['{"label": "delivery"}'],
    ),
    Case(
        "ArgillaLabeller",
        "a question of the step",
        rows=[{"record": {"fields": {"text": "The parcel never came."}}}],
        replies=['{"label": "delivery"}'],
        parameters={"fields": FIELDS, "question": TOPIC, "guidelines": "Be fair."},
    ),
    Case(
        "ArgillaLabeller",
        "an example",
        rows=[
            record(
                question=TOPIC,
                example_records=[
                    {
                        "fields": {"text": "Too dear."},
                        "responses": {"topic": [{"value": "price"}]},
                    }
                ],
            )
        ],
        replies=['{"label": "delivery"}'],
    ),
    Case(
        "ArgillaLabeller",
        "several labels",
        rows=[record(question=question("multi_label_selection", "delivery", "price"))],
        replies=['{"labels": ["delivery", "price"]}'],
    ),
    Case(
        "ArgillaLabeller",
        "a rating",
        rows=[record(question=question("rating", 1, 2, 3))],
        replies=['{"rating": 2}'],
    ),
    Case(
        "ArgillaLabeller",
        "a text",
        rows=[record(question=question("text"))],
        replies=['{"text": "It is about a parcel."}'],
    ),
    Case(
        "ArgillaLabeller",
        "a label that is no option",
        rows=[record(question=TOPIC)],
        replies=['{"label": "weather"}'],
    ),
    Case(
        "ArgillaLabeller",
        "a rating that is no option",
        rows=[record(question=question("rating", 1, 2, 3))],
        replies=['{"rating": 9}'],
    ),
    Case("ArgillaLabeller", "no JSON", rows=[record(question=TOPIC)], replies=["delivery"]),
    Case("ArgillaLabeller", "no question", rows=[record()]),
    Case(
        "ArgillaLabeller",
        "a kind of question that cannot be answered",
        rows=[record(question=question("span", "delivery"))],
    ),
)
