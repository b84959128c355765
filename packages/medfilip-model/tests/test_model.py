import pytest
import torch
from medfilip_model import recipes
from medfilip_model.config import FusionConfig, ImageTowerConfig, ModelConfig
from medfilip_model.data.transforms import standardise
from medfilip_model.errors import ConfigError
from medfilip_model.model import MedFILIP
from torch.nn import functional

TEXTS = ["mass", "small left effusion"]


def test_embeddings_are_unit_vectors(tiny_model: MedFILIP):
    tiny_model.eval()
    images = tiny_model.encode_image(torch.randint(0, 256, (3, 1, 32, 32), dtype=torch.uint8))
    texts = tiny_model.encode_text(TEXTS)
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
    wide = functional.pad(image, (8, 8))
    torch.testing.assert_close(tiny_model.encode_image(wide), tiny_model.encode_image(image))


@pytest.mark.parametrize(("log_scale", "expected"), [(9.0, 50.0), (-3.0, 1.0), (1.0, 2.71828)])
def test_the_scale_is_clamped(tiny_model_config: ModelConfig, log_scale: float, expected: float):
    model = MedFILIP(tiny_model_config.model_copy(update={"max_logit_scale": 50.0}))
    with torch.no_grad():
        model.log_scale.fill_(log_scale)
    assert model.logit_scale.item() == pytest.approx(expected, rel=1e-4)


def test_the_scale_starts_where_the_config_says(tiny_model: MedFILIP):
    assert tiny_model.logit_scale.item() == pytest.approx(tiny_model.config.logit_scale)


def test_the_scale_of_an_earlier_checkpoint_was_a_scalar(tiny_model: MedFILIP):
    weights = {**tiny_model.state_dict(), "log_scale": torch.tensor(1.5)}
    tiny_model.load_state_dict(weights)
    assert tiny_model.log_scale.tolist() == [1.5]
    assert tiny_model.logit_scale.shape == ()
    assert weights["log_scale"].shape == (), "what was read is left as it is"


def test_no_images_and_no_texts(tiny_model: MedFILIP):
    tiny_model.eval()
    assert tiny_model.classify(torch.rand(2, 1, 32, 32), []).shape == (2, 0)


def test_one_call_embeds_a_batch(tiny_model: MedFILIP):
    """Without a fusion head nothing carries the map about."""
    tiny_model.eval()
    pixels = torch.randn(2, 1, 32, 32)
    tokens = tiny_model.tokenizer(TEXTS)
    found = tiny_model(standardise(pixels), tokens)
    torch.testing.assert_close(found.images, tiny_model.encode_image(pixels))
    torch.testing.assert_close(found.texts, tiny_model.encode_text(TEXTS))
    assert torch.equal(found.scale, tiny_model.logit_scale)
    assert found.map is None


def test_a_fusion_head_gets_the_map_of_the_same_pass(tiny_model_config: ModelConfig):
    head = FusionConfig(width=16, heads=2, layers=1, dropout=0.0)
    model = MedFILIP(tiny_model_config.model_copy(update={"fusion": head})).eval()
    assert model.fusion is not None
    passes: list[int] = []
    model.image_tower.trunk.register_forward_hook(lambda *_: passes.append(1))
    images = torch.randint(0, 256, (2, 1, 32, 32), dtype=torch.uint8)
    grid = model.encode_map(images)
    assert grid.shape == (2, model.image_tower.channels, 1, 1)
    found = model(torch.randn(2, 1, 32, 32), model.tokenizer(TEXTS))
    assert found.map is not None
    assert found.map.shape == grid.shape
    assert len(passes) == 2
    assert model.fusion(grid, model.encode_text(TEXTS)).presence.shape == (2, 2)


