"""Tasks that judge."""

from __future__ import annotations

import json

from tests.differential.case import Case

TWO = {"instruction": "Name a river.", "generations": ["The Elbe.", "A river."]}

ONE = {"instruction": "Name a river.", "generation": "The Elbe."}

INSTRUCTIONS = {"instructions": ["Say hi.", "Prove it."]}

RESPONSES = {"instruction": "Name a river.", "responses": ["The Elbe.", "A river."]}

SCORERS = (("ComplexityScorer", INSTRUCTIONS), ("QualityScorer", RESPONSES))

RATED = "Rating: 5\nRationale: It names one.\n\nRating: 2\nRationale: It names none."

TYPED = (
    "Type: 1\nRationale: Sound.\nRating: 5\nRationale: No fault.\n\n"
    "Type: 2\nRationale: Vague.\nRating: 2\nRationale: It names none."
)

RUBRIC = "[Is it a river?]\n" + "\n".join(f"Score {n}: {n} of 5." for n in range(1, 6))

CASES = (
    *(
        Case(
            "UltraFeedback",
            f"two ratings of {aspect}",
            rows=[TWO],
            replies=[RATED],
            parameters={"aspect": aspect},
        )
        for aspect in ("overall-rating", "honesty", "instruction-following")
    ),
    *(
        Case(
            "UltraFeedback",
            f"two ratings of {aspect}",
            rows=[TWO],
            replies=[TYPED],
            parameters={"aspect": aspect},
        )
        for aspect in ("helpfulness", "truthfulness")
    ),
    Case(
        "UltraFeedback",
        "a rationale of two paragraphs",
        rows=[TWO],
        replies=[RATED.replace("one.", "one.\n\nIt is in Saxony.")],
    ),
    Case(
        "UltraFeedback",
        "headers before the ratings",
        rows=[TWO],
        replies=[
            "#### Output for Text 1\nRating: 5\nRationale: It names one.\n\n"
            "#### Output for Text 2\nRating: 2\nRationale: It names none."
        ],
    ),
    Case(
        "UltraFeedback",
        "headers in paragraphs of their own",
        rows=[TWO],
        replies=[
            "Text 1\n\nRating: 5\nRationale: It names one.\n\n"
            "Text 2\n\nRating: 2\nRationale: It names none."
        ],
    ),
    Case("UltraFeedback", "a preamble", rows=[TWO], replies=[f"Here you are:\n\n{RATED}"]),
    Case(
        "UltraFeedback",
        "fewer ratings than texts",
        rows=[TWO],
        replies=["Rating: 5\nRationale: It names one."],
    ),
    Case(
        "UltraFeedback",
        "a rating that does not apply",
        rows=[TWO],
        replies=[RATED.replace("Rating: 2", "Rating: N/A")],
    ),
    Case(
        "UltraFeedback",
        "a rating in words",
        rows=[TWO],
        replies=[RATED.replace("Rating: 2", "Rating: poor")],
    ),
    Case(
        "UltraFeedback",
        "ratings out of five",
        rows=[TWO],
        replies=[RATED.replace("Rating: 2", "Rating: 2/5").replace("Rating: 5", "Rating: 5/5")],
    ),
    Case(
        "UltraFeedback",
        "ratings in bold",
        rows=[TWO],
        replies=[RATED.replace("Rating:", "**Rating:**").replace("Rationale:", "**Rationale:**")],
    ),
    Case(
        "UltraFeedback",
        "a rating beyond the scale",
        rows=[TWO],
        replies=[RATED.replace("Rating: 5", "Rating: 9")],
    ),
    Case("UltraFeedback", "no rating at all", rows=[TWO], replies=["I would rather not."]),
    Case("UltraFeedback", "no reply", rows=[TWO], replies=[None]),
    Case(
        "UltraFeedback",
        "ratings as JSON",
        rows=[TWO],
        replies=[json.dumps({"ratings": [5, 2], "rationales": ["One.", "None."]})],
        our_replies=[
            json.dumps(
                {
                    "assessments": [
                        {"rationale": "One.", "rating": 5},
                        {"rationale": "None.", "rating": 2},
                    ]
                }
            )
        ],
        parameters={"use_default_structured_output": True},
    ),
    Case(
        "UltraFeedback",
        "two ratings for each of two generations",
        rows=[TWO],
        replies=[RATED, RATED.replace("5", "4")],
        parameters={"num_generations": 2, "group_generations": True},
    ),
    *(
        case
        for step, row in SCORERS
        for case in (
            Case(step, "one score a line", rows=[row], replies=["[1] Score: 2\n[2] Score: 5"]),
            Case(step, "small letters", rows=[row], replies=["[1] score: 2\n[2] score: 5"]),
            Case(
                step,
                "a preamble",
                rows=[row],
                replies=["Here are the scores:\n[1] Score: 2\n[2] Score: 5"],
            ),
            Case(
                step,
                "a blank line between",
                rows=[row],
                replies=["[1] Score: 2\n\n[2] Score: 5"],
            ),
            Case(
                step,
                "list marks before the numbers",
                rows=[row],
                replies=["- [1] Score: 2\n- [2] Score: 5"],
            ),
            Case(
                step,
                "the last first",
                rows=[row],
                replies=["[2] Score: 5\n[1] Score: 2"],
            ),
            Case(step, "fewer scores than texts", rows=[row], replies=["[1] Score: 2"]),
            Case(
                step,
                "more scores than texts",
                rows=[row],
                replies=["[1] Score: 2\n[2] Score: 5\n[3] Score: 1"],
            ),
            Case(step, "half a point", rows=[row], replies=["[1] Score: 2\n[2] Score: 3.5"]),
            Case(step, "a word for a score", rows=[row], replies=["[1] Score: 2\n[2] Score: low"]),
            Case(step, "no score", rows=[row], replies=["I would rather not."]),
            Case(step, "no reply", rows=[row], replies=[None]),
            Case(
                step,
                "scores as JSON",
                rows=[row],
                replies=['{"scores": [2, 5]}'],
                parameters={"use_default_structured_output": True},
            ),
            Case(
                step,
                "fewer scores than texts as JSON",
                rows=[row],
                replies=['{"scores": [2]}'],
                parameters={"use_default_structured_output": True},
            ),
            Case(
                step,
                "broken JSON",
                rows=[row],
                replies=["scores: 2 and 5"],
                parameters={"use_default_structured_output": True},
            ),
        )
    ),
    Case(
        "InstructionBacktranslation",
        "a reason and a score",
        rows=[ONE],
        replies=["It names one.\nScore: 5"],
    ),
    Case(
        "InstructionBacktranslation",
        "a score and nothing else",
        rows=[ONE],
        replies=["Score: 5"],
    ),
    Case(
        "InstructionBacktranslation",
        "the score first",
        rows=[ONE],
        replies=["\nScore: 5\nIt names one."],
    ),
    Case(
        "InstructionBacktranslation",
        "a score of two digits",
        rows=[ONE],
        replies=["It names one.\nScore: 10"],
    ),
    Case(
        "InstructionBacktranslation",
        "the scale quoted before the score",
        rows=[ONE],
        replies=["A perfect answer would get Score: 5. This one misses a little.\nScore: 4"],
    ),
    Case(
        "InstructionBacktranslation",
        "a score in bold",
        rows=[ONE],
        replies=["It names one.\n**Score:** 5"],
    ),
    Case("InstructionBacktranslation", "no score", rows=[ONE], replies=["I would rather not."]),
    Case("InstructionBacktranslation", "no reply", rows=[ONE], replies=[None]),
    Case(
        "PrometheusEval",
        "a grade",
        rows=[ONE],
        replies=["Feedback: It names one. [RESULT] 5"],
        parameters={"mode": "absolute", "rubric": "factual-validity"},
    ),
    Case(
        "PrometheusEval",
        "no header before the feedback",
        rows=[ONE],
        replies=["It names one.\n[RESULT] 5"],
        parameters={"mode": "absolute", "rubric": "helpfulness"},
    ),
    Case(
        "PrometheusEval",
        "a rubric of one's own and a reference",
        rows=[{**ONE, "reference": "The Rhine."}],
        replies=["Feedback: It names one. [RESULT] 4"],
        parameters={
            "mode": "absolute",
            "rubric": "river",
            "rubrics": {"river": RUBRIC},
            "reference": True,
        },
    ),
    Case(
        "PrometheusEval",
        "the better of two",
        rows=[TWO],
        replies=["Feedback: The first names one. [RESULT] A"],
        parameters={"mode": "relative", "rubric": "honesty"},
    ),
    Case(
        "PrometheusEval",
        "a full stop after the grade",
        rows=[ONE],
        replies=["Feedback: It names one. [RESULT] 5."],
        parameters={"mode": "absolute", "rubric": "honesty"},
    ),
    Case(
        "PrometheusEval",
        "a grade in brackets",
        rows=[ONE],
        replies=["Feedback: It names one. [RESULT] (5)"],
        parameters={"mode": "absolute", "rubric": "honesty"},
    ),
    Case(
        "PrometheusEval",
        "a grade beyond the scale",
        rows=[ONE],
        replies=["Feedback: It names one. [RESULT] 7"],
        parameters={"mode": "absolute", "rubric": "honesty"},
    ),
    Case(
        "PrometheusEval",
        "two markers",
        rows=[ONE],
        replies=["Feedback: [RESULT] is what I was asked for. [RESULT] 5"],
        parameters={"mode": "absolute", "rubric": "honesty"},
    ),
    Case(
        "PrometheusEval",
        "no marker",
        rows=[ONE],
        replies=["Feedback: It names one. So 5."],
        parameters={"mode": "absolute", "rubric": "honesty"},
    ),
    Case(
        "PrometheusEval",
        "neither is better",
        rows=[TWO],
        replies=["Feedback: Both do. [RESULT] tie"],
        parameters={"mode": "relative", "rubric": "honesty"},
    ),
    Case(
        "PrometheusEval",
        "three generations to compare",
        rows=[{**TWO, "generations": ["a", "b", "c"]}],
        parameters={"mode": "relative", "rubric": "honesty"},
    ),
    Case(
        "PrometheusEval",
        "no such rubric",
        rows=[ONE],
        parameters={"mode": "absolute", "rubric": "river"},
    ),
)
