"""MedKLIP of the release's key layout: queries of entities, and where they look."""

import json

import pytest
import torch
from iki_knowledge import load_knowledge
from medfilip_bench.errors import ModelError
from medfilip_bench.models.base import ImageTextModel, TextScorer
from medfilip_bench.models.registry import load
from timm.data.constants import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from torch import nn

WIDTH, FEED, LAYERS = 16, 20, 2


class Released(nn.Module):
    """The release's network on torch's own decoder, whose names and arithmetic are the same."""

    def __init__(self, resnet):
        super().__init__()
        torch.manual_seed(1)
        self.disease_embedding_layer = nn.Linear(32, WIDTH)
        self.cl_fc = nn.Linear(WIDTH, 32)
        self.res_features = nn.Sequential(*list(resnet.children())[:-3])
        self.res_l1 = nn.Linear(256, 256)
        self.res_l2 = nn.Linear(256, WIDTH)
        layer = nn.TransformerDecoderLayer(WIDTH, 4, FEED, norm_first=True)
        self.decoder = nn.TransformerDecoder(layer, LAYERS, nn.LayerNorm(WIDTH))
        self.classifier = nn.Linear(WIDTH, 2)

    def forward(self, pixels, texts):
        places = self.res_features(pixels).flatten(2).transpose(1, 2)
        patches = self.res_l2(torch.relu(self.res_l1(places))).transpose(0, 1)
        queries = self.disease_embedding_layer(texts).unsqueeze(1).repeat(1, len(pixels), 1)
        found = self.classifier(self.decoder(queries, patches)).transpose(0, 1)
        return found.softmax(dim=-1)[..., 1]


@pytest.fixture
def release(tmp_path, text_folder, resnet, bert, bert_config, randomise):
    network = Released(resnet("")[1]).eval()
    for name, part in network.named_children():
        if name != "res_features":
            randomise(part)
    for module in network.modules():
        if isinstance(module, nn.LayerNorm):
            nn.init.ones_(module.weight)
    state = {f"module.{name}": value for name, value in network.state_dict().items()}
    path = tmp_path / "checkpoint_final.pth"
    torch.save({"model": state, "epoch": 99, "config": {"H": 4}}, path)
    words, text = bert("bert.", bert_config, pooler=True)
    words["cls.predictions.bias"] = torch.zeros(16)
    torch.save(words, text_folder / "pytorch_model.bin")
    return path, text_folder, network, lambda ids: text(ids).last_hidden_state[:, 0]


def test_scores_are_the_releases(release, images, spoken):
    path, folder, network, read = release
    loaded = load(f"medklip:{path},text={folder}")
    assert isinstance(loaded.model, TextScorer)
    assert not isinstance(loaded.model, ImageTextModel)
    assert (loaded.name, loaded.size, loaded.template) == ("medklip", 224, None)
    pixels, (texts, ids) = images(224), spoken
    mean, std = (
        torch.tensor(values).reshape(1, 3, 1, 1)
        for values in (IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD)
    )
    with torch.inference_mode():
        queries = torch.cat([read(tokens) for tokens in ids])
        wanted = network((pixels / 255 - mean) / std, queries)
        found = loaded.model.score_texts(pixels, texts)
        features = network.res_features((pixels / 255 - mean) / std).mean(dim=(2, 3))
        assert torch.allclose(loaded.model.encode_image(pixels), features, atol=1e-4)
    assert torch.allclose(found, wanted, atol=1e-5)
    assert found.std() > 1e-4
    assert loaded.abilities == {"images", "texts", "backbone"}


def test_its_own_entities_are_asked_too(release, images, spoken, tmp_path):
    path, folder, network, read = release
    texts, ids = spoken
    (tmp_path / "book.json").write_text(json.dumps({"mass": texts[1]}), encoding="utf-8")
    alone = load(f"medklip:{path},text={folder}")
    among = load(f"medklip:{path},text={folder},book={tmp_path / 'book.json'}")
    assert alone.sha256 != among.sha256
    pixels = images(224)
    with torch.inference_mode():
        wanted = network(among.model.standardise(pixels), torch.cat([read(ids[1]), read(ids[0])]))[
            :, 1:
        ]
        found = among.model.score_texts(pixels, texts[:1])
        assert torch.allclose(found, wanted, atol=1e-5)
        assert not torch.allclose(alone.model.score_texts(pixels, texts[:1]), found, atol=1e-5)


def test_where_it_looks(release, images):
    path, folder, *_ = release
    loaded = load(f"medklip:{path},text={folder}")
    assert loaded.heatmap_kind == "attention"
    found = loaded.heatmap(images(224)[:, 0].numpy(), ["mass", "pneumothorax"], load_knowledge())
    assert found.shape == (2, 2, 224, 224)
    # A multiple of looking everywhere alike.
    assert found.mean() == pytest.approx(1, abs=0.05)
    assert found.std() > 1e-4


def test_maps_for_training(release, images):
    path, folder, network, _ = release
    loaded = load(f"medklip:{path},text={folder}")
    backbone = loaded.backbone()
    assert backbone.channels == (64, 64, 128, 256)
    assert backbone.strides == (2, 4, 8, 16)
    pixels = images(64)
    small = backbone.module.standardise(pixels)
    with torch.inference_mode():
        maps = backbone.module.eval()(pixels)
        assert torch.allclose(maps[-1], network.res_features(small), atol=1e-4)
    assert [grid.shape[1] for grid in maps] == list(backbone.channels)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("res_l2.weight", "it is no MedKLIP"),
        ("decoder.layers.1.norm3.bias", "'decoder.layers.1.norm3.bias' is missing"),
        ("res_features.5.0.conv2.weight", "'res_features.5.0.conv2.weight' is missing"),
        ("cl_fc.weight", "'cl_fc.weight' is missing"),
    ],
)
def test_a_missing_weight_is_named(release, name, words):
    path, folder, network, _ = release
    state = network.state_dict()
    del state[name]
    torch.save({"model": state}, path)
    with pytest.raises(ModelError, match=words):
        load(f"medklip:{path},text={folder}")


def test_a_text_tower_of_other_sizes(release):
    path, folder, *_ = release
    about = json.loads((folder / "config.json").read_text()) | {"num_hidden_layers": 2}
    (folder / "config.json").write_text(json.dumps(about))
    with pytest.raises(ModelError, match=r"'encoder\.layer\.2.*' is not in the model"):
        load(f"medklip:{path},text={folder}")


@pytest.mark.parametrize("content", ["[1]", '{"a": 3}', "{"])
def test_a_list_of_entities_that_is_none(release, tmp_path, content):
    path, folder, *_ = release
    (tmp_path / "book.json").write_text(content)
    with pytest.raises(ModelError, match=r"book\.json"):
        load(f"medklip:{path},text={folder},book={tmp_path / 'book.json'}")


def test_a_pickle_that_runs_code_is_refused(bomb, text_folder):
    path, crater = bomb
    with pytest.raises(ModelError, match="can run code and is not loaded"):
        load(f"medklip:{path},text={text_folder}")
    assert not crater.exists()
