from collections.abc import Callable

from iki_knowledge import Finding, KnowledgeBase
from medfilip_model.statements.facts import Fact, facts, halves, rank_of, words_of

Say = Callable[..., Finding]
LEFT, RIGHT = frozenset({"left"}), frozenset({"right"})


def test_what_is_denied_is_no_fact_and_what_is_doubtful_is(kb: KnowledgeBase, say: Say):
    found = facts(
        [say("mass", presence="absent"), say("nodule", presence="uncertain", severity="small")], kb
    )
    assert found == {"nodule": Fact(2, None)}


def test_findings_of_one_category_are_taken_together(kb: KnowledgeBase, say: Say):
    found = facts(
        [
            say("pleural_effusion", side="left", severity="small"),
            say("pleural_effusion"),
            say("pleural_effusion", side="right", severity="large"),
            say("atelectasis", side="bilateral"),
        ],
        kb,
    )
    assert found == {
        "pleural_effusion": Fact(4, LEFT | RIGHT),
        "atelectasis": Fact(None, LEFT | RIGHT),
    }


def test_a_denial_beside_an_affirmation_changes_nothing(kb: KnowledgeBase, say: Say):
    findings = [say("mass", side="left"), say("mass", presence="absent")]
    assert facts(findings, kb) == facts(findings[::-1], kb) == {"mass": Fact(None, LEFT)}


def test_the_halves_of_a_side(say: Say):
    assert halves(say("mass", side="left")) == LEFT
    assert halves(say("mass", side="right")) == RIGHT
    assert halves(say("mass", side="bilateral")) == halves(say("mass")) == LEFT | RIGHT


def test_ranks_and_the_first_words_for_them(kb: KnowledgeBase):
    ranks = [rank_of(word, kb) for word in ("trace", "small", "mild", "severe", "huge", None)]
    assert ranks == [1, 2, 2, 4, None, None]
    words = words_of("consolidation", kb)
    assert list(words) == sorted(words)
    assert words[2] == next(w for w in kb["consolidation"].severities if rank_of(w, kb) == 2)
    assert words_of("sternotomy", kb) == {}
