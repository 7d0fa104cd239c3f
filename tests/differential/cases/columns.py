"""Steps that move columns."""

from __future__ import annotations

from tests.differential.case import Case

CASES = (
    Case(
        "CombineOutputs",
        "two branches of the same rows",
        branches=[
            [{"instruction": "Add.", "first": "one"}, {"instruction": "Take.", "first": "two"}],
            [
                {"instruction": "Add.", "second": "three"},
                {"instruction": "Take.", "second": "four"},
            ],
        ],
    ),
    Case(
        "CombineOutputs",
        "a column that both branches have",
        branches=[[{"generation": "early"}], [{"generation": "late"}]],
    ),
    Case(
        "CombineOutputs",
        "branches of different length",
        branches=[[{"first": 1}, {"first": 2}], [{"second": 1}]],
    ),
    Case(
        "GroupColumns",
        "two branches of the same rows",
        branches=[
            [{"instruction": "Add.", "generation": "one", "model_name": "a"}],
            [{"instruction": "Add.", "generation": "two", "model_name": "b"}],
        ],
        parameters={"columns": ["generation", "model_name"]},
    ),
    Case(
        "GroupColumns",
        "columns with names of their own",
        branches=[[{"generation": "one"}], [{"generation": "two"}]],
        parameters={"columns": ["generation"], "output_columns": ["generations"]},
    ),
    Case(
        "GroupColumns",
        "branches of different length",
        branches=[[{"generation": "one"}, {"generation": "two"}], [{"generation": "three"}]],
        parameters={"columns": ["generation"]},
    ),
    Case(
        "GroupColumns",
        "more names than columns",
        branches=[[{"generation": "one"}], [{"generation": "two"}]],
        parameters={"columns": ["generation"], "output_columns": ["one", "two"]},
    ),
    Case(
        "MergeColumns",
        "a text and a list",
        rows=[{"id": 1, "one": "a", "many": ["b", "c"]}],
        parameters={"columns": ["one", "many"]},
    ),
    Case(
        "MergeColumns",
        "a column with a name of its own",
        rows=[{"one": "a", "other": "b"}],
        parameters={"columns": ["one", "other"], "output_column": "both"},
    ),
    Case(
        "MergeColumns",
        "a null",
        rows=[{"one": None, "other": "b"}],
        parameters={"columns": ["one", "other"]},
    ),
    Case(
        "MergeColumns",
        "no such column",
        rows=[{"one": "a"}],
        parameters={"columns": ["one", "other"]},
    ),
    Case(
        "ExpandColumns",
        "one list",
        rows=[{"id": 1, "texts": ["a", "b"]}],
        parameters={"columns": ["texts"]},
    ),
    Case(
        "ExpandColumns",
        "two lists under new names",
        rows=[{"id": 1, "texts": ["a", "b"], "scores": [1, 2]}],
        parameters={"columns": {"texts": "text", "scores": "score"}},
    ),
    Case(
        "ExpandColumns",
        "a list written as JSON",
        rows=[{"id": 1, "texts": '["a", "b"]'}],
        parameters={"columns": ["texts"], "encoded": True},
    ),
    Case(
        "ExpandColumns",
        "one of two columns written as JSON",
        rows=[{"texts": '["a", "b"]', "scores": [1, 2]}],
        parameters={"columns": ["texts", "scores"], "encoded": ["texts"]},
    ),
    Case(
        "ExpandColumns",
        "broken JSON",
        rows=[{"texts": '["a", '}],
        parameters={"columns": ["texts"], "encoded": True},
    ),
    Case(
        "ExpandColumns",
        "lists of different length",
        rows=[{"texts": ["a", "b"], "scores": [1]}],
        parameters={"columns": ["texts", "scores"]},
    ),
    Case(
        "ExpandColumns",
        "an empty list beside a full one",
        rows=[{"id": 1, "texts": []}, {"id": 2, "texts": ["a"]}],
        parameters={"columns": ["texts"]},
    ),
    Case(
        "ExpandColumns",
        "a null",
        rows=[{"id": 1, "texts": None}],
        parameters={"columns": ["texts"]},
    ),
    Case(
        "ExpandColumns",
        "JSON columns that are not expanded",
        rows=[{"texts": ["a"]}],
        parameters={"columns": ["texts"], "encoded": ["scores"]},
    ),
    Case(
        "KeepColumns",
        "in the order asked for",
        rows=[{"a": 1, "b": 2, "c": 3}],
        parameters={"columns": ["c", "a"]},
    ),
    Case(
        "KeepColumns",
        "no such column",
        rows=[{"a": 1}],
        parameters={"columns": ["a", "b"]},
    ),
    Case(
        "TruncateTextColumn",
        "a long text",
        rows=[{"text": "abcdefgh"}, {"text": "abc"}],
        parameters={"max_length": 5},
    ),
    Case(
        "TruncateTextColumn",
        "a column of another name",
        rows=[{"document": "naïve café", "text": "left as it is"}],
        parameters={"column": "document", "max_length": 4},
    ),
    Case(
        "TruncateTextColumn",
        "a null",
        rows=[{"text": None}],
        parameters={"max_length": 5},
    ),
)
