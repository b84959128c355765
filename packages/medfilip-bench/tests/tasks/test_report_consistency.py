"""Who knows the images notices what is wrong in the reports; who knows nothing does not."""

from dataclasses import replace

import numpy as np
import pytest
from iki_knowledge import Finding, load_knowledge
from medfilip_bench.datasets import READERS
from medfilip_bench.errors import NotApplicableError
from medfilip_bench.features import Encoder
from medfilip_bench.scoring import Resampling
from medfilip_bench.tasks import report_consistency
from medfilip_bench.tasks.report_consistency import KINDS, RANDOM, TEXT, TRUE
from medfilip_model.phantom.mistakes import MISTAKES, Mistaken
from medfilip_model.phantom.report import PhantomReport
from medfilip_model.statements.judge import Judged
from medfilip_model.statements.verdict import Judgement, Omission, SlotJudgement

KB = load_knowledge()
REPORT = PhantomReport("", "")
TENS = Resampling(10, 0)


@pytest.fixture(scope="module")
def outcome(told):
    def once(pool, kb, others):
        assert (pool, others) == (told.bench.pool, "valid")
        return told.pairs

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report_consistency, "read_pairs", once)
        return report_consistency.run(told.bench, told.data)


@pytest.fixture(scope="module")
def rows(outcome):
    return {row.id: row for row in outcome.rows}


def value(row, metric):
    return row.metrics[metric].value


@pytest.mark.parametrize(
    ("kind", "least"),
    [("added", 0.85), ("omitted", 0.85), ("side", 0.7), ("severity", 0.75), ("negation", 0.8)],
)
def test_who_knows_the_images_notices_and_nobody_else_does(rows, kind, least):
    good, text, chance = rows[kind], rows[f"{kind}:{TEXT}"], rows[f"{kind}:{RANDOM}"]
    assert value(good, "auc") > least
    assert value(good, "auc_own") > least
    for other in (text, chance):
        assert value(other, "auc") < value(good, "auc") - 0.1
        assert value(other, "auc_own") < value(good, "auc_own") - 0.05
        assert 0.15 < value(other, "auc") < 0.75
        assert set(other.metrics) == {"auc", "auc_own"}
        assert other.kind == "baseline"
    assert value(good, "noticed") > 0.5 > 0.3 > value(good, "believed")
    assert value(good, "noticed") <= value(good, "flagged") <= 1 - value(good, "believed") + 1e-9


def test_true_reports_are_left_alone(rows, told):
    true = rows[TRUE]
    assert (true.n, true.positives, true.of) == (len(told.pairs.true), 0, "knowing")
    assert value(true, "flagged") < 0.25
    parts = [
        value(true, f"statements_{word}") for word in ("supported", "undecided", "contradicted")
    ]
    assert sum(parts) == pytest.approx(1)
    assert parts[0] > 0.3 > 0.05 > parts[2]


def test_rows_and_metrics_are_those_of_the_mistakes(outcome, rows, told):
    assert [row.id for row in outcome.rows] == [
        TRUE,
        *(name for kind in MISTAKES for name in (kind, f"{kind}:{TEXT}", f"{kind}:{RANDOM}")),
    ]
    for kind in MISTAKES:
        count = sum(one is not None for one in told.mistakes[kind])
        assert {(r.positives, r.n, r.name) for n, r in rows.items() if n.startswith(kind)} == {
            (count, 2 * count, KINDS[kind])
        }
        for metric in ("auc", "auc_own"):
            assert outcome.metrics[f"{metric}:{kind}"] == rows[kind].metrics[metric]
            low, high = (getattr(rows[kind].metrics[metric], end) for end in ("low", "high"))
            assert low <= value(rows[kind], metric) <= high
    assert len(outcome.metrics) == 2 * len(MISTAKES)
    assert outcome.data.n == len(told.pairs.true)
    assert any("fitted to 80 phantoms" in note for note in outcome.notes)


def test_every_image_and_each_half_of_it_is_encoded_once(outcome, told):
    encoder = told.bench.encoder
    images = len(told.data.rows("test")) + len(told.data.rows("valid"))
    assert encoder.encoded == encoder.needed == 3 * images
    again = Encoder(encoder.loaded, encoder.cache)
    found = report_consistency.fitted(again, told.data, "valid", "test", KB)
    assert (again.encoded, again.needed) == (0, 3 * images)
    assert len(found[1]) == len(told.pairs.true)


