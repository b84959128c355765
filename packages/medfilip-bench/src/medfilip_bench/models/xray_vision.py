"""torchxrayvision's classifiers: what training on labels gives, beside zero-shot models."""

import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from iki_knowledge import KnowledgeBase, load_knowledge
from jaxtyping import Float, Num
from medfilip_model.towers.weights import State
from torch import Tensor, nn

from medfilip_bench.errors import ModelError, UnknownNameError
from medfilip_bench.files import hash_of
from medfilip_bench.models.backbones import FeatureMaps, measured
from medfilip_bench.models.base import Backbone, LoadedModel
from medfilip_bench.models.identity import hash_weights, slug
from medfilip_bench.models.pixels import Standardise
from medfilip_bench.models.restricted import LAYERS, read_restricted
from medfilip_bench.models.spec import existing, split_options
from medfilip_bench.models.weights import fit

# Grey values 0..255 to the library's -1024..1024: (x / 255 - 1/2) / (1/2048).
_MEAN, _DEVIATION = 0.5, 1 / 2048


class XrayClassifier(nn.Module):
    """A classifier of torchxrayvision, with the pixels that it wants.

    Attributes:
        network: The library's network.
        standardise: Grey values 0..255 -> -1024..1024.
    """

    def __init__(
        self, network: nn.Module, categories: tuple[str | None, ...], thresholds: Tensor
    ) -> None:
        """Take a network, what its outputs are, and the operating point of each."""
        super().__init__()
        self.network = network
        self.standardise = Standardise([_MEAN], [_DEVIATION])
        self.register_buffer("thresholds", thresholds, persistent=False)
        self._categories = categories

    @property
    def categories(self) -> tuple[str | None, ...]:
        """Category of the dictionary of each output; None for outputs that have none."""
        return self._categories

    def encode_image(self, images: Num[Tensor, "N 1 H W"]) -> Float[Tensor, "N D"]:
        """Return the pooled features of grey images, values 0..255."""
        return _features(self.network, self.standardise(images))[-1].mean(dim=(2, 3))

    def score_classes(self, images: Num[Tensor, "N 1 H W"]) -> Float[Tensor, "N K"]:
        """Score each class; 0.5 is the operating point that the library chose for it."""
        network: Any = self.network
        head = network.classifier if hasattr(network, "classifier") else network.fc
        found = torch.sigmoid(head(self.encode_image(images)))
        point = self.get_buffer("thresholds")
        below, above = found / (2 * point), 1 - (1 - found) / (2 * (1 - point))
        return torch.where(point.isnan(), found, torch.where(found < point, below, above))


def load_xray_vision(argument: str, device: str) -> LoadedModel:
    """Load a supervised classifier of torchxrayvision.

    Args:
        argument: ``NAME`` with weights in the library's cache, or ``NAME@FILE``:
            ``densenet121-res224-all``.
        device: Where it is put.

    Raises:
        UnknownNameError: If the library has no such weights.
        ModelError: If the library is not installed, or the weights are not to be had or do not fit.
    """
    spec = f"torchxrayvision:{argument}"
    main, _ = split_options("torchxrayvision", argument)
    name, _, given = main.partition("@")
    library = _library(spec)
    known: dict[str, dict[str, Any]] = library.models.model_urls
    if name not in known:
        raise UnknownNameError("model of torchxrayvision", name, known)
    about = known[name]
    path = _file(spec, library, name, about, given)
    labels: list[str] = about["labels"]
    network = _fresh(library, name, len(labels))
    state = _state(spec, path)
    fit(spec, path, network, {key: value for key, value in state.items() if key != "op_threshs"})
    thresholds = torch.tensor(about["op_threshs"], dtype=torch.float32)
    model = XrayClassifier(network, _categories(labels, load_knowledge()), thresholds)
    size = int(about["input_resolution"])
    return LoadedModel(
        name=slug(f"torchxrayvision-{name}"),
        spec=spec,
        model=model.eval().to(device),
        sha256=hash_of([hash_weights(network), size, labels, thresholds.nan_to_num(-1).tolist()]),
        size=size,
        trained_on=f"labelled images: torchxrayvision's {name!r}",
        saw_images=True,
        template=None,
        backbone=lambda: _backbone(library, name, len(labels), model, size),
        device=device,
    )


def _library(spec: str) -> ModuleType:
    # It silences every later warning when it is imported; here only its own are.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import torchxrayvision
        except ImportError as error:
            raise ModelError(
                f"{spec!r} needs the package torchxrayvision, which is not installed: "
                "pip install torchxrayvision"
            ) from error
    return torchxrayvision


def _file(spec: str, library: ModuleType, name: str, about: dict[str, Any], given: str) -> Path:
    if given:
        return existing(spec, given, "a file of weights")
    address: str = about["weights_url"]
    path = Path(library.utils.get_cache_dir()).expanduser() / address.rpartition("/")[2]
    if not path.is_file():
        raise ModelError(
            f"{spec!r}: {path.name!r} is not in the library's cache; on a connected machine run "
            f"'curl -LO {address}', copy the file here and give 'torchxrayvision:{name}@FILE'"
        )
    return path


def _state(spec: str, path: Path) -> State:
    try:
        return read_restricted(spec, path, LAYERS)
    except ModelError as error:
        # torch wrote whole networks in another way before version 1.6.
        raise ModelError(
            f"{error}; of a release that you trust, torchxrayvision and safetensors write them: "
            "safetensors.torch.save_file(torchxrayvision.models.get_model(NAME).state_dict(), FILE)"
        ) from error


def _fresh(library: ModuleType, name: str, classes: int) -> nn.Module:
    if name.startswith("resnet50"):
        from torchvision.models import resnet50

        network = resnet50(weights=None, num_classes=classes)
        network.conv1 = nn.Conv2d(1, 64, kernel_size=7, stride=2, padding=3, bias=False)
        return network
    return library.models.DenseNet(num_classes=classes)


def _categories(labels: list[str], kb: KnowledgeBase) -> tuple[str | None, ...]:
    """Category of each label; of two labels of one category, the first stands for it."""
    found: list[str | None] = []
    for label in labels:
        category = kb.resolve(label.replace("_", " ")) if label else None
        found.append(None if category in found else category)
    return tuple(found)


def _features(network: nn.Module, pixels: Tensor) -> tuple[Tensor, ...]:
    """Maps of both kinds of network, one of each stage, the last after its last activation."""
    net: Any = network
    if hasattr(net, "layer4"):
        stem = net.relu(net.bn1(net.conv1(pixels)))
        maps = [stem]
        grid = net.maxpool(stem)
        for stage in (net.layer1, net.layer2, net.layer3, net.layer4):
            grid = stage(grid)
            maps.append(grid)
        return tuple(maps)
    maps = []
    grid = pixels
    for name, layer in net.features.named_children():
        if name in ("pool0",) or name.startswith("transition"):
            maps.append(grid)
        grid = layer(grid)
    return (*maps, torch.relu(grid))


def _backbone(
    library: ModuleType, name: str, classes: int, model: XrayClassifier, size: int
) -> Backbone:
    maps = FeatureMaps(
        model.network, model.standardise, lambda: _fresh(library, name, classes), _features
    )
    return measured(maps, size)
