import pytest
import torch
from medfilip_model.config import ModelConfig
from medfilip_model.model import MedFILIP


def test_embeddings_are_unit_vectors(tiny_model: MedFILIP):
    tiny_model.eval()
    images = tiny_model.encode_image(torch.randint(0, 256, (3, 1, 32, 32), dtype=torch.uint8))
    texts = tiny_model.encode_text(["mass", "small left effusion"])
    assert (images.shape, texts.shape) == ((3, 32), (2, 32))
    for vectors in (images, texts):
        torch.testing.assert_close(vectors.norm(dim=1), torch.ones(len(vectors)))


def test_classify_is_the_cosine(tiny_model: MedFILIP):
    tiny_model.eval()
    images, texts = torch.rand(3, 1, 32, 32), ["mass", "effusion"]
    expected = tiny_model.encode_image(images) @ tiny_model.encode_text(texts).T
    torch.testing.assert_close(tiny_model.classify(images, texts), expected)


def test_grey_scale_and_size_do_not_matter(tiny_model: MedFILIP):
    tiny_model.eval()
    image = torch.rand(1, 1, 32, 32)
    torch.testing.assert_close(
        tiny_model.encode_image(image * 255), tiny_model.encode_image(image), atol=1e-4, rtol=1e-3
    )
    wide = torch.nn.functional.pad(image, (8, 8))
    torch.testing.assert_close(tiny_model.encode_image(wide), tiny_model.encode_image(image))


@pytest.mark.parametrize(("log_scale", "expected"), [(9.0, 50.0), (-3.0, 1.0), (1.0, 2.71828)])
def test_the_scale_is_clamped(tiny_model_config: ModelConfig, log_scale: float, expected: float):
    model = MedFILIP(tiny_model_config.model_copy(update={"max_logit_scale": 50.0}))
    with torch.no_grad():
        model.log_scale.fill_(log_scale)
    assert model.logit_scale.item() == pytest.approx(expected, rel=1e-4)


def test_the_scale_starts_where_the_config_says(tiny_model: MedFILIP):
    assert tiny_model.logit_scale.item() == pytest.approx(tiny_model.config.logit_scale)


def test_no_images_and_no_texts(tiny_model: MedFILIP):
    tiny_model.eval()
    assert tiny_model.classify(torch.rand(2, 1, 32, 32), []).shape == (2, 0)
