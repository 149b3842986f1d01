"""Random renamings: a bijection of letters that treats `P` and ` P` alike and nothing else."""

import random

import pytest

pytest.importorskip("tokenizers")

from coprover.renaming import Renaming  # noqa: E402
from local.tokenizer import decode, encode, train_tokenizer  # noqa: E402

TEXT = "theorem t (P Q : Prop) (hP : P) (hQP : P → Q) (f g : Nat → Nat) (hfga : f (g a) = a) : Q"


def test_letters_are_permuted_consistently():
    tokenizer = train_tokenizer([TEXT] * 9, 300)
    renaming = Renaming(tokenizer, [["P", "Q"], ["f", "g"]])
    ids = encode(tokenizer, [TEXT])[0]
    seen = {decode(tokenizer, [table[i] for i in ids]) for table in
            (renaming.draw(random.Random(i)) for i in range(40))}  # fmt: skip
    swapped = TEXT.translate(str.maketrans("PQ", "QP")).replace("Qrop", "Prop")
    both = swapped.translate(str.maketrans("fg", "gf"))
    assert seen == {TEXT, swapped, both, TEXT.translate(str.maketrans("fg", "gf"))}


def test_letters_without_a_token_stay(caplog):
    tokenizer = train_tokenizer([TEXT] * 9, 300)
    renaming = Renaming(tokenizer, [["P", "Q", "λλ"]])
    assert "λλ" in caplog.text
    table = renaming.draw(random.Random(0))
    assert sorted(table) == list(range(len(tokenizer)))
