"""BioViL of the release's key layout."""

import json

import pytest
import torch
from medfilip_bench.errors import ModelError
from medfilip_bench.models.registry import load
from torch import nn

EMBED, HIDDEN = 6, 10


@pytest.fixture
def release(tmp_path, text_folder, resnet, bert, bert_config):
    """The image tower's file, and CXR-BERT's weights in the text folder."""
    torch.manual_seed(3)
    state, image = resnet("encoder.encoder.", head=nn.Linear(512, 1000))
    image.fc = nn.Identity()
    projector = nn.Sequential(
        nn.Conv2d(512, HIDDEN, 1, bias=False),
        nn.BatchNorm2d(HIDDEN),
        nn.ReLU(),
        nn.Conv2d(HIDDEN, EMBED, 1),
    ).eval()
    state |= {f"projector.model.{k}": v for k, v in projector.state_dict().items()}
    torch.save(state, tmp_path / "biovil.pt")
    words, text = bert("bert.", bert_config, pooler=False)
    head = {
        "dense_to_hidden": nn.Linear(32, EMBED),
        "LayerNorm": nn.LayerNorm(EMBED, eps=1e-12),
        "dense_to_output": nn.Linear(EMBED, EMBED),
    }
    for name, layer in head.items():
        words |= {f"cls_projection_head.{name}.{k}": v for k, v in layer.state_dict().items()}
    words["cls.predictions.bias"] = torch.zeros(16)
    torch.save(words, text_folder / "pytorch_model.bin")
    about = json.loads((text_folder / "config.json").read_text()) | {"projection_size": EMBED}
    (text_folder / "config.json").write_text(json.dumps(about | {"model_type": "cxr-bert"}))

    def see(pixels):
        grid = image.conv1(pixels)
        grid = image.maxpool(image.relu(image.bn1(grid)))
        grid = image.layer4(image.layer3(image.layer2(image.layer1(grid))))
        return projector(grid).mean(dim=(2, 3))

    def read(ids):
        first = text(ids).last_hidden_state[:, 0]
        hidden = head["LayerNorm"](nn.functional.gelu(head["dense_to_hidden"](first)))
        return head["dense_to_output"](hidden)

    return tmp_path / "biovil.pt", text_folder, see, read


def test_images_and_texts(release, images, spoken):
    path, folder, see, read = release
    loaded = load(f"biovil:{path},text={folder}")
    assert (loaded.name, loaded.size, loaded.template) == ("biovil", 480, None)
    pixels, (texts, ids) = images(480), spoken
    with torch.inference_mode():
        wanted = see((pixels / 255).expand(-1, 3, -1, -1))
        assert torch.allclose(loaded.model.encode_image(pixels), wanted, atol=1e-5)
        for row, tokens in zip(loaded.model.encode_text(texts), ids, strict=True):
            assert torch.allclose(row, read(tokens)[0], atol=1e-5)
    assert loaded.backbone().channels == (64, 64, 128, 256, 512)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("projector.model.3.weight", "it is no BioViL"),
        ("projector.model.1.running_var", "'projector.model.1.running_var' is missing"),
    ],
)
def test_a_missing_weight_of_the_image_tower(release, name, words):
    path, folder, *_ = release
    state = torch.load(path, weights_only=True)
    del state[name]
    torch.save(state, path)
    with pytest.raises(ModelError, match=words):
        load(f"biovil:{path},text={folder}")


def test_a_missing_weight_of_the_text_tower(release):
    path, folder, *_ = release
    state = torch.load(folder / "pytorch_model.bin", weights_only=True)
    del state["cls_projection_head.dense_to_output.bias"]
    torch.save(state, folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"dense_to_output\.bias' is missing"):
        load(f"biovil:{path},text={folder}")
    (folder / "pytorch_model.bin").unlink()
    with pytest.raises(ModelError, match=r"has none of model\.safetensors, pytorch_model\.bin"):
        load(f"biovil:{path},text={folder}")


@pytest.mark.parametrize("which", ["image", "text"])
def test_a_pickle_that_runs_code_is_refused(release, bomb, which):
    path, folder, *_ = release
    evil, crater = bomb
    evil.rename(path if which == "image" else folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="can run code and is not loaded"):
        load(f"biovil:{path},text={folder}")
    assert not crater.exists()
