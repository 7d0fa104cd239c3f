"""`EvolComplexityGenerator`: instructions from nothing but words, made harder."""

from __future__ import annotations

from typing import ClassVar

from tasks.evolution.evol_instruct_generator import EvolInstructGenerator


class EvolComplexityGenerator(EvolInstructGenerator):
    """Invents instructions and evolves them in depth only (arXiv 2312.15685).

    Columns, parameters and rejections are those of `EvolInstructGenerator`; the mutations are
    FRESH_START and those of `EvolComplexity`.

    Example:
        >>> from llms import ScriptedLLM
        >>> from tasks import EvolComplexityGenerator
        >>> llm = ScriptedLLM(rules={"has to do with": "Why do bees dance?"},
        ...                   replies=("Why do bees dance, and how did we find out?",))
        >>> source = EvolComplexityGenerator(llm=llm, num_instructions=1, min_length=20)
        >>> rows, is_last = next(source.process())
        >>> rows[0]["instruction"]
        'Why do bees dance, and how did we find out?'
    """

    version: ClassVar = 1
    in_breadth: ClassVar = False