@pytest.mark.parametrize("norm", [False, True])
@torch.no_grad()
def test_locations_are_in_the_space_of_the_texts(tiny_model_config: ModelConfig, norm: bool):
    """A map of one location is the whole image."""
    model = MedFILIP(tiny_model_config.model_copy(update={"image_norm": norm})).eval()
    images = torch.rand(2, 1, 32, 32)
    places = model.locate(images)
    assert places.shape == (2, 32, 1, 1)
    torch.testing.assert_close(places[..., 0, 0], model.encode_image(images))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@torch.no_grad()
def test_half_precision_ends_in_float32(tiny_model: MedFILIP, dtype: torch.dtype):
    tiny_model.eval()
    pixels, tokens = torch.randn(3, 1, 32, 32), tiny_model.tokenizer(TEXTS)
    expected = tiny_model(pixels, tokens)
    with torch.autocast("cpu", dtype=dtype):
        found = tiny_model(pixels, tokens)
        scores = tiny_model.classify(pixels, TEXTS)
    for low, full in zip(found[:3], expected[:3], strict=True):
        assert low.dtype == torch.float32
        torch.testing.assert_close(low, full, atol=0.05, rtol=0.05)
    torch.testing.assert_close(found.images.norm(dim=1), torch.ones(3))
    # The product of unit vectors is not rounded to 8 bits.
    assert scores.dtype == torch.float32


def test_weights_that_the_config_names_are_not_read_for_a_checkpoint(
    tiny_model_config: ModelConfig,
):
    config = tiny_model_config.model_copy(
        update={"image": ImageTowerConfig(name="test_resnet", weights="pretrained")}
    )
    with pytest.raises(ConfigError, match="cannot be fetched"):
        MedFILIP(config)
    MedFILIP(config, load=False)


# Of CLIP's ResNet-50 at 448 pixels: 38,316,896 of CLIP at 224, less two of three channels of the
# first kernel (32 x 3 x 3 x 2), more positions (14 x 14 in place of 7 x 7, of 2,048).
IMAGE = 38_316_896 - 576 + (14 * 14 - 7 * 7) * 2048
# Of CLIP's text tower: 49,408 tokens and 77 positions of 512, 12 blocks, a projection to 1,024.
TEXT = (49_408 + 77) * 512 + 12 * 3_152_384 + 2 * 512 + 512 * 1024
PROJECTIONS = 2 * 1024 * 768


@pytest.mark.parametrize("name", ["paper", "official"])
def test_the_recipes_of_the_paper_have_the_documented_size(name: str):
    config = recipes.RECIPES[name]().replace(model__image__weights=None, model__text__weights=None)
    with torch.device("meta"):
        model = MedFILIP(config.model)
    assert sum(p.numel() for p in model.image_tower.parameters()) == IMAGE
    assert sum(p.numel() for p in model.parameters()) == IMAGE + TEXT + PROJECTIONS + 1
    assert IMAGE + TEXT + PROJECTIONS + 1 == 103_880_481


@pytest.mark.slow
@torch.inference_mode()
def test_the_recipe_of_the_paper_reads_two_images():
    config = recipes.paper().replace(model__image__weights=None, model__text__weights=None)
    model = MedFILIP(config.model).eval()
    images = torch.randint(0, 256, (2, 1, 448, 448), dtype=torch.uint8)
    assert model.classify(images, ["a nodule " * 60, "mass"]).shape == (2, 2)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_no_step_waits_for_the_gpu(tiny_model_config: ModelConfig):
    head = FusionConfig(width=16, heads=2, layers=1)
    model = MedFILIP(tiny_model_config.model_copy(update={"fusion": head})).cuda()
    pixels = torch.randn(4, 1, 32, 32, device="cuda")
    tokens = model.tokenizer(TEXTS).cuda()
    for dtype in (torch.bfloat16, torch.float16):
        with torch.autocast("cuda", dtype=dtype):
            model(pixels, tokens)
            torch.cuda.set_sync_debug_mode("error")
            try:
                found = model(pixels, tokens)
                (found.images @ found.texts.T * found.scale).sum().backward()
            finally:
                torch.cuda.set_sync_debug_mode("default")
        assert found.images.dtype == torch.float32
