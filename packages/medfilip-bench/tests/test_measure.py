"""One job: what makes its record another, when it is measured again, and what it is warned of."""

import pytest
from medfilip_bench import BenchConfig, RunRecord, run, run_all
from medfilip_bench.profiles import PROFILES

pytestmark = pytest.mark.usefixtures("no_figures", "few_trained")
ROWS = [
    (f"{n:03}.png", "Mass" if n % 3 else "No Finding", str(n), split)
    for n, split in enumerate(["train"] * 12 + ["valid"] * 6 + ["test"] * 12)
]


@pytest.fixture
def own(tmp_path, make_folder):
    """A config and its data set: a dozen images to learn from, a dozen to judge."""
    return BenchConfig(
        model="random",
        data=make_folder(tmp_path / "own", ROWS),
        out=tmp_path / "results",
        work=tmp_path / "runs",
        n=20,
        replicates=20,
        references=(),
    )


def test_what_decides_the_figures_makes_another_key(own):
    changes = ({}, {"replicates": 21}, {"seed": 1}, {"pictures": True}, {"limit": 5})
    keys = [run("zero_shot-own", own.model_copy(update=change)).key for change in changes]
    assert len(set(keys)) == len(changes)


def test_a_profile_makes_another_key_where_something_is_trained(own, monkeypatch):
    quick = PROFILES["quick"].model_copy(update={"fractions": (1.0,)})
    more = quick.model_copy(update={"name": "full", "seeds": (0, 1)})
    monkeypatch.setattr("medfilip_bench.setup.PROFILES", {"quick": quick, "full": more})
    full = own.model_copy(update={"profile": "full"})
    assert run("probe-own", own).key != run("probe-own", full).key
    assert run("zero_shot-own", own).key == run("zero_shot-own", full).key


def test_without_resume_a_record_is_measured_again(own):
    run("zero_shot-own", own)
    path = own.out / "random" / "zero_shot-own.json"
    before = path.stat().st_mtime_ns
    run("zero_shot-own", own)
    assert path.stat().st_mtime_ns == before
    run("zero_shot-own", own.model_copy(update={"resume": False}))
    assert path.stat().st_mtime_ns > before


def test_a_limit_holds_for_each_split(own):
    data = run("zero_shot-own", own.model_copy(update={"limit": 5})).data
    assert (data.n, data.threshold_n) == (5, 5)


def test_what_is_fitted_is_judged_on_the_test_split_alone(own):
    assert run("probe-own", own.model_copy(update={"split": "all"})).data.n == 12


def test_what_a_model_cannot_do_is_said_before_any_image_is_read(own):
    done = run_all(own.model_copy(update={"tasks": ("fine_tune-rsna-phantom",)}))
    (over,) = done.passed_over
    assert over.reason == ("the model 'random' has no trainable backbone, which this task asks")


def test_a_kept_record_is_warned_of_a_set_that_came_later(own, make_folder, tmp_path):
    root = tmp_path / "two"
    for name in ("a", "b"):
        # The same noise in both.
        make_folder(root / name, ROWS)
    both = own.model_copy(update={"data": root})
    (alone,) = run_all(both.model_copy(update={"tasks": ("zero_shot-a",)})).records
    assert alone.warnings == ()
    kept, _ = run_all(both.model_copy(update={"tasks": ("zero_shot-a", "zero_shot-b")})).records
    assert kept.provenance == alone.provenance
    assert any("12 of 12 test images look the same" in said for said in kept.warnings)
    assert RunRecord.read(own.out / "random" / "zero_shot-a.json").warnings == kept.warnings
