"""Models inside this process, by transformers."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from threading import Event
from typing import Any, ClassVar

from pydantic import Field, SecretStr

from llms.chat import ChatRequest, Completion, Usage, text_content
from llms.config import Operational
from llms.digest import digest
from llms.errors import (
    BadRequest,
    ConfigurationError,
    ContextLengthExceeded,
    RequestTimedOut,
    ServerFailed,
)
from llms.llm import GenerationParameters, Reply
from llms.model import Supports
from llms.providers.decoding import Ending, choosing
from llms.providers.packages import OptionalPackage
from llms.providers.replies import clean, without_inline_thought
from llms.providers.user_turns import OpenPrompt, UserTurns, left_open, with_open_turn
from llms.weights import (
    cannot_load,
    check_folder,
    first_line,
    location,
    name_by_content,
    name_for_people,
)

_THINK = "<think>"


class TransformersParameters(GenerationParameters):
    """Sampling parameters of transformers; what is left out is as the model's files have it.

    An answer is as long as `max_new_tokens` and the model's context allow. Without `do_sample`, or
    at a temperature of 0, the likeliest token is taken.
    """

    max_new_tokens: int | None = Field(default=512, ge=1)
    top_k: int | None = Field(default=None, ge=0)
    repetition_penalty: float | None = Field(default=None, gt=0)
    do_sample: bool = True


@dataclass(slots=True)
class _Loaded:
    name: str
    model: Any
    tokenizer: Any
    thread: ThreadPoolExecutor


class TransformersLLM(OptionalPackage, UserTurns):
    """A model of the Hugging Face Hub, or of a local folder, run by transformers in this process.

    Needs the extra `transformers`, and a tokenizer with a chat template (or `chat_template`). A
    folder counts by its content, not by its path. It answers one request at a time. Samples are
    repeatable: each has a seed of its own.
    """

    provider: ClassVar = "transformers"
    free: ClassVar = True
    supports: ClassVar = Supports(seed=True, user_turns=True)
    own_template: ClassVar = True
    packages: ClassVar = ("torch", "transformers")
    extra: ClassVar = "transformers"

    revision: str = "main"
    torch_dtype: str = "auto"
    trust_remote_code: bool = False
    model_kwargs: dict[str, Any] | None = None
    tokenizer: str | None = None
    use_fast: bool = True
    chat_template: str | None = None
    device: Operational[str | int | None] = None
    device_map: Operational[str | dict[str, Any] | None] = None
    token: Operational[SecretStr | None] = Field(default=None, exclude=True, repr=False)
    generation_kwargs: TransformersParameters = TransformersParameters()
    max_concurrent_requests: Operational[int | None] = Field(default=1, ge=1, le=1)
    timeout: Operational[float] = Field(default=600.0, gt=0)

    @cached_property
    def content(self) -> dict[str, Any]:
        content = {**super().content, "model": name_by_content(self.model)}
        if self.tokenizer is not None:
            content["tokenizer"] = name_by_content(self.tokenizer)
        return content

    @cached_property
    def account(self) -> str:
        loaded = {
            name: value for name, value in self.content.items() if name != "generation_kwargs"
        }
        return f"{self.provider}:{self.model}:{digest([loaded, self.device, self.device_map])}"

    def check(self) -> None:
        super().check()
        for folder in (self.model, self.tokenizer or self.model):
            check_folder(folder)

    def connect(self) -> Any:
        self.check()
        try:
            tokenizer, model = self._load()
        except Exception as error:
            raise cannot_load("transformers", self.model, error, self.token) from (
                None if self.token else error
            )
        if self.chat_template is not None:
            tokenizer.chat_template = self.chat_template
        if not tokenizer.chat_template:
            raise ConfigurationError(
                f"The tokenizer of {self.model!r} has no chat template; give chat_template=, or "
                f"name a model made for chat."
            )
        thread = ThreadPoolExecutor(1, thread_name_prefix="transformers")
        return _Loaded(name_for_people(self.model), model.eval(), tokenizer, thread)

    def _load(self) -> tuple[Any, Any]:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        shared = {
            "revision": self.revision,
            "trust_remote_code": self.trust_remote_code,
            "token": self.token.get_secret_value() if self.token else None,
        }
        tokenizer = AutoTokenizer.from_pretrained(
            location(self.tokenizer or self.model), use_fast=self.use_fast, **shared
        )
        model = AutoModelForCausalLM.from_pretrained(
            location(self.model),
            dtype=self.torch_dtype,
            device_map=self.device_map,
            **shared,
            **(self.model_kwargs or {}),
        )
        return tokenizer, model if self.device is None else model.to(self.device)

    async def close(self, client: _Loaded) -> None:
        import torch

        client.thread.shutdown(wait=False)
        client.model = client.tokenizer = None
        torch.cuda.empty_cache()

    async def send(self, client: _Loaded, request: ChatRequest, seed: int) -> Reply:
        stopped = Event()
        try:
            async with asyncio.timeout(self.timeout):
                completion = await asyncio.get_running_loop().run_in_executor(
                    client.thread, self._generate, client, request, seed, stopped
                )
        except TimeoutError as error:
            raise RequestTimedOut(
                f"{self.model!r} made no answer within {self.timeout:g} s; raise timeout=, or "
                f"lower max_new_tokens."
            ) from error
        except (RuntimeError, MemoryError) as error:
            raise ServerFailed(
                f"transformers failed with {self.model!r} ({first_line(error)}); lower "
                f"max_new_tokens, or name another device=."
            ) from error
        except (TypeError, ValueError, LookupError) as error:
            raise BadRequest(
                f"transformers cannot answer this request with {self.model!r}: {first_line(error)}."
            ) from error
        finally:
            stopped.set()
        return Reply(completion)

    def _generate(
        self, client: _Loaded, request: ChatRequest, seed: int, stopped: Event
    ) -> Completion:
        import torch

        model, tokenizer = client.model, client.tokenizer
        given = self.written(request.messages) if request.open_turn else None
        opened = given or self.prompt(tokenizer, request)
        prompt = opened.text
        encoded = tokenizer(prompt, add_special_tokens=given is not None, return_tensors="pt").to(
            model.device
        )
        asked = encoded["input_ids"].shape[-1]
        most = self._most(client, asked)
        ends = _ends(model.generation_config.eos_token_id, tokenizer.eos_token_id)
        stops = tuple(opened.stops(self.generation_kwargs.stop))
        ending = Ending(tokenizer, asked, stops, stopped)
        penalty = self.generation_kwargs.repetition_penalty
        with torch.inference_mode():
            tokens = model.generate(
                input_ids=encoded["input_ids"],
                attention_mask=encoded["attention_mask"],
                max_new_tokens=most,
                do_sample=False,  # `choosing` leaves one token to take
                num_beams=1,
                temperature=None,
                top_p=None,
                top_k=None,
                eos_token_id=ends or None,
                pad_token_id=ends[0] if ends else 0,
                logits_processor=choosing(self.generation_kwargs, model.generation_config, seed),
                stopping_criteria=[ending],
                **({} if penalty is None else {"repetition_penalty": penalty}),
            )[0, asked:].tolist()
        ended = ending.at_stop or tokens[-1] in ends or len(tokens) < most
        reason = "stop" if ended else "length"
        text = ending.before_stop(clean(tokenizer.decode(tokens, skip_special_tokens=True)))
        if prompt.rstrip().endswith(_THINK):
            text = _THINK + text
        text, reasoning = without_inline_thought(text, reason)
        usage = Usage(asked, len(tokens))
        return Completion(text, usage, reason, client.name, reasoning=reasoning or None)

    def prompt(self, tokenizer: Any, request: ChatRequest) -> OpenPrompt:
        """Return a conversation as the chat template writes it, up to the turn to be written.

        Raises:
            BadRequest: the template takes no such conversation.
        """
        from jinja2 import TemplateError

        open_turn = request.open_turn is not None
        messages = with_open_turn(request.messages) if open_turn else request.messages
        turns = [
            {"role": message["role"], "content": text_content(message)} for message in messages
        ]
        try:
            prompt: str = tokenizer.apply_chat_template(
                turns, tokenize=False, add_generation_prompt=not open_turn
            )
        except (TemplateError, TypeError, ValueError) as error:
            raise BadRequest(
                f"The chat template of {self.model!r} takes no such conversation "
                f"({first_line(error)}); change its turns, or give another chat_template=."
            ) from error
        prompt = prompt.encode(errors="replace").decode()
        return left_open(prompt) if open_turn else OpenPrompt(prompt)

    def _most(self, client: _Loaded, asked: int) -> int:
        """Return the tokens that an answer may have, after a prompt of so many."""
        config = client.model.config.get_text_config()
        stated = getattr(config, "max_position_embeddings", None)
        context: int = stated or client.tokenizer.model_max_length
        room = context - asked
        if room < 1:
            raise ContextLengthExceeded(
                f"The prompt has {asked} tokens, and the context of {self.model!r} is {context}; "
                f"shorten it, or name a model with a longer context."
            )
        return min(room, self.generation_kwargs.max_new_tokens or room)


def _ends(*stated: int | list[int] | None) -> list[int]:
    """Return the tokens that end an answer, each once."""
    listed = [each if isinstance(each, list) else [each] for each in stated if each is not None]
    return list(dict.fromkeys(token for tokens in listed for token in tokens))
