import numpy as np
import pytest
import torch
from medfilip_model.encode import encode_images, encode_texts
from medfilip_model.model import MedFILIP

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 32, 32), dtype=np.uint8)
TEXTS = ["mass", "left effusion", "a small nodule in the right upper lobe"]


@pytest.mark.parametrize("batch", [1, 2, 5, 64])
def test_the_batch_size_does_not_matter(tiny_model: MedFILIP, batch: int):
    images = tiny_model.eval().encode_image(torch.from_numpy(PIXELS).unsqueeze(1))
    torch.testing.assert_close(
        encode_images(tiny_model, PIXELS, batch=batch), images, atol=1e-5, rtol=1e-4
    )
    torch.testing.assert_close(
        encode_texts(tiny_model, TEXTS, batch=batch),
        tiny_model.encode_text(TEXTS),
        atol=1e-5,
        rtol=1e-4,
    )


def test_the_mode_is_restored_and_statistics_are_untouched(tiny_model: MedFILIP):
    tiny_model.train()
    before = {name: value.clone() for name, value in tiny_model.named_buffers()}
    assert not encode_images(tiny_model, PIXELS).requires_grad
    assert tiny_model.training
    for name, value in tiny_model.named_buffers():
        assert torch.equal(value, before[name]), name


def test_nothing_in_nothing_out(tiny_model: MedFILIP):
    assert encode_images(tiny_model, PIXELS[:0]).shape == (0, 32)
    assert encode_texts(tiny_model, []).shape == (0, 32)
