"""Tasks that write text."""

from __future__ import annotations

from tests.differential.case import Case

QUESTION = {"instruction": "Name a river."}

CHAT = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hello!"},
    {"role": "assistant", "content": "Hello."},
    {"role": "user", "content": "Name a river."},
]

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
}

CASES = (
    Case("TextGeneration", "a reply", rows=[QUESTION], replies=["The Elbe."]),
    Case(
        "TextGeneration",
        "a reply with space around it",
        rows=[QUESTION],
        replies=["\n  The Elbe. \n"],
    ),
    Case("TextGeneration", "no reply", rows=[QUESTION], replies=[None]),
    Case("TextGeneration", "an empty reply", rows=[QUESTION], replies=[""]),
    Case(
        "TextGeneration",
        "a template over two columns",
        rows=[{"river": "Elbe", "town": "Dresden"}],
        replies=["Yes."],
        parameters={
            "template": "Does the {{ river }} flow through {{ town }}?",
            "columns": ["river", "town"],
        },
    ),
    Case(
        "TextGeneration",
        "system prompts of the row and the task",
        rows=[{**QUESTION, "system_prompt": "Be brief."}],
        replies=["Elbe."],
        parameters={"system_prompt": "Be long-winded."},
    ),
    Case(
        "TextGeneration",
        "three generations",
        rows=[QUESTION],
        replies=["Elbe.", "Oder.", "Elbe."],
        parameters={"num_generations": 3},
    ),
    Case(
        "TextGeneration",
        "three generations in one row",
        rows=[QUESTION],
        replies=["Elbe.", "Oder.", "Elbe."],
        parameters={"num_generations": 3, "group_generations": True},
    ),
    Case(
        "TextGeneration",
        "one of two generations fails",
        rows=[QUESTION],
        replies=["Elbe.", None],
        parameters={"num_generations": 2},
    ),
    Case("TextGeneration", "an instruction that is no text", rows=[{"instruction": 7}]),
    Case("TextGeneration", "no instruction", rows=[{"instruction": None}]),
    Case(
        "TextGeneration",
        "a column that the template does not use",
        rows=[{"river": "Elbe"}],
        parameters={"template": "Name a river.", "columns": ["river"]},
    ),
    Case(
        "TextGenerationWithImage",
        "a picture by its address",
        rows=[{"instruction": "What is this?", "image": "https://pictures.test/otter.jpg"}],
        replies=["An otter."],
    ),
    Case(
        "TextGenerationWithImage",
        "no picture",
        rows=[{"instruction": "What is this?", "image": None}],
        replies=["What is what?"],
    ),
    Case("ChatGeneration", "a reply", rows=[{"messages": CHAT}], replies=["The Elbe."]),
    Case("ChatGeneration", "the last turn is not the user's", rows=[{"messages": CHAT[:-1]}]),
    Case("ChatGeneration", "no chat", rows=[{"messages": "Name a river."}]),
    Case(
        "StructuredGeneration",
        "an object that follows the schema",
        rows=[
            {
                "instruction": "Invent a person.",
                "structured_output": {"format": "json", "schema": PERSON},
            }
        ],
        replies=['{"name": "Ada", "age": 36}'],
    ),
    Case(
        "StructuredGeneration",
        "an object that does not follow the schema",
        rows=[
            {
                "instruction": "Invent a person.",
                "structured_output": {"format": "json", "schema": PERSON},
            }
        ],
        replies=['{"name": "Ada"}'],
    ),
    Case(
        "StructuredGeneration",
        "a text that follows the expression",
        rows=[
            {
                "instruction": "Give a year.",
                "structured_output": {"format": "regex", "schema": r"\d{4}"},
            }
        ],
        replies=["1815"],
    ),
    Case(
        "StructuredGeneration",
        "a text that does not follow the expression",
        rows=[
            {
                "instruction": "Give a year.",
                "structured_output": {"format": "regex", "schema": r"\d{4}"},
            }
        ],
        replies=["Some time ago."],
    ),
    Case(
        "StructuredGeneration",
        "a system prompt",
        rows=[
            {
                "system_prompt": "Be brief.",
                "instruction": "Invent a person.",
                "structured_output": {"format": "json", "schema": PERSON},
            }
        ],
        replies=['{"name": "Ada", "age": 36}'],
        parameters={"use_system_prompt": True},
    ),
    Case(
        "SelfInstruct",
        "one instruction a line",
        rows=[{"input": "rivers"}],
        replies=["Name a river.\nDraw a river.\nCross a river."],
        parameters={"num_instructions": 3},
    ),
    Case(
        "SelfInstruct",
        "a blank line between them",
        rows=[{"input": "rivers"}],
        replies=["Name a river.\n\nDraw a river.\n"],
        parameters={"num_instructions": 2},
    ),
    Case(
        "SelfInstruct",
        "numbered lines",
        rows=[{"input": "rivers"}],
        replies=["1. Name a river.\n2. Draw a river."],
        parameters={"num_instructions": 2},
    ),
    Case(
        "SelfInstruct",
        "a preamble",
        rows=[{"input": "rivers"}],
        replies=["Here are two instructions:\n1. Name a river.\n2. Draw a river."],
        parameters={"num_instructions": 2},
    ),
    Case(
        "SelfInstruct",
        "more lines than asked for",
        rows=[{"input": "rivers"}],
        replies=["Name a river.\nDraw a river.\nCross a river."],
        parameters={"num_instructions": 2},
    ),
    Case(
        "SelfInstruct",
        "fewer lines than asked for",
        rows=[{"input": "rivers"}],
        replies=["Name a river."],
        parameters={"num_instructions": 2},
    ),
    Case(
        "SelfInstruct",
        "no reply",
        rows=[{"input": "rivers"}],
        replies=[None],
        parameters={"num_instructions": 2},
    ),
    Case(
        "Genstruct",
        "a question and its answer",
        rows=[{"title": "Rivers", "content": "The Elbe rises in the Giant Mountains."}],
        replies=["Where does the Elbe rise?[[[Assistant]]] In the Giant Mountains."],
    ),
    Case(
        "Genstruct",
        "lines around the marker",
        rows=[{"title": "Rivers", "content": "The Elbe rises in the Giant Mountains."}],
        replies=["\nWhere does the Elbe rise?\n\n[[[Assistant]]]\nIn the Giant\nMountains.\n"],
    ),
    Case(
        "Genstruct",
        "a marker before the question too",
        rows=[{"title": "Rivers", "content": "The Elbe rises in the Giant Mountains."}],
        replies=["[[[User]]] Where?\n[[[Assistant]]] In the Giant Mountains."],
    ),
    Case(
        "Genstruct",
        "no marker",
        rows=[{"title": "Rivers", "content": "The Elbe rises in the Giant Mountains."}],
        replies=["Where does the Elbe rise? In the Giant Mountains."],
    ),
    Case("URIAL", "a reply", rows=[QUESTION], replies=["The Elbe."]),
    Case(
        "URIAL",
        "the base model goes on to write the next user's turn",
        rows=[QUESTION],
        replies=["\n\nThe Elbe.\n\n# User\n\nName a town."],
    ),
    Case(
        "URIAL",
        "a conversation",
        rows=[{"conversation": [CHAT[1], CHAT[2], CHAT[3]]}],
        replies=["The Elbe."],
    ),
    Case(
        "URIAL",
        "a conversation that the assistant ends",
        rows=[{"conversation": [CHAT[1], CHAT[2]]}],
    ),
    Case("URIAL", "no reply", rows=[QUESTION], replies=[None]),
    Case(
        "Magpie",
        "one turn each",
        rows=[{}],
        replies=["Name a river.", "The Elbe."],
    ),
    Case(
        "Magpie",
        "only the instruction",
        rows=[{}],
        replies=["Name a river."],
        parameters={"only_instruction": True},
    ),
    Case(
        "Magpie",
        "two turns each",
        rows=[{}],
        replies=["Name a river.", "The Elbe.", "Name a town.", "Dresden."],
        parameters={"n_turns": 2},
    ),
    Case(
        "Magpie",
        "the user ends",
        rows=[{}],
        replies=["Name a river.", "The Elbe.", "Name a town."],
        parameters={"n_turns": 2, "end_with_user": True},
    ),
    Case(
        "Magpie",
        "a system prompt of the row",
        rows=[{"system_prompt": "You know rivers."}],
        replies=["Name a river.", "The Elbe."],
    ),
    Case(
        "Magpie",
        "a system prompt that has a name",
        rows=[{}],
        replies=["Name a river.", "The Elbe."],
        parameters={"system_prompt": {"rivers": "You know rivers."}},
    ),
    Case(
        "Magpie",
        "a system prompt in a conversation",
        rows=[{}],
        replies=["Name a river.", "The Elbe.", "Name a town.", "Dresden."],
        parameters={
            "n_turns": 2,
            "system_prompt": "You know rivers.",
            "include_system_prompt": True,
        },
    ),
    Case(
        "Magpie",
        "a system prompt in one turn",
        rows=[{}],
        replies=["Name a river.", "The Elbe."],
        parameters={"system_prompt": "You know rivers.", "include_system_prompt": True},
    ),
    Case(
        "Magpie",
        "no instruction comes",
        rows=[{}],
        replies=[None, "The Elbe."],
    ),
    Case(
        "Magpie",
        "probabilities that do not sum to one",
        rows=[{}],
        parameters={"system_prompt": {"rivers": ("You know rivers.", 0.3)}},
    ),
    Case(
        "MagpieGenerator",
        "one row",
        replies=["Name a river.", "The Elbe."],
        parameters={"num_rows": 1},
    ),
    Case(
        "MagpieGenerator",
        "three instructions",
        replies=["Name a river.", "Name a town.", "Name a tree."],
        parameters={"num_rows": 3, "only_instruction": True},
    ),
    Case(
        "MagpieGenerator",
        "more rows than fit a batch",
        replies=["Name a river.", "Name a town.", "Name a tree.", "Name a bird."],
        parameters={"num_rows": 3, "batch_size": 2, "only_instruction": True},
    ),
    Case(
        "CLAIR",
        "a reasoning and a corrected solution",
        rows=[{"task": "What is 2 + 3?", "student_solution": "6"}],
        replies=["{teacher_reasoning}: It is off by one.\n\n**Corrected Student Solution:** 5"],
    ),
    Case(
        "CLAIR",
        "the header in braces",
        rows=[{"task": "What is 2 + 3?", "student_solution": "6"}],
        replies=["It is off by one.\n\n{corrected_student_solution}:\n5"],
    ),
    Case(
        "CLAIR",
        "the header in braces without a colon",
        rows=[{"task": "What is 2 + 3?", "student_solution": "6"}],
        replies=["It is off by one.\n\n{corrected_student_solution}\n5"],
    ),
    Case(
        "CLAIR",
        "a worsened solution",
        rows=[{"task": "What is 2 + 3?", "student_solution": "5"}],
        replies=["It is too good.\n\n**Worsened Student Solution:** 7"],
    ),
    Case(
        "CLAIR",
        "no header",
        rows=[{"task": "What is 2 + 3?", "student_solution": "6"}],
        replies=["It is 5."],
    ),
)
