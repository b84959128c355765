"""Records taken apart: who is compared, and where a baseline holds."""

from medfilip_bench.report.flat import baseline_name, flatten


def test_models_first_then_references_then_baselines(maker):
    made = maker()
    owners = ("random initialisation", "run-phantom")
    flat = flatten([made.shares("probe", "rsna", "Probe", ("auc",), owners)])
    assert list(flat.kinds.items()) == [
        ("run-phantom", "model"),
        ("random initialisation", "reference"),
        ("prevalence", "baseline"),
        ("random model", "baseline"),
    ]
    assert flat.place_names("rsna") == {"1 %": "1 %", "10 %": "10 %", "100 %": "100 %"}


def test_a_baseline_of_the_whole_holds_at_every_place(maker):
    record = maker().shares("probe", "rsna", "Probe", ("auc",), ("run-phantom",))
    flat = flatten([record])
    row = next(row for row in record.rows if row.name == "prevalence")
    assert flat.at("prevalence", "rsna", "10 %").metrics == row.metrics
    assert flat.at("run-phantom", "rsna", "5 %") is None


def test_a_baseline_of_one_direction_holds_there_alone(maker):
    record = maker().retrieval()
    rows = {row.id: row for row in record.rows}
    flat = flatten([record])
    found = flat.at("random model", "mimic_multi", "t2i")
    assert found.metrics == rows["t2i:random model"].metrics != rows["i2t:random model"].metrics
    assert baseline_name(rows["t2i:random model"]) == ("t2i", "random model")


def test_one_reference_beside_two_models_is_one_line_if_it_is_the_same(maker):
    first, second = maker("a"), maker("b", seed=1)
    owners = {"a": ("a", "ResNet50"), "b": ("b", "ResNet50")}
    one = first.shares("probe", "rsna", "Probe", ("auc",), owners["a"])
    other = second.shares("probe", "rsna", "Probe", ("auc",), owners["b"])
    assert "ResNet50 (beside b)" in flatten([one, other]).kinds
    same = tuple(row for row in one.rows if row.of == "ResNet50")
    rest = tuple(row for row in other.rows if row.of != "ResNet50")
    agreed = other.model_copy(update={"rows": rest + same})
    assert [k for k in flatten([one, agreed]).kinds if "ResNet" in k] == ["ResNet50"]


def test_steps_of_an_ablation_are_lines_and_their_data_sets_columns(maker):
    flat = flatten([maker().ablation()])
    assert list(flat.kinds) == ["report text", "entity", "+FG", "+SSM", "+IKI"]
    assert "mimic_fg" in flat.datasets
    assert flat.at("+FG", "rsna", "").metrics["acc@paper"].value is not None
