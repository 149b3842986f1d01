"""Tiny models with random weights, made once a session."""

import pytest

TEXTS = [
    "theorem t (P Q : Prop) (h : P ∧ Q) : P := by", "P Q : Prop\nh : P ∧ Q\n⊢ P",
    "obtain ⟨h1, h2⟩ := h", "exact h.1", "induction n with | zero => ?_ | succ k ih => ?_",
]


def make_model(vocab: int, hidden: int = 32, layers: int = 2, seed: int = 0, spread: float = 3.0):
    """A random Llama whose next-token distributions are far from uniform."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    model = LlamaForCausalLM(LlamaConfig(
        vocab_size=vocab, hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=4,
        num_key_value_heads=4, intermediate_size=2 * hidden, max_position_embeddings=256,
        tie_word_embeddings=True, bos_token_id=None, eos_token_id=1, pad_token_id=0))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.mul_(spread)
    return model.eval()


@pytest.fixture(scope="session")
def tokenizer():
    from local.tokenizer import train_tokenizer

    return train_tokenizer(TEXTS * 3, 320)


@pytest.fixture(scope="session")
def model(tokenizer):
    return make_model(len(tokenizer))


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory, model, tokenizer):
    from coprover.checkpoints import save_hf

    path = tmp_path_factory.mktemp("models") / "generator"
    save_hf(path, model, tokenizer)
    return str(path)


@pytest.fixture(scope="session")
def other_checkpoint(tmp_path_factory, tokenizer):
    from coprover.checkpoints import save_hf

    path = tmp_path_factory.mktemp("models") / "other"
    save_hf(path, make_model(len(tokenizer), seed=1), tokenizer)
    return str(path)
