"""Fine-tuning: against the random twin, kept file by file, off in the quick profile elsewhere."""

from dataclasses import replace

import pytest
from medfilip_bench.errors import NotApplicableError
from medfilip_bench.learning.initial import RANDOM
from medfilip_bench.tasks import fine_tune

COUNTS = {"train": 24, "valid": 16, "test": 20}


def test_every_start_share_and_seed_is_trained_and_kept(bench, planted, monkeypatch):
    data = planted(COUNTS)
    trained = []
    inner = fine_tune.fine_tune

    def count(backbone, data, parts, *args, **kwargs):
        first = next(backbone.module.parameters()).sum().item()
        trained.append((len(parts.train), kwargs["seed"], first))
        return inner(backbone, data, parts, *args, **kwargs)

    monkeypatch.setattr(fine_tune, "fine_tune", count)
    outcome = fine_tune.run(bench, data)
    # A tenth of 24 patients and all of them, by two seeds, from two starts.
    assert sorted(n for n, _, _ in trained) == [2] * 4 + [24] * 4
    # The model's weights are the same for both seeds, the twin's are drawn anew.
    assert len({first for _, _, first in trained}) == 3
    rows = {row.id: row for row in outcome.rows}
    assert {row.of for row in outcome.rows if row.kind == "share"} == {"blocks", RANDOM}
    own = rows["blocks@1.0"]
    assert (own.seeds, own.share, own.n) == (2, 1.0, 20)
    gain = own.metrics["auc"].value - rows[f"{RANDOM}@1.0"].metrics["auc"].value
    assert own.metrics["auc_gain"].value == pytest.approx(gain)
    assert own.metrics["auc_gain"].low <= gain <= own.metrics["auc_gain"].high
    assert "auc_gain" not in rows[f"{RANDOM}@1.0"].metrics
    files = sorted((bench.work / "trained").iterdir())
    assert len(files) == 2 * 2 * 2

    # What was killed after three trainings goes on with the others, and ends with the same numbers.
    for file in files[3:]:
        file.unlink()
    trained.clear()
    again = fine_tune.run(bench, data)
    assert len(trained) == 5
    assert again.rows == outcome.rows


def test_references_are_trained_where_the_profile_says_so(bench, planted, monkeypatch):
    asked = []

    def enough(_, references):
        asked.append([reference.name for reference in references])
        raise NotApplicableError("enough")

    monkeypatch.setattr(fine_tune, "initials", enough)
    for wanted in (True, False):
        profile = bench.profile.model_copy(update={"fine_tune_references": wanted})
        with pytest.raises(NotApplicableError, match="enough"):
            fine_tune.run(replace(bench, profile=profile), planted(COUNTS))
    assert asked == [["other"], []]


def test_a_model_without_an_encoder_to_train_is_not_asked(bench, planted):
    fixed = replace(bench, encoder=bench.random)
    with pytest.raises(NotApplicableError, match="'random' has no encoder"):
        fine_tune.run(fixed, planted(COUNTS))


def test_a_profile_may_leave_a_data_set_out(bench, planted):
    profile = bench.profile.model_copy(update={"fine_tune_sets": ("rsna",)})
    with pytest.raises(NotApplicableError, match="fine-tunes on rsna only"):
        fine_tune.run(replace(bench, profile=profile), planted(COUNTS))
