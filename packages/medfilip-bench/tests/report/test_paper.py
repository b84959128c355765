"""The paper's tables: measured lines first, both protocols, published rows apart and as printed."""

import pytest
from medfilip_bench.report.paper import paper_tables
from medfilip_bench.report.published import load_published
from medfilip_bench.report.table import NONE


@pytest.fixture(scope="module")
def tables(records):
    return {table.id: table for table in paper_tables(records)}


def lines(table, kind):
    return [line for line in table.lines if line.kind == kind]


def test_every_table_of_the_paper_is_there_in_order(tables):
    numbers = [int(name.partition("_")[0].removeprefix("table")) for name in tables]
    assert numbers == sorted(numbers)
    assert set(numbers) == set(range(1, 15))
    assert {table.tag for name, table in tables.items() if name.endswith("_phantom")} == {"PHANTOM"}
    assert {table.tag for name, table in tables.items() if name.endswith("_real")} == {
        "REAL IMAGES"
    }


def test_every_line_fits_the_columns(tables):
    for table in tables.values():
        assert sum(span for _, span in table.groups) in (0, len(table.columns))
        for line in table.lines:
            assert len(line.cells) == (0 if line.kind == "divider" else len(table.columns) - 1)


def test_table_1_has_both_protocols_beside_the_published_rows(tables, records):
    table = tables["table1_zero_shot_phantom"]
    assert [name for name, _ in table.groups[1:]] == [
        f"{name} (n\u00a01,000)"
        for name in (
            "MIMIC-16", "RSNA-Pneumonia", "MIMIC-multi", "ChestX-ray14", "VinBigData", "MIMIC-FG",
        )
    ]  # fmt: skip
    paper, held = lines(table, "model")
    assert (paper.small, held.small) == ("paper threshold", "held-out threshold")
    rsna = next(r for r in records if r.task == "zero_shot-rsna-phantom")
    column = table.columns.index("ACC", 3) - 1
    for line, protocol in ((paper, "paper"), (held, "held-out")):
        shown = float(line.cells[column].text)
        assert shown == pytest.approx(rsna.metrics[f"acc@{protocol}"].value, abs=0.0005)
    single = next(r for r in records if r.task == "zero_shot-mimic_16-phantom")
    assert paper.cells[:2] == held.cells[:2]
    assert float(paper.cells[1].text) == pytest.approx(single.metrics["macro_f1"].value, abs=0.0005)
    published = lines(table, "published")
    assert [line.name for line in published][-1] == "MedFILIP"
    assert [cell.text for cell in published[-1].cells[:4]] == [
        "0.7471",
        "0.3753",
        "0.8123",
        "0.6608",
    ]
    assert [line.name for line in lines(table, "baseline")][::2] == [
        "all-negative", "prevalence", "random model",
    ]  # fmt: skip


def test_published_rows_come_last_under_a_divider_that_says_other_data(tables):
    for table in tables.values():
        kinds = [line.kind for line in table.lines]
        if "published" in kinds:
            first = kinds.index("divider")
            assert set(kinds[first:]) == {"divider", "published"}
            assert "published" not in kinds[:first]
            assert table.lines[first].name.startswith("Published, other data: ")


def test_no_published_figure_is_among_the_measured(tables):
    """A published row holds its own table's figures, each under its own column."""
    table = tables["table2_probe_rsna_phantom"]
    theirs = load_published().tables["probe_rsna"]
    for line in lines(table, "published"):
        row = next(row for row in theirs.rows if row.name == line.name)
        assert [float(c.text) for c in line.cells] == pytest.approx([v / 100 for v in row.values])


def test_trained_tables_say_how_much_was_spent(tables):
    assert tables["table2_probe_rsna_phantom"].note == "Quick profile: 1 seed, short schedules."
    assert "s.d." in tables["table4_segmentation_kermany_real"].lines[0].cells[0].small


def test_the_ablation_stands_over_the_baselines_of_the_same_images(tables):
    ablation, zero_shot = tables["table6_ablation_phantom"], tables["table1_zero_shot_phantom"]
    assert lines(ablation, "baseline") == lines(zero_shot, "baseline")
    assert [line.name for line in lines(ablation, "model")][::2] == [
        "report text", "entity", "+FG", "+SSM", "+IKI",
    ]  # fmt: skip


def test_retrieval_keeps_p_at_k_and_hit_at_k_apart(tables):
    own = lines(tables["table5_retrieval_phantom"], "model")
    assert [line.small for line in own] == ["P@K, divided by K", "hit@K"]


def test_real_images_of_no_published_column_have_a_table_without_published_rows(tables):
    table = tables["table8_other_sets_real"]
    assert table.groups[1][0] == "nih_cxr14_320 (n\u00a01,000)"
    assert not lines(table, "published")
    assert "table1_zero_shot_real" not in tables


def test_a_column_without_any_measured_or_published_figure_is_left_out(tables):
    table = tables["table8_other_sets_phantom"]
    assert table.columns == ("", "F1", "ACC")
    assert [line.small for line in lines(table, "model")] == [""]


def test_a_paper_column_that_was_not_run_stays_and_says_so(maker):
    (table, *_) = paper_tables([maker().multi("rsna", "RSNA", ("x",))])
    assert len(table.columns) == 13
    assert lines(table, "model")[0].cells[0] == NONE
    assert "not measured" in table.note


def test_a_baseline_that_names_its_class_is_one_line_over_all_data_sets(maker):
    made, records = maker(), []
    for dataset in ("mimic_16", "mimic_fg"):
        record = made.single(dataset, dataset, ("x", "y"))
        row = record.of_kind("baseline")[0].model_copy(
            update={"id": "majority", "name": f"majority (always {dataset})"}
        )
        records.append(record.model_copy(update={"rows": (*record.rows, row)}))
    table = paper_tables(records)[0]
    (line,) = [line for line in table.lines if line.name.startswith("majority")]
    assert NONE not in (line.cells[0], line.cells[-1])


def test_the_best_of_several_models_is_marked(maker):
    records = [m.multi("rsna", "RSNA", ("x",)) for m in (maker("a"), maker("b", seed=1))]
    alone = maker("a", seed=2).multi("mimic_multi", "MIMIC", ("x",))
    table = paper_tables([*records, alone])[0]
    assert not any(line.cells[4].best for line in lines(table, "model"))
    one, other = (line for line in lines(table, "model") if line.small == "paper threshold")
    better = max((one, other), key=lambda line: float(line.cells[2].text))
    assert [line.cells[2].best for line in (one, other)] == [one is better, other is better]
    assert not any(
        cell.best for line in table.lines if line.kind == "published" for cell in line.cells
    )


def test_nothing_measured_is_no_table():
    assert paper_tables([]) == ()


def test_mistakes_stand_side_by_side_and_baselines_in_the_record(tables, records):
    table = tables["table14_report_consistency_mimic_multi_phantom"]
    record = next(r for r in records if r.task == "report_consistency-mimic_multi-phantom")
    rows = {row.id: row for row in record.rows}
    (line,) = lines(table, "model")
    shown = {
        (words, group): cell.text
        for words, group, cell in zip(
            table.columns[1:],
            [name for name, span in table.groups for _ in range(span)][1:],
            line.cells,
            strict=True,
        )
    }
    for kind, words in (("added", "finding added"), ("negation", "finding denied")):
        value = rows[kind].metrics["auc_own"].value
        found = [v for key, v in shown.items() if "own AUC" in key and words in str(key)]
        assert [float(v) for v in found] == [pytest.approx(value, abs=0.0005)]
