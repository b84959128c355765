"""What the image shows and nobody states."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from iki_knowledge import Finding, KnowledgeBase
from medfilip_model.statements import judge as judging
from medfilip_model.statements.evidence import Reading
from medfilip_model.statements.fit import StatementFit
from medfilip_model.statements.gaussian import LinearGaussian
from medfilip_model.statements.judge import judge
from medfilip_model.statements.packed import Packed
from medfilip_model.statements.verdict import Omission

Say, Read, Plain = Callable[..., Finding], Callable[..., Reading], Callable[..., StatementFit]
Raised = Callable[..., float]
EFFUSION, HEART = "pleural_effusion", "cardiomegaly"


def test_a_stated_finding_explains_an_omission_away(
    statement_fit: StatementFit, kb: KnowledgeBase, read: Read, say: Say
):
    # Evidence for a large heart: x + 8 y - 17 / 2, less 2 with an effusion.
    reading = read(3.5, 1.0)
    alone = judge(statement_fit, reading, [say("mass")], kb)
    beside = judge(statement_fit, reading, [say(EFFUSION)], kb)
    assert alone.doubts["omission"] == pytest.approx(5.0)
    assert alone.omissions[0].category == EFFUSION
    assert beside.doubts["omission"] == pytest.approx(1.0)
    assert beside.omissions == ()


def test_the_evidence_of_an_omission_is_scaled_as_that_of_statements(
    statement_fit: StatementFit, kb: KnowledgeBase, read: Read
):
    fit = statement_fit.model_copy(update={"presence": 0.5})
    (told,) = judge(fit, read(3.5, 1.0), [], kb).omissions
    assert told.evidence == pytest.approx(2.5)
    assert told.probability == pytest.approx(1 / (1 + math.exp(-2.5)))


def test_an_omission_explains_the_next_one_away(
    statement_fit: StatementFit, kb: KnowledgeBase, read: Read, raised: Raised
):
    found = judge(statement_fit, read(3.5, 1.0), [], kb)
    # Both are likely alone, the heart with log-odds of 3 - log 9 no more beside the effusion.
    assert [one.category for one in found.omissions] == [EFFUSION]
    assert found.omissions[0].evidence == pytest.approx(5.0)
    assert found.omissions[0].probability == pytest.approx(1 / (1 + math.exp(-5)))
    # By itself each counts as it does alone, the heart by x + 8 y - 17 / 2.
    assert found.score == pytest.approx(raised((5.0, 1 / 5), (3.0, 1 / 5 / 9)))


def test_an_omission_says_where(statement_fit: StatementFit, kb: KnowledgeBase, read: Read):
    left, right = (
        judge(statement_fit, read(4.0, 0.0, left=one, right=other), [], kb).omissions[0]
        for one, other in ((3.0, 0.0), (1.0, 2.0))
    )
    assert (left.side, right.side) == ("left", "right")
    (heart,) = judge(statement_fit, read(1.0, 2.0), [], kb).omissions
    # x + 8 y - 17 / 2
    assert heart == Omission(HEART, heart.probability, heart.evidence, None)
    assert heart.evidence == pytest.approx(8.5)


def test_where_an_omission_is_explains_the_side_of_the_next_one(
    plain_fit: Plain, kb: KnowledgeBase, read: Read
):
    # Each raises the reading of a half by 2: the first takes the left, which leaves the right.
    plain = plain_fit("mass", "hernia")
    half = LinearGaussian(
        coefficients=Packed.of(np.array([[2.0], [2.0], [0.0], [0.0]])),
        precision=Packed.of(np.eye(1)),
    )
    model = plain.model.model_copy(update={"sided": ("mass", "hernia"), "half": half})
    fit = plain.model_copy(update={"model": model})
    found = judge(fit, read(4.0, 3.5, left=2.5, right=0.99), [], kb).omissions
    assert [(one.category, one.side) for one in found] == [("mass", "left"), ("hernia", "right")]


def test_an_omission_is_told_from_the_limit_on(
    statement_fit: StatementFit,
    kb: KnowledgeBase,
    read: Read,
    say: Say,
    monkeypatch: pytest.MonkeyPatch,
):
    # Evidence of exactly 2 for an effusion.
    def told() -> int:
        return len(
            judge(statement_fit, read(2.0, 0.0), [say(HEART, presence="absent")], kb).omissions
        )

    monkeypatch.setattr(judging, "DECISIVE", 2.0)
    assert told() == 1
    monkeypatch.setattr(judging, "DECISIVE", 2.0000001)
    assert told() == 0


def test_what_is_likelier_absent_is_no_omission(
    statement_fit: StatementFit, kb: KnowledgeBase, read: Read, say: Say
):
    stated = [say(EFFUSION, presence="absent")]
    # Evidence of 2 and of 2.5 beside odds of one to nine, which are worth 2.2.
    assert judge(statement_fit, read(2.5, 1.0), stated, kb).omissions == ()
    (told,) = judge(statement_fit, read(3.0, 1.0), stated, kb).omissions
    assert told.probability == pytest.approx(math.exp(2.5) / (9 + math.exp(2.5)))


def test_at_most_five_omissions_the_most_telling_first(
    plain_fit: Plain, kb: KnowledgeBase, read: Read
):
    names = ("mass", "nodule", "hernia", "emphysema", "pneumothorax", "scarring", EFFUSION)
    found = judge(plain_fit(*names), read(3.4, 3.6, 3.2, 3.8, 3.9, 3.7, 3.5), [], kb)
    told = [one.category for one in found.omissions]
    assert told == ["pneumothorax", "emphysema", "scarring", "nodule", EFFUSION]
    assert found.doubts == {"omission": pytest.approx(4 * 3.9 - 8)}


def test_a_denial_of_what_is_there_is_contradicted_and_no_omission(
    plain_fit: Plain, kb: KnowledgeBase, read: Read, say: Say, raised: Raised
):
    found = judge(plain_fit("mass", "hernia"), read(4, 0), [say("mass", presence="absent")], kb)
    assert found.judgements[0].verdict == "contradicted"
    assert found.omissions == ()
    assert found.doubts == pytest.approx({"denial": 8.0, "omission": -8.0})
    assert found.score == pytest.approx(raised((8.0, 1 / 19), (-8.0, 1 / 5)))


@pytest.mark.parametrize(
    ("category", "presence", "told"),
    [
        ("pneumonia", "present", ["hernia"]),
        ("lung_opacity", "present", ["hernia"]),
        ("infection", "present", ["hernia"]),
        # Whatever else an opacity may be stays open.
        ("pneumonia", "absent", ["hernia", "lung_opacity"]),
        ("lung_opacity", "absent", ["hernia"]),
        ("covid19", "uncertain", ["hernia"]),
    ],
)
def test_broader_and_narrower_statements_cover_a_category(
    plain_fit: Plain,
    kb: KnowledgeBase,
    read: Read,
    say: Say,
    category: str,
    presence: str,
    told: list[str],
):
    fit = plain_fit("lung_opacity", "pneumonia", "hernia")
    found = judge(fit, read(4, 4, 5), [say(category, presence=presence)], kb)
    assert [one.category for one in found.omissions] == told


def test_of_a_category_and_a_broader_one_only_one_is_an_omission(
    plain_fit: Plain, kb: KnowledgeBase, read: Read
):
    fit = plain_fit("lung_opacity", "pneumonia", "hernia")
    for reading, told in ((read(4, 5, 3), "pneumonia"), (read(5, 4, 3), "lung_opacity")):
        found = judge(fit, reading, [], kb).omissions
        assert [one.category for one in found] == [told, "hernia"]
