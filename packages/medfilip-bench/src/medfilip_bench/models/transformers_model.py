"""Image-text models of transformers: CLIP-like and SigLIP-like ones, by folder or hub name."""

import contextlib
import json
import math
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor, nn

from medfilip_bench.errors import ModelError
from medfilip_bench.files import hash_of
from medfilip_bench.models.backbones import FeatureMaps, measured
from medfilip_bench.models.base import Backbone, LoadedModel
from medfilip_bench.models.dual import DualEncoder, Tokens
from medfilip_bench.models.identity import hash_weights, slug
from medfilip_bench.models.pixels import Standardise
from medfilip_bench.models.spec import split_options
from medfilip_bench.models.weights import fetched, side_files

_LOCAL: Mapping[str, Any] = {"local_files_only": True, "trust_remote_code": False}
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
# Trained on texts filled up to the longest length, and without a mask over what fills them.
_FILLED = ("siglip", "siglip2")


def load_transformers(argument: str, device: str) -> LoadedModel:
    """Load an image-text model of transformers.

    Args:
        argument: A folder with config.json, weights, tokenizer and preprocessor_config.json, or the
            name of such a repository in the local hub cache or on the hub.
        device: Where it is put.

    Raises:
        ModelError: If it is not to be had, is no image-text model, brings Python code of its own,
            or lacks weights.
    """
    spec = f"hf:{argument}"
    main, _ = split_options("hf", argument)
    folder = _folder(spec, main)
    _refuse_code(spec, folder)
    network = _network(spec, folder)
    size, mean, deviation = _preprocessing(spec, folder, network)
    standardise = Standardise(mean, deviation)
    model = DualEncoder(
        network, standardise, see=_see, split=_tokenizer(spec, folder, network), read=_read
    )
    local = Path(main).expanduser().is_dir()
    return LoadedModel(
        name=slug(Path(main).expanduser().resolve().name if local else f"hf-{main}"),
        spec=spec,
        model=model.eval().to(device),
        sha256=hash_of([hash_weights(network), size, list(mean), list(deviation)]),
        size=size,
        trained_on="not told by the folder: see the description of its weights",
        template=None,
        backbone=_backbone(network, standardise, size),
        device=device,
    )


def _folder(spec: str, name: str) -> Path:
    folder = side_files(spec, name, "hf:FOLDER")
    if Path(name).expanduser().is_dir():
        if not (folder / "config.json").is_file():
            raise ModelError(f"{spec!r}: {name!r} has no config.json")
        return folder
    if not any((folder / file).is_file() for file in _WEIGHTS):
        return fetched(spec, name, _WEIGHTS, "hf:FOLDER").parent
    return folder


def _refuse_code(spec: str, folder: Path) -> None:
    for path in sorted(folder.glob("*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ModelError(f"{spec!r}: {path.name} cannot be read: {error}") from error
        if isinstance(content, dict) and content.get("auto_map"):
            raise ModelError(
                f"{spec!r}: {path.name} asks for Python code of its own, which is never run"
            )


def _network(spec: str, folder: Path) -> Any:  # noqa: ANN401 - transformers' classes share no type
    from transformers import AutoConfig, AutoModel

    with _clear(spec, folder):
        config = AutoConfig.from_pretrained(folder, **_LOCAL)
        network, found = AutoModel.from_pretrained(
            folder, config=config, dtype=torch.float32, output_loading_info=True, **_LOCAL
        )
    missing = sorted(found["missing_keys"]) + sorted(map(str, found["mismatched_keys"]))
    if missing:
        raise ModelError(
            f"{spec!r}: {len(missing)} weights of the model are not in the file, the first is "
            f"{missing[0]!r}; they are not left random"
        )
    if not (hasattr(network, "get_image_features") and hasattr(network, "get_text_features")):
        raise ModelError(
            f"{spec!r}: a model of kind {config.model_type!r} is no image-text model; CLIP-like "
            "and SigLIP-like ones are"
        )
    return network


def _preprocessing(
    spec: str,
    folder: Path,
    network: Any,  # noqa: ANN401 - as above
) -> tuple[int, tuple[float, ...], tuple[float, ...]]:
    from transformers import AutoImageProcessor

    with _clear(spec, folder):
        about: Any = AutoImageProcessor.from_pretrained(folder, **_LOCAL)
    size = getattr(network.config.vision_config, "image_size", None)
    if not isinstance(size, int):
        raise ModelError(f"{spec!r}: its config names no image size")
    # Of pixels in 0..1; some weights want them so, without a mean.
    if not getattr(about, "do_normalize", True):
        return size, (0.0,) * 3, (1.0,) * 3
    return size, tuple(about.image_mean), tuple(about.image_std)


def _tokenizer(
    spec: str,
    folder: Path,
    network: Any,  # noqa: ANN401 - as above
) -> Callable[[list[str]], Tokens]:
    from transformers import AutoTokenizer

    with _clear(spec, folder):
        tokens: Any = AutoTokenizer.from_pretrained(folder, **_LOCAL)
    filled = network.config.model_type in _FILLED
    text = getattr(network.config, "text_config", network.config)
    longest = min(int(text.max_position_embeddings), int(tokens.model_max_length))

    def split(texts: list[str]) -> Tokens:
        found = tokens(
            texts,
            padding="max_length" if filled else True,
            truncation=True,
            max_length=longest,
            return_tensors="pt",
        )
        names = ("input_ids",) if filled else ("input_ids", "attention_mask")
        return {name: found[name] for name in names}

    return split


def _see(network: Any, pixels: Tensor) -> Tensor:  # noqa: ANN401 - as above
    return _pooled(network.get_image_features(pixel_values=pixels))


def _read(network: Any, tokens: Tokens) -> Tensor:  # noqa: ANN401 - as above
    return _pooled(network.get_text_features(**tokens))


def _pooled(found: Any) -> Tensor:  # noqa: ANN401 - a tensor, or an output that holds it
    return found if isinstance(found, Tensor) else found.pooler_output


def _backbone(
    network: Any,  # noqa: ANN401 - as above
    standardise: Standardise,
    size: int,
) -> Callable[[], Backbone] | None:
    vision = getattr(network, "vision_model", None)
    if not isinstance(vision, nn.Module) or not hasattr(vision.config, "patch_size"):
        return None
    kind: Any = type(vision)
    maps = FeatureMaps(vision, standardise, lambda: kind(vision.config), _grid)
    return lambda: measured(maps, size)


def _grid(vision: nn.Module, pixels: Tensor) -> tuple[Tensor, ...]:
    """The patches of the last layer as a map; a class token may stand before them."""
    network: Any = vision
    tokens: Tensor = network(pixel_values=pixels).last_hidden_state
    side = math.isqrt(tokens.shape[1])
    patches = tokens[:, tokens.shape[1] - side * side :]
    return (patches.transpose(1, 2).unflatten(2, (side, side)),)


@contextlib.contextmanager
def _clear(spec: str, folder: Path) -> Generator[None]:
    try:
        yield
    except UnpicklingError as error:
        raise ModelError(
            f"{spec!r}: the weights in {str(folder)!r} are a pickle with more in it than tensors; "
            "such a file can run code and is not loaded: get the same weights as safetensors"
        ) from error
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, TypeError) as error:
        line = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ModelError(f"{spec!r}: {str(folder)!r} cannot be read: {line}") from error
