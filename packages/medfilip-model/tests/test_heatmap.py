import numpy as np
import pytest
import torch
from iki_knowledge import KnowledgeBase
from medfilip_model.config import DataConfig
from medfilip_model.encode import encode_texts
from medfilip_model.errors import ConfigError
from medfilip_model.grounding import upsample
from medfilip_model.heatmap import heatmap, occlude, stitch
from medfilip_model.model import MedFILIP
from medfilip_model.zeroshot import class_prompts, encode_classes
from torch.nn import functional


def pixels(count: int = 2) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 32, 32), dtype=np.uint8)


def read(images: torch.Tensor) -> torch.Tensor:
    """A tower of stride 8 whose map is the mean of each cell, for two classes."""
    return functional.avg_pool2d(images, 8).repeat(1, 2, 1, 1)


def test_a_stitched_map_is_the_densely_read_one():
    images = functional.interpolate(torch.rand(1, 1, 4, 4), 32, mode="bilinear")
    fine = stitch(read, images, 4)
    assert fine.shape == (1, 2, 16, 16)
    # Shifts of a stride of 8 by quarters, around none: -3, -1, 1, 3.
    dense = functional.avg_pool2d(images, 8, stride=1)
    # Cell 1 begins at 8; shifted by -3, -1, 1 and 3 it begins at 5, 7, 9, 11.
    for at, begin in ((4, 5), (5, 7), (6, 9), (7, 11)):
        torch.testing.assert_close(fine[0, 0, at, at], dense[0, 0, begin, begin])
        torch.testing.assert_close(fine[0, 0, at, 5], dense[0, 0, begin, 7])


def test_a_stitched_map_points_where_the_plain_one_does():
    images = torch.zeros(1, 1, 32, 32)
    images[..., 18:22, 2:6] = 1
    fine = stitch(read, images, 4)[0, 0]
    row, column = divmod(int(fine.argmax()), 16)
    assert abs((row + 0.5) * 2 - 20) <= 4
    assert abs((column + 0.5) * 2 - 4) <= 4
    assert torch.equal(stitch(read, images, 1), read(images))


def test_similarity_is_against_the_text_of_no_finding(tiny_model: MedFILIP, kb: KnowledgeBase):
    maps = heatmap(tiny_model, pixels(), kb, ["mass", "nodule"], kind="similarity", steps=1)
    assert (maps.kind, maps.floor, maps.categories) == ("similarity", 0.0, ("mass", "nodule"))
    assert maps.values.shape == (2, 2, 32, 32)
    tiny_model.eval()
    classes = encode_classes(tiny_model, class_prompts(kb, ["mass", "nodule"]))
    normal = encode_texts(tiny_model, [DataConfig().normal])
    with torch.inference_mode():
        places = tiny_model.locate(torch.from_numpy(pixels())[:, None])
    # The map of this tower is one cell: the whole image.
    assert places.shape[2:] == (1, 1)
    expected = (places[:, :, 0, 0] @ (classes - normal).T).numpy()
    np.testing.assert_allclose(maps.values[:, :, 3, 30], expected, atol=1e-5)


def test_attention_is_a_multiple_of_looking_everywhere(fusion_model: MedFILIP, kb: KnowledgeBase):
    maps = heatmap(
        fusion_model,
        np.repeat(pixels(), 2, axis=1).repeat(2, axis=2)[:, :32, :32],
        kb,
        ["mass"],
        steps=1,
    )
    assert (maps.kind, maps.floor) == ("attention", 1.0)
    np.testing.assert_allclose(maps.values.mean(), 1.0, atol=1e-3)
    assert heatmap(fusion_model, pixels(), kb, ["mass"], kind="similarity").kind == "similarity"


def test_hiding_what_counts_costs_most():
    images = torch.rand(2, 1, 32, 32)

    def score(shown: torch.Tensor) -> torch.Tensor:
        """A class of a place low on the left, and its opposite."""
        patch = shown[..., 20:28, 4:12]
        roughness = (patch - patch.mean(dim=(2, 3), keepdim=True)).abs().mean(dim=(1, 2, 3))
        return torch.stack([roughness, -roughness], dim=1)

    maps = occlude(score, images, 8)
    assert maps.shape == (2, 2, 8, 8)
    for one, other in maps:
        # Cells of 4 pixels: the patch is in those of rows 5 and 6, columns 1 and 2.
        row, column = divmod(int(one.argmax()), 8)
        assert row in (5, 6)
        assert column in (1, 2)
        # Far away nothing is lost.
        assert one[:3, 5:].abs().max() < 1e-6
        torch.testing.assert_close(one, -other)


def test_the_border_is_hidden_as_often_as_the_middle():
    def score(shown: torch.Tensor) -> torch.Tensor:
        return (shown[:, 0, 0, 0] != 1.0).float()[:, None] * -1.0

    images = torch.zeros(1, 1, 32, 32)
    images[..., 0, 0] = 1.0
    cells = occlude(score, images, 4)[0, 0]
    # The corner pixel is lost in all four windows of its cell.
    assert float(cells[0, 0]) == 1.0
    assert float(cells[0, 1]) == 0.5
    assert float(cells[2:, 2:].abs().max()) == 0


def test_occlusion_is_of_the_whole_image_against_no_finding(
    tiny_model: MedFILIP, kb: KnowledgeBase
):
    maps = heatmap(tiny_model, pixels(), kb, ["mass", "nodule"])
    assert (maps.kind, maps.floor) == ("occlusion", 0.0)
    tiny_model.eval()
    texts = encode_classes(tiny_model, class_prompts(kb, ["mass", "nodule"]))
    apart = texts - encode_texts(tiny_model, [DataConfig().normal])
    with torch.inference_mode():
        images = torch.from_numpy(pixels())[:, None]
        cells = occlude(lambda shown: tiny_model.encode_image(shown) @ apart.T, images)
    np.testing.assert_allclose(maps.values, upsample(cells, 32).numpy(), atol=1e-5)
    assert np.ptp(maps.values) > 0


def test_other_images_change_nothing(fusion_model: MedFILIP, kb: KnowledgeBase):
    both = heatmap(fusion_model, pixels(20), kb, ["mass", "covid19"], steps=2).values
    alone = heatmap(fusion_model, pixels(20)[17:18], kb, ["covid19"], steps=2).values
    np.testing.assert_allclose(both[17, 1], alone[0, 0], atol=1e-4)


def test_no_images(tiny_model: MedFILIP, kb: KnowledgeBase):
    maps = heatmap(tiny_model, np.zeros((0, 32, 32), np.uint8), kb, ["mass"])
    assert maps.values.shape == (0, 1, 32, 32)


def test_a_dual_encoder_has_no_attention(tiny_model: MedFILIP, kb: KnowledgeBase):
    with pytest.raises(ConfigError, match="take kind='similarity'"):
        heatmap(tiny_model, pixels(), kb, ["mass"], kind="attention")


def test_the_mode_before_is_restored(tiny_model: MedFILIP, kb: KnowledgeBase):
    tiny_model.train()
    heatmap(tiny_model, pixels(), kb, ["mass"])
    assert tiny_model.training


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_cuda(fusion_model: MedFILIP, kb: KnowledgeBase):
    here = heatmap(fusion_model, pixels(), kb, ["mass"]).values
    there = heatmap(fusion_model.to("cuda"), pixels(), kb, ["mass"]).values
    np.testing.assert_allclose(here, there, atol=1e-2)
