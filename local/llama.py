"""A Llama forward pass for small models on one CPU core, with a key/value tree shared by samples.

transformers' eager forward spends most of its time on overhead when the model is tiny. This one
reads the same weights (fused QKV and gate/up), and lays keys and values out so that the samples of
one prompt share its prompt: for a prompt with S slots, step t appends S keys at once and an
additive mask says which keys a slot may see. Following another branch (beam search) therefore only
permutes rows of the mask; keys never move. Checked against transformers' forward to 1e-5.

Letters: P prompts, S slots a prompt, N active rows, H heads, D head size, C hidden size,
V vocabulary, K keys used so far, L layers.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F


class FastLlama:
    """The weights of a LlamaForCausalLM, arranged for `Tree`. All tensors are float32.

    Raises ValueError for configurations it does not cover (grouped-query attention, biases, scaled
    rotary embeddings), naming the key of config.json.
    """

    def __init__(self, model):
        config = model.config
        _require(config)
        state = {name: tensor.detach().float() for name, tensor in model.state_dict().items()}
        self.heads = config.num_attention_heads
        self.head_dim = config.hidden_size // self.heads
        self.eps = config.rms_norm_eps
        self.max_positions = config.max_position_embeddings
        self.embed = state["model.embed_tokens.weight"]
        self.head = state.get("lm_head.weight", self.embed)
        self.norm = state["model.norm.weight"]
        self.layers = []
        for i in range(config.num_hidden_layers):
            w = {name.removeprefix(f"model.layers.{i}."): t for name, t in state.items()
                 if name.startswith(f"model.layers.{i}.")}
            self.layers.append((
                w["input_layernorm.weight"],
                torch.cat([w[f"self_attn.{x}_proj.weight"] for x in "qkv"]),
                w["self_attn.o_proj.weight"].clone(),
                w["post_attention_layernorm.weight"],
                torch.cat([w["mlp.gate_proj.weight"], w["mlp.up_proj.weight"]]),
                w["mlp.down_proj.weight"].clone()))
        theta = float(config.rope_parameters["rope_theta"])
        frequency = theta ** (-torch.arange(0, self.head_dim, 2).float() / self.head_dim)
        angle = torch.arange(self.max_positions).float()[:, None] * frequency
        self.cos, self.sin = angle.cos(), angle.sin()  # (positions, D/2)

    def _qkv(self, x, norm, weight, positions):
        """(N, C) -> query, key, value, each (N, H, D), the first two rotated to `positions`."""
        normed = F.rms_norm(x, (x.shape[-1],), norm, self.eps)
        qkv = F.linear(normed, weight).view(x.shape[0], 3, self.heads, self.head_dim)
        cos, sin = self.cos[positions][:, None, None], self.sin[positions][:, None, None]
        first, second = qkv[:, :2].chunk(2, dim=-1)
        rotated = torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)
        return rotated[:, 0], rotated[:, 1], qkv[:, 2]

    def _rest(self, x, attended, o_proj, norm, gate_up, down):
        """Output projection, residuals and MLP: (N, C), (N, C) -> (N, C)."""
        x = torch.addmm(x, attended, o_proj.t())
        gate, up = F.linear(F.rms_norm(x, (x.shape[-1],), norm, self.eps), gate_up).chunk(2, -1)
        return torch.addmm(x, F.silu(gate) * up, down.t())

    def logits(self, x):
        """(N, C) -> (N, V)."""
        return F.linear(F.rms_norm(x, (x.shape[-1],), self.norm, self.eps), self.head)


class Tree:
    """Keys and values of P prompts with S slots each, and the forward pass over them."""

    def __init__(self, model: FastLlama, prompts: list[list[int]], slots: int, max_new: int):
        self.model = model
        self.slots = slots
        lengths = [len(p) for p in prompts]
        self.width = max(lengths)
        self.lengths = torch.tensor(lengths)
        n, heads, dim = len(prompts), model.heads, model.head_dim
        capacity = self.width + slots * max_new
        self.used = self.width
        # keys as (P, H, D, K): the product with queries then runs along contiguous keys
        self.keys = [torch.empty(n, heads, dim, capacity) for _ in model.layers]
        self.values = [torch.empty(n, heads, capacity, dim) for _ in model.layers]
        self.mask = torch.full((n, 1, slots, capacity), float("-inf"))
        prompt_keys = torch.arange(self.width) < self.lengths[:, None]
        self.mask[:, :, :, :self.width].masked_fill_(prompt_keys[:, None, None], 0.0)
        self.step = 0
        self.first_logits = self._prefill(prompts)  # (P, V)

    def _prefill(self, prompts: list[list[int]]) -> torch.Tensor:
        model, width, n = self.model, self.width, len(prompts)
        ids = torch.tensor([p + [0] * (width - len(p)) for p in prompts])
        x = model.embed[ids.view(-1)]
        positions = torch.arange(width).repeat(n)
        last = torch.arange(n) * width + self.lengths - 1
        for i, (norm1, qkv, o_proj, norm2, gate_up, down) in enumerate(model.layers):
            q, k, v = (t.view(n, width, model.heads, model.head_dim).transpose(1, 2)
                       for t in model._qkv(x, norm1, qkv, positions))
            self.keys[i][..., :width] = k.transpose(-1, -2)
            self.values[i][:, :, :width] = v
            if i == len(model.layers) - 1:  # the last layer matters at the last token only
                q, x = q.transpose(1, 2).reshape(n * width, model.heads, -1)[last], x[last]
                attended = self._attend(i, q[:, :, None], self.mask[:, :, :1])
                attended = attended.reshape(n, -1)
            else:
                attended = F.scaled_dot_product_attention(q, k, v, is_causal=True)
                attended = attended.transpose(1, 2).reshape(n * width, -1)
            x = model._rest(x, attended, o_proj, norm2, gate_up, down)
        return model.logits(x)

    def _attend(self, layer: int, q, mask):
        """Queries (P, H, S', D) over the used keys -> (P, H, S', D)."""
        keys = self.keys[layer][..., :self.used]
        scores = torch.matmul(q * self.model.head_dim ** -0.5, keys)
        scores += mask[..., :self.used]
        return torch.matmul(scores.softmax(-1), self.values[layer][:, :, :self.used])

    def advance(self, tokens: torch.Tensor, prompt: torch.Tensor, slot: torch.Tensor):
        """Logits (N, V) after appending `tokens` (N,) to rows (prompt[i], slot[i])."""
        model, slots, n = self.model, self.slots, self.lengths.shape[0]
        row = prompt * slots + slot
        full = len(row) == n * slots
        start = self.used
        self.used += slots
        self.mask[prompt, 0, slot, start + slot] = 0.0
        positions = self.lengths[prompt] + self.step
        self.step += 1
        x = model.embed[tokens]
        for i, (norm1, qkv, o_proj, norm2, gate_up, down) in enumerate(model.layers):
            packed = torch.stack(model._qkv(x, norm1, qkv, positions), dim=1)  # (N, 3, H, D)
            if not full:  # unused slots hold zeros: finite, and masked
                packed = packed.new_zeros(n * slots, *packed.shape[1:]).index_copy_(0, row, packed)
            packed = packed.view(n, slots, 3, model.heads, model.head_dim).permute(2, 0, 3, 1, 4)
            self.keys[i][..., start:self.used] = packed[1].transpose(-1, -2)
            self.values[i][:, :, start:self.used] = packed[2]
            attended = self._attend(i, packed[0], self.mask)
            attended = attended.transpose(1, 2).reshape(n * slots, -1)
            attended = attended if full else attended[row]
            x = model._rest(x, attended, o_proj, norm2, gate_up, down)
        return model.logits(x)

    def branch(self, prompt: torch.Tensor, slot: torch.Tensor, parent: torch.Tensor) -> None:
        """Slot `slot[i]` of `prompt[i]` takes over the past of slot `parent[i]`."""
        self.mask[prompt, :, slot, :self.used] = self.mask[prompt, :, parent, :self.used]

    def keep(self, prompts: torch.Tensor) -> None:
        """Drop every prompt not listed; the listed ones are renumbered 0.. in that order."""
        self.lengths = self.lengths[prompts]
        self.mask = self.mask[prompts]
        for tensors, dim in ((self.keys, 3), (self.values, 2)):
            for i, old in enumerate(tensors):
                shape = list(old.shape)
                shape[0] = len(prompts)
                new = old.new_empty(shape)
                used = new.narrow(dim, 0, self.used)
                used.copy_(old.narrow(dim, 0, self.used)[prompts])
                tensors[i] = new


def _require(config) -> None:
    heads = config.num_attention_heads
    rope = getattr(config, "rope_parameters", None) or {}
    problems = {
        "num_key_value_heads": config.num_key_value_heads != heads,
        "attention_bias": bool(getattr(config, "attention_bias", False)),
        "mlp_bias": bool(getattr(config, "mlp_bias", False)),
        "rope_parameters": rope.get("rope_type", "default") != "default",
        "head_dim": (getattr(config, "head_dim", None) or config.hidden_size // heads) * heads
        != config.hidden_size,
        "hidden_act": config.hidden_act != "silu",
    }
    wrong = [key for key, bad in problems.items() if bad]
    if config.model_type != "llama" or wrong:
        raise ValueError(f"the laptop sampler serves plain Llama only; {config.model_type} config "
                         f"key {wrong[0] if wrong else 'model_type'} asks for more: serve this "
                         "checkpoint with SGLang")
