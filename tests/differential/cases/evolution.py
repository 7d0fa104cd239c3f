"""Tasks that make instructions and answers harder or better, round by round."""

from __future__ import annotations

from tests.differential.case import Case

QUESTION = {"instruction": "Name a river."}

ANSWERED = {**QUESTION, "response": "The Elbe."}

EVOLVING = ("EvolInstruct", "EvolComplexity")

GENERATING = ("EvolInstructGenerator", "EvolComplexityGenerator")

SHORT = {"min_length": 5, "max_length": 40}

CASES = (
    *(
        case
        for step in EVOLVING
        for case in (
            Case(
                step,
                "one evolution",
                rows=[QUESTION],
                replies=["Name a river in Saxony."],
                parameters={"num_evolutions": 1},
            ),
            Case(
                step,
                "a header before the new prompt",
                rows=[QUESTION],
                replies=["#Rewritten Prompt#:\nName a river in Saxony."],
                parameters={"num_evolutions": 1},
            ),
            Case(
                step,
                "two evolutions",
                rows=[QUESTION],
                replies=["Name a river in Saxony.", "Name two rivers in Saxony."],
                parameters={"num_evolutions": 2},
            ),
            Case(
                step,
                "all evolutions",
                rows=[QUESTION],
                replies=["Name a river in Saxony.", "Name two rivers in Saxony."],
                parameters={"num_evolutions": 2, "store_evolutions": True},
            ),
            Case(
                step,
                "all evolutions and the original",
                rows=[QUESTION],
                replies=["Name a river in Saxony.", "Name two rivers in Saxony."],
                parameters={
                    "num_evolutions": 2,
                    "store_evolutions": True,
                    "include_original_instruction": True,
                },
            ),
            Case(
                step,
                "an answer to the last",
                rows=[QUESTION],
                replies=["Name a river in Saxony.", "The Elbe."],
                parameters={"num_evolutions": 1, "generate_answers": True},
            ),
            Case(
                step,
                "an answer to each",
                rows=[QUESTION],
                replies=[
                    "Name a river in Saxony.",
                    "Name two rivers in Saxony.",
                    "The Elbe.",
                    "The Elbe and the Mulde.",
                ],
                parameters={
                    "num_evolutions": 2,
                    "store_evolutions": True,
                    "generate_answers": True,
                },
            ),
            Case(
                step,
                "an answer after two evolutions",
                rows=[QUESTION],
                replies=["Name a river in Saxony.", "Name two rivers in Saxony.", "The Elbe."],
                parameters={"num_evolutions": 2, "generate_answers": True},
            ),
            Case(
                step,
                "no reply",
                rows=[QUESTION],
                replies=[None],
                parameters={"num_evolutions": 1},
            ),
            Case(
                step,
                "an empty reply",
                rows=[QUESTION],
                replies=["#Rewritten Prompt#:\n"],
                parameters={"num_evolutions": 1},
            ),
            Case(
                step,
                "mutations of one's own",
                rows=[QUESTION],
                replies=["Name a river in Saxony."],
                parameters={
                    "num_evolutions": 1,
                    "mutation_templates": {"PLACE": "Add a place to: <PROMPT>"},
                },
            ),
        )
    ),
    Case(
        "EvolQuality",
        "one evolution",
        rows=[ANSWERED],
        replies=["The Elbe, which flows through Dresden."],
        parameters={"num_evolutions": 1},
    ),
    Case(
        "EvolQuality",
        "space around the reply",
        rows=[ANSWERED],
        replies=["\nThe Elbe, which flows through Dresden.\n"],
        parameters={"num_evolutions": 1},
    ),
    Case(
        "EvolQuality",
        "a header before the new answer",
        rows=[ANSWERED],
        replies=["#Rewritten Response#:\nThe Elbe, which flows through Dresden."],
        parameters={"num_evolutions": 1},
    ),
    Case(
        "EvolQuality",
        "all evolutions",
        rows=[ANSWERED],
        replies=["The Elbe in Dresden.", "The Elbe in Dresden, Saxony."],
        parameters={"num_evolutions": 2, "store_evolutions": True},
    ),
    Case(
        "EvolQuality",
        "all evolutions and the original",
        rows=[ANSWERED],
        replies=["The Elbe in Dresden.", "The Elbe in Dresden, Saxony."],
        parameters={
            "num_evolutions": 2,
            "store_evolutions": True,
            "include_original_response": True,
        },
    ),
    Case(
        "EvolQuality",
        "no reply",
        rows=[ANSWERED],
        replies=[None],
        parameters={"num_evolutions": 1},
    ),
    *(
        case
        for step in GENERATING
        for case in (
            Case(
                step,
                "one instruction of the right length",
                replies=["Name a river in Saxony."],
                parameters={"num_instructions": 1, **SHORT},
            ),
            Case(
                step,
                "two instructions of the right length",
                replies=["Name a river in Saxony.", "Name a town in Saxony."],
                parameters={"num_instructions": 2, **SHORT},
            ),
            Case(
                step,
                "the first try is too short",
                replies=["Hm.", "Name a river in Saxony."],
                parameters={"num_instructions": 1, **SHORT},
            ),
            Case(
                step,
                "one of two is too short at first",
                replies=["Name a town.", "Hm.", "Name a river.", "Name a tree."],
                parameters={"num_instructions": 2, **SHORT},
            ),
            Case(
                step,
                "an instruction and its answer",
                replies=["Name a river in Saxony.", "The Elbe."],
                parameters={"num_instructions": 1, "generate_answers": True, **SHORT},
            ),
        )
    ),
)
