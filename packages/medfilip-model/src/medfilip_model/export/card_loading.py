"""The lines of Python that load an export, for its card; the tests run them."""

import json

from medfilip_model.export.result import Kind
from medfilip_model.export.timm import as_timm
from medfilip_model.model import MedFILIP


def loading(kind: Kind, model: MedFILIP, name: str) -> str:
    """Say how an export is loaded, in Markdown.

    Args:
        kind: What it is for.
        model: What it is of.
        name: Of its folder.
    """
    filled = {"FOLDER": name, "SIZE": str(model.config.size)}
    if kind == "timm":
        made = as_timm(model)
        # JSON's lists and numbers are Python's.
        filled["OPTIONS"] = ", ".join(f"{k}={json.dumps(v)}" for k, v in made.options.items())
        filled["ARCHITECTURE"] = made.name
    text = f"```python\n{_CODE[kind]}\n```\n\n{_NOTES[kind]}"
    for word, value in filled.items():
        text = text.replace(word, value)
    return text


_CODE: dict[Kind, str] = {
    "hub-folder": """\
from medfilip_model import load_model

model = load_model("FOLDER")
similarity = model.classify(images, ["left pleural effusion", "pneumothorax"])""",
    "onnx": """\
import onnxruntime

image = onnxruntime.InferenceSession("FOLDER/image.onnx")
vectors = image.run(None, {"pixels": pixels})[0]""",
    "torchscript": """\
import torch

image = torch.jit.load("FOLDER/image.pt")
vectors = image(pixels)""",
    "timm": """\
import timm

encoder = timm.create_model("local-dir:FOLDER", pretrained=True)
features = encoder(pixels)""",
}
_NOTES: dict[Kind, str] = {
    "hub-folder": (
        "`images` is a tensor [N, 1, H, W] of grey values on any scale. From a hub: "
        '`load_model(huggingface_hub.snapshot_download("OWNER/NAME"))`.'
    ),
    "onnx": (
        "`pixels` is float32 [N, 1, SIZE, SIZE], grey values on any scale. Texts: "
        '`tokenizers.Tokenizer.from_file("tokenizer.json")` gives the ids (int64) that `text.onnx` '
        "reads; similarity is `image_vectors @ text_vectors.T`. model.json has the sizes, the "
        "scale and the calibration. A fusion head is left out."
    ),
    "torchscript": (
        "`pixels` is float32 [N, 1, SIZE, SIZE], grey values on any scale; nothing of this package "
        'is needed. Texts: `tokenizers.Tokenizer.from_file("tokenizer.json")` gives the ids '
        "(int64) that `text.pt` reads; similarity is `image_vectors @ text_vectors.T`. A fusion "
        "head is left out."
    ),
    "timm": (
        "`pixels` is float32 [N, 1, SIZE, SIZE], each image shifted and scaled to mean 0 and "
        'deviation 1. Other ways to load it: `timm.create_model("ARCHITECTURE", '
        'checkpoint_path="FOLDER/model.safetensors", OPTIONS)`; as a pyramid of features with '
        "`features_only=True`; as an encoder of segmentation-models-pytorch with "
        '`smp.Unet("tu-local-dir:FOLDER", encoder_weights=True, in_channels=1)`. It is the image '
        "tower alone, before the projection to the common space."
    ),
}
