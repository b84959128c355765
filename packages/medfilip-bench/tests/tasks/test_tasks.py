"""Tasks on small phantom sets: an oracle is right, chance is chance, nothing is dropped."""

import numpy as np
import pytest
import torch
from iki_knowledge import load_knowledge
from medfilip_bench.features import Encoder
from medfilip_bench.registry import LoadedModel, RandomModel, load
from medfilip_bench.scoring import Resampling
from medfilip_bench.sets import PhantomSets
from medfilip_bench.tasks import TASKS
from medfilip_bench.tasks.retrieval import relevance
from medfilip_bench.tasks.task import Bench
from medfilip_bench.tasks.zero_shot_single import trivial
from medfilip_model.data import load_folder
from medfilip_model.phantom import SEEN_CATEGORIES
from medfilip_model.progress import Silent

KB = load_knowledge()


EXPLAINED = {KB.explain(category): category for category in KB}


class Oracle(RandomModel):
    """Knows what every image of some sets shows: an image is the sum of its texts.

    A text is the vector of its category plus, `own` times, one of its own.
    """

    def __init__(self, sets, own=0.3):
        super().__init__(512)
        self.own = own
        self.known = {}
        for images in sets:
            for sample, pixels in zip(images.samples, images.pixels, strict=True):
                texts = [KB.text(f) for f in sample.present] or [LoadedModel.normal]
                self.known[np.asarray(pixels).tobytes()] = texts

    def encode_text(self, texts):
        categories = [EXPLAINED.get(t) or KB.resolve(t.split(", where")[0]) or t for t in texts]
        return super().encode_text(categories) + self.own * super().encode_text(texts)

    def encode_image(self, images):
        rows = [self.known[image.tobytes()] for image in images.numpy()]
        return torch.stack([self.encode_text(texts).sum(dim=0) for texts in rows])


@pytest.fixture(scope="module")
def sets(cache):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDFILIP_CACHE", str(cache))
        made = PhantomSets(n=60, seed=0, size=32, listener=Silent())
        made.single(), made.covid("test"), made.covid("valid"), made.multi("valid")
        yield made


def make_bench(sets, model, cache, folder=None, judge="test"):
    return Bench(
        encoder=Encoder(model, cache / "features"),
        random=Encoder(load("random"), cache / "features"),
        kb=KB,
        phantoms=sets,
        folder=folder,
        judge=judge,
        resampling=Resampling(50, 0),
    )


@pytest.fixture(scope="module")
def oracle(sets, cache):
    drawn = [sets.multi("test"), sets.multi("valid"), sets.single(), sets.covid("test")]
    model = Oracle([*drawn, sets.covid("valid")])
    return make_bench(sets, LoadedModel("oracle", "x", model, "c" * 64, 32, "truth"), cache)


@pytest.fixture(scope="module")
def exact(sets, cache):
    """An oracle to whom every text is its own."""
    model = Oracle([sets.multi("test")], own=5.0)
    return make_bench(sets, LoadedModel("exact", "x", model, "d" * 64, 32, "truth"), cache)


@pytest.fixture
def chance(sets, cache):
    return make_bench(sets, load("random"), cache)


def by_id(outcome):
    return {row.id: row for row in outcome.rows}


def test_multi_label_oracle_and_chance(oracle, chance):
    good, bad = (TASKS["zero_shot_multi"].run(bench) for bench in (oracle, chance))
    assert good.metrics["auc"].value > 0.9
    assert 0.35 < bad.metrics["auc"].value < 0.65
    assert good.data.phantom
    assert (good.data.n, good.data.threshold_n) == (60, 30)
    assert set(by_id(good)) >= {"pneumonia", "all-negative", "prevalence", "random model"}
    rows = [row for row in good.rows if row.kind == "class"]
    assert all(set(row.thresholds) == {"paper", "held-out"} for row in rows)
    assert set(good.series.roc) == {row.id for row in rows}


