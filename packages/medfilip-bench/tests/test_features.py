"""Images are encoded once; what cannot be compared is named."""

import numpy as np
import pytest
import torch
from medfilip_bench.errors import ModelError
from medfilip_bench.features import Encoder, similarities
from medfilip_bench.registry import LoadedModel, RandomModel
from medfilip_model.data import ImageSet, Sample


class Counting(RandomModel):
    """Counts the images that it is given."""

    seen = 0

    def encode_image(self, images):
        self.seen += len(images)
        return super().encode_image(images) * 7


class Broken(RandomModel):
    def encode_image(self, images):
        return super().encode_image(images) * float("nan")


def loaded(model, sha="a" * 64):
    return LoadedModel("x", "module:x", model, sha, 8, "nothing")


@pytest.fixture
def images():
    generator = np.random.default_rng(0)
    samples = tuple(Sample(f"i{n}", f"p{n}", "test", ()) for n in range(5))
    return ImageSet("x", samples, generator.integers(0, 256, (5, 8, 8), dtype=np.uint8))


def test_images_are_encoded_once_for_each_model_and_each_set(images, tmp_path):
    model = Counting()
    encoder = Encoder(loaded(model), tmp_path, batch=2)
    first = encoder.images(images, "hash")
    assert (Encoder(loaded(model), tmp_path).images(images, "hash") == first).all()
    assert (model.seen, encoder.encoded) == (5, 5)
    Encoder(loaded(model, "b" * 64), tmp_path).images(images, "hash")
    Encoder(loaded(model), tmp_path).images(images, "other")
    assert model.seen == 15


def test_embeddings_are_unit_vectors_whatever_the_model_gives(images, tmp_path):
    encoder = Encoder(loaded(Counting()), tmp_path)
    norms = np.linalg.norm(encoder.images(images, "hash"), axis=1)
    assert norms == pytest.approx(np.ones(5), abs=1e-6)
    classes = encoder.classes([["a", "b"], ["c"]])
    assert np.linalg.norm(classes, axis=1) == pytest.approx(np.ones(2), abs=1e-6)
    assert (classes[1] == encoder.texts(["c"])[0]).all()


def test_embeddings_that_are_no_numbers_are_refused_and_not_cached(images, tmp_path):
    with pytest.raises(ModelError, match="'module:x' gives embeddings that are not finite"):
        Encoder(loaded(Broken()), tmp_path).images(images, "hash")
    assert not list(tmp_path.iterdir())


def test_towers_that_end_in_different_spaces_are_named():
    with pytest.raises(ModelError, match="images in 4 dimensions and texts in 3"):
        similarities(np.zeros((2, 4), np.float32), np.zeros((5, 3), np.float32), "run:x")


def test_similarities_are_cosines():
    vectors = torch.nn.functional.normalize(torch.randn(3, 4), dim=-1).numpy()
    assert np.diag(similarities(vectors, vectors, "x")) == pytest.approx(np.ones(3), abs=1e-6)
