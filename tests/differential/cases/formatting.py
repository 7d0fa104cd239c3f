"""Steps that lay rows out for training."""

from __future__ import annotations

from tests.differential.case import Case

QUESTION = "Name a river."

CHAT = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hello!"},
    {"role": "assistant", "content": "Hello."},
    {"role": "user", "content": QUESTION},
]

PAIR = {"generations": ["The Elbe.", "A river."], "ratings": [5, 2]}

MODELS = {"generation_models": ["large", "small"]}

QUERIES = {
    "query": ["Add 1 and 2.", "Add 3 and 4."],
    "answers": ['[{"name": "add"}]', '[{"name": "sum"}]'],
}

CASES = (
    Case(
        "ConversationTemplate",
        "a question and its answer",
        rows=[{"instruction": QUESTION, "response": "The Elbe."}],
    ),
    Case(
        "ConversationTemplate",
        "no answer",
        rows=[{"instruction": QUESTION, "response": None}],
    ),
    Case("FormatTextGenerationDPO", "a clear winner", rows=[{"instruction": QUESTION, **PAIR}]),
    Case(
        "FormatTextGenerationDPO",
        "a system prompt and model names",
        rows=[{"system_prompt": "Be brief.", "instruction": QUESTION, **PAIR, **MODELS}],
    ),
    Case(
        "FormatTextGenerationDPO",
        "an empty system prompt",
        rows=[{"system_prompt": "", "instruction": QUESTION, **PAIR}],
    ),
    Case(
        "FormatTextGenerationDPO",
        "two share the best rating and two the worst",
        rows=[
            {
                "instruction": QUESTION,
                "generations": ["The Elbe.", "No.", "The Oder.", "Never."],
                "ratings": [4.5, 1, 4.5, 1],
            }
        ],
    ),
    Case(
        "FormatTextGenerationDPO",
        "all ratings equal",
        rows=[{"instruction": QUESTION, "generations": ["a", "b"], "ratings": [3, 3]}],
    ),
    Case(
        "FormatTextGenerationDPO",
        "a rating is null",
        rows=[{"instruction": QUESTION, "generations": ["a", "b"], "ratings": [3, None]}],
    ),
    Case(
        "FormatTextGenerationDPO",
        "fewer generations than ratings",
        rows=[{"instruction": QUESTION, "generations": ["a"], "ratings": [1, 3]}],
    ),
    Case(
        "FormatTextGenerationDPO",
        "more generations than ratings",
        rows=[{"instruction": QUESTION, "generations": ["a", "b", "c"], "ratings": [1, 3]}],
    ),
    Case("FormatChatGenerationDPO", "a clear winner", rows=[{"messages": CHAT, **PAIR}]),
    Case(
        "FormatChatGenerationDPO", "with model names", rows=[{"messages": CHAT, **PAIR, **MODELS}]
    ),
    Case(
        "FormatChatGenerationDPO",
        "all ratings equal",
        rows=[{"messages": CHAT, "generations": ["a", "b"], "ratings": [3, 3]}],
    ),
    Case(
        "FormatChatGenerationDPO",
        "no user turn",
        rows=[{"messages": CHAT[:1], **PAIR}],
    ),
    Case(
        "FormatTextGenerationSFT",
        "a question and its answer",
        rows=[{"instruction": QUESTION, "generation": "The Elbe."}],
    ),
    Case(
        "FormatTextGenerationSFT",
        "a system prompt",
        rows=[{"system_prompt": "Be brief.", "instruction": QUESTION, "generation": "The Elbe."}],
    ),
    Case(
        "FormatTextGenerationSFT",
        "no answer",
        rows=[{"instruction": QUESTION, "generation": None}],
    ),
    Case(
        "FormatChatGenerationSFT",
        "a chat and its answer",
        rows=[{"messages": CHAT, "generation": "The Elbe."}],
    ),
    Case(
        "FormatChatGenerationSFT",
        "no user turn",
        rows=[{"messages": CHAT[:1], "generation": "The Elbe."}],
    ),
    Case(
        "FormatPRM",
        "labelled steps for math-shepherd",
        rows=[
            {
                "instruction": "What is 2 + 3 + 4?",
                "solutions": ["Step 1: 2 + 3 = 5 +", "Step 2: 5 + 4 = 8 The answer is: 8 -"],
            }
        ],
    ),
    Case(
        "FormatPRM",
        "labelled steps for trl",
        rows=[
            {
                "instruction": "What is 2 + 3 + 4?",
                "solutions": ["Step 1: 2 + 3 = 5 +", "Step 2: 5 + 4 = 8 The answer is: 8 -"],
            }
        ],
        parameters={"format": "trl"},
    ),
    Case(
        "FormatPRM",
        "tags and a token of one's own",
        rows=[{"instruction": "What is 2 + 3?", "solutions": ["Step 1: 2 + 3 = 5 y"]}],
        parameters={"step_token": "<s>", "tags": ["y", "n"]},
    ),
    Case(
        "FormatPRM",
        "a step without a label",
        rows=[{"instruction": "What is 2 + 3?", "solutions": ["Step 1: 2 + 3 = 5"]}],
        parameters={"format": "trl"},
    ),
    Case(
        "FormatPRM",
        "an empty step",
        rows=[{"instruction": "What is 2 + 3?", "solutions": ["Step 1: 2 + 3 = 5 +", ""]}],
        parameters={"format": "trl"},
    ),
    Case(
        "PrepareExamples",
        "two questions with their calls",
        rows=[{"id": 7, **QUERIES}],
        parameters={"template": "Q: {query}\nA: {answers}"},
        ours={"template": "Q: {{ query }}\nA: {{ answers }}"},
    ),
    Case(
        "PrepareExamples",
        "a template in single braces",
        rows=[QUERIES],
        parameters={"template": "Q: {query}\nA: {answers}"},
    ),
    Case(
        "PrepareExamples",
        "fewer calls than questions",
        rows=[{**QUERIES, "answers": ['[{"name": "add"}]']}],
        parameters={"template": "Q: {query}\nA: {answers}"},
        ours={"template": "Q: {{ query }}\nA: {{ answers }}"},
    ),
)
