import importlib.util

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from ssm import EncoderUnavailableError, load_encoder
from ssm.encoders import lexical

TEXTS = [
    "a small brown dog asleep on a sofa",
    "a small brown dog awake on a sofa",
    "a cruise ship leaves the port",
    "!?",
    "x",
    "犬が走る",
]


def test_rows_are_unit_and_like_texts_are_near():
    encoder = load_encoder("lexical")
    vectors = encoder.encode(TEXTS)
    assert vectors.shape == (len(TEXTS), encoder.dim)
    assert vectors.dtype == torch.float32
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(len(TEXTS)))
    similarity = vectors @ vectors.T
    assert similarity[0, 1] > 0.6
    assert similarity[0, 2] < 0.2


def test_counts_are_damped():
    from scipy.sparse import csr_matrix

    # log 4 : log 2 = 2 : 1, and the sign of the hash stays.
    found = lexical._damp(csr_matrix([[3.0, -1.0, 0.0]]))
    torch.testing.assert_close(found, torch.tensor([[2.0, -1.0, 0.0]]) / 5**0.5)


letters = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)


@settings(max_examples=50, deadline=None)
@given(st.lists(letters.filter(lambda text: not text.isspace()), min_size=1, max_size=6))
def test_a_text_has_one_vector_whatever_stands_beside_it(texts):
    encoder = load_encoder("lexical")
    together = encoder.encode(texts)
    alone = torch.cat([encoder.encode([text]) for text in texts])
    assert torch.equal(together, alone)


def test_blocks_change_nothing(monkeypatch):
    encoder = load_encoder("lexical")
    whole = encoder.encode(TEXTS)
    monkeypatch.setattr(lexical, "_BLOCK", 2)
    assert torch.equal(encoder.encode(TEXTS), whole)


def test_no_texts():
    encoder = load_encoder("lexical")
    assert encoder.encode([]).shape == (0, encoder.dim)


def test_settings_change_the_fingerprint(monkeypatch):
    before = load_encoder("lexical").fingerprint
    assert load_encoder("lexical").fingerprint == before
    monkeypatch.setattr(lexical, "_LETTERS", {"ngram_range": (2, 4), "analyzer": "char_wb"})
    assert load_encoder("lexical").fingerprint != before


def test_missing_scikit_learn_names_the_extra(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EncoderUnavailableError, match=r"install 'medfilip-ssm\[lexical\]'"):
        load_encoder("lexical")


def test_counts_that_cancel_leave_no_zero_row(monkeypatch):
    """Two signs may fall into one bucket with opposite signs; nothing would be left of the text."""
    encoder = load_encoder("lexical")
    whole = encoder.encode(["! ?", "a dog"])
    monkeypatch.setattr(lexical, "_damp", lambda counts: torch.zeros(counts.shape))
    found = encoder.encode(["! ?", "a dog", "! ?"])
    torch.testing.assert_close(found.norm(dim=1), torch.ones(3))
    assert torch.equal(found[0], found[2])
    assert not torch.equal(found[0], found[1])
    assert not torch.equal(found[0], whole[0])
