"""The ablation's table: every row in every column, and a sentence where the order is another."""

from dataclasses import replace

import numpy as np
import pytest
from medfilip_bench.datasets import READERS
from medfilip_bench.datasets.twin import twin
from medfilip_bench.models.base import LoadedModel
from medfilip_bench.models.chance import RandomModel
from medfilip_bench.results import Estimate
from medfilip_bench.scoring import SeedTable
from medfilip_bench.scoring.drawn import Drawn
from medfilip_bench.tasks import ablation


@pytest.fixture
def no_training(monkeypatch):
    """Random models stand in for the runs; what was asked for is returned."""
    asked = []

    def trained(config, kb, folder, listener):
        asked.append((config.recipe, config.seed, config.epochs, config.data.train))
        return config.out

    def load(spec):
        # Another number of dimensions for each run: other figures.
        model = RandomModel(8 + len(asked))
        return LoadedModel(
            name=spec, spec=spec, model=model, sha256=spec, size=32, trained_on="nothing"
        )

    monkeypatch.setattr(ablation, "trained", trained)
    monkeypatch.setattr(ablation, "load", load)
    return asked


def test_every_row_is_scored_in_every_column(bench, no_training, monkeypatch):
    monkeypatch.setattr(ablation, "SETS", ("rsna", "mimic_multi", "mimic_fg"))
    outcome = ablation.run(bench, twin("mimic_multi", bench.pool, bench.kb))
    assert [(row.of, row.id) for row in outcome.rows] == [
        (name, step) for step in ablation.STEPS for name in ablation.SETS
    ]
    assert no_training == [
        (f"ablation-{step}", seed, 1, 8) for step in ablation.STEPS for seed in (0, 1)
    ]
    by = {(row.id, row.of): row for row in outcome.rows}
    assert by["iki", "rsna"].seeds == 2
    assert {"auc", "acc@paper", "f1@held-out"} <= by["iki", "rsna"].metrics.keys()
    assert {"acc", "macro_f1", "auc"} <= by["iki", "mimic_fg"].metrics.keys()
    gain = (
        by["iki", "mimic_multi"].metrics["auc"].value
        - by["report", "mimic_multi"].metrics["auc"].value
    )
    assert outcome.metrics["auc_gain"].value == pytest.approx(gain)
    assert gain != 0
    # Chance does not follow the paper: some row says so.
    assert any("does not follow the paper's order" in note for note in outcome.notes)


def test_where_one_class_is_asked_for_what_shows_none_is_normal(bench, labelled, monkeypatch):
    asked = []
    inner = ablation.score_single

    def single(names, truth, *rest):
        asked.append(([name.id for name in names], truth.tolist()))
        return inner(names, truth, *rest)

    monkeypatch.setattr(ablation, "score_single", single)
    data = labelled({"test": 9}, size=32)
    ablation.score(bench, [bench.random], replace(data, card=replace(data.card, single=True)))
    assert asked == [(["mass", "pleural_effusion", "normal"], [0, 2, 2, 0, 2, 1, 0, 2, 2])]


def tables(values):
    """AUC of each row and column, with replicates close around it."""
    found = {}
    for (step, name), value in values.items():
        drawn = Drawn((value + np.linspace(-0.01, 0.01, 50))[:, None], (100.0,))
        found[step, name] = SeedTable({"auc": Estimate(value=value)}, {}, {"auc": drawn})
    return found


def test_a_row_that_falls_is_named_with_its_difference():
    rising = {step: 0.5 + 0.1 * n for n, step in enumerate(ablation.STEPS)}
    values = {(step, "mimic_multi"): value for step, value in rising.items()}
    names = ("mimic_multi",)
    said = ablation.order_notes(tables(values), names)
    assert said == tuple(
        f"Row “{ablation.NAMES[step]}” follows the paper's order in every column."
        for step in ablation.STEPS[1:]
    )
    values["ssm", "mimic_multi"] = 0.6
    said = ablation.order_notes(tables(values), names)
    assert said[2] == (
        "Row “+ SSM” does not follow the paper's order everywhere: against “+ severity and "
        "location” mimic_multi AUC -0.100 [-0.100, -0.100]."
    )
    values["ssm", "mimic_multi"] = values["fine-grained", "mimic_multi"]
    assert "which may be chance" in ablation.order_notes(tables(values), names)[2]


def test_where_the_paper_falls_rising_is_another_order():
    values = {(step, "rsna"): 0.5 + 0.1 * n for n, step in enumerate(ablation.STEPS)}
    assert "rsna AUC +0.100" in ablation.order_notes(tables(values), ("rsna",))[0]


def test_it_is_asked_of_phantoms_alone():
    task = ablation.task(READERS["mimic_multi"].card)
    assert (task.name, task.real, task.twin) == ("ablation-mimic_multi", False, True)
