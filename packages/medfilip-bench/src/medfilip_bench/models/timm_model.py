"""Image encoders of timm: references for probes, fine-tuning and segmentation."""

import warnings
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Num
from medfilip_model.config import ImageTowerConfig
from medfilip_model.errors import ConfigError
from medfilip_model.towers.timm_trunk import timm_trunk
from torch import Tensor, nn

from medfilip_bench.errors import ModelError, UnknownNameError
from medfilip_bench.files import hash_of
from medfilip_bench.models.backbones import seeded, timm_backbone
from medfilip_bench.models.base import LoadedModel
from medfilip_bench.models.identity import hash_weights, slug
from medfilip_bench.models.pixels import Standardise
from medfilip_bench.models.spec import existing, split_options, whole_number
from medfilip_bench.models.weights import fetched, fetched_address

_RANDOM = "random"


class TimmEncoder(nn.Module):
    """A timm model without classifier that reads grey images.

    Attributes:
        network: The timm model.
        standardise: Grey values 0..255 -> what its weights want.
    """

    def __init__(self, network: nn.Module, standardise: Standardise) -> None:
        """Take a model made with ``num_classes=0``."""
        super().__init__()
        self.network = network
        self.standardise = standardise

    def encode_image(self, images: Num[Tensor, "N 1 H W"]) -> Float[Tensor, "N D"]:
        """Return the pooled features of grey images, values 0..255."""
        return self.network(self.standardise(images))


def load_timm(argument: str, device: str) -> LoadedModel:
    """Load an image encoder of timm.

    Args:
        argument: ``NAME`` with the weights that timm names for it, ``NAME@FILE`` with those of a
            file, ``NAME@random`` or ``NAME@random:SEED`` with none; ``,size=S`` behind it sets
            the side of its images in place of the one that its weights were trained at.
        device: Where it is put.

    Raises:
        UnknownNameError: If timm has no such model.
        ModelError: If the weights are not to be had, do not fit, or the size is not taken.
    """
    spec = f"timm:{argument}"
    main, options = split_options("timm", argument, ("size",))
    name, _, weights = main.partition("@")
    about = _about(name)
    size = int(about.input_size[-1])
    if "size" in options:
        size = whole_number(spec, "size", options["size"], 32)
    seed, file = _weights(spec, name, weights, about)

    def fresh() -> nn.Module:
        return _network(spec, name, size, None)

    network = _network(spec, name, size, file) if seed is None else seeded(fresh, seed)
    standardise = Standardise(about.mean, about.std)
    model = TimmEncoder(network, standardise).eval()
    model = model.to(device).to(memory_format=torch.channels_last)
    return LoadedModel(
        name=slug(_short(name, weights, options)),
        spec=spec,
        model=model,
        sha256=hash_of([hash_weights(model), size, list(about.mean), list(about.std)]),
        size=size,
        trained_on=_trained_on(seed, weights, about),
        backbone=lambda: timm_backbone(network, standardise, fresh),
        template=None,
        device=device,
    )


def _about(name: str) -> Any:  # noqa: ANN401 - timm's description of weights, reached by name
    import timm

    base = name.partition(".")[0]
    if not timm.is_model(base):
        raise UnknownNameError("model of timm", name, timm.list_models())
    if name != base and name not in timm.list_pretrained():
        tags = [full for full in timm.list_pretrained() if full.partition(".")[0] == base]
        raise UnknownNameError(f"weights of timm's {base!r}:", name, tags)
    about = timm.get_pretrained_cfg(name)
    if about is None:
        raise ModelError(f"timm does not say how 'timm:{name}' wants its images; take another")
    return about


def _weights(
    spec: str,
    name: str,
    weights: str,
    about: Any,  # noqa: ANN401 - as above
) -> tuple[int | None, Path | None]:
    """The seed of random weights, or the file of trained ones."""
    word, _, seed = weights.partition(":")
    if word == _RANDOM:
        return whole_number(spec, "the seed behind 'random:'", seed or "0", 0), None
    if weights:
        return None, existing(spec, weights, "a file of weights, or 'random'")
    instead = f"timm:{name}@FILE"
    if about.hf_hub_id:
        names = [about.hf_hub_filename or "model.safetensors", "pytorch_model.bin"]
        return None, fetched(spec, about.hf_hub_id, names, instead)
    if about.url:
        return None, fetched_address(spec, about.url, instead)
    raise ModelError(f"timm has no weights for {spec!r}; give {instead!r} or 'timm:{name}@random'")


def _network(spec: str, name: str, size: int, file: Path | None) -> nn.Module:
    """A network of three channels; its weights are read and checked as those of a run's tower."""
    import timm

    try:
        if file is not None:
            tower = ImageTowerConfig(name=name.partition(".")[0], weights=str(file))
            return timm_trunk(tower, size, load=True).model
        network: Any = timm.create_model(name.partition(".")[0], pretrained=False, num_classes=0)
        if hasattr(network, "set_input_size"):
            patch = network.patch_embed.patch_size
            if any(size % side for side in patch):
                raise ModelError(f"{spec!r}: size {size} is no multiple of its patch {patch}")
            with warnings.catch_warnings():
                # Of the way in which timm resamples tables of positions, which are random here.
                warnings.simplefilter("ignore")
                network.set_input_size(img_size=size)
    except (ConfigError, AssertionError, ValueError) as error:
        raise ModelError(f"{spec!r}: {error}") from error
    return network


def _short(name: str, weights: str, options: object) -> str:
    end = Path(weights).stem if weights and not weights.startswith(_RANDOM) else weights
    size = f"-{options['size']}px" if isinstance(options, dict) and options else ""
    return f"{name}-{end}{size}" if end else f"{name}{size}"


def _trained_on(seed: int | None, weights: str, about: Any) -> str:  # noqa: ANN401 - as above
    if seed is not None:
        return f"nothing: random weights of seed {seed}"
    if weights:
        return f"unknown: weights of {Path(weights).name!r}"
    return f"natural images: timm's weights {about.tag!r}" if about.tag else "natural images"