def test_single_label_oracle_and_chance(oracle, chance):
    good, bad = (TASKS["zero_shot_single"].run(bench) for bench in (oracle, chance))
    assert good.metrics["acc"].value > 0.8
    assert bad.metrics["acc"].value < 0.4
    assert good.series.confusion_names[-1] == "normal"
    names = len(SEEN_CATEGORIES) + 1
    assert sum(map(sum, good.series.confusion)) == good.data.n == names
    assert by_id(good)["all-negative"].metrics["acc"].value == pytest.approx(1 / names)
    assert [row.positives for row in good.rows if row.kind == "class"] == [1] * names


def test_trivial_guesses_look_at_no_image():
    guesses = trivial(np.array([1, 1, 0, 2]), ["mass", "nodule", "normal"])
    assert {name: guess.tolist() for name, guess in guesses.items()} == {
        "all-negative": [2, 2, 2, 2],
        "prevalence (always nodule)": [1, 1, 1, 1],
    }


def test_unseen_asks_in_four_ways_and_pairs_the_gain(oracle):
    outcome = TASKS["unseen"].run(oracle)
    rows = by_id(outcome)
    assert rows["pneumonia"].text == "This is an X-ray image of Pneumonia."
    assert rows["explanation"].text == KB.explain("covid19")
    assert rows["explained"].metrics["auc"].value > 0.9
    gain = rows["explanation"].metrics["auc"].value - rows["pneumonia"].metrics["auc"].value
    assert outcome.metrics["auc_gain"].value == pytest.approx(gain)
    assert outcome.metrics["auc_gain"].low <= gain <= outcome.metrics["auc_gain"].high
    assert all(row.positives == row.n / 2 for row in outcome.rows if row.kind == "variant")


def test_retrieval_oracle_and_chance(exact, chance):
    good, bad = (by_id(TASKS["retrieval"].run(bench)) for bench in (exact, chance))
    for direction in ("i2t", "t2i"):
        assert good[direction].metrics["hit@1"].value > 0.9
        assert bad[direction].metrics["hit@1"].value < 0.4
        assert f"{direction}:random model" in good
    assert good["i2t"].metrics["p@10"].value < good["i2t"].metrics["hit@10"].value


def test_gallery_shows_images_of_the_set(exact):
    outcome = TASKS["retrieval"].run(exact)
    assert [row.rank for row in outcome.series.gallery] == [1] * 4
    assert all(row.images[0].right for row in outcome.series.gallery)
    assert all(image.png.startswith("iVBOR") for r in outcome.series.gallery for image in r.images)


def test_equal_texts_are_equally_relevant(sets):
    images = sets.multi("test")
    samples = tuple(s for s in images.samples if s.present)
    texts = [KB.text(s.present[0]) for s in samples]
    table = relevance(samples, texts, KB, "paper")
    assert table.diagonal().all()
    for m, text in enumerate(texts):
        assert (table[:, m] == table[:, texts.index(text)]).all()


def test_extraction_beats_taking_every_mention(chance):
    outcome = TASKS["extraction"].run(chance)
    assert outcome.metrics["micro_f1"].value > 0.85
    trivial = by_id(outcome)["every mention is present"].metrics["micro_f1"].value
    assert trivial < outcome.metrics["micro_f1"].value
    assert any(note.startswith("Among the drawn findings") for note in outcome.notes)


def test_folder_scores_every_class_of_the_crosswalk(chance, folder, sets, cache):
    images = load_folder(folder, KB, size=32)
    outcome = TASKS["folder"].run(make_bench(sets, load("random"), cache, images))
    rows = by_id(outcome)
    labels = KB.classes("chestxray14")
    assert set(labels.values()) <= set(rows)
    assert rows["mass"].name == "Mass"
    assert rows["mass"].positives == 8
    assert rows["hernia"].metrics["auc"].value is None
    assert rows["hernia"].metrics["auc"].reason == "no positives"
    assert (outcome.data.n, outcome.data.patients, outcome.data.threshold_n) == (20, 10, 10)
    assert not outcome.data.phantom
    assert any(
        "AUC and AP are macro figures over the 2 of 14 classes" in note for note in outcome.notes
    )
    assert any(
        "trained on nothing: random embeddings. It saw no real image." in note
        for note in outcome.notes
    )


def test_every_task_says_what_it_is():
    for name, task in TASKS.items():
        assert task.name == name
        assert task.title
        assert task.about.endswith((".", "?"))
