"""The laptop's tokenizer: byte-level BPE of a few hundred tokens, one token per Lean word.

A 7B model's 100k vocabulary would be larger than the whole tiny generator, so one is trained on the
theorem corpus. Text is first cut into words (an optional leading space and an identifier, number or
symbol; a newline with its indentation), then BPE merges bytes inside words only. Prompt boilerplate
is added as single tokens. Every byte has a token, so any text survives encode + decode unchanged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from coprover import prompts

PAD, EOS = "<|pad|>", "<|eos|>"

BOILERPLATE = (
    f"{prompts.INSTRUCTION}\n\n{prompts.FENCE_OPEN}",
    "import Mathlib\n\ntheorem ",
    f" := by{prompts.FENCE_CLOSE}\n",
    f"{prompts.FENCE_OPEN}  ",
    prompts.FENCE_OPEN,
    prompts.FENCE_CLOSE,
    prompts.GOAL_OPEN,
    prompts.GOAL_CLOSE,
    " : Prop)",
    "\n⊢ ",
    "\n\n",
)

AFTER_H = "|".join(rf"\bh\w{{{n}}}" for n in range(6))
WORD = (rf"\n *| ?\?_| ?have\b| ?\bh(?=[A-Za-z])|(?<={AFTER_H})\w"  # hQP: h, Q, P
        r"| ?[A-Za-zα-ωΑ-Ω_]+[0-9₀-₉✝']*|\.[A-Za-z_]+[0-9₀-₉]*|\.[0-9]+"
        r"| ?[0-9]| ?(?::=|=>|<;>|[^\s\w])|\s+")


def train_tokenizer(texts: Iterable[str], vocab_size: int = 512,
                    boilerplate: Sequence[str] = BOILERPLATE):
    """A transformers tokenizer with at most `vocab_size` tokens (at least 256 bytes + specials).

    Raises ValueError when vocab_size cannot hold the bytes and the boilerplate.
    """
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    room = vocab_size - len(boilerplate)
    if room < 258:
        raise ValueError(f"warm_start.vocab_size {vocab_size} is too small: 256 bytes, 2 specials "
                         f"and {len(boilerplate)} boilerplate tokens need {258 + len(boilerplate)}")
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(WORD), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=room, special_tokens=[PAD, EOS], show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), min_frequency=2)
    core.train_from_iterator(_without(texts, boilerplate), trainer)
    core.add_tokens([AddedToken(text, normalized=False, special=False) for text in boilerplate])
    return PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token=PAD, eos_token=EOS, padding_side="right",
        clean_up_tokenization_spaces=False)


def encode(tokenizer, texts: Sequence[str]) -> list[list[int]]:
    """Token ids of each text, without special tokens added."""
    backend = tokenizer.backend_tokenizer
    return [e.ids for e in backend.encode_batch(list(texts), add_special_tokens=False)]


def decode(tokenizer, ids: Sequence[int], skip_special_tokens: bool = True) -> str:
    """The text of `ids`; an incomplete UTF-8 sequence becomes U+FFFD."""
    return tokenizer.backend_tokenizer.decode(list(ids), skip_special_tokens=skip_special_tokens)


def _without(texts: Iterable[str], boilerplate: Sequence[str]) -> Iterable[str]:
    """The texts cut at boilerplate, so that merges are spent on what varies."""
    import re

    cut = re.compile("|".join(re.escape(b) for b in sorted(boilerplate, key=len, reverse=True)))
    for text in texts:
        yield from filter(None, cut.split(text))
