"""Tasks on small phantom sets: an oracle is right, chance is chance, nothing is dropped."""

from pathlib import Path

import numpy as np
import pytest
import torch
from iki_knowledge import load_knowledge
from medfilip_bench.datasets import COMMON, READERS
from medfilip_bench.datasets.labelled import Subject
from medfilip_bench.datasets.twin import PhantomPool, twin
from medfilip_bench.errors import NotApplicableError
from medfilip_bench.features import Encoder
from medfilip_bench.models.base import LoadedModel
from medfilip_bench.models.chance import RandomModel
from medfilip_bench.models.registry import load
from medfilip_bench.profiles import PROFILES
from medfilip_bench.protocols import Scored, category_prompt
from medfilip_bench.scoring import Resampling
from medfilip_bench.tasks import (
    Bench,
    case_study,
    embedding_map,
    extraction,
    prompts,
    retrieval,
    subgroups,
    unseen,
    zero_shot,
)
from medfilip_bench.tasks.judged import all_but_valid, judged
from medfilip_bench.tasks.prompting import class_texts, graded_texts
from medfilip_model import recipes
from medfilip_model.builders.subsets import GRADES
from medfilip_model.phantom import SEEN_CATEGORIES
from medfilip_model.progress import Silent
from sklearn.metrics import roc_auc_score

KB = load_knowledge()
EXPLAINED = {KB.explain(category): category for category in KB}
SETS = ("mimic_multi", "mimic_16", "mimic_fg", "covid_radiography")


class Oracle(RandomModel):
    """Knows what every image of some sets shows: an image is the sum of its texts.

    A text is the vector of its category, plus that of category and grade, plus `own` times one of
    its own.
    """

    def __init__(self, sets, own=0.3):
        super().__init__(512)
        self.own = own
        self.known = {}
        for data in sets:
            for row, sample in enumerate(data.images.samples):
                texts = [KB.text(f) for f in sample.present] or [LoadedModel.normal]
                self.known[np.asarray(data.images.pixels[row]).tobytes()] = texts

    def encode_text(self, texts):
        categories = [EXPLAINED.get(t) or KB.resolve(t.split(", where")[0]) or t for t in texts]
        ranks = [KB.severity(t.split(", where")[0]) for t in texts]
        grades = [r and GRADES[KB.vocabulary.severities[r].rank] for r in ranks]
        graded = [f"{c} {g}" for c, g in zip(categories, grades, strict=True)]
        draw = super().encode_text
        return draw(categories) + 0.5 * draw(graded) + self.own * draw(texts)

    def encode_image(self, images):
        rows = [self.known[image.tobytes()] for image in images.numpy()]
        return torch.stack([self.encode_text(texts).sum(dim=0) for texts in rows])


@pytest.fixture(scope="module")
def pool(cache):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDFILIP_CACHE", str(cache))
        yield PhantomPool(n=60, seed=0, size=32, train=10)


@pytest.fixture(scope="module")
def sets(pool):
    return {name: twin(name, pool, KB) for name in SETS}


def make_bench(pool, model, cache, work=Path("runs")):
    return Bench(
        encoder=Encoder(model, cache / "features"),
        random=Encoder(load("random"), cache / "features"),
        references={},
        kb=KB,
        pool=pool,
        resampling=Resampling(50, 0),
        profile=PROFILES["quick"],
        training=recipes.phantom(),
        work=work,
        pictures=False,
        workers=1,
        listener=Silent(),
    )


@pytest.fixture(scope="module")
def oracle(pool, sets, cache):
    model = LoadedModel("oracle", "x", Oracle(sets.values()), "c" * 64, 32, "truth")
    return make_bench(pool, model, cache)


@pytest.fixture(scope="module")
def exact(pool, sets, cache):
    """An oracle to whom every text is its own."""
    model = Oracle([sets["mimic_multi"]], own=5.0)
    return make_bench(pool, LoadedModel("exact", "x", model, "d" * 64, 32, "truth"), cache)


@pytest.fixture
def chance(pool, cache):
    return make_bench(pool, load("random"), cache)


def by_id(outcome):
    return {row.id: row for row in outcome.rows}


def test_multi_label_oracle_and_chance(oracle, chance, sets):
    good, bad = (zero_shot.run(bench, sets["mimic_multi"]) for bench in (oracle, chance))
    assert good.metrics["auc"].value > 0.9
    assert 0.35 < bad.metrics["auc"].value < 0.65
    assert good.data.phantom
    assert (good.data.n, good.data.threshold_n) == (60, 30)
    assert set(by_id(good)) >= {"pneumonia", "all-negative", "prevalence", "random model"}
    rows = [row for row in good.rows if row.kind == "class"]
    assert all(set(row.thresholds) == {"paper", "held-out"} for row in rows)
    assert set(good.series.roc) == set(good.series.pr) == {row.id for row in rows}
    assert good.predictions.scores.shape == (60, len(SEEN_CATEGORIES))
    assert list(good.predictions.classes) == [row.id for row in rows]


