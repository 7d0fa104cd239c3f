"""`EvolQuality`: responses made better."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from tasks.evolution.evolution import Evolution
from tasks.evolution.mutation_task import with_method
from tasks.prompt import Prompt


class EvolQuality(Evolution):
    """Rewrites a response into a better one, `num_evolutions` times (arXiv 2312.15685).

    Columns: `instruction` (str), `response` (str) -> `evolved_response` (str); with
    `store_evolutions` `evolved_responses` (list of str, oldest first; with
    `include_original_response` the original one before them).

    Each round draws one of the mutations HELPFULNESS, RELEVANCE, DEEPENING, CREATIVITY and DETAILS,
    or of your own `mutation_templates`. A rewriting fails that repeats an earlier response, is a
    refusal, holds no words, speaks of the rewriting or was cut at the token limit; it is asked for
    again with the reason, and if it fails for good, the response stays as it was for the next
    round, so a list may hold fewer than `num_evolutions`. A row in which every round failed is a
    rejection.

    Example:
        >>> from llms import ScriptedLLM
        >>> from tasks import EvolQuality
        >>> llm = ScriptedLLM(replies=("The Elbe, which flows through Dresden.",))
        >>> improve = EvolQuality(llm=llm, num_evolutions=1)
        >>> row = {"instruction": "Name a river.", "response": "The Elbe."}
        >>> next(improve.process([row]))[0]["evolved_response"]
        'The Elbe, which flows through Dresden.'
    """

    version: ClassVar = 1
    mutated: ClassVar = "response"
    reads: ClassVar = ("instruction", "response")
    rewriting: ClassVar = Prompt("rewrite_response.jinja2")
    helpfulness: ClassVar = Prompt("response_helpfulness.jinja2")
    relevance: ClassVar = Prompt("response_relevance.jinja2")
    deepening: ClassVar = Prompt("response_deepening.jinja2")
    creativity: ClassVar = Prompt("response_creativity.jinja2")
    details: ClassVar = Prompt("response_details.jinja2")

    include_original_response: bool = False

    @property
    def own_templates(self) -> Mapping[str, str]:
        methods = {
            "HELPFULNESS": self.helpfulness.text,
            "RELEVANCE": self.relevance.text,
            "DEEPENING": self.deepening.text,
            "CREATIVITY": self.creativity.text,
            "DETAILS": self.details.text,
        }
        return with_method(self.rewriting.text, methods)

    @property
    def includes_original(self) -> bool:
        return self.include_original_response
