"""User's turns that a model writes: the prompts that are left open, and who can take them."""

from __future__ import annotations

from typing import Any

import pytest

from llms import (
    AnthropicLLM,
    ChatRequest,
    ClientvLLM,
    Gateway,
    InferenceEndpointsLLM,
    LlamaCppServerLLM,
    MixtureOfAgentsLLM,
    OllamaLLM,
    OpenAILLM,
    Sample,
    ScriptedLLM,
    Usage,
    as_llm,
)
from llms.chat import ChatType
from llms.errors import BadRequest, ConfigurationError, LLMError, MalformedReply
from llms.gateway import answer_key
from llms.llm import LLM
from llms.providers.user_turns import left_open, with_open_turn
from llms.registry import PROVIDERS, provider_class, providers_with
from tests.llms.providers.recorded import Answers, RecordedAPI, ask

SYSTEM: ChatType = [{"role": "system", "content": "You cook."}]
TALK: ChatType = [
    *SYSTEM,
    {"role": "user", "content": "An egg?"},
    {"role": "assistant", "content": "Ten minutes."},
]
BEGIN_LLAMA3 = "<|start_header_id|>user<|end_header_id|>\n\n"
LLAMA3 = (
    "<|start_header_id|>system<|end_header_id|>\n\nYou cook.<|eot_id|>"
    "<|start_header_id|>user<|end_header_id|>\n\nAn egg?<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\nTen minutes.<|eot_id|>" + BEGIN_LLAMA3
)
QWEN2 = (
    "<|im_start|>system\nYou cook.<|im_end|>\n<|im_start|>user\nAn egg?<|im_end|>\n"
    "<|im_start|>assistant\nTen minutes.<|im_end|>\n<|im_start|>user\n"
)
WRITTEN = {
    "id": "c-1",
    "object": "text_completion",
    "model": "m-2026",
    "choices": [{"index": 0, "text": "How long?", "finish_reason": "stop", "logprobs": None}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 2},
}


def user_turn(messages: ChatType | None = None) -> ChatRequest:
    return ChatRequest(messages or [], open_turn="user")


def vllm(api: RecordedAPI, **parameters: Any) -> ClientvLLM:
    return ClientvLLM(**{"model": "m", "base_url": f"{api.root}/v1", **parameters})


@pytest.mark.parametrize(
    ("template", "messages", "prompt", "end"),
    [
        ("llama3", [], BEGIN_LLAMA3, "<|eot_id|>"),
        ("llama3", TALK, LLAMA3, "<|eot_id|>"),
        ("qwen2", TALK, QWEN2, "<|im_end|>"),
        ("### User:\n", [], "### User:\n", None),
    ],
    ids=["llama3", "llama3, in a conversation", "qwen2, in a conversation", "a text of one's own"],
)
@pytest.mark.parametrize("cls", [ClientvLLM, InferenceEndpointsLLM], ids=lambda cls: cls.provider)
def test_the_completions_api_gets_the_conversation_up_to_the_users_words(
    cls: type[LLM],
    template: str,
    messages: ChatType,
    prompt: str,
    end: str | None,
    api: RecordedAPI,
) -> None:
    api.behaviour = Answers(WRITTEN)
    llm = cls.model_validate(
        {
            "model": "m",
            "base_url": f"{api.root}/v1",
            "api_key": "k",
            "magpie_pre_query_template": template,
        }
    )
    completion = ask(llm, user_turn(messages)).completion
    assert (completion.text, completion.finish_reason) == ("How long?", "stop")
    assert (completion.usage, completion.model) == (Usage(9, 2), "m-2026")
    (sent,) = api.sent
    assert sent.path == "/v1/completions"
    stop = {"stop": [end]} if end else {}
    assert sent.body == {"model": "m", "prompt": prompt, "max_tokens": 512, **stop}


def test_sampling_parameters_go_along_and_what_is_for_conversations_stays_behind(
    api: RecordedAPI,
) -> None:
    api.behaviour = Answers(WRITTEN)
    sampling = {"max_new_tokens": 9, "temperature": 0.5, "stop": ("\n\n",), "top_logprobs": 2}
    llm = vllm(
        api,
        magpie_pre_query_template="qwen2",
        generation_kwargs={**sampling, "seed": 1, "top_k": 5, "extra_body": {"priority": 3}},
    )
    ask(llm, user_turn(SYSTEM), seed=77)
    body = api.sent[0].body
    assert body.pop("prompt").endswith("<|im_start|>user\n")
    assert body == {
        "model": "m",
        "max_tokens": 9,
        "temperature": 0.5,
        "stop": ["\n\n", "<|im_end|>"],
        "seed": 77,
        "top_k": 5,
        "priority": 3,
    }