def test_single_label_oracle_and_chance(oracle, chance, sets):
    good, bad = (zero_shot.run(bench, sets["mimic_16"]) for bench in (oracle, chance))
    assert good.metrics["acc"].value > 0.8
    assert bad.metrics["acc"].value < 0.4
    assert good.series.confusion_names[-1] == "normal"
    names = len(SEEN_CATEGORIES) + 1
    assert sum(map(sum, good.series.confusion)) == good.data.n == names
    assert [row.positives for row in good.rows if row.kind == "class"] == [1] * names
    assert (good.predictions.predicted == good.predictions.labels.argmax(axis=1)).mean() > 0.8


def test_grades_are_asked_for_by_their_severities(oracle, sets):
    good = zero_shot.run(oracle, sets["mimic_fg"])
    assert len([row for row in good.rows if row.kind == "class"]) == 15
    assert good.metrics["acc"].value > 0.8
    mild = graded_texts(KB, "pleural_effusion", "mild", "paper")
    assert any(text.startswith(("trace", "small")) for text in mild)
    assert not any("large" in text.split(", where")[0] for text in mild)


def test_a_model_of_others_is_asked_as_the_paper_asks_its_baselines(sets):
    model = LoadedModel("x", "x", RandomModel(), "e" * 64, 32, "?", template=None)
    name, *_ = sets["mimic_multi"].classes
    assert class_texts(model, KB, [name]) == [(category_prompt(name.name.lower()),)]


def test_an_embedding_map_shows_images_and_texts(oracle, sets, monkeypatch):
    monkeypatch.setattr(embedding_map, "_PERPLEXITY", 5.0)
    spots = zero_shot.run(oracle, sets["mimic_fg"]).series.embedding
    assert {spot.kind for spot in spots} == {"image", "text"}
    assert {spot.sub for spot in spots} == {"mild", "moderate", "severe"}
    assert all(0 <= spot.x <= 1 and 0 <= spot.y <= 1 for spot in spots)


def test_unseen_asks_in_four_ways_and_pairs_the_gain(oracle, sets):
    outcome = unseen.run(oracle, sets["covid_radiography"])
    rows = by_id(outcome)
    assert rows["pneumonia"].text == "This is an X-ray image of Pneumonia."
    assert rows["explanation"].text == KB.explain("covid19")
    assert rows["explained"].metrics["auc"].value > 0.9
    gain = rows["explanation"].metrics["auc"].value - rows["pneumonia"].metrics["auc"].value
    assert outcome.metrics["auc_gain"].value == pytest.approx(gain)
    assert outcome.metrics["auc_gain"].low <= gain <= outcome.metrics["auc_gain"].high
    assert all(row.positives == row.n / 2 for row in outcome.rows if row.kind == "variant")


def test_retrieval_oracle_and_chance(exact, chance, sets):
    good, bad = (by_id(retrieval.run(bench, sets["mimic_multi"])) for bench in (exact, chance))
    for direction in ("i2t", "t2i"):
        assert good[direction].metrics["hit@1"].value > 0.9
        assert bad[direction].metrics["hit@1"].value < 0.4
        assert f"{direction}:random model" in good
    assert good["i2t"].metrics["p@10"].value < good["i2t"].metrics["hit@10"].value


def test_gallery_shows_images_of_the_set(exact, sets):
    (gallery,) = retrieval.run(exact, sets["mimic_multi"]).series.galleries
    assert [row.rank for row in gallery.rows] == [1] * 4
    assert all(row.images[0].right for row in gallery.rows)
    assert all(image.png.startswith("iVBOR") for row in gallery.rows for image in row.images)


def test_equal_texts_are_equally_relevant(sets):
    samples = tuple(s for s in sets["mimic_multi"].images.samples if s.present)
    texts = [KB.text(s.present[0]) for s in samples]
    table = retrieval.relevance(samples, texts, KB, "paper")
    assert table.diagonal().all()
    for m, text in enumerate(texts):
        assert (table[:, m] == table[:, texts.index(text)]).all()


def test_extraction_beats_taking_every_mention(chance, sets):
    outcome = extraction.run(chance, sets["mimic_multi"])
    assert outcome.metrics["micro_f1"].value > 0.85
    trivial = by_id(outcome)["every mention is present"].metrics["micro_f1"].value
    assert trivial < outcome.metrics["micro_f1"].value
    assert any(note.startswith("Among the drawn findings") for note in outcome.notes)


def test_the_case_study_compares_three_kinds_of_text(oracle, sets):
    outcome = case_study.run(oracle, sets["mimic_fg"])
    rows = by_id(outcome)
    assert {"template", "severity", "explanation"} < set(rows)
    graded = rows["pleural_effusion:severe:severity"]
    assert graded.text == "This is an X-ray image of severe pleural effusion."
    assert graded.metrics["similarity"].value > graded.metrics["others"].value
    # The severity is what tells grades apart: only a text that names it can.
    assert rows["severity"].metrics["auc"].value > rows["template"].metrics["auc"].value


