import math

import pytest
from ssm import EncoderError, EncoderUnavailableError, TextEncoder
from ssm.encoders.lexical import load_lexical
from ssm.encoders.protocol import check_texts, files_digest, fingerprint, require_extra


def test_good_texts_pass_unchanged():
    texts = ("a dog", " two  spaces ", "Ärger über Öl", "犬")
    assert check_texts(texts) == list(texts)
    assert check_texts([]) == []


@pytest.mark.usefixtures("unchecked_shapes")
@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("a dog", "expected a sequence of texts, got one string 'a dog'"),
        (["a", ""], "text 1 is empty"),
        ([" \n\t"], "text 0 is empty"),
        (["a", None], "text 1 is no string but None"),
        ([math.nan], "text 0 is no string but nan"),
        (["half \ud800"], "text 0 .* half a surrogate pair"),
    ],
)
def test_bad_texts_are_named(texts, message):
    with pytest.raises(EncoderError, match=message):
        check_texts(texts)


def test_fingerprint_depends_on_names_and_values_not_on_order():
    assert fingerprint(a=1, b="x") == fingerprint(b="x", a=1)
    assert len({fingerprint(a=1), fingerprint(a=2), fingerprint(b=1), fingerprint(a="1")}) == 4


def test_files_digest_follows_names_and_contents(tmp_path):
    (tmp_path / "config.json").write_text("1")
    (tmp_path / "README.md").write_text("1")
    patterns = ("config.json", "vocab*")
    first = files_digest(tmp_path, patterns)
    (tmp_path / "README.md").write_text("2")
    assert files_digest(tmp_path, patterns) == first
    (tmp_path / "vocab.txt").write_text("1")
    second = files_digest(tmp_path, patterns)
    (tmp_path / "vocab.txt").rename(tmp_path / "vocab.json")
    third = files_digest(tmp_path, patterns)
    (tmp_path / "vocab.json").write_text("3")
    assert len({first, second, third, files_digest(tmp_path, patterns)}) == 4


def test_a_missing_extra_is_named():
    assert require_extra("x", "torch", "x").name == "__init__.py"
    with pytest.raises(EncoderUnavailableError, match=r"'lexical'.*'nowhere'.*medfilip-ssm\[lex\]"):
        require_extra("lexical", "nowhere", "lex")


def test_encoders_meet_the_protocol(hash_encoder):
    assert isinstance(load_lexical(), TextEncoder)
    assert isinstance(hash_encoder, TextEncoder)
