"""Rotary-embedding scaling of the two models, read from a checkpoint's config.json.

YaRN: Peng et al. 2023 (arXiv:2309.00071), with the correction range rounded outwards as every
serving engine does. Llama-3 scaling: Meta's reference model code. Where the keys `mscale` and
`mscale_all_dim` are present, SGLang ignores them for plain attention and Transformers divides one
factor by the other; here SGLang is followed, because it generates the data that is trained on.
Plain Python, no torch. Try: `python -m coprover.rope models/DeepSeek-Prover-V2-7B/config.json`
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from coprover.errors import InputError

YARN_KEYS = {
    "type", "rope_type", "rope_theta", "factor", "original_max_position_embeddings", "beta_fast",
    "beta_slow", "mscale", "mscale_all_dim",
}  # fmt: skip
LLAMA3_KEYS = {
    "type", "rope_type", "rope_theta", "factor", "original_max_position_embeddings",
    "low_freq_factor", "high_freq_factor",
}  # fmt: skip


class RopeError(InputError):
    """The checkpoint's rotary scaling is not one we reproduce exactly; the message says why."""


@dataclass(frozen=True)
class Yarn:
    """Static YaRN scaling for heads of `dim` channels."""

    dim: int
    base: float
    factor: float
    original_length: int
    beta_fast: float = 32.0
    beta_slow: float = 1.0

    def correction_range(self) -> tuple[int, int]:
        """The first and last of the dim/2 frequencies that are blended."""
        low = math.floor(self._dimension(self.beta_fast))
        high = math.ceil(self._dimension(self.beta_slow))
        return max(low, 0), min(high, self.dim - 1)

    def inverse_frequencies(self) -> list[float]:
        """dim/2 angular frequencies in radians a token: fast ones kept, slow ones ÷ factor."""
        low, high = self.correction_range()
        width = max(high - low, 0.001)
        frequencies = []
        for i, plain in enumerate(plain_frequencies(self.dim, self.base)):
            slow = min(max((i - low) / width, 0.0), 1.0)  # share of the interpolated frequency
            frequencies.append(plain * (1.0 - slow) + plain / self.factor * slow)
        return frequencies

    def attention_factor(self) -> float:
        """What cos and sin are multiplied by: 0.1·ln(factor) + 1."""
        return 0.1 * math.log(self.factor) + 1.0 if self.factor > 1.0 else 1.0

    def _dimension(self, rotations: float) -> float:
        """The frequency index that turns `rotations` times over the original length."""
        ratio = self.original_length / (rotations * 2.0 * math.pi)
        return self.dim * math.log(ratio) / (2.0 * math.log(self.base))


@dataclass(frozen=True)
class Llama3:
    """Llama-3 scaling: long wavelengths ÷ factor, a smooth blend between the two limits."""

    dim: int
    base: float
    factor: float
    original_length: int
    low_factor: float
    high_factor: float

    def inverse_frequencies(self) -> list[float]:
        """dim/2 angular frequencies in radians a token."""
        frequencies = []
        for plain in plain_frequencies(self.dim, self.base):
            turns = self.original_length * plain / (2.0 * math.pi)
            keep = (turns - self.low_factor) / (self.high_factor - self.low_factor)
            keep = min(max(keep, 0.0), 1.0)
            frequencies.append(plain * keep + plain / self.factor * (1.0 - keep))
        return frequencies


def plain_frequencies(dim: int, base: float) -> list[float]:
    """base^(-2i/dim) for i < dim/2."""
    return [base ** (-2.0 * i / dim) for i in range(dim // 2)]


def read(config: Mapping[str, object]) -> Yarn | Llama3:
    """Returns the scaling a Hugging Face config asks for. Raises RopeError for anything else.

    Reads both spellings: `rope_theta` + `rope_scaling`, and Transformers 5's `rope_parameters`.
    """
    scaling = dict(config.get("rope_scaling") or config.get("rope_parameters") or {})
    kind = scaling.get("rope_type") or scaling.get("type")
    known = {"yarn": YARN_KEYS, "llama3": LLAMA3_KEYS}.get(str(kind))
    if known is None:
        raise RopeError(f"rotary scaling of type {kind!r}; only yarn and llama3 are known here")
    unknown = sorted(set(scaling) - known)
    if unknown:
        raise RopeError(f"rotary scaling {kind} has the unknown key {unknown[0]!r}; training "
                        "without it could differ from what the engine samples")  # fmt: skip
    dim = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    base = float(config.get("rope_theta") or scaling.get("rope_theta") or 10000.0)
    try:
        common = (int(dim), base, float(scaling["factor"]),
                  int(scaling["original_max_position_embeddings"]))  # fmt: skip
        if kind == "llama3":
            return Llama3(*common, float(scaling["low_freq_factor"]),
                          float(scaling["high_freq_factor"]))  # fmt: skip
    except KeyError as error:
        raise RopeError(f"rotary scaling {kind} lacks the key {error}") from None
    return Yarn(*common, float(scaling.get("beta_fast", 32.0)),
                float(scaling.get("beta_slow", 1.0)))  # fmt: skip


def read_file(path: str | Path) -> Yarn | Llama3:
    """Returns the scaling of a config.json."""
    return read(json.loads(Path(path).read_text(encoding="utf-8")))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m coprover.rope CONFIG.json")
    print(read_file(sys.argv[1]))
