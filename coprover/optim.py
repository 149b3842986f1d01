"""The optimisers of small models: AdamW, or Muon for the matrices of the layers.

Muon (Jordan et al. 2024, github.com/KellerJordan/Muon; here torch.optim.Muon) orthogonalises the
momentum of a matrix before the step. Its rule holds for hidden matrices only: embeddings, norms and
heads stay with AdamW. Learning rates are those of AdamW in size, because steps are scaled to its
RMS (0.2, Liu et al. 2025, arXiv:2502.16982). What it gains: docs/experiments.md.

Try it: python -m pytest -q tests/test_optim.py
"""

from __future__ import annotations

import torch
from torch import nn

from coprover.config import ConfigError


class MuonAdamW(torch.optim.Optimizer):
    """torch.optim.Muon and AdamW behind one interface; schedulers see the groups of both."""

    def __init__(self, muon: torch.optim.Muon, adamw: torch.optim.AdamW):
        self.parts = (muon, adamw)
        super().__init__([group for part in self.parts for group in part.param_groups], {})

    @torch.no_grad()
    def step(self, closure=None):
        """One step of both; returns what the closure returned."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self.parts:
            part.step()
        return loss

    def state_dict(self) -> dict:
        """The state of both, for an exact resume."""
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict: dict) -> None:
        """Raises KeyError for the state of another optimiser."""
        for part, state in zip(self.parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)
        self.param_groups = [group for part in self.parts for group in part.param_groups]


def make(name: str, model: nn.Module, *, lr: float, muon_lr: float, weight_decay: float,
         betas: tuple[float, float]) -> torch.optim.Optimizer:
    """The optimiser ``name`` (adamw | muon) of every trainable weight of a transformers model.

    lr: AdamW's learning rate; muon_lr: that of the matrices under muon. Raises ConfigError for
    another name.
    """
    trained = [(key, p) for key, p in model.named_parameters() if p.requires_grad]
    settings = {"lr": lr, "betas": betas, "weight_decay": weight_decay, "fused": True}
    if name == "adamw":
        return torch.optim.AdamW([p for _, p in trained], **settings)
    if name != "muon":
        raise ConfigError(f"optimizer: {name!r}; choose adamw or muon")
    hidden = {key for key, p in trained if p.ndim == 2 and ".layers." in key}
    return MuonAdamW(
        torch.optim.Muon([p for key, p in trained if key in hidden], lr=muon_lr,
                         weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW([p for key, p in trained if key not in hidden], **settings))


def set_lr(optimizer: torch.optim.Optimizer, factor: float) -> None:
    """Learning rate of every group := its first one times ``factor``."""
    for group in optimizer.param_groups:
        group["lr"] = group.setdefault("initial_lr", group["lr"]) * factor
