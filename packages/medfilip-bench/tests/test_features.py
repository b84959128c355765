"""Images are encoded once; what cannot be compared is named."""

import threading

import numpy as np
import pytest
import torch
from medfilip_bench.errors import ModelError
from medfilip_bench.features import Encoder, ahead, batches, similarities
from medfilip_bench.models.base import LoadedModel
from medfilip_bench.models.chance import RandomModel


class Counting(RandomModel):
    """Counts the images that it is given."""

    seen = 0

    def encode_image(self, images):
        self.seen += len(images)
        return super().encode_image(images) * 7


class Broken(RandomModel):
    def encode_image(self, images):
        return super().encode_image(images) * float("nan")


class Decoder(Counting):
    """Scores a text by its length and the image's first pixel."""

    def score_texts(self, images, texts):
        self.seen += len(images)
        first = images[:, 0, 0, 0].float()
        return first[:, None] + torch.tensor([float(len(text)) for text in texts])


class Reference(Counting):
    categories = (None, "mass")

    def score_classes(self, images):
        self.seen += len(images)
        return torch.stack([images[:, 0, 0, 0].float(), images[:, 0, 0, 1].float()], dim=1)


def loaded(model, sha="a" * 64):
    return LoadedModel("x", "module:x", model, sha, 8, "nothing")


def test_images_are_encoded_once_for_each_model_and_each_split(labelled, tmp_path):
    model, data = Counting(), labelled()
    encoder = Encoder(loaded(model), tmp_path, batch=2)
    first = encoder.embed(data, "test")
    assert (encoder.embed(data, "test") == first).all()
    assert (Encoder(loaded(model), tmp_path).embed(data, "test") == first).all()
    assert (model.seen, encoder.encoded, encoder.needed) == (7, 7, 7)
    encoder.embed(data, "valid")
    assert (model.seen, encoder.encoded, encoder.needed) == (12, 12, 12)
    Encoder(loaded(model, "b" * 64), tmp_path).embed(data, "test")
    Encoder(loaded(model), tmp_path).embed(labelled(seed=1), "test")
    assert model.seen == 26


def test_two_sets_of_the_same_pixels_are_encoded_once(labelled, tmp_path):
    model, one = Counting(), labelled()
    other = labelled(key="other labels")
    encoder = Encoder(loaded(model), tmp_path)
    encoder.embed(one, "test"), encoder.embed(other, "test")
    assert (model.seen, encoder.needed) == (7, 7)


def test_rows_come_in_the_order_of_the_split(labelled, tmp_path):
    data = labelled()
    whole = RandomModel().encode_image(torch.from_numpy(data.images.pixels).unsqueeze(1)).numpy()
    got = Encoder(loaded(Counting()), tmp_path, batch=3).embed(data, "valid")
    assert got == pytest.approx(whole[data.rows("valid")], abs=1e-6)


def test_embeddings_are_unit_vectors_whatever_the_model_gives(labelled, tmp_path):
    encoder = Encoder(loaded(Counting()), tmp_path)
    norms = np.linalg.norm(encoder.embed(labelled(), "test"), axis=1)
    assert norms == pytest.approx(np.ones(7), abs=1e-6)
    classes = encoder.classes([["a", "b"], ["c"]])
    assert np.linalg.norm(classes, axis=1) == pytest.approx(np.ones(2), abs=1e-6)
    assert (classes[1] == encoder.texts(["c"])[0]).all()


def test_embeddings_that_are_no_numbers_are_refused_and_not_cached(labelled, tmp_path):
    with pytest.raises(ModelError, match="'module:x' gives numbers that are not finite"):
        Encoder(loaded(Broken()), tmp_path).embed(labelled(), "test")
    assert not list(tmp_path.iterdir())


def test_a_decoder_is_asked_each_text_and_a_class_is_their_mean(labelled, tmp_path):
    data, model = labelled(), Decoder()
    encoder = Encoder(loaded(model), tmp_path)
    got = encoder.scores(data, "test", [None, None], [("a", "bcd"), ("a",)])
    first = data.images.pixels[data.rows("test"), 0, 0].astype(float)
    assert got == pytest.approx(np.stack([first + 2, first + 1], axis=1))
    encoder.scores(data, "test", [None, None], [("a", "bcd"), ("a",)])
    assert model.seen == 7


def test_a_supervised_reference_has_no_score_for_what_it_does_not_know(labelled, tmp_path):
    data = labelled()
    got = Encoder(loaded(Reference()), tmp_path).scores(
        data, "test", ["mass", "nodule", None], [("a",)] * 3
    )
    assert (got[:, 0] == data.images.pixels[data.rows("test"), 0, 1]).all()
    assert np.isnan(got[:, 1:]).all()


def test_shares_of_several_processes_make_the_whole(labelled, tmp_path):
    data = labelled({"test": 7})
    whole = Encoder(loaded(Counting()), tmp_path / "one").embed(data, "test")
    for rank in range(3):
        Encoder(loaded(Counting()), tmp_path / "many").encode_share(data, "test", rank, 3)
    joining = Encoder(loaded(Counting()), tmp_path / "many")
    joining.join_shares(data, "test", 3)
    assert (joining.embed(data, "test") == whole).all()
    assert joining.encoded == 0
    assert len(list((tmp_path / "many").iterdir())) == 1


def test_more_processes_than_images(labelled, tmp_path):
    data = labelled({"test": 2})
    encoder = Encoder(loaded(Counting()), tmp_path)
    for rank in range(3):
        encoder.encode_share(data, "test", rank, 3)
    encoder.join_shares(data, "test", 3)
    assert encoder.embed(data, "test").shape == (2, 128)


def test_what_the_reading_thread_raises_reaches_the_caller():
    def broken():
        yield np.zeros((1, 2, 2), np.uint8)
        raise OSError("gone")

    items = ahead(broken())
    next(items)
    with pytest.raises(OSError, match="gone"):
        next(items)


def test_a_caller_that_stops_early_leaves_no_thread(labelled):
    before = threading.active_count()
    items = ahead(batches(labelled({"test": 50}), range(50), 1))
    next(items)
    items.close()
    assert threading.active_count() == before


def test_towers_that_end_in_different_spaces_are_named():
    with pytest.raises(ModelError, match="images in 4 dimensions and texts in 3"):
        similarities(np.zeros((2, 4), np.float32), np.zeros((5, 3), np.float32), "run:x")


def test_similarities_are_cosines():
    vectors = torch.nn.functional.normalize(torch.randn(3, 4), dim=-1).numpy()
    assert np.diag(similarities(vectors, vectors, "x")) == pytest.approx(np.ones(3), abs=1e-6)
