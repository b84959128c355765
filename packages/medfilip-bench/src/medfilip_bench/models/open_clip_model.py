"""CLIP and its kin in open_clip: by name and weights, or from a folder of a hub."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

from open_clip.constants import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
from open_clip.convert import convert_state_dict
from open_clip.model import CLIP, CustomTextCLIP, convert_to_custom_text_state_dict
from open_clip.modified_resnet import ModifiedResNet
from open_clip.tokenizer import HFTokenizer, SimpleTokenizer
from torch import Tensor

from medfilip_bench.errors import ModelError
from medfilip_bench.files import hash_of
from medfilip_bench.models.backbones import FeatureMaps, measured, timm_backbone
from medfilip_bench.models.base import Backbone, LoadedModel
from medfilip_bench.models.dual import DualEncoder, Tokens
from medfilip_bench.models.identity import hash_weights, slug
from medfilip_bench.models.open_clip_recipe import Recipe, find_recipe
from medfilip_bench.models.pixels import Standardise
from medfilip_bench.models.spec import split_options
from medfilip_bench.models.weights import fit, read_weights, side_files

# Numbers that OpenAI's files keep among the weights.
_ASIDE = ("input_resolution", "context_length", "vocab_size")


def load_open_clip(argument: str, device: str) -> LoadedModel:
    """Load an image-text model of open_clip.

    Args:
        argument: ``NAME/TAG`` with weights that open_clip names; ``NAME/FILE`` with those of a
            file (``ViT-B-32//models/clip.safetensors``); a folder with open_clip_config.json and
            weights; or ``hf-hub:OWNER/NAME``. ``,text=FOLDER`` behind it is where the configuration
            and tokenizer of a BERT-like text tower are.
        device: Where it is put.

    Raises:
        UnknownNameError: If open_clip has no such model or weights.
        ModelError: If weights or tokenizer are not to be had, or do not fit.
    """
    spec = f"open_clip:{argument}"
    main, options = split_options("open_clip", argument, ("text",))
    recipe = find_recipe(spec, main, options.get("text"))
    return make(spec, recipe, slug(f"open_clip-{recipe.name}"), device)


def make(
    spec: str,
    recipe: Recipe,
    name: str,
    device: str,
    trained_on: str = "images with texts of the web or of papers: see its weights' description",
    *,
    saw_images: bool = False,
) -> LoadedModel:
    """Make an open_clip model and load all of its weights.

    Args:
        spec: What ``--model`` was given.
        recipe: What makes it.
        name: Folder name of its results.
        device: Where it is put.
        trained_on: What it was trained on, in words.
        saw_images: Whether chest radiographs trained it.

    Raises:
        ModelError: If weights or tokenizer are not to be had, or do not fit.
    """
    split = tokenizer(spec, recipe)
    network = build(spec, recipe)
    load_clip(spec, network, recipe.weights)
    visual: Any = network.visual
    size = _side(visual.image_size)
    mean, deviation = (
        tuple(recipe.preprocess.get(key) or default)
        for key, default in (("mean", OPENAI_DATASET_MEAN), ("std", OPENAI_DATASET_STD))
    )
    standardise = Standardise(mean, deviation)
    model = DualEncoder(network, standardise, see=_see, split=split, read=_read)
    return LoadedModel(
        name=name,
        spec=spec,
        model=model.eval().to(device),
        sha256=hash_of([hash_weights(network), size, mean, deviation]),
        size=size,
        trained_on=trained_on,
        saw_images=saw_images,
        template=None,
        backbone=lambda: _backbone(spec, recipe, visual, standardise),
        device=device,
    )


def build(spec: str, recipe: Recipe) -> Any:  # noqa: ANN401 - open_clip's models are untyped
    """Make the network with open_clip's random start.

    Raises:
        ModelError: If open_clip cannot make it.
    """
    config = copy.deepcopy(dict(recipe.config))
    text, vision = config["text_cfg"], config["vision_cfg"]
    if "multimodal_cfg" in config:
        raise ModelError(f"{spec!r}: a model that writes captions too (CoCa) is not supported")
    if "timm_model_name" in vision:
        vision["timm_model_pretrained"] = False
    if recipe.text is not None:
        text |= {"hf_model_name": str(recipe.text), "hf_model_pretrained": False}
    kind = CustomTextCLIP if config.pop("custom_text", False) or recipe.text is not None else CLIP
    try:
        return kind(**config)
    except (OSError, ValueError, RuntimeError, TypeError, KeyError, AssertionError) as error:
        raise ModelError(f"{spec!r}: open_clip cannot make the model: {error}") from error


def load_clip(spec: str, network: Any, path: Path) -> None:  # noqa: ANN401 - as above
    """Load a whole CLIP's weights, of open_clip's names, OpenAI's, or older ones.

    Args:
        spec: The model, for messages.
        network: The model.
        path: The file.

    Raises:
        ModelError: If any weight is missing, left over, or of another shape.
    """
    state = {name: value for name, value in read_weights(spec, path).items() if name not in _ASIDE}
    state = convert_state_dict(network, state)
    if "positional_embedding" in state and not hasattr(network, "positional_embedding"):
        state = convert_to_custom_text_state_dict(state)
    for name, own in network.named_parameters(recurse=False):
        if name in state and state[name].numel() == own.numel() == 1:
            state[name] = state[name].reshape(own.shape)
    fit(spec, path, network, state)


def tokenizer(spec: str, recipe: Recipe) -> Callable[[list[str]], Tokens]:
    """Return the function from texts to tokens.

    Raises:
        ModelError: If the tokenizer is not to be had.
    """
    text = recipe.config["text_cfg"]
    context = text.get("context_length", 77)
    options: dict[str, Any] = dict(text.get("tokenizer_kwargs") or {})
    if text.get("hf_tokenizer_name"):
        folder = next(
            (side for side in (recipe.folder, recipe.text) if side and has_tokenizer(side)), None
        ) or side_files(spec, text["hf_tokenizer_name"], f"{spec},text=FOLDER")
        try:
            split: Any = HFTokenizer(
                str(folder), context, tokenizer_mode=text.get("tokenizer_mode"), **options
            )
        except (OSError, ValueError, TypeError, ImportError) as error:
            line = str(error).partition("\n")[0]
            raise ModelError(f"{spec!r}: no tokenizer in {str(folder)!r}: {line}") from error
    else:
        split = SimpleTokenizer(context_length=context, **options)
    return lambda texts: {"ids": split(texts)}


def has_tokenizer(folder: Path) -> bool:
    """Return whether a folder has a tokenizer's files."""
    names = ("tokenizer.json", "vocab.txt", "vocab.json", "spiece.model", "tokenizer.model")
    return any((folder / name).is_file() for name in names)


def _see(network: Any, pixels: Tensor) -> Tensor:  # noqa: ANN401 - as above
    return network.encode_image(pixels)


def _read(network: Any, tokens: Tokens) -> Tensor:  # noqa: ANN401 - as above
    return network.encode_text(tokens["ids"])


def _backbone(
    spec: str,
    recipe: Recipe,
    visual: Any,  # noqa: ANN401 - as above
    standardise: Standardise,
) -> Backbone:
    if hasattr(visual, "trunk"):
        return timm_backbone(visual.trunk, standardise, lambda: build(spec, recipe).visual.trunk)
    maps = FeatureMaps(visual, standardise, lambda: build(spec, recipe).visual, _maps)
    return measured(maps, _side(visual.image_size))


def _maps(visual: Any, pixels: Tensor) -> tuple[Tensor, ...]:  # noqa: ANN401 - as above
    if isinstance(visual, ModifiedResNet):
        # The stem's map is as coarse as that of the first layer.
        return tuple(visual.forward_intermediates(pixels, indices=4)["image_intermediates"])
    found = visual.forward_intermediates(pixels, indices=1, normalize_intermediates=True)
    return tuple(found["image_intermediates"])


def _side(size: int | tuple[int, int]) -> int:
    return size if isinstance(size, int) else int(size[0])
