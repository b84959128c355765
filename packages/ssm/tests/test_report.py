import json

import pytest
import torch
from ssm import Calibration, LabelBank
from ssm.groups import measure_groups
from ssm.report import group_lines, record, spread_lines
from ssm.spread import measure_spread

# Angles 0°, 60°, 90°, 180°: cosines 0.5, 0, −1; cos 30°, cos 120°; 0.
UNIT = torch.tensor([[1.0, 0.0], [0.5, 3**0.5 / 2], [0.0, 1.0], [-1.0, 0.0]])
GROUPS = ("a", "a", "b", "longer name")


def bank(calibration=None):
    return LabelBank(
        ("east", "north\neast", "north", "w" * 100), UNIT, "hand", "f", calibration or Calibration()
    )


def stages(measure, bank, *given):
    found = {"cosine": measure(bank.embeddings, *given)}
    if bank.calibration.method != "none":
        found["calibrated"] = measure(bank.embeddings, *given, calibration=bank.calibration)
    return found


def test_spread_lines():
    plain = bank()
    lines = spread_lines(plain, stages(lambda e: measure_spread(e, 1), plain))
    assert lines == [
        "4 texts, encoder hand, 6 pairs",
        "cosine: mean -0.022  0 % -1.000  5 % -1.000  50 % 0.000  95 % 0.866  100 % 0.866",
        "",
        "nearest",
        r"   0.866  'north\neast'  'north'",
        "",
        "farthest",
        f"  -1.000  'east'  '{'w' * 29}…{'w' * 29}'",
    ]


def test_spread_lines_with_a_calibration():
    moved = bank(Calibration("minmax", low=-1.0))
    lines = spread_lines(moved, stages(measure_spread, moved))
    assert lines[0].endswith(", calibration minmax")
    assert lines[2].startswith("calibrated: mean 0.489  0 % 0.000")
    assert lines[4:6] == ["nearest, calibrated", r"   0.933  'north\neast'  'north'"]


def test_group_lines():
    plain = bank()
    lines = group_lines(stages(lambda e: measure_groups(e, GROUPS), plain), "kind")
    assert lines[1:4] == [
        "by kind: 3 groups, pairs of 4 texts",
        "                        mean     5 %    50 %    95 %     ≤ 0",
        "cosine within          0.500   0.500   0.500   0.500      0%",
    ]
    assert lines[5] == "cosine gap 1.43 standard deviations, AUC 0.800"
    assert lines[7:] == [
        "kind          texts  within  most similar other",
        "a                 2   0.500   0.433 b",
        "b                 1       —   0.433 a",
        "longer name       1       —   0.000 b",
    ]


def test_group_lines_with_a_calibration():
    moved = bank(Calibration("minmax", low=-1.0))
    measured = {
        "cosine": measure_groups(UNIT, GROUPS),
        "calibrated": measure_groups(UNIT, GROUPS, moved.calibration),
    }
    lines = group_lines(measured, "kind")
    assert lines[3].startswith("cosine within")
    assert lines[6].startswith("calibrated within      0.750")
    assert lines[11].split() == ["a", "2", "0.750", "0.717", "b"]


def test_record_is_json():
    moved = bank(Calibration("minmax", low=-1.0))
    spreads = stages(measure_spread, moved)
    groups = {"cosine": measure_groups(UNIT, GROUPS)}
    found = json.loads(json.dumps(record(moved, spreads, groups, "kind"), allow_nan=False))
    assert found["calibration"] == {"method": "minmax", "low": -1.0, "high": 1.0}
    assert (found["texts"], found["cosine"]["pairs"]) == (4, 6)
    assert found["calibrated"]["percentiles"]["100"] == pytest.approx((3**0.5 / 2 + 1) / 2)
    assert found["groups"]["column"] == "kind"
    assert found["groups"]["cosine"]["groups"][1]["within"] is None
    assert "groups" not in record(moved, spreads, {}, None)