def test_an_answer_of_the_same_model_still_goes_to_the_chat_completions_api(
    api: RecordedAPI,
) -> None:
    api.behaviour = Answers({"choices": [{"message": {"content": "hello"}}]})
    llm = vllm(api, magpie_pre_query_template="qwen2")
    assert ask(llm).completion.text == "hello"
    assert api.sent[0].path == "/v1/chat/completions"


def test_a_server_asked_for_its_model_writes_users_turns_with_that_model(api: RecordedAPI) -> None:
    api.behaviour = Answers(WRITTEN)
    api.listing = {"object": "list", "data": [{"id": "qwen", "object": "model"}]}
    ask(vllm(api, model="", magpie_pre_query_template="qwen2"), user_turn())
    assert api.sent[0].body["model"] == "qwen"


def test_a_turn_without_text_is_empty(api: RecordedAPI) -> None:
    api.behaviour = Answers({"choices": [{"text": None, "finish_reason": "stop"}]})
    llm = vllm(api, magpie_pre_query_template="qwen2")
    assert ask(llm, user_turn()).completion.text == ""


@pytest.mark.parametrize(
    "reply",
    [{"choices": []}, {"choices": [{}]}, [1], {}],
    ids=["no choice", "empty choice", "a list", "nothing"],
)
def test_a_reply_without_a_turn_is_malformed(reply: Any, api: RecordedAPI) -> None:
    api.behaviour = Answers(reply)
    with pytest.raises(MalformedReply):
        ask(vllm(api, magpie_pre_query_template="qwen2"), user_turn())


# llama.cpp's server tells how its model's chat template writes a conversation


def llama_server(api: RecordedAPI, base: str = "/v1", **parameters: Any) -> LlamaCppServerLLM:
    return LlamaCppServerLLM(**{"model": "m", "base_url": api.root + base, **parameters})


@pytest.mark.parametrize("base", ["/v1", "/v1/", ""])
def test_a_llama_cpp_server_writes_the_prompt_by_its_own_template(
    base: str, api: RecordedAPI
) -> None:
    words = with_open_turn([])[0]["content"]
    api.behaviour = Answers({**WRITTEN, "prompt": f"[SYS]You cook.[USER]{words}[/USER]\n"})
    completion = ask(llama_server(api, base), user_turn(SYSTEM)).completion
    assert completion.text == "How long?"
    template, turn = api.sent
    assert template.path == "/apply-template"
    assert template.body == {"messages": with_open_turn(SYSTEM), "add_generation_prompt": False}
    assert turn.path == f"{base.rstrip('/')}/completions"
    assert turn.body["prompt"] == "[SYS]You cook.[USER]"
    assert turn.body["stop"] == ["[/USER]"]


def test_a_template_of_the_users_spares_the_question(api: RecordedAPI) -> None:
    api.behaviour = Answers(WRITTEN)
    ask(llama_server(api, magpie_pre_query_template="qwen2"), user_turn())
    assert [sent.path for sent in api.sent] == ["/v1/completions"]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Answers({"prompt": "no words in it"}), BadRequest),
        (Answers({"error": {"message": "bad roles", "code": 400}}, 400), BadRequest),
        (Answers({}), MalformedReply),
        (Answers([1]), MalformedReply),
    ],
    ids=["a template that drops the turn", "a template that refuses", "no prompt", "a list"],
)
def test_a_template_that_tells_nothing_is_an_error_of_one_sentence(
    reply: Answers, error: type[LLMError], api: RecordedAPI
) -> None:
    api.behaviour = reply
    with pytest.raises(error) as caught:
        ask(llama_server(api), user_turn())
    assert len(str(caught.value).splitlines()) == 1


def test_a_prompt_ends_before_the_last_mark_alone() -> None:
    words = with_open_turn([])[0]["content"]
    opened = left_open(f"<s>[INST]{words} [/INST]")
    assert (opened.text, opened.end) == ("<s>[INST]", "[/INST]")
    assert opened.stops(None) == ["[/INST]"]
    assert left_open(f"User: {words}\n").stops(("x",)) == ["x"]


# Ollama takes raw prompts by an API of its own


