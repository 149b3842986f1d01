"""The value model: a Llama backbone and an MLP head on the last token, V(state) = sigmoid(logit).

Input is the pretty-printed state (coprover.labels.value_text), output the logit of V in [0, 1],
trained towards gamma^d (train_value_model.py). ``from_pretrained`` reads a value model as well as
any Llama checkpoint (Llama-3.2-1B, or the generator of the laptop run): the backbone is taken, the
head starts fresh.

The saved config.json keeps ``model_type: llama`` with ``architectures: [ValueModel]``, so that
AutoConfig needs no remote code where the model is served.

Try it: python value_model.py runs/laptop/round_1/value "P : Prop
h : P
⊢ P"
"""

from __future__ import annotations

import sys

import torch
from torch import nn
from transformers import LlamaConfig, LlamaModel, LlamaPreTrainedModel
from transformers.utils import ModelOutput

from coprover.llama_forward import hidden_at, is_plain

HEAD_HIDDEN = 512
DISTANCES = 16


class ValueModel(LlamaPreTrainedModel):
    """LlamaModel + Linear, SiLU, Linear. Shapes: B states, T tokens, C hidden size.

    A second head, `value_distance`, is there for training only. It predicts d itself as one of
    D + 1 classes: 1, 2, … D (and above), or no proof known. Its cross-entropy has a gradient of
    full size for every d, where gamma^d tells long distances hardly apart, and teaches the
    backbone to count (Farebrother et al. 2024, arXiv:2403.03950, train values by classification).
    """

    config_class = LlamaConfig

    def __init__(self, config: LlamaConfig):
        super().__init__(config)
        width = getattr(config, "value_head_hidden", None) or HEAD_HIDDEN
        config.value_head_hidden = width
        config.architectures = ["ValueModel"]
        config.value_distances = getattr(config, "value_distances", None) or DISTANCES
        config.value_distance_loss = getattr(config, "value_distance_loss", None) or 0.0
        config.use_cache = False
        self.model = LlamaModel(config)
        self.value_up = nn.Linear(config.hidden_size, width)
        self.value_drop = nn.Dropout(getattr(config, "value_head_dropout", 0.0))
        self.value_out = nn.Linear(width, 1)
        self.value_distance = nn.Linear(config.hidden_size, config.value_distances + 1)
        self.post_init()

    def forward(self, input_ids, attention_mask=None, labels=None, weights=None, distances=None,
                **_):
        """logits (B,) of V; with labels (B,) in [0, 1] also the weighted mean BCE.

        distances (B,): classes of the second head (distance_class); their cross-entropy times
        config.value_distance_loss is added. Padding is on the right; attention_mask (B, T) may be
        None when there is none.
        """
        last = self._last_hidden(input_ids, attention_mask)
        features = self.value_drop(nn.functional.silu(self.value_up(last)))
        logits = self.value_out(features).squeeze(-1).float()
        if labels is None:
            return ModelOutput(logits=logits)
        each = nn.functional.binary_cross_entropy_with_logits(
            logits, labels.float(), reduction="none")
        if distances is not None:
            each = each + self.config.value_distance_loss * nn.functional.cross_entropy(
                self.value_distance(last).float(), distances, reduction="none")
        weights = torch.ones_like(each) if weights is None else weights.float()
        return ModelOutput(loss=(each * weights).sum() / weights.sum().clamp_min(1e-8),
                           logits=logits)

    def distance_class(self, d: int | None) -> int:
        """The class of d >= 1 tactics to QED; None: no proof is known."""
        bins = self.config.value_distances
        return bins if d is None else min(d, bins) - 1

    def _last_hidden(self, ids, mask):
        """(B, C) at each row's last token; on CPUs by a pass that computes little else."""
        rows = torch.arange(ids.shape[0], device=ids.device)
        end = (torch.full_like(rows, ids.shape[1]) if mask is None else mask.sum(dim=1)) - 1
        if ids.device.type == "cpu" and is_plain(self.config):
            positions = torch.arange(ids.shape[1]).expand_as(ids)
            return hidden_at(self.model, ids, positions, rows * ids.shape[1] + end)
        return self.model(input_ids=ids, attention_mask=mask).last_hidden_state[rows, end]

    @torch.no_grad()
    def scale(self, a: float, b: float) -> None:
        """Make every logit a * logit + b."""
        self.value_out.weight.mul_(a)
        self.value_out.bias.mul_(a).add_(b)


def load(directory, head_hidden: int | None = None, dropout: float | None = None) -> ValueModel:
    """A value model from a value checkpoint or from any Llama checkpoint (fresh head then)."""
    config = LlamaConfig.from_pretrained(directory)
    if head_hidden is not None and (config.architectures or [""])[0] != "ValueModel":
        config.value_head_hidden = head_hidden
    if dropout is not None:
        config.value_head_dropout = dropout
    return ValueModel.from_pretrained(directory, config=config)


def encode(tokenizer, texts: list[str], max_length: int) -> list[list[int]]:
    """Token ids of each text as a server would make them; long ones lose their beginning."""
    return [ids[-max_length:] for ids in tokenizer(list(texts))["input_ids"]]


@torch.no_grad()
def logits(model: ValueModel, rows: list[list[int]], token_budget: int = 2048) -> list[float]:
    """The logit of V for each row of token ids, in order.

    Rows are sorted by length and batched up to ``token_budget`` padded tokens (small budgets are
    fastest on CPUs, large ones on GPUs); a batch of equal lengths needs no mask.
    """
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    out = [0.0] * len(rows)
    start = 0
    while start < len(order):
        end = start + 1
        while end < len(order) and (end - start + 1) * len(rows[order[end]]) <= token_budget:
            end += 1
        chunk = order[start:end]
        ids, mask = pad([rows[i] for i in chunk], model.device)
        values = model(input_ids=ids, attention_mask=mask).logits.tolist()
        for i, value in zip(chunk, values, strict=True):
            out[i] = value
        start = end
    return out


def pad(rows: list[list[int]], device="cpu") -> tuple[torch.Tensor, torch.Tensor | None]:
    """ids (B, T), right-padded with 0, and mask (B, T), None when nothing was padded."""
    width = max(map(len, rows))
    ids = torch.tensor([row + [0] * (width - len(row)) for row in rows], device=device)
    if all(len(row) == width for row in rows):
        return ids, None
    lengths = torch.tensor([len(row) for row in rows], device=device)
    return ids, (torch.arange(width, device=device)[None] < lengths[:, None]).long()


def main(argv: list[str]) -> int:
    """Print V of the states given on the command line."""
    from transformers import AutoTokenizer

    if len(argv) < 2 or "--help" in argv or "-h" in argv:
        print(__doc__)
        print("usage: python value_model.py DIRECTORY STATE...")
        return 0 if "--help" in argv or "-h" in argv else 2
    tokenizer = AutoTokenizer.from_pretrained(argv[0])
    model = load(argv[0]).eval()
    for text, logit in zip(argv[1:], logits(model, encode(tokenizer, argv[1:], 2048)),
                           strict=True):
        print(f"{torch.sigmoid(torch.tensor(logit)).item():.4f}  {text.splitlines()[-1]}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