def test_prompt_sensitivity_scores_the_same_images_in_every_way(oracle, sets):
    outcome = prompts.run(oracle, sets["mimic_multi"])
    rows = by_id(outcome)
    assert set(rows) == {"own", *prompts.STYLES}
    values = [row.metrics["auc"].value for row in outcome.rows]
    assert outcome.metrics["auc_range"].value == pytest.approx(max(values) - min(values))
    assert rows["synonyms"].n == rows["name"].n == 60


def test_subgroups_part_the_judged_images(oracle, sets, monkeypatch):
    monkeypatch.setattr(subgroups, "_SMALLEST", 5)
    outcome = subgroups.run(oracle, sets["mimic_multi"])
    of = {row.of for row in outcome.rows}
    assert "sex" in of
    assert sum(row.n for row in outcome.rows if row.of == "sex") == 60
    women, men = (by_id(outcome)[f"sex:{s}"].metrics["auc_against_rest"].value for s in "FM")
    assert women == pytest.approx(-men)


def test_a_groups_figures_are_those_of_its_own_images(oracle, labelled, monkeypatch):
    n, generator = 90, np.random.default_rng(0)
    # A quarter are men; five are children, too few to tell; all have one view.
    subjects = tuple(
        Subject("F" if k % 4 else "M", 9.0 if k < 5 else 30.0 + 40 * (k % 2), "PA")
        for k in range(n)
    )
    data = labelled({"test": n}, subjects=subjects)
    labels = data.labels.copy()
    labels[::7, 1] = np.nan
    scores = np.nan_to_num(labels) + generator.normal(size=labels.shape)
    found = Scored(labels, scores, np.arange(n))
    monkeypatch.setattr(subgroups, "scored", lambda *_: found)
    outcome = subgroups.run(oracle, data)

    def area(members):
        known = [members & ~np.isnan(labels[:, c]) for c in range(2)]
        return np.mean([roc_auc_score(labels[k, c], scores[k, c]) for c, k in enumerate(known)])

    groups = {
        "sex:F": [s.sex == "F" for s in subjects],
        "sex:M": [s.sex == "M" for s in subjects],
        "age:18-39": [s.age == 30 for s in subjects],
        "age:60-79": [s.age == 70 for s in subjects],
    }
    assert [row.id for row in outcome.rows] == list(groups)
    for row, members in zip(outcome.rows, map(np.array, groups.values()), strict=True):
        assert row.n == members.sum()
        own, apart = row.metrics["auc"], row.metrics["auc_against_rest"]
        assert own.value == pytest.approx(area(members))
        assert apart.value == pytest.approx(area(members) - area(~members))
        for estimate in (own, apart):
            assert estimate.low < estimate.value < estimate.high
    assert "Left out, for fewer than 20 images: age 0-17." in outcome.notes


def test_subgroups_of_nobody_are_not_asked_for(oracle, labelled):
    with pytest.raises(NotApplicableError, match="neither sex nor age nor view"):
        subgroups.run(oracle, labelled())


@pytest.mark.parametrize(
    ("age", "band"),
    [(0.0, "0-17"), (17.9, "0-17"), (18.0, "18-39"), (59.9, "40-59"), (93.0, "80+")],
)
def test_age_bands(age, band):
    assert subgroups.age_band(age) == band


def test_groups_leave_out_who_is_not_known():
    table = subgroups.groups_of([Subject("F", 30.0), Subject(None, 85.0), Subject("M", None, "AP")])
    assert {k: v.tolist() for k, v in table["sex"].items()} == {
        "F": [True, False, False],
        "M": [False, False, True],
    }
    assert list(table["age"]) == ["18-39", "80+"]
    assert table["view"]["AP"].tolist() == [False, False, True]


def test_the_split_that_is_judged_and_the_one_for_thresholds(labelled):
    assert judged(labelled()).test == "test"
    assert judged(labelled()).valid == "valid"
    without = judged(labelled({"train": 4, "valid": 3}))
    assert (without.test, without.valid) == ("valid", "train")
    assert judged(labelled({"train": 4})).valid is None


def test_all_but_valid_judges_the_training_images_too(labelled):
    data = all_but_valid(labelled())
    assert len(data.rows("test")) == 13
    assert len(data.rows("valid")) == 5
    assert data.pixel_keys["test"] not in labelled().pixel_keys.values()
    assert data.key != labelled().key


def test_every_task_says_what_it_is():
    for module in (zero_shot, unseen, retrieval, case_study, prompts, subgroups, extraction):
        task = module.task(READERS["mimic_multi"].card)
        assert task.name == f"{task.family}-mimic_multi"
        assert task.title
        assert task.about.endswith((".", "?"))


def test_the_papers_column_is_a_macro_over_some_of_the_classes(oracle, pool):
    data = twin("chestxray14", pool, KB)
    outcome = zero_shot.run(oracle, data)
    rows = by_id(outcome)
    own = [rows[c].metrics["ap"].value for c in COMMON["chestxray14"] if c in rows]
    assert 0 < len(own) < len(data.classes)
    assert rows["common"].metrics["ap"].value == pytest.approx(np.mean(own))
    assert outcome.metrics["ap"].value != rows["common"].metrics["ap"].value
