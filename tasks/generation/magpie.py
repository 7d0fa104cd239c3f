"""`Magpie`: instructions and conversations out of a model alone."""

from __future__ import annotations

from typing import ClassVar

from tasks.generation.magpie_conversations import MagpieConversations


class Magpie(MagpieConversations):
    """Lets a chat model write what a user would ask it, and answer (arXiv 2406.08464).

    Columns: `system_prompt` (str, where it exists) -> `instruction` (str), `response` (str). With
    `only_instruction` there is no `response`. With `n_turns` above 1, or `include_system_prompt`,
    there is a `conversation` (chat) in place of both. Where `system_prompt` is given by names there
    is a `system_prompt_key` (str), null for a row with a system prompt of its own.

    A model does this that can write the user's turn: one of llama.cpp, transformers, vLLM, Ollama
    or a Hugging Face endpoint; see `magpie_pre_query_template` of those models. A user's turn that
    is empty or reaches `max_new_tokens` is asked for again, as another sample, up to `corrections`
    times, and then the row is a rejection; so is one whose answer stays empty.

    `system_prompt` steers what is asked about: a text, a list of texts, `{name: text}` or `{name:
    (text, probability)}`, of which each generation draws one; a row's own wins, and an empty one
    means none. Conversations of several turns have one of their own where none is given.
    `end_with_user` leaves the last answer out. `only_instruction` passes over `n_turns`,
    `end_with_user` and `include_system_prompt`.

    Raises:
        ConfigurationError: the model cannot write user's turns, or the probabilities do not add up
            to 1 (to within 0.005).

    Example:
        >>> from tasks import Magpie
        >>> from llms import ScriptedLLM
        >>> llm = ScriptedLLM(rules={"^You cook": "How long does an egg take?"}, replies=("Ten.",))
        >>> magpie = Magpie(llm=llm, system_prompt="You cook.")
        >>> row = next(magpie.process([{"id": 1}]))[0]
        >>> row["instruction"], row["response"]
        ('How long does an egg take?', 'Ten.')
    """

    version: ClassVar = 1
    inputs: ClassVar = {"system_prompt": False}
