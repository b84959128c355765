"""Record → figures: each family has its own, and captions fit what is drawn."""

import re

import pytest
from medfilip_bench.report.figures import figures
from medfilip_bench.report.plots.ink import COLOURS
from medfilip_bench.results import Estimate
from medfilip_bench.series import Series


@pytest.fixture(scope="module")
def drawn(page):
    return {s.record.task: s.drawings for c in page.chapters for s in c.sections}


def test_every_record_is_drawn(drawn):
    assert all(drawn.values()), [task for task, found in drawn.items() if not found]


@pytest.mark.parametrize(
    ("task", "captions"),
    [
        ("zero_shot-mimic_16-phantom", ("F1 of each", "Confusion", "Images and texts")),
        ("zero_shot-chestxray14-phantom", ("AUC of each", "ROC", "Precision", "Reliability")),
        ("zero_shot-rsna-phantom", ("ROC", "Precision", "Reliability")),
        ("unseen-covid_radiography-phantom", ("COVID-19", "ROC")),
        ("probe-rsna-phantom", ("AUC over the share",)),
        ("segmentation-siim-phantom", ("Dice over the share",)),
        ("retrieval-mimic_multi-phantom", ("hit@K", "P@K")),
        ("grounding-rsna-phantom", ("Grounding",)),
        ("ablation-mimic_multi-phantom", ("ACC", "F1", "AUC")),
        ("case_study-mimic_fg-phantom", ("Mean similarity", "How well")),
        ("prompts-chestxray14-phantom", ("Macro AUC by the wording",)),
        ("subgroups-chestxray14-phantom", ("Macro AUC of each subgroup",)),
        ("extraction-mimic_multi-phantom", ("Presence F1",)),
        ("report_consistency-mimic_multi-phantom", ("AUC of true reports",)),
    ],
)
def test_families_have_their_figures(drawn, task, captions):
    found = [drawing.caption for drawing in drawn[task]]
    assert len(found) == len(captions)
    for caption, wanted in zip(found, captions, strict=True):
        assert caption.startswith(wanted)


def test_the_bars_say_the_record_s_figures(drawn, records):
    record = next(r for r in records if r.task == "zero_shot-chestxray14-phantom")
    svg = drawn[record.task][0].svg
    shown = re.findall(r">(\d\.\d\d)</text>", svg)
    best = sorted((e.value for row in record.of_kind("class")
                   if (e := row.metrics["auc"]).value is not None), reverse=True)  # fmt: skip
    assert [f"{value:.2f}" for value in best] == shown[-len(best) :]


def test_an_undefined_class_is_not_drawn(drawn):
    svg = "".join(d.svg for d in drawn["zero_shot-chestxray14-phantom"])
    assert "Cardiomegaly" in svg
    assert "Hernia" not in svg


def test_a_record_without_figures_is_drawn_without(maker):
    record = maker().multi("rsna", "RSNA", ("x",))
    assert figures(record.model_copy(update={"rows": (), "series": Series()})) == ()


def test_many_classes_are_cut_and_said(maker):
    record = maker().multi("own", "own", [f"finding {k}" for k in range(40)])
    found = figures(record)
    assert found[0].svg.count("finding") == 32
    assert "best 32 of 39" in found[0].caption
    assert found[1].svg.count("finding") == len(COLOURS)
    assert f"best {len(COLOURS)} of 39" in found[1].caption


def test_curves_over_shares_show_what_takes_no_skill(drawn):
    probe, segmentation = (drawn[f"{t}-phantom"][0] for t in ("probe-rsna", "segmentation-siim"))
    assert probe.caption.endswith("95 % bands; the dashed line is chance.")
    assert segmentation.caption.endswith("the dashed line is an answer that is always empty.")
    assert "stroke-dasharray" in segmentation.svg


def test_an_empty_answer_that_has_nothing_is_no_line(records):
    record = next(r for r in records if r.task == "segmentation-siim-phantom")
    nothing = {"dice": Estimate(value=0.0, low=0.0, high=0.0)}
    rows = tuple(
        row.model_copy(update={"metrics": {**row.metrics, **nothing}}) if row.id == "all-empty"
        else row
        for row in record.rows
    )  # fmt: skip
    shown = figures(record.model_copy(update={"rows": rows}))[0]
    assert shown.caption.endswith("with 95 % bands.")
    assert "stroke-dasharray" not in shown.svg