def test_ollama_gets_a_raw_prompt(api: RecordedAPI) -> None:
    api.behaviour = Answers(
        {"model": "m", "response": "How long?", "done": True, "done_reason": "length"}
        | {"prompt_eval_count": 9, "eval_count": 2}
    )
    llm = OllamaLLM(
        model="m",
        host=api.root,
        magpie_pre_query_template="llama3",
        generation_kwargs={  # type: ignore[arg-type]  # pydantic makes parameters of it
            "max_new_tokens": 9,
            "options": {"num_ctx": 4096},
            "think": False,
            "format": "json",
            "keep_alive": "5m",
        },
    )
    completion = ask(llm, user_turn(TALK)).completion
    assert (completion.text, completion.finish_reason) == ("How long?", "length")
    assert completion.usage == Usage(9, 2)
    (sent,) = api.sent
    assert sent.path == "/api/generate"
    assert {name: value for name, value in sent.body.items() if value} == {
        "model": "m",
        "prompt": LLAMA3,
        "raw": True,
        "keep_alive": "5m",
        "options": {"num_predict": 9, "num_ctx": 4096, "stop": ["<|eot_id|>"]},
    }


def test_a_reply_of_ollama_without_a_turn_is_malformed(api: RecordedAPI) -> None:
    api.behaviour = Answers([1])
    with pytest.raises(MalformedReply):
        ask(OllamaLLM(model="m", host=api.root, magpie_pre_query_template="qwen2"), user_turn())


# Who cannot is told before a call


def test_the_providers_that_can_are_these() -> None:
    assert providers_with("user_turns") == [
        "inference-endpoints",
        "llama-cpp",
        "llama-cpp-server",
        "ollama",
        "transformers",
        "vllm",
    ]
    assert provider_class("scripted").supports.user_turns


@pytest.mark.parametrize("provider", sorted(set(PROVIDERS) - {"mixture-of-agents", "scripted"}))
def test_every_other_provider_names_those_that_can(provider: str) -> None:
    able = providers_with("user_turns")
    if provider in able:
        return
    with pytest.raises(ConfigurationError, match=f"one of .* can: {', '.join(able)}\\."):
        as_llm(f"{provider}:m").check_user_turns()


@pytest.mark.parametrize(
    ("llm", "messages", "sentence"),
    [
        (OpenAILLM(model="m"), [], "OpenAILLM answers users and cannot write their turns"),
        (AnthropicLLM(model="m"), [], "AnthropicLLM answers users"),
        (
            MixtureOfAgentsLLM(aggregator_llm=ScriptedLLM(), proposers_llms=(ScriptedLLM(),)),
            [],
            "MixtureOfAgentsLLM answers users",
        ),
        (ClientvLLM(), [], "give magpie_pre_query_template=, which is 'llama3' or 'qwen2' or the"),
        (OllamaLLM(model="m"), [], "OllamaLLM cannot tell how the user's turn begins"),
        (
            ClientvLLM(magpie_pre_query_template="User:"),
            TALK,
            "cannot follow a system prompt or other turns; give 'llama3' or 'qwen2' to ClientvLLM",
        ),
        (
            LlamaCppServerLLM(use_magpie_template=False),
            [],
            "LlamaCppServerLLM is kept from writing the user's turn by use_magpie_template=False",
        ),
        (
            InferenceEndpointsLLM(model="owner/name", magpie_pre_query_template="llama3"),
            [],
            r"router takes conversations only.* endpoint \(endpoint_name=\) or a server",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, LLM) else "",
)
def test_a_model_that_cannot_write_the_turn_says_what_to_do(
    llm: LLM, messages: ChatType, sentence: str, gateway: Gateway
) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        llm.check_user_turns(messages)
    with pytest.raises(ConfigurationError, match=sentence):
        gateway.run(gateway.complete(llm, user_turn(messages), Sample()))


def test_a_text_of_ones_own_and_a_template_of_the_models_own_need_nothing_more() -> None:
    ClientvLLM(magpie_pre_query_template="User:").check_user_turns()
    LlamaCppServerLLM().check_user_turns(TALK)


# What decides an answer


def test_an_open_turn_is_part_of_the_answer_key_and_changes_no_other_key() -> None:
    closed, opened = ChatRequest(TALK), user_turn(TALK)
    assert closed.content == [TALK, None]
    llm = ScriptedLLM()
    assert answer_key(llm, closed, Sample()) != answer_key(llm, opened, Sample())


def test_the_template_is_part_of_a_models_identity_and_the_switch_is_not() -> None:
    plain = ClientvLLM(model="m")
    assert ClientvLLM(model="m", use_magpie_template=True).identity == plain.identity
    assert ClientvLLM(model="m", magpie_pre_query_template="qwen2").identity != plain.identity


def test_a_scripted_model_answers_an_empty_conversation(gateway: Gateway) -> None:
    llm = ScriptedLLM(rules={"^$": "Why?"})
    answer = gateway.run(gateway.complete(llm, user_turn(), Sample()))
    assert answer.completion.text == "Why?"
