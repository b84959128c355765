"""Headlines: measured, best trivial baseline, published, each in a column of its own."""

import pytest
from medfilip_bench.report.naming import FAMILIES
from medfilip_bench.report.summary import COLUMNS, PUBLISHED_COLUMN, as_text, headlines, summary


def of(records, task):
    record = next(r for r in records if r.task == task)
    return {line.name: line.cells for line in summary([record]).lines if line.cells}


def test_every_family_has_a_headline_that_exists(records):
    assert {record.family for record in records} == set(FAMILIES)
    for record in records:
        assert headlines(record), record.task
        for line in summary([record]).lines[1:]:
            assert line.cells[0].text not in ("", "·"), record.task


def test_published_figures_stand_in_a_column_of_their_own(records):
    table = summary(records)
    assert table.columns[table.theirs] == PUBLISHED_COLUMN == "published (other data)"
    cells = of(records, "zero_shot-mimic_16-phantom")
    assert [cells[name][2].text for name in ("ACC", "macro F1")] == ["0.7471", "0.3753"]
    assert cells["ACC"][2].small == "MedFILIP, MIMIC-16 ACC"
    assert of(records, "zero_shot-rsna-phantom")["macro AUC"][2].text == "0.8694"


def test_no_published_figure_stands_beside_other_data_sets(records):
    others = [r for r in records if r.task in ("zero_shot-nih_cxr14_320", "segmentation-kermany")]
    mixed = [*others, *(r for r in records if r.task == "segmentation-siim-phantom")]
    lines = [line for line in summary(mixed).lines if line.cells]
    assert sum(bool(line.cells[2].text) for line in lines) == 2
    # Nor a column for them, where there is none at all.
    alone = summary(others)
    assert (alone.columns, alone.theirs) == (COLUMNS, None)
    assert all(len(line.cells) == 2 for line in alone.lines if line.cells)
    assert "published" not in "\n".join([alone.caption, *as_text(alone)])
    assert of(records, "segmentation-siim-phantom")["Dice at 1 % of the labels"][2].text == "0.6851"


def test_the_measured_figure_is_the_record_s(records):
    record = next(r for r in records if r.task == "probe-rsna-phantom")
    cells = of(records, "probe-rsna-phantom")["AUC at 1 % of the labels"]
    assert float(cells[0].text) == pytest.approx(record.metrics["auc@0.01"].value, abs=0.0005)


def test_dice_on_positives_stands_beside_the_dice_that_an_empty_answer_wins(records):
    record = next(r for r in records if r.task == "segmentation-siim-phantom")
    wanted = next(r for r in record.rows if r.id == "run-phantom@1.0").metrics["dice_positive"]
    cells = of(records, record.task)["Dice on positives at 100 %"]
    assert float(cells[0].text) == pytest.approx(wanted.value, abs=0.0005)
    assert cells[1].small == "all-empty"


def test_a_direction_is_held_against_its_own_baseline(records):
    record = next(r for r in records if r.task == "retrieval-mimic_multi-phantom")
    rows = {row.id: row for row in record.rows}
    cells = of(records, "retrieval-mimic_multi-phantom")
    for name, row in (("image→text hit@1", "i2t"), ("text→image hit@1", "t2i")):
        wanted = rows[f"{row}:random model"].metrics["hit@1"].value
        assert float(cells[name][1].text) == pytest.approx(wanted, abs=0.0005)


def test_each_mistake_is_held_against_who_notices_it_without_skill(records):
    record = next(r for r in records if r.task == "report_consistency-mimic_multi-phantom")
    rows = {row.id: row for row in record.rows}
    cells = of(records, record.task)
    assert len(cells) == 5
    for name, kind in (("AUC, a finding added", "added"), ("AUC, a side swapped", "side")):
        measured, best = cells[name]
        assert float(measured.text) == pytest.approx(rows[kind].metrics["auc"].value, abs=0.0005)
        others = {
            owner: rows[f"{kind}:{owner}"].metrics["auc"].value
            for owner in ("the text alone", "random model")
        }
        assert best.small == max(others, key=others.get)
        assert float(best.text) == pytest.approx(others[best.small], abs=0.0005)


def test_the_best_baseline_is_the_best(records):
    record = next(r for r in records if r.task == "zero_shot-rsna-phantom")
    best = max(record.of_kind("baseline"), key=lambda row: row.metrics["auc"].value)
    cell = of(records, "zero_shot-rsna-phantom")["macro AUC"][1]
    assert cell.small == best.name
    assert float(cell.text) == pytest.approx(best.metrics["auc"].value, abs=0.0005)


def test_as_text_names_task_data_and_model(records):
    lines = as_text(summary(records))
    assert lines[0].split() == [
        "figure", "measured", "here", "best", "trivial", "baseline", "published", "(other", "data)",
    ]  # fmt: skip
    assert "Zero-shot, MIMIC-16 (1,000 PHANTOMS, model run-phantom)" in lines
    assert "Zero-shot, nih_cxr14_320 (1,000 real images, model run-phantom)" in lines
    assert all(line == line.rstrip() for line in lines)
    figures = [line for line in lines if line.startswith("  ACC  ")]
    assert figures
    assert figures[0].endswith("0.7471")


def test_a_family_without_fixed_headlines_shows_what_it_has(records):
    assert list(of(records, "subgroups-chestxray14-phantom")) == ["AUC"]
    assert list(of(records, "ablation-mimic_multi-phantom")) == ["F1"]
