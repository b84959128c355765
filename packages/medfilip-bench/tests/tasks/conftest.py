"""A bench with a small trainable model, for the tasks that train."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
import torch
from iki_knowledge import load_knowledge
from medfilip_bench.datasets import pool as drawn_pool
from medfilip_bench.datasets.labelled import LabelledSet
from medfilip_bench.datasets.mirror import doubled_halves
from medfilip_bench.datasets.twin import PhantomPool, twin
from medfilip_bench.features import Encoder
from medfilip_bench.models.base import LoadedModel
from medfilip_bench.models.chance import RandomModel
from medfilip_bench.models.registry import load
from medfilip_bench.profiles import Profile
from medfilip_bench.scoring import Resampling
from medfilip_bench.tasks import Bench
from medfilip_bench.tasks.mistaken import Pairs, read_pairs
from medfilip_model import recipes
from medfilip_model.phantom import INCIDENTAL_CATEGORIES, SEEN_CATEGORIES, PhantomConfig
from medfilip_model.phantom.mistakes import MISTAKES, Mistake, Mistaken
from medfilip_model.progress import Silent
from medfilip_model.statements.questions import questions
from torch.nn import functional

KB = load_knowledge()
FEW = ("pleural_effusion", "pneumothorax", "cardiomegaly", "nodule", "consolidation")
PROFILE = Profile(
    name="quick",
    seeds=(0, 1),
    fractions=(0.1, 1.0),
    fine_tune_steps=3,
    segmentation_steps=3,
    ablation_train=8,
    ablation_epochs=1,
    grounding_cases=40,
)


class Blocks:
    """An image is its mean grey in each of 8 x 8 blocks; a text one corner of them."""

    def encode_image(self, images):
        return functional.adaptive_avg_pool2d(images.float(), 8).flatten(1) - 24

    def encode_text(self, texts):
        rows = torch.zeros(len(texts), 8, 8)
        for row, text in zip(rows, texts, strict=True):
            if "mass" in text.lower():
                row[1:3, 1:3] = 1
            elif "effusion" in text.lower():
                row[5:7, 4:7] = 1
            else:
                row[:] = 0.01
        return rows.flatten(1)


@pytest.fixture
def bench(tmp_path, backbone):
    """A bench whose model sees the squares of planted images."""

    def load(name, model, **changes):
        fields = {"name": name, "spec": name, "model": model, "sha256": name, "size": 32}
        fields |= {"trained_on": "nothing", "template": None, **changes}
        return Encoder(LoadedModel(**fields), tmp_path / "features")

    return Bench(
        # Weights that no seed of a random twin draws.
        encoder=load("blocks", Blocks(), backbone=lambda: backbone(99)),
        random=load("random", RandomModel(16)),
        references={"other": load("other", RandomModel(32))},
        kb=KB,
        pool=PhantomPool(n=20, seed=0, size=32, train=4),
        resampling=Resampling(10, 0),
        profile=PROFILE,
        training=recipes.phantom(),
        work=tmp_path / "work",
        pictures=False,
        workers=1,
        listener=Silent(),
    )


class Knowing(RandomModel):
    """Knows what each phantom, and each half of it, shows: an image is the sum of its findings.

    A finding is the vector of its category, and that of the category's grade where it has one.
    """

    def __init__(self, data):
        super().__init__(512)
        names = (*SEEN_CATEGORIES, *INCIDENTAL_CATEGORIES)
        self.normal = LoadedModel.normal
        asked = questions(KB, names, template="paper", normal=self.normal)
        plain = zip(names, asked.prompts, strict=False)
        self.said = {text: (name, None) for name, texts in plain for text in texts}
        for row in asked.weights:
            graded = [n for n, weight in enumerate(row) if weight]
            for rank, n in enumerate(sorted(graded, key=lambda n: row[n]), start=1):
                name = KB.finding(asked.prompts[n][0].split(", where")[0]).category
                self.said |= {
                    text: (name, (rank - 1) / (len(graded) - 1)) for text in asked.prompts[n]
                }
        self.shown = {}
        sets = {None: data, **doubled_halves(data)}
        for half, images in sets.items():
            for row, sample in enumerate(images.images.samples):
                found = [
                    f for f in sample.present if half is None or f.side in (half, "bilateral", None)
                ]
                self.shown[np.asarray(images.images.pixels[row]).tobytes()] = found

    def vector(self, category, grade):
        draw = super().encode_text
        # The further up the grade, the more of one direction and the less of another.
        low, high = draw([f"{category} low", f"{category} high"])
        part = 0 if grade is None else (1 - grade) * low + grade * high
        return draw([category])[0] + part

    def encode_text(self, texts):
        return torch.stack([self.vector(*self.said.get(text, (text, None))) for text in texts])

    def encode_image(self, images):
        return torch.stack([self.picture(image.tobytes()) for image in images.numpy()])

    def picture(self, content):
        own = [self.vector(f.category, grade_of(f)) for f in self.shown[content]]
        noise = 0.3 * self._draw([content])[0]
        return sum(own or [self.vector(self.normal, None)], noise)


def grade_of(finding):
    """Where a severity stands among those of its category, from 0 to 1."""
    if finding.severity is None:
        return None
    ranks = sorted({KB.vocabulary.severities[s].rank for s in KB[finding.category].severities})
    place = ranks.index(KB.vocabulary.severities[finding.severity].rank)
    return place / (len(ranks) - 1)


@dataclass(frozen=True)
class Told:
    """Phantoms with true and wrong reports, as a set, and a bench of a model that knows them."""

    data: LabelledSet
    bench: Bench
    pairs: Pairs
    mistakes: Mapping[Mistake, Sequence[Mistaken | None]]


@pytest.fixture(scope="session")
def told(cache):
    """Judged phantoms, and twice as many to learn from; few classes, so each is often shown."""
    pool = PhantomPool(n=40, seed=0, size=32, train=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDFILIP_CACHE", str(cache))
        patch.setattr(drawn_pool, "PhantomConfig", partial(PhantomConfig, classes=FEW))
        patch.setattr(drawn_pool, "half", lambda n: 2 * n)
        mistakes = {kind: pool.mistaken(kind, KB) for kind in MISTAKES}
        patch.setattr(pool, "mistaken", lambda kind, kb: mistakes[kind])
        pairs = read_pairs(pool, KB, "valid")
        data = twin("mimic_multi", pool, KB)
        known = LoadedModel("knowing", "x", Knowing(data), "f" * 64, 32, "truth")
    bench = Bench(
        encoder=Encoder(known, cache / "features"),
        random=Encoder(load("random"), cache / "features"),
        references={},
        kb=KB,
        pool=pool,
        resampling=Resampling(50, 0),
        profile=PROFILE,
        training=recipes.phantom(),
        work=cache / "work",
        pictures=False,
        workers=1,
        listener=Silent(),
    )
    return Told(data, bench, pairs, mistakes)
