import pytest
from gpt_ie.rules.engine import RulesEngine


def places(engine: RulesEngine, text: str) -> list[tuple[str, str | None, str | None]]:
    return [
        (one.finding.category, one.finding.side, one.finding.region) for one in engine.explain(text)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Right lung and left base opacity.", [
            ("lung_opacity", "right", None), ("lung_opacity", "left", "base")]),
        ("Right and left base opacity.", [("lung_opacity", "bilateral", "base")]),
        ("Right upper and lower lobe opacities.", [
            ("lung_opacity", "right", "upper"), ("lung_opacity", "right", "lower_lobe")]),
        ("Effusion, left greater than right.", [("pleural_effusion", "bilateral", None)]),
        ("Left base opacity consistent with atelectasis.", [
            ("lung_opacity", "left", "base"), ("atelectasis", "left", "base")]),
        ("Left effusion with cardiomegaly.", [
            ("pleural_effusion", "left", None), ("cardiomegaly", None, None)]),
        ("Left effusion, no pneumothorax.", [
            ("pleural_effusion", "left", None), ("pneumothorax", None, None)]),
        ("Clips in the left upper quadrant.", [("surgical_clips", "left", None)]),
        ("Atelectasis above the left upper quadrant.", [("atelectasis", None, None)]),
    ],
)  # fmt: skip
def test_places(engine: RulesEngine, text: str, expected: list[tuple[str, str | None, str | None]]):
    assert places(engine, text) == expected


@pytest.mark.parametrize(
    ("text", "severity", "trend"),
    [
        ("Mild to moderate edema.", "moderate", None),
        ("Moderate, slightly loculated effusion.", "moderate", None),
        ("Slightly improved edema.", None, "improved"),
        ("Slight interval worsening of edema.", None, "worsened"),
        ("Small stable effusion.", "small", "stable"),
        ("Edema, more marked on the left.", None, None),
        ("Small amount of pleural fluid.", "small", None),
        ("No change in mild edema.", "mild", "stable"),
        ("Effusion which is small and unchanged.", "small", "stable"),
        ("Opacity along the minor fissure.", None, None),
    ],
)
def test_severity_and_trend(
    engine: RulesEngine, text: str, severity: str | None, trend: str | None
):
    (reading,) = engine.explain(text)
    assert (reading.finding.severity, reading.finding.trend) == (severity, trend)


def test_a_normal_heart_has_no_severity_and_no_region(engine: RulesEngine):
    (reading,) = engine.explain("The heart is at the upper limits of normal, grossly unchanged.")
    finding = reading.finding
    assert (finding.severity, finding.region, finding.presence) == (None, None, "absent")


def test_two_names_in_one_noun_phrase_share_the_severity(engine: RulesEngine):
    readings = engine.explain("Small nodular right apical scarring.")
    assert [one.finding.severity for one in readings] == ["small", "small"]


def test_a_place_inside_a_name_is_not_shared_with_the_list(engine: RulesEngine):
    readings = engine.explain("No rib fractures, pneumothorax, or pleural effusion.")
    regions = {one.finding.category: one.finding.region for one in readings}
    assert regions == {"rib_fracture": "rib", "pneumothorax": None, "pleural_effusion": None}
