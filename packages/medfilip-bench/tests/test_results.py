"""RunRecord: load after save is the identity, and nothing undefined goes without a reason."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medfilip_bench.errors import ResultError
from medfilip_bench.metrics.measure import Measure
from medfilip_bench.results import (
    DataInfo,
    Estimate,
    ModelInfo,
    Provenance,
    Row,
    RunRecord,
    read_results,
    to_json,
)
from medfilip_bench.stats import Interval
from pydantic import ValidationError


@pytest.fixture
def records():
    """Two small records of one model."""
    half = Estimate(value=0.5, low=0.4, high=0.6)
    rows = (
        Row(id="mass", name="Mass", kind="class", n=9, positives=3, metrics={"auc": half}),
        Row(id="all-negative", name="all-negative", kind="baseline", n=9, metrics={"auc": half}),
    )
    return [
        RunRecord(
            task=f"zero_shot-{name}",
            family="zero_shot",
            title=name,
            about="?",
            key="0",
            phantom=False,
            model=ModelInfo(name="tiny", spec="run:tiny", sha256="a", trained_on="nothing"),
            data=DataInfo(name=name, phantom=False, sha256="b", n=9, patients=9, split="test"),
            metrics={"auc": half},
            rows=rows,
            provenance=Provenance(
                command="x",
                created="2026-11-20T10:00:00+00:00",
                duration_s=1.0,
                seed=0,
                replicates=9,
                profile="quick",
                versions={},
                machine={},
            ),
        )
        for name in ("one", "two")
    ]


def test_round_trip(records, tmp_path):
    for record in records:
        path = tmp_path / record.model.name / f"{record.task}.json"
        record.write(path)
        assert RunRecord.read(path) == record
    assert len(read_results(tmp_path)) == len(records)
    assert not list(tmp_path.rglob("*.tmp"))


@settings(max_examples=30, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(0, 1), st.text(min_size=1))
def test_any_estimate_survives_json(value, width, reason):
    for estimate in (
        Estimate(value=value),
        Estimate(value=value, low=value - width, high=value),
        Estimate(value=None, reason=reason),
    ):
        assert Estimate.model_validate_json(estimate.model_dump_json()) == estimate


@pytest.mark.parametrize(
    "fields",
    [
        {"value": None},
        {"value": float("nan")},
        {"value": 0.5, "low": 0.1},
        {"value": 0.5, "extra": 1},
    ],
)
def test_estimates_that_hide_something_are_refused(fields):
    with pytest.raises(ValidationError):
        Estimate(**fields)


def test_an_estimate_keeps_the_reasons():
    assert Estimate.of(Measure(None, "no positives")).reason == "no positives"
    half = Estimate.of(Measure(0.5), Interval(None, None, "undefined in 9 of 10 replicates"))
    assert half.value == 0.5
    assert half.reason == "no interval: undefined in 9 of 10 replicates"


@pytest.mark.parametrize("content", ["", "{}", "[1, 2]", '{"format": 1}', "\x00"])
def test_a_file_that_is_no_record_is_named(tmp_path, content):
    path = tmp_path / "tiny" / "unseen.json"
    path.parent.mkdir()
    path.write_text(content)
    with pytest.raises(ResultError, match=r"unseen\.json' is not a run record"):
        RunRecord.read(path)


def test_missing_and_empty_folders_say_what_to_do(tmp_path):
    with pytest.raises(ResultError, match="run `medfilip-bench all` first"):
        read_results(tmp_path / "none")
    with pytest.raises(ResultError, match="holds no <model>/<task>"):
        read_results(tmp_path)


def test_json_for_programs_has_figures_and_no_curves(records):
    rows = json.loads(to_json(records))
    assert [row["task"] for row in rows] == [record.task for record in records]
    assert all("series" not in row for row in rows)


def test_rows_by_kind(records):
    record = records[0]
    assert len(record.of_kind("class")) == 1
    assert record.of_kind("baseline")[0].id == "all-negative"
