"""Models of a few thousand weights, of the architectures that judge answers; untrained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.llms.providers.tiny_chat import _tokenizer

PREFIXES = ("<|source|>", "<|candidate1|>", "<|candidate2|>")


def make_reward_model(folder: Path, **config: Any) -> Path:
    """Leave a sequence classifier for chats in a folder, as transformers saves it."""
    import torch
    from transformers import LlamaConfig, LlamaForSequenceClassification

    tokenizer = _tokenizer()
    small = LlamaConfig(
        **{
            "vocab_size": len(tokenizer),
            "hidden_size": 16,
            "intermediate_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "max_position_embeddings": 64,
            "num_labels": 1,
            "pad_token_id": tokenizer.pad_token_id,
            **config,
        }
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        LlamaForSequenceClassification(small).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_pair_ranker(folder: Path) -> Path:
    """Leave a network of PairRM's architecture in a folder."""
    import torch
    from transformers import DebertaV2Config

    from tasks.feedback.pair_ranker import network_class

    tokenizer = _word_tokenizer()
    small = DebertaV2Config(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        type_vocab_size=0,
        relative_attention=True,
        position_buckets=16,
        max_relative_positions=-1,
        pos_att_type=["p2c", "c2p"],
        position_biased_input=False,
        norm_rel_ebd="layer_norm",
        share_att_key=True,
        pad_token_id=tokenizer.pad_token_id,
        initializer_range=1.0,  # so that different words give different scores
        n_tasks=1,
        drop_out=0.05,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network_class()(small).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _word_tokenizer() -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words = "one two three four five six seven eight nine ten count be brief please"
    marks = ["[PAD]", "[CLS]", "[SEP]", "[UNK]"]
    vocabulary = {word: number for number, word in enumerate([*marks, *words.split()])}
    raw = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    raw.pre_tokenizer = pre_tokenizers.Whitespace()
    raw.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw,
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        unk_token="[UNK]",
    )
    tokenizer.add_tokens([*PREFIXES, "<|candidate|>"])
    return tokenizer
