"""A chat model of some thousand weights that has learnt a few conversations by heart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from llms import ChatRequest
from llms.chat import ChatType
from llms.structured import instructed

CONTEXT = 512
SCHEMA = {
    "type": "object",
    "properties": {"fruit": {"type": "string"}},
    "required": ["fruit"],
    "additionalProperties": False,
}
COUNT = "one two three four five six seven eight nine ten"
TEMPLATE = (
    "{% for turn in messages %}"
    "{% if turn.role == 'tool' %}{{ raise_exception('no tools here') }}{% endif %}"
    "<|{{ turn.role }}|>{{ turn.content }}<|end|>"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def said(text: str, system: str | None = None) -> ChatType:
    """Return a conversation of one user turn, after a system turn if there is one."""
    before: ChatType = [{"role": "system", "content": system}] if system else []
    return [*before, {"role": "user", "content": text}]


LESSONS: list[tuple[Sequence[Any], str]] = [
    (said("Name a fruit."), "a ripe pear"),
    (said("Name a fruit.", "Speak French."), "une poire mûre"),
    (said("Count."), COUNT),
    (said("Think."), "<think>pears are sweet</think>pear"),
    (instructed(ChatRequest(said("Which fruit?"), SCHEMA)).messages, '{"fruit": "pear"}'),
]


def make_chat_model(folder: Path) -> Path:
    """Train the model and leave it in a folder, as transformers saves it."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = _tokenizer()
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=CONTEXT,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # threads that wait for each other are slower at sums this small
    try:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = LlamaForCausalLM(config)
            _train(model, tokenizer)
    finally:
        torch.set_num_threads(threads)
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)
    return folder


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    marks = ["<|end|>", "<|pad|>", "<|system|>", "<|user|>", "<|assistant|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=marks,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = [turn["content"] for chat, _ in LESSONS for turn in chat]
    raw.train_from_iterator([*texts, *(answer for _, answer in LESSONS)], trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, eos_token=marks[0], pad_token=marks[1], extra_special_tokens=marks[2:]
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def _train(model: Any, tokenizer: Any) -> None:
    import torch

    prompts = [
        tokenizer.apply_chat_template(list(chat), tokenize=False, add_generation_prompt=True)
        for chat, _ in LESSONS
    ]
    texts = [
        f"{prompt}{answer}<|end|>" for prompt, (_, answer) in zip(prompts, LESSONS, strict=True)
    ]
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
    for row, prompt in zip(labels, prompts, strict=True):
        row[: len(tokenizer(prompt)["input_ids"])] = -100
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(200):
        loss = model(
            input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], labels=labels
        ).loss
        if loss.item() < 0.01:
            return
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    raise AssertionError("the conversations were not learnt")