def judged(*judgements, omissions=()):
    return Judged(tuple(judgements), tuple(omissions))


def judgement(category, verdict, presence="present"):
    slot = SlotJudgement("presence", presence, None, None, verdict)
    return Judgement(Finding(category=category, presence=presence), verdict, (slot,), None)


def shares(said, true, *found):
    """What is called so, believed and flagged, of a mistake and what is said of reports with it."""
    cases = {n: ((), Mistaken("added", REPORT, true, said)) for n in range(len(found))}
    made = report_consistency._noticed(cases, lambda image, _: found[image], TENS)
    return [made[name].value for name in ("noticed", "believed", "flagged")]


def test_a_wrong_statement_is_noticed_where_it_is_contradicted():
    said = Finding(category="mass")
    right, wrong = judgement("mass", "supported"), judgement("mass", "contradicted")
    other = judgement("nodule", "contradicted")
    open_ = judgement("mass", "undecided")
    assert shares(said, None, judged(wrong), judged(right)) == [0.5, 0.5, 0.5]
    # Said twice, and one of them is contradicted.
    assert shares(said, None, judged(right, wrong)) == [1, 0, 1]
    assert shares(said, None, judged(open_, other)) == [0, 0, 1]
    # A denial of the same category is not the statement.
    assert shares(said, None, judged(open_, judgement("mass", "contradicted", "absent"))) == [
        0,
        0,
        1,
    ]
    denial = Finding(category="mass", presence="absent")
    assert shares(denial, said, judged(judgement("mass", "contradicted", "absent"))) == [1, 0, 1]


def test_an_omission_is_noticed_where_it_is_told_of():
    true = Finding(category="mass")
    missing, other = (Omission(name, 0.9, 2.0, None) for name in ("mass", "nodule"))
    assert shares(None, true, judged(omissions=[other, missing])) == [1, 0, 1]
    assert shares(None, true, judged(omissions=[other])) == [0, 0, 1]
    assert shares(None, true, judged()) == [0, 1, 0]
    assert shares(None, true, judged(judgement("nodule", "contradicted"))) == [0, 0, 1]


def test_auc_by_hand_and_of_nothing():
    assert report_consistency._auc([3.0, 1.0], [2.0, 0.0], TENS).value == pytest.approx(0.75)
    assert report_consistency._auc([1.0], [1.0], TENS).value == pytest.approx(0.5)
    for nothing in (report_consistency._auc([], [], TENS), report_consistency._share([], TENS)):
        assert nothing.value is None
        assert "no phantom shows" in nothing.reason


def test_a_share_has_an_interval_over_its_images():
    share = report_consistency._share([True] * 30 + [False] * 10, Resampling(200, 0))
    assert share.value == pytest.approx(0.75)
    assert 0.5 < share.low < 0.75 < share.high < 0.9


def test_without_a_split_to_learn_from_it_does_not_apply(told, labelled):
    with pytest.raises(NotApplicableError, match="no split is left"):
        report_consistency.run(told.bench, labelled({"test": 4}))


def test_the_task_says_what_it_is():
    task = report_consistency.task(READERS["mimic_multi"].card)
    assert task.name == "report_consistency-mimic_multi"
    assert (task.needs, task.real, task.splits) == ("texts", False, ("valid", "test"))
    assert task.about.endswith("?")


def test_what_is_not_there_counts_as_the_least_doubt(told):
    mass = Finding(category="mass")
    mistake = Mistaken("side", REPORT, mass, mass)
    pairs = replace(told.pairs, true=[()], wrong={"side": {0: ((mass,), mistake)}})
    doubts = {(): {}, (mass,): {"side": -50.0}}
    row = report_consistency._row(
        "side",
        "someone",
        pairs,
        lambda _, stated: report_consistency.doubt(Judged((), (), doubts[tuple(stated)])),
        None,
        TENS,
    )
    assert value(row, "auc_own") == 1
    assert value(row, "auc") == 0.5
    assert np.isclose(row.n, 2)
