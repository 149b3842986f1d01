"""The value as one label token after the state: for value models trained by SLIME's plain SFT.

V in [0, 1] has 21 steps of 0.05, written as the letters A … U. A label between two steps is written
as one of them with the probability that keeps its mean. V is read as the expectation of the step
over the label tokens' probabilities at the position after the prompt, renormalised; text is never
parsed. Rows for SLIME are made from prepare_value_data.py's:
    python -m coprover.value_text runs/node/value_data/train.jsonl prompts.jsonl
"""

from __future__ import annotations

import argparse
import asyncio
import math
from collections.abc import Sequence

from coprover import config
from coprover.config import ConfigError, InputError
from coprover.records import read_jsonl, write_jsonl_atomic
from coprover.sampling import SamplingError, ValueClient

STEPS = 20
LETTERS = [chr(ord("A") + i) for i in range(STEPS + 1)]
SUFFIX = "\n[VALUE]"  # the label token begins with the space


def prompt(text: str) -> str:
    """Returns what the model reads: the state's text (coprover.labels.value_text) and the cue."""
    return text + SUFFIX


def step_of(value: float, u: float) -> int:
    """Returns the step i in 0 … 20 that stands for a label: E over u in [0, 1) of i/20 is value."""
    if not 0.0 <= value <= 1.0:
        raise InputError(f"a value label lies in [0, 1], got {value}")
    low = math.floor(value * STEPS)
    return min(low + (u < value * STEPS - low), STEPS)


def label_ids(tokenizer) -> list[int]:
    """Returns the token ids of " A" … " U". Raises InputError unless each is one token."""
    ids = []
    for letter in LETTERS:
        encoded = tokenizer.encode(" " + letter, add_special_tokens=False)
        if len(encoded) != 1:
            raise InputError(f"the tokenizer splits the label ' {letter}' into {len(encoded)} "
                             "tokens; V needs labels of one token")  # fmt: skip
        ids.append(encoded[0])
    if len(set(ids)) != len(ids):
        raise InputError("the tokenizer gives two value labels the same token")
    return ids


def expected_value(logprobs: Sequence[float]) -> float:
    """Returns Σ p_i · i/20 in [0, 1] for the 21 labels' log-probabilities, renormalised."""
    if len(logprobs) != STEPS + 1:
        raise ValueError(f"{STEPS + 1} label log-probabilities are wanted, got {len(logprobs)}")
    top = max(logprobs)
    weights = [math.exp(x - top) for x in logprobs]
    return math.fsum(w * i for i, w in enumerate(weights)) / (math.fsum(weights) * STEPS)


class LabelTokenClient(ValueClient):
    """V of texts from an SGLang server of a label-token model; the interface is ValueClient's."""

    def __init__(self, urls: str | Sequence[str], tokenizer, **http) -> None:
        super().__init__(urls, **http)
        self.ids = label_ids(tokenizer)

    async def score(self, texts: Sequence[str]) -> list[float]:
        """V of each text, in order; equal texts are sent once. Raises SamplingError."""
        distinct = list(dict.fromkeys(texts))
        values = await asyncio.gather(*[self._value(text) for text in distinct])
        found = dict(zip(distinct, values, strict=True))
        return [found[text] for text in texts]

    async def _value(self, text: str) -> float:
        body = {"text": prompt(text), "return_logprob": True, "token_ids_logprob": self.ids,
                "sampling_params": {"max_new_tokens": 1, "temperature": 1.0}}  # fmt: skip
        meta = (await self.request("POST", "/generate", body))["meta_info"]
        positions = meta.get("output_token_ids_logprobs") or [[]]
        by_id = {entry[1]: entry[0] for entry in positions[0]}
        if set(by_id) != set(self.ids):
            raise SamplingError(f"{self.urls[0]} did not return the labels' log-probabilities")
        return expected_value([by_id[i] for i in self.ids])


def value_client(cfg, url: str) -> ValueClient:
    """The client of the value model at ``url``, of the kind that `value.head` names.

    The label tokens are those of the tokenizer of models.value. Raises ConfigError for another
    kind than mlp and labels, InputError where that tokenizer has no such tokens or is not there.
    """
    if cfg.value.head == "mlp":
        return ValueClient(url)
    if cfg.value.head != "labels":
        raise ConfigError(f"value.head: {cfg.value.head!r}; choose mlp or labels")
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(cfg.models.value, local_files_only=True)
    except (OSError, ValueError) as error:
        raise InputError(f"value.head=labels needs the tokenizer of models.value="
                         f"{cfg.models.value}: {error}") from None
    return LabelTokenClient(url, tokenizer)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", help="train.jsonl of prepare_value_data.py")
    parser.add_argument("output", help="JSONL for --prompt-data")
    options = parser.parse_args()
    rows = read_jsonl(options.rows, required=["text", "label"])
    if any(row.get("weight", 1.0) != 1.0 for row in rows):
        raise InputError(f"{options.rows} holds weighted rows, and SLIME's SFT has no weights; "
                         "prepare it with value.censored=zero or drop")  # fmt: skip
    out = [{"prompt": prompt(row["text"]), "label": row["label"]} for row in rows]
    if not out:
        raise InputError(f"{options.rows} holds no row")
    write_jsonl_atomic(options.output, out)
    print(f"{len(out)} rows -> {options.output}")
    return 0


if __name__ == "__main__":
    config.main(main)
