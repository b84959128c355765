"""A bench with a small trainable model, for the tasks that train."""

import pytest
import torch
from iki_knowledge import load_knowledge
from medfilip_bench.datasets.twin import PhantomPool
from medfilip_bench.features import Encoder
from medfilip_bench.models.base import LoadedModel
from medfilip_bench.models.chance import RandomModel
from medfilip_bench.profiles import Profile
from medfilip_bench.scoring import Resampling
from medfilip_bench.tasks import Bench
from medfilip_model import recipes
from medfilip_model.progress import Silent
from torch.nn import functional

KB = load_knowledge()
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
        encoder=load("blocks", Blocks(), backbone=backbone),
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
