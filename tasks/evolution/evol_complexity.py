"""`EvolComplexity`: instructions made harder."""

from __future__ import annotations

from typing import ClassVar

from tasks.evolution.evol_instruct import EvolInstruct


class EvolComplexity(EvolInstruct):
    """Evolves an instruction in depth only, `num_evolutions` times (arXiv 2312.15685).

    Columns, parameters and what becomes of a failed evolution are those of `EvolInstruct`; the
    mutations are CONSTRAINTS, DEEPENING, CONCRETIZING and INCREASED_REASONING_STEPS, without
    BREADTH, so that every version asks for the same thing, only harder.

    Example:
        >>> from llms import ScriptedLLM
        >>> from tasks import EvolComplexity
        >>> llm = ScriptedLLM(rules={"in Saxony": "Name two rivers in Saxony."},
        ...                   replies=("Name a river in Saxony.",))
        >>> evolve = EvolComplexity(llm=llm, num_evolutions=2, store_evolutions=True)
        >>> next(evolve.process([{"instruction": "Name a river."}]))[0]["evolved_instructions"]
        ['Name a river in Saxony.', 'Name two rivers in Saxony.']
    """

    version: ClassVar = 1
    in_breadth: ClassVar = False
