"""The sampler against transformers' forward pass and against exact enumeration."""

import itertools
import math

import pytest

torch = pytest.importorskip("torch")

from local import tokenizer as tok  # noqa: E402
from local.completions import Request  # noqa: E402
from local.sampler import LocalSampler  # noqa: E402


@pytest.fixture(scope="module")
def four_tokens():
    """A model of four tokens (1 ends), small enough to enumerate."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(3)
    model = LlamaForCausalLM(LlamaConfig(
        vocab_size=4, hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=2, intermediate_size=16, max_position_embeddings=16,
        tie_word_embeddings=False, bos_token_id=None, eos_token_id=1, pad_token_id=0))
    with torch.no_grad():
        model.lm_head.weight.mul_(30)
    return model.eval()


class Marks:
    """Only the end token's id of a tokenizer."""

    eos_token_id = 1


def reference_logprobs(model, prompt, ids, temperature=1.0):
    with torch.no_grad():
        logits = model(torch.tensor([list(prompt) + ids])).logits[0, len(prompt) - 1:-1]
    return (logits / temperature).log_softmax(-1).gather(1, torch.tensor(ids)[:, None])[:, 0]


def prompts(count, size, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [tuple(torch.randint(2, size, (3 + 5 * i % 23,), generator=generator).tolist())
            for i in range(count)]


@pytest.mark.parametrize("without_replacement", [False, True])
def test_logprobs_equal_transformers_forward(model, tokenizer, without_replacement):
    sampler = LocalSampler(model, tokenizer, max_rows=16)
    requests = [Request(p, n=5, max_new_tokens=9, seed=i, without_replacement=without_replacement)
                for i, p in enumerate(prompts(9, 300))]
    for request, group in zip(requests, sampler.generate(requests), strict=True):
        assert len(group) == 5
        for completion in group:
            expected = reference_logprobs(model, request.ids, completion.ids)
            assert (expected - torch.tensor(completion.logprobs)).abs().max() < 1e-5
        if without_replacement:
            assert len({tuple(c.ids) for c in group}) == 5


def test_logprobs_at_another_temperature_and_greedy(model, tokenizer):
    sampler = LocalSampler(model, tokenizer)
    p = prompts(1, 300)[0]
    warm, greedy = sampler.generate([Request(p, max_new_tokens=8, temperature=2.0),
                                     Request(p, max_new_tokens=8, temperature=0.0)])
    expected = reference_logprobs(model, p, warm[0].ids, 2.0)
    assert (expected - torch.tensor(warm[0].logprobs)).abs().max() < 1e-5
    with torch.no_grad():
        expected = model.generate(torch.tensor([p]), max_new_tokens=8, do_sample=False)
    assert greedy[0].ids == expected[0, len(p):].tolist()


def test_more_samples_than_slots_and_unequal_lengths(model, tokenizer):
    sampler = LocalSampler(model, tokenizer)
    (long, short) = sampler.generate([Request(prompts(1, 300)[0], n=19, max_new_tokens=30),
                                      Request((5, 6), n=2, max_new_tokens=3)])
    assert len(long) == 19 and [len(c.ids) <= 3 for c in short] == [True, True]
    for completion in long:
        expected = reference_logprobs(model, prompts(1, 300)[0], completion.ids)
        assert (expected - torch.tensor(completion.logprobs)).abs().max() < 1e-5
        assert completion.finish == ("stop" if completion.ids[-1] == 1 else "length")


@pytest.mark.parametrize("without_replacement", [False, True])
def test_samples_do_not_depend_on_the_rest_of_the_batch(model, tokenizer, without_replacement):
    sampler = LocalSampler(model, tokenizer)
    requests = [Request(p, n=4, max_new_tokens=10, seed=100 + i,
                        without_replacement=without_replacement)
                for i, p in enumerate(prompts(6, 300))]
    together = sampler.generate(requests)
    for request, group in zip(requests, together, strict=True):
        alone = sampler.generate([request])[0]
        assert [c.ids for c in alone] == [c.ids for c in group]


def sequences(model, length):
    """Every completion of at most `length` tokens of a 4-token model, with its probability."""
    found = {}
    for ids in itertools.product(range(4), repeat=length):
        ids = list(ids[:ids.index(1) + 1]) if 1 in ids else list(ids)
        if tuple(ids) not in found:
            found[tuple(ids)] = math.exp(float(reference_logprobs(model, (2, 3), ids).sum()))
    assert abs(sum(found.values()) - 1) < 1e-5
    return found


def inclusion_probabilities(p, k):
    """P(x among the first k draws without replacement), by enumerating ordered draws."""
    out = dict.fromkeys(p, 0.0)
    for order in itertools.permutations(p, k):
        mass, chance = 1.0, 1.0
        for x in order:
            chance *= p[x] / mass
            mass -= p[x]
        for x in order:
            out[x] += chance
    return out


def test_plain_sampling_is_unbiased(four_tokens):
    p = sequences(four_tokens, 2)
    n = 20_000
    counts = dict.fromkeys(p, 0)
    for completion in LocalSampler(four_tokens, Marks()).generate(
            [Request((2, 3), n=n, max_new_tokens=2, seed=5)])[0]:
        counts[tuple(completion.ids)] += 1
    chi2 = sum((counts[x] - n * p[x]) ** 2 / (n * p[x]) for x in p)
    assert chi2 < 33  # 12 degrees of freedom: exceeded once in a thousand seeds


@pytest.mark.parametrize("k", [2, 3])
def test_without_replacement_has_the_right_inclusion_probabilities(four_tokens, k):
    p = sequences(four_tokens, 2)
    expected = inclusion_probabilities(p, k)
    runs = 6_000
    groups = LocalSampler(four_tokens, Marks(), max_rows=1 << 14).generate(
        [Request((2, 3), n=k, max_new_tokens=2, seed=i, without_replacement=True)
         for i in range(runs)])
    counts = dict.fromkeys(p, 0)
    first = dict.fromkeys(p, 0)
    for group in groups:
        assert len({tuple(c.ids) for c in group}) == k
        first[tuple(group[0].ids)] += 1  # in order of arrival, so the first is a plain sample
        for completion in group:
            counts[tuple(completion.ids)] += 1
    for x in p:
        for share, target in ((counts[x] / runs, expected[x]), (first[x] / runs, p[x])):
            assert abs(share - target) < 4.5 * math.sqrt(target * (1 - target) / runs) + 1e-9


def test_without_replacement_returns_everything_there_is(four_tokens):
    group = LocalSampler(four_tokens, Marks()).generate(
        [Request((2, 3), n=40, max_new_tokens=2, without_replacement=True)])[0]
    assert {tuple(c.ids) for c in group} == set(sequences(four_tokens, 2))


def test_truncation_keeps_the_nucleus_only(four_tokens):
    with torch.no_grad():
        probs = four_tokens(torch.tensor([[2, 3]])).logits[0, -1].softmax(-1)
    best = int(probs.argmax())
    sampler = LocalSampler(four_tokens, Marks())
    for request in (Request((2, 3), n=50, max_new_tokens=1, top_k=1),
                    Request((2, 3), n=50, max_new_tokens=1, top_p=float(probs.max()) / 2)):
        assert {c.ids[0] for c in sampler.generate([request])[0]} == {best}


def test_stop_rules(model, tokenizer):
    sampler = LocalSampler(model, tokenizer)
    request = Request((5, 6, 7), n=8, max_new_tokens=40, seed=3, ignore_eos=True)
    texts = [tok.decode(tokenizer, c.ids) for c in sampler.generate([request])[0]]
    mark = texts[0][6:8]
    stopped = sampler.generate([Request(**{**vars(request), "stop": (mark,)})])[0]
    assert stopped[0].finish == "stop" and stopped[0].matched == mark
    for completion in stopped:
        text = tok.decode(tokenizer, completion.ids)
        assert (mark in text) == (completion.finish == "stop")
        assert mark not in tok.decode(tokenizer, completion.ids[:-1])
    least = sampler.generate([Request((5, 6, 7), n=30, max_new_tokens=6, min_new_tokens=4)])[0]
    assert all(1 not in c.ids[:4] for c in least)


def test_too_long_prompts_are_refused(model, tokenizer):
    with pytest.raises(ValueError, match="must fit the context of 256"):
        LocalSampler(model, tokenizer).generate([Request(tuple([5] * 250), max_new_tokens=10)])


def test_tokenizer_round_trip(tokenizer, checkpoint):
    from transformers import AutoTokenizer

    from coprover import prompts as forms

    samples = [forms.prompt_text("import Mathlib\n\ntheorem t (P : Prop) : P → P := by") + "\n",
               forms.proof_response(["intro h", "induction n with\n  | zero => simp"]),
               forms.tactic_step("case inl\nn✝ : Nat\nα : Type u_1\n⊢ ∀ x, x ≤ f x₁\n\n⊢ p"),
               "tabs\t\r\n  odd   spaces, 日本語 \U0001d538 ﬁ \x00"]
    loaded = AutoTokenizer.from_pretrained(checkpoint)
    for text in samples:
        ids = tok.encode(tokenizer, [text])[0]
        assert tok.decode(tokenizer, ids) == text
        assert loaded(text)["input_ids"] == ids and loaded.decode(ids) == text
    assert len(tok.encode(tokenizer, [samples[0]])[0]) < 20
