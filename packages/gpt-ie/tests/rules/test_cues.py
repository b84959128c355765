import pytest
from gpt_ie.rules.cues import build_cues, expand
from gpt_ie.rules.tokens import tokenise


def test_lists_expand():
    assert list(expand("a {b|c} d, {|x }y")) == ["a b d", "a c d", "y", "x y"]
    assert "may be" in list(expand("{MODAL} be"))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("no", "deny_next"),
        ("no significant change in", "neutral"),
        ("is not definitely seen", "deny_last"),
        ("not seen on", "neutral"),
        ("not seen on today", "deny_last"),
        ("may not be demonstrated", "unasserted_last"),
        ("clearing of", "deny_next"),
        ("partial clearing of", "neutral"),
        ("has resolved", "deny_last"),
        ("has not resolved", "neutral"),
        ("cannot be entirely excluded", "hedge_last"),
        ("cannot exclude", "hedge_next"),
        ("may be due to", "hedge_next"),
        ("could obscure", "unasserted"),
        ("most likely", "hedge_near"),
        ("differential diagnosis includes", "hedge_list"),
        ("w/o", "deny_next"),
        ("r/o", "unasserted"),
        ("isn't seen", "deny_last"),
        ("consistent with", "link"),
        ("with the exception of", "boundary"),
    ],
)
def test_the_longest_cue_decides(text: str, kind: str):
    hits = build_cues().find(tokenise(text).words)
    last = hits[-1]
    assert (last.value.kind, last.last) == (kind, len(tokenise(text).words))


def test_no_cue_is_empty():
    for hit in build_cues().find(tokenise("no without may").words):
        assert hit.value.phrase.strip() == hit.value.phrase != ""
