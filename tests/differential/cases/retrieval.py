"""Training data for text embeddings."""

from __future__ import annotations

import json

from tests.differential.case import Case

TASK = {"task": "Given a question about rivers, find the passage that answers it."}

ANCHOR = {"anchor": "The Elbe flows through Dresden."}

RETRIEVAL = {
    "user_query": "Where does the Elbe rise?",
    "positive_document": "The Elbe rises in the Giant Mountains.",
    "hard_negative_document": "The Elbe flows into the North Sea.",
}

MATCH = {"input": "The Elbe is long.", "positive_document": "Rivers"}

LABELLED = {"input_text": "The Elbe is high.", "label": "flood", "misleading_label": "mountain"}

TRIPLET = {"S1": "The Elbe is long.", "S2": "The Elbe is a long river.", "S3": "The Elbe is wide."}

FROM_A_TASK = (
    ("GenerateTextRetrievalData", RETRIEVAL),
    ("GenerateShortTextMatchingData", MATCH),
    ("GenerateLongTextMatchingData", MATCH),
    ("GenerateTextClassificationData", LABELLED),
)

FROM_NOTHING: tuple[tuple[str, dict[str, str]], ...] = (
    ("MonolingualTripletGenerator", {}),
    ("BitextRetrievalGenerator", {"target_language": "German"}),
)

PAIRED = {"action": "paraphrase"}

TRIPLED = {"action": "paraphrase", "triplet": True}

CASES = (
    *(
        case
        for step, reply in FROM_A_TASK
        for case in (
            Case(step, "an object", rows=[TASK], replies=[json.dumps(reply)]),
            Case(step, "over several lines", rows=[TASK], replies=[json.dumps(reply, indent=4)]),
            Case(
                step,
                "inside a fence",
                rows=[TASK],
                replies=[f"Here it is:\n```json\n{json.dumps(reply, indent=2)}\n```\nDone."],
            ),
            Case(
                step,
                "an escaped line break in a value",
                rows=[TASK],
                replies=[json.dumps({**reply, "positive_document": "one\ntwo"})],
            ),
            Case(
                step,
                "a key is missing",
                rows=[TASK],
                replies=[json.dumps(dict(list(reply.items())[1:]))],
            ),
            Case(
                step,
                "a key that nobody asked for",
                rows=[TASK],
                replies=[json.dumps({**reply, "comment": "none"})],
            ),
            Case(
                step,
                "a null for a value",
                rows=[TASK],
                replies=[json.dumps({**reply, next(iter(reply)): None})],
            ),
            Case(
                step,
                "Python's quotes",
                rows=[TASK],
                replies=[str(reply)],
            ),
            Case(step, "no object", rows=[TASK], replies=["I would rather not."]),
            Case(step, "no reply", rows=[TASK], replies=[None]),
        )
    ),
    *(
        case
        for step, parameters in FROM_NOTHING
        for case in (
            Case(step, "an object", replies=[json.dumps(TRIPLET)], parameters=parameters),
            Case(
                step,
                "two rows",
                replies=[json.dumps(TRIPLET), json.dumps({**TRIPLET, "S1": "The Oder is long."})],
                parameters={**parameters, "num_generations": 2},
            ),
            Case(
                step,
                "inside a fence",
                replies=[f"```json\n{json.dumps(TRIPLET)}\n```"],
                parameters=parameters,
            ),
            Case(
                step,
                "a key is missing",
                replies=[json.dumps({"S1": "one", "S2": "two"})],
                parameters=parameters,
            ),
            Case(step, "no object", replies=["I would rather not."], parameters=parameters),
        )
    ),
    Case(
        "EmbeddingTaskGenerator",
        "a list of tasks",
        replies=['["Find the river.", "Find the town."]'],
        parameters={"category": "text-retrieval"},
    ),
    Case(
        "EmbeddingTaskGenerator",
        "a row for each task",
        replies=['["Find the river.", "Find the town."]'],
        parameters={"category": "text-matching-short", "flatten_tasks": True},
    ),
    Case(
        "EmbeddingTaskGenerator",
        "inside a fence",
        replies=['```json\n["Find the river.", "Find the town."]\n```'],
        parameters={"category": "text-matching-long"},
    ),
    Case(
        "EmbeddingTaskGenerator",
        "Python's quotes",
        replies=["['Find the river.', 'Find the town.']"],
        parameters={"category": "text-classification"},
    ),
    Case(
        "EmbeddingTaskGenerator",
        "no list",
        replies=["1. Find the river.\n2. Find the town."],
        parameters={"category": "text-retrieval"},
    ),
    Case(
        "EmbeddingTaskGenerator",
        "no list and a row for each task",
        replies=["I would rather not."],
        parameters={"category": "text-retrieval", "flatten_tasks": True},
    ),
    Case(
        "GenerateSentencePair",
        "a pair",
        rows=[ANCHOR],
        replies=["## Positive\n\nDresden lies on the Elbe."],
        parameters=PAIRED,
    ),
    Case(
        "GenerateSentencePair",
        "a triplet",
        rows=[ANCHOR],
        replies=["## Positive\n\nDresden lies on the Elbe.\n\n## Negative\n\nBonn lies there."],
        parameters=TRIPLED,
    ),
    Case(
        "GenerateSentencePair",
        "a hard negative in a context",
        rows=[ANCHOR],
        replies=["## Positive\nWhere is the Elbe?\n## Negative\nWhere is the Elbe Sandstone?"],
        parameters={
            "action": "query",
            "triplet": True,
            "hard_negative": True,
            "context": "Rivers of Saxony.",
        },
    ),
    Case(
        "GenerateSentencePair",
        "a preamble",
        rows=[ANCHOR],
        replies=["Here it is:\n\n## Positive\n\nDresden lies on the Elbe."],
        parameters=PAIRED,
    ),
    Case(
        "GenerateSentencePair",
        "a negative that nobody asked for",
        rows=[ANCHOR],
        replies=["## Positive\n\nDresden lies on the Elbe.\n\n## Negative\n\nBonn lies there."],
        parameters=PAIRED,
    ),
    Case(
        "GenerateSentencePair",
        "no negative",
        rows=[ANCHOR],
        replies=["## Positive\n\nDresden lies on the Elbe."],
        parameters=TRIPLED,
    ),
    Case(
        "GenerateSentencePair",
        "no header",
        rows=[ANCHOR],
        replies=["Dresden lies on the Elbe."],
        parameters=PAIRED,
    ),
    Case("GenerateSentencePair", "no reply", rows=[ANCHOR], replies=[None], parameters=PAIRED),
    Case(
        "GenerateSentencePair",
        "as JSON",
        rows=[ANCHOR],
        replies=['{"positive": "Dresden lies on the Elbe.", "negative": "Bonn lies there."}'],
        parameters={**TRIPLED, "use_default_structured_output": True},
    ),
    Case(
        "GenerateSentencePair",
        "broken JSON",
        rows=[ANCHOR],
        replies=["Dresden lies on the Elbe."],
        parameters={**TRIPLED, "use_default_structured_output": True},
    ),
)
