"""A model run by transformers, trained on the spot."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from llms import ChatMessage, ChatRequest, Completion, Sample, TransformersLLM
from llms import loop as model_loop
from llms.errors import BadRequest, ContextLengthExceeded, UnfitAnswer
from tests.llms.conftest import OpenGateway, chat_request
from tests.llms.providers.recorded import ask
from tests.llms.providers.tiny_chat import (
    CONTEXT,
    COUNT,
    LESSONS,
    SCHEMA,
    TEMPLATE,
    make_chat_model,
    said,
)

if find_spec("torch") is None or find_spec("transformers") is None:
    pytest.skip("torch and transformers are not installed", allow_module_level=True)

HOT: dict[str, Any] = {"temperature": 50.0, "max_new_tokens": 12}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_chat_model(tmp_path_factory.mktemp("models") / "tiny")


def _model(folder: Path, sampling: dict[str, Any] | None = None, **more: Any) -> TransformersLLM:
    return TransformersLLM.model_validate(
        {"model": str(folder), "generation_kwargs": {"temperature": 0, **(sampling or {})}, **more}
    )


def _answer(folder: Path, text: str, *, seed: int = 1, **sampling: Any) -> Completion:
    return ask(_model(folder, sampling), text, seed).completion


def _with_client(llm: TransformersLLM, use: Callable[[Any], Any]) -> Any:
    async def run() -> Any:
        client = await asyncio.to_thread(llm.connect)
        try:
            return await use(client)
        finally:
            await llm.close(client)

    return model_loop.run(run())


@pytest.mark.parametrize(
    ("lesson", "text", "reasoning"),
    [
        (0, "a ripe pear", None),
        (1, "une poire mûre", None),
        (2, COUNT, None),
        (3, "pear", "pears are sweet"),
    ],
    ids=["user turn", "system turn", "longer", "thinking"],
)
def test_a_conversation_is_written_by_the_template_and_answered_to_its_end(
    lesson: int, text: str, reasoning: str | None, weights: Path
) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(weights)
    chat, whole = LESSONS[lesson]
    prompt = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    completion = ask(_model(weights), ChatRequest(chat)).completion
    assert (completion.text, completion.reasoning) == (text, reasoning)
    assert completion.finish_reason == "stop"
    assert completion.usage.input_tokens == len(tokenizer(prompt)["input_ids"])
    assert completion.usage.output_tokens == len(tokenizer(whole + "<|end|>")["input_ids"])
    assert completion.model == "tiny"


def test_a_seed_repeats_a_sample_and_another_gives_another(weights: Path) -> None:
    texts = [_answer(weights, "Count.", seed=seed, **HOT).text for seed in (3, 3, 4)]
    assert texts[0] == texts[1]
    assert texts[0] != texts[2]


def test_samples_made_at_once_by_two_models_are_those_made_one_at_a_time(
    weights: Path, open_gateway: OpenGateway, tmp_path: Path
) -> None:
    models = [_model(weights, HOT), _model(weights, HOT, chat_template=TEMPLATE + " ")]
    asked = [(llm, chat_request(f"Count to {number}.")) for number in range(6) for llm in models]

    def texts(gateway: Any, at_once: int) -> list[str]:
        async def some(start: int) -> list[str]:
            pairs = asked[start : start + at_once]
            calls = [gateway.complete(llm, request, Sample()) for llm, request in pairs]
            return [answer.completion.text for answer in await asyncio.gather(*calls)]

        return [
            text for start in range(0, len(asked), at_once) for text in gateway.run(some(start))
        ]

    alone = texts(open_gateway(tmp_path / "alone.sqlite"), 1)
    together = texts(open_gateway(tmp_path / "together.sqlite"), len(asked))
    assert together == alone
    assert len(set(alone)) == len(asked)


def test_a_call_neither_reads_nor_moves_the_random_numbers_of_torch(weights: Path) -> None:
    import torch

    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first = _with_client(_model(weights, HOT), lambda client: _sampled(client, weights))
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(2)
    assert _with_client(_model(weights, HOT), lambda client: _sampled(client, weights)) == first


async def _sampled(client: Any, weights: Path) -> str:
    reply = await _model(weights, HOT).send(client, chat_request("Count."), 1)
    return reply.completion.text


@pytest.mark.parametrize(
    "sampling",
    [
        {"temperature": 0},
        {"temperature": 50.0, "do_sample": False},
        {"temperature": 50.0, "top_k": 1},
        {"temperature": 2.0, "top_p": 0.001},
    ],
    ids=["temperature", "do_sample", "top_k", "top_p"],
)
def test_a_parameter_that_leaves_one_token_gives_the_likeliest_answer(
    sampling: dict[str, Any], weights: Path
) -> None:
    assert [_answer(weights, "Count.", seed=seed, **sampling).text for seed in (1, 2)] == [
        COUNT
    ] * 2


def test_what_is_not_given_is_as_the_model_has_it(weights: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(weights, tmp_path / "own"))
    file = folder / "generation_config.json"
    own = {"do_sample": False, "temperature": 50.0, "top_k": 1, "num_beams": 4}
    file.write_text(json.dumps({**json.loads(file.read_text()), **own}))
    bare = TransformersLLM(model=str(folder))
    assert ask(bare, "Count.").completion.text == COUNT
    assert ask(bare.sampling(top_k=0, max_new_tokens=12), "Count.").completion.text != COUNT


def test_a_repetition_penalty_reaches_the_model(weights: Path) -> None:
    assert _answer(weights, "Think.").text == "pear"
    assert _answer(weights, "Think.", repetition_penalty=1000.0).text != "pear"


@pytest.mark.parametrize(
    ("most", "finish_reason"), [(3, "length"), (4, "stop")], ids=["cut", "just enough"]
)
def test_an_answer_is_cut_at_max_new_tokens(most: int, finish_reason: str, weights: Path) -> None:
    completion = _answer(weights, "Name a fruit.", max_new_tokens=most)
    assert completion.text == "a ripe pear"
    assert completion.usage.output_tokens == most
    assert completion.finish_reason == finish_reason


@pytest.mark.parametrize(
    ("stop", "text"),
    [
        (("four",), "one two three "),
        (("seven", " thr"), "one two"),
        (("o t", "zero"), "one tw"),
        (("Count", "<|end|>"), COUNT),
    ],
    ids=["a word", "the first of two", "across tokens", "in the prompt and a special token"],
)
def test_an_answer_ends_before_a_stop_text(stop: tuple[str, ...], text: str, weights: Path) -> None:
    whole = _answer(weights, "Count.").usage.output_tokens
    completion = _answer(weights, "Count.", stop=stop)
    assert completion.text == text
    assert completion.finish_reason == "stop"
    assert (completion.usage.output_tokens < whole) == (text != COUNT)


def test_without_max_new_tokens_an_answer_may_fill_the_context(
    weights: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(weights, tmp_path / "endless"))
    for name, values in {
        "config.json": {"eos_token_id": None},
        "generation_config.json": {"eos_token_id": None},
        "tokenizer_config.json": {"eos_token": None},
    }.items():
        file = folder / name
        file.write_text(json.dumps({**json.loads(file.read_text()), **values}))
    completion = _answer(folder, "Count.", max_new_tokens=None)
    assert completion.usage.input_tokens + completion.usage.output_tokens == CONTEXT
    assert completion.finish_reason == "length"
    assert completion.text.startswith(COUNT)


def test_an_answer_ends_where_the_context_does(weights: Path) -> None:
    template = "{% for n in range(" + str(CONTEXT - 2) + ") %}<|user|>{% endfor %}"
    completion = ask(_model(weights, chat_template=template)).completion
    assert completion.usage.input_tokens == CONTEXT - 2
    assert completion.usage.output_tokens == 2
    assert completion.finish_reason == "length"


def test_a_prompt_beyond_the_context_is_refused(weights: Path) -> None:
    with pytest.raises(ContextLengthExceeded) as caught:
        ask(_model(weights), chat_request("<|user|>" * CONTEXT))
    assert str(caught.value) == (
        f"The prompt has {CONTEXT + 3} tokens, and the context of {str(weights)!r} is {CONTEXT}; "
        f"shorten it, or name a model with a longer context."
    )


def test_another_chat_template_writes_another_prompt(weights: Path) -> None:
    template = "<|user|>Count.<|end|><|assistant|>"
    assert ask(_model(weights, chat_template=template), "hi").completion.text == COUNT


def test_a_thought_that_the_template_begins_is_no_part_of_the_answer(weights: Path) -> None:
    completion = ask(_model(weights, chat_template=TEMPLATE + "<think>\n"), "Think.").completion
    assert completion.reasoning
    assert "think>" not in completion.text + completion.reasoning


def test_a_conversation_that_the_template_refuses_is_a_bad_request(weights: Path) -> None:
    chat = [*said("Name a fruit."), *said("pear")]
    chat[1]["role"] = "tool"
    with pytest.raises(BadRequest, match=r"takes no such conversation \(no tools here\);"):
        ask(_model(weights), ChatRequest(chat))


def test_any_text_can_be_asked(weights: Path) -> None:
    assert _answer(weights, "half \ud83d and \x00", max_new_tokens=2).usage.output_tokens <= 2


def test_an_answer_with_a_schema_is_asked_for_in_words(
    weights: Path, open_gateway: OpenGateway
) -> None:
    gateway = open_gateway()
    llm = _model(weights)
    [[completion]] = llm.generate(["Which fruit?"], response_schema=SCHEMA, gateway=gateway)
    assert completion.structured == {"fruit": "pear"}
    with pytest.raises(UnfitAnswer):
        llm.generate(["Name a fruit."], response_schema={"type": "object"}, gateway=gateway)


def test_a_users_turn_is_left_open_by_the_models_own_template(weights: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(weights)
    answer: ChatMessage = {"role": "assistant", "content": "un"}
    talk = [*said("Count.", "Speak French."), answer]
    first, later = (
        _model(weights).prompt(tokenizer, ChatRequest(messages, open_turn="user"))
        for messages in ([], talk)
    )
    assert (first.text, first.end) == ("<|user|>", "<|end|>")
    assert later.text == (
        "<|system|>Speak French.<|end|><|user|>Count.<|end|><|assistant|>un<|end|><|user|>"
    )


@pytest.mark.parametrize(
    ("template", "prompt"),
    [(None, "<|user|>"), ("<|user|>", "<|user|>"), ("qwen2", "<|im_start|>user\n")],
    ids=["its own", "a text", "a name"],
)
def test_a_users_turn_is_written(template: str | None, prompt: str, weights: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(weights)
    llm = _model(weights, HOT, magpie_pre_query_template=template)
    completions = [ask(llm, ChatRequest([], open_turn="user"), seed).completion for seed in (1, 2)]
    assert completions[0].text != completions[1].text
    assert completions[0].usage.input_tokens == len(tokenizer(prompt)["input_ids"])
    assert all("<|" not in each.text for each in completions)
