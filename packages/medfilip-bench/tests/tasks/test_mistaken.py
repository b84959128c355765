"""What gpt-ie reads in wrong reports is what was written wrong, and nothing else."""

from collections import Counter
from unittest.mock import Mock

import pytest
from iki_knowledge import Finding, load_knowledge
from medfilip_bench.datasets.pool import PhantomPool
from medfilip_bench.learning.plausible import Plausibility
from medfilip_bench.tasks.mistaken import by_model, by_text, doubt, read_pairs
from medfilip_bench.tasks.stated import fitted
from medfilip_model.phantom.mistakes import MISTAKES
from medfilip_model.phantom.report import PhantomReport
from medfilip_model.statements.judge import Judged, judge

KB = load_knowledge()


def affirmed(stated):
    return Counter(f.category for f in stated if f.presence != "absent")


def of(stated, category):
    return {
        (f.side, f.severity) for f in stated if f.category == category and f.presence != "absent"
    }


def cases(told, kind):
    """What a true report states, what the wrong one does, and the mistake."""
    wrong = told.pairs.wrong[kind]
    assert wrong
    return [(told.pairs.true[image], stated, made) for image, (stated, made) in wrong.items()]


def test_true_reports_are_those_of_the_judged_phantoms(told):
    rows = told.data.rows("test")
    assert len(told.pairs.true) == len(rows)
    assert len(told.pairs.others) == len(told.data.rows("valid"))
    for row, stated in zip(rows, told.pairs.true, strict=True):
        shown = {f.category for f in told.data.images.samples[row].present}
        assert shown <= set(affirmed(stated))


def test_both_sections_of_a_report_are_read():
    report = PhantomReport("A small left pleural effusion.", "Pneumothorax.")
    pool = Mock(spec=PhantomPool)
    pool.mistaken.return_value = [None]
    pool.reported.return_value = [(None, report)]
    pairs = read_pairs(pool, KB, "valid")
    assert [set(affirmed(one)) for one in pairs.true] == [{"pleural_effusion", "pneumothorax"}]


def test_wrong_reports_stand_beside_their_images(told):
    rows = told.data.rows("test")
    for kind in MISTAKES:
        made = told.mistakes[kind]
        assert set(told.pairs.wrong[kind]) == {n for n, one in enumerate(made) if one}
        for image, (_, mistake) in told.pairs.wrong[kind].items():
            assert mistake == made[image]
            shown = told.data.images.samples[rows[image]].present
            assert mistake.true is None or mistake.true in shown


def test_an_added_finding_is_read_beside_all_others(told):
    for true, wrong, made in cases(told, "added"):
        assert made.said.category not in affirmed(true)
        assert set(affirmed(wrong)) == {*affirmed(true), made.said.category}
        assert of(wrong, made.said.category) >= {(made.said.side, made.said.severity)}


def test_an_omitted_finding_is_neither_read_nor_denied(told):
    for true, wrong, made in cases(told, "omitted"):
        category = made.true.category
        assert set(affirmed(wrong)) == set(affirmed(true)) - {category}
        near = {category, *KB.ancestors(category)}
        assert not near & {f.category for f in wrong if f.presence == "absent"}


@pytest.mark.parametrize("kind", ["side", "severity"])
def test_another_side_or_severity_is_read_of_that_finding_alone(told, kind):
    for true, wrong, made in cases(told, kind):
        assert set(affirmed(wrong)) == set(affirmed(true))
        category = made.true.category
        assert of(true, category) >= {(made.true.side, made.true.severity)}
        assert of(wrong, category) == {(made.said.side, made.said.severity)}
        for other in set(affirmed(true)) - {category}:
            assert of(wrong, other) == of(true, other)


def test_a_denied_finding_is_read_as_denied(told):
    for true, wrong, made in cases(told, "negation"):
        category = made.true.category
        assert set(affirmed(wrong)) == set(affirmed(true)) - {category}
        assert category in {f.category for f in wrong if f.presence == "absent"}


def test_doubts_are_those_of_the_verdicts():
    found = doubt(Judged((), (), {"side": 1.5}, 0.5))
    assert (found.score, found.kinds) == (0.5, {"side": 1.5})


def test_a_model_doubts_by_the_image_that_is_asked_of(told):
    fit, readings = fitted(told.bench.encoder, told.data, "valid", "test", KB)
    doubter = by_model(fit, readings, KB)
    for image in (0, 7):
        stated = told.pairs.true[image]
        found = judge(fit, readings[image], stated, KB)
        assert doubter(image, stated) == doubt(found)
    stated = [Finding(category="pleural_effusion")]
    assert len({doubter(image, stated).score for image in range(5)}) == 5


def test_the_text_alone_knows_no_image(told):
    plain = Plausibility(told.pairs.others, ("pleural_effusion", "cardiomegaly"))
    doubter = by_text(plain)
    stated = told.pairs.true[3]
    assert doubter(3, stated) == doubter(8, stated)
    assert doubter(0, stated).score == max(plain.doubts(stated).values())
    nothing = by_text(Plausibility((), ()))(0, [])
    assert (nothing.score, nothing.kinds) == (0.0, {})
