"""The full table of a record: protocols side by side, positives shown, nulls with their reason."""

from medfilip_bench.report.detail import detail, facts
from medfilip_bench.report.table import Cell
from medfilip_bench.results import Estimate, Row


def by_task(records, task):
    return next(record for record in records if record.task == task)


def test_protocols_head_their_columns_side_by_side(records):
    table = detail(by_task(records, "zero_shot-chestxray14-phantom"))
    assert table.groups == (
        ("", 5),
        ("paper threshold", 2),
        ("held-out threshold", 2),
        ("threshold used", 2),
    )
    assert table.columns[1] == "positives / n"
    assert table.columns[-2:] == ("paper", "held-out")
    assert {len(line.cells) + 1 for line in table.lines} == {len(table.columns)}
    assert table.lines[0].kind == "overall"
    assert [line.kind for line in table.lines[-3:]] == ["baseline"] * 3


def test_positives_are_shown_and_a_null_has_its_reason(records):
    table = detail(by_task(records, "zero_shot-chestxray14-phantom"))
    hernia = next(line for line in table.lines if line.name == "Hernia")
    assert hernia.cells[0] == Cell("0 / 1,000")
    assert hernia.cells[1] == Cell("—", "no positives", why=True)


def test_initialisations_have_headings_and_shares_are_lines(records):
    table = detail(by_task(records, "probe-rsna-phantom"))
    dividers = [line.name for line in table.lines if line.kind == "divider"]
    assert dividers[0] == "run-phantom"
    assert dividers[-1] == "trivial baselines"
    assert [line.name for line in table.lines[1:4]] == [
        "1 % of the labels",
        "10 % of the labels",
        "100 % of the labels",
    ]
    assert "quick profile" in table.caption


def test_who_doubts_a_report_has_a_heading_and_the_mistakes_are_lines(records):
    table = detail(by_task(records, "report_consistency-mimic_multi-phantom"))
    lines = [(line.name, line.kind) for line in table.lines]
    dividers = [name for name, kind in lines if kind == "divider"]
    assert dividers == ["run-phantom", "the text alone", "random model"]
    place = lines.index(("the text alone", "divider"))
    assert lines[place + 1] == ("finding added", "baseline")
    assert lines[place - 1] == ("finding denied", "row")
    assert table.columns[2:4] == ("AUC", "own AUC")


def test_classes_of_a_share_keep_their_names(maker):
    made = maker()
    record = made.shares("probe", "rsna", "Probe", ("auc",), ("run-phantom",))
    own = tuple(
        Row(
            id=f"{name}@1.0", name=name, kind="class", n=10, metrics=made.metrics(("auc",)),
            of="run-phantom", share=1.0,
        )
        for name in ("Mass", "Nodule")
    )  # fmt: skip
    table = detail(record.model_copy(update={"rows": record.rows + own}))
    place = next(
        n
        for n, line in enumerate(table.lines)
        if line.name == "run-phantom: classes at 100 % of the labels"
    )
    assert [line.name for line in table.lines[place + 1 : place + 3]] == ["Mass", "Nodule"]


def test_a_bare_name_that_both_protocols_say_is_shown_once(maker):
    made = maker()
    names = ("dice", "dice@paper", "dice@held-out")
    record = made.shares("segmentation", "siim", "Seg", names, ("run-phantom",))
    floor = made.estimate(0.3)
    rows = tuple(
        row.model_copy(update={"metrics": {"dice": floor}}) if row.kind == "baseline" else row
        for row in record.rows
    )
    table = detail(record.model_copy(update={"rows": rows}))
    assert table.columns == ("", "n", "Dice", "Dice")
    assert dict(table.groups) == {"": 2, "paper threshold": 1, "held-out threshold": 1}
    assert table.lines[-1].cells[1] == table.lines[-1].cells[2] != Cell("")


def test_a_bare_name_of_rows_without_protocols_keeps_its_column(records):
    table = detail(by_task(records, "ablation-mimic_multi-phantom"))
    assert table.columns.count("ACC") == 3
    single = next(line for line in table.lines if line.cells)
    assert single.cells[table.columns.index("ACC") - 1].text not in ("", "·")


def test_headlines_without_a_column_are_facts(records):
    ((name, gain),) = facts(by_task(records, "unseen-covid_radiography-phantom"))
    assert (name, gain) == ("AUC gain", Cell("0.031", "−0.012 – 0.070"))
    assert facts(by_task(records, "probe-rsna-phantom")) == ()
    assert facts(by_task(records, "zero_shot-chestxray14-phantom")) == ()
    assert facts(by_task(records, "case_study-mimic_fg-phantom")) == ()
    names = [name for name, _ in facts(by_task(records, "prompts-chestxray14-phantom"))]
    assert names == ["AUC of the best wording", "AUC of the worst wording", "AUC between them"]


def test_every_record_has_a_rectangular_table(records):
    for record in records:
        table = detail(record)
        for line in table.lines:
            assert len(line.cells) in (0, len(table.columns) - 1), (record.task, line.name)
        assert sum(span for _, span in table.groups) in (0, len(table.columns))


def test_cut_offs_of_one_metric_stand_together(maker):
    record = maker().retrieval()
    mixed = ("p@1", "hit@1", "p@3", "hit@3", "mrr")
    rows = tuple(
        row.model_copy(update={"metrics": {m: row.metrics[m] for m in mixed}})
        for row in record.rows
    )
    table = detail(record.model_copy(update={"rows": rows}))
    assert table.columns[2:] == ("P@1", "P@3", "hit@1", "hit@3", "MRR")


def test_seeds_are_said(maker):
    record = maker().shares("segmentation", "siim", "Seg", ("dice",), ("run-phantom",), seeds=3)
    assert detail(record).lines[0].small == "3 seeds"
    assert Estimate(value=None, reason="x").reason == "x"
